"""Recordings of living printers."""

import sys
from argparse import Namespace

from meterpost.cli import opening, show
from meterpost.errors import SettingsError


def record(args: Namespace) -> int:
    """Writes a recording to a new file, or to stdout. One that ends before its device does is kept, and is exit code 1."""
    agent, _ = opening.looking(args)
    with agent:
        endpoints = agent.plan((args.target,)).endpoints
        if len(endpoints) != 1:
            raise SettingsError(f"{args.target} is not one device", "Record one printer at a time.")
        ((host, port),) = endpoints
        if "://" in host:
            raise SettingsError(f"{args.target} is not read by SNMP", "Recordings are made by SNMP: name an address.")
        if args.output is None:
            text = agent.record(host, port, args.redact)
            sys.stdout.write(text)
            return _said(args, text)
        try:
            with args.output.open("x", encoding="ascii") as file:  # nothing is overwritten, and it is told before the walk
                text = agent.record(host, port, args.redact)
                file.write(text)
        except OSError as error:
            raise SettingsError(f"{args.output} cannot be written: {error.strerror}", "Name another file.") from None
        except BaseException:
            args.output.unlink()
            raise
    code = _said(args, text)
    count = sum(not line.startswith("#") for line in text.splitlines())
    if args.json:
        show.as_json({"file": str(args.output), "variables": count})
    else:
        show.prose(show.console(args), f"{count} variables of {args.target} are in {args.output}.")
    return code


def _said(args: Namespace, text: str) -> int:
    """The exit code, and on stderr why the recording is not everything: its first line says it."""
    if not text.startswith("#"):
        return 0
    note = text.partition("\n")[0].removeprefix("# ")
    show.prose(show.console(args, stderr=True), f"The recording of {args.target} is {note}.")
    return int(note.startswith("incomplete"))
