"""Recordings of living printers."""

import sys
from argparse import Namespace

from meterpost.cli import opening, show
from meterpost.errors import SettingsError


def record(args: Namespace) -> int:
    """Writes a recording to a new file, or to stdout."""
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
            return 0
        try:
            with args.output.open("x", encoding="ascii") as file:  # nothing is overwritten, and it is told before the walk
                text = agent.record(host, port, args.redact)
                file.write(text)
        except OSError as error:
            raise SettingsError(f"{args.output} cannot be written: {error.strerror}", "Name another file.") from None
        except BaseException:
            args.output.unlink()
            raise
    count = len(text.splitlines())
    if args.json:
        show.as_json({"file": str(args.output), "variables": count})
    else:
        show.prose(show.console(args), f"{count} variables of {args.target} are in {args.output}.")
    return 0
