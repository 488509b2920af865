"""`meterpost-stub printers`: serve a folder of recordings until told to stop. TEST ONLY."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from meterpost.errors import MeterpostError, SettingsError
from meterpost_stub.printers.control import Control, describe
from meterpost_stub.printers.fleet import BUILT_IN, Fleet, recordings_in
from meterpost_stub.printers.usm import AgentUser


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Hang `printers` into the command; `arguments.run` is `run`."""
    parser = subparsers.add_parser(
        "printers",
        help="simulated printers: every recording in a folder as one SNMP agent on loopback",
        description="Serves every recording in a folder as one SNMP agent on a loopback address of its own. For tests only.",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, nargs="?", default=BUILT_IN, help="recordings (default: our fleet)")
    parser.add_argument("--network", default="127.20.0.0/24", help="addresses to use, inside 127.0.0.0/8 (%(default)s)")
    parser.add_argument("--port", type=_port, default=1161, help="UDP port; 0: each agent one of its own (%(default)s)")
    parser.add_argument("--community", action="append", metavar="NAME", help="may be repeated (public)")
    parser.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="NAME:AUTHPASS:PRIVPASS",
        help="SNMPv3 user, SHA and AES; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="first line: addresses and control port as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. 0 after a clean stop, 2 for bad input, 6 for an address that cannot be had."""
    stop = threading.Event()
    try:
        users = tuple(map(_user, arguments.user))
        communities = tuple(arguments.community or ("public",))
        recordings = recordings_in(arguments.folder)
        for path in sorted(set(arguments.folder.iterdir()) - set(recordings)):
            sys.stderr.write(f"meterpost-stub printers: {path.name} is left out: not named like a recording\n")
        with Fleet(recordings, arguments.network, arguments.port, communities, users) as fleet, Control(fleet) as control:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            sys.stdout.write((_as_json if arguments.json else _as_text)(fleet, control))
            sys.stdout.flush()
            stop.wait()
    except MeterpostError as error:
        sys.stderr.write(f"meterpost-stub printers: {error}\n" + (f"{error.advice}\n" if error.advice else ""))
        return error.exit_code
    return 0


def _as_json(fleet: Fleet, control: Control) -> str:
    printers = [describe(printer) for printer in fleet.printers]
    return json.dumps({"printers": printers, "control_url": control.url, "control_token": control.token}) + "\n"


def _as_text(fleet: Fleet, control: Control) -> str:
    lines = [f"{printer.address}:{printer.port}  {printer.name}" for printer in fleet.printers]
    return "\n".join([*lines, f"TEST ONLY. Control port {control.url}, token {control.token}", ""])


def _user(text: str) -> AgentUser:
    parts = text.split(":", 2)
    if len(parts) != 3:
        raise SettingsError("--user is not NAME:AUTHPASS:PRIVPASS")
    return AgentUser(*parts)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not a port")
    return port
