"""`meterpost-stub printers` and `meterpost-stub crowd`: serve a folder of recordings until told to stop. TEST ONLY."""

import argparse
import json
import os
import select
import signal
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

from meterpost.errors import MeterpostError, SettingsError
from meterpost_stub.printers.control import Control, describe
from meterpost_stub.printers.crowd import Crowd, Manner
from meterpost_stub.printers.fleet import BUILT_IN, Fleet, recordings_in
from meterpost_stub.printers.usm import AgentUser


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Hang `printers` and `crowd` into the command; `arguments.run` runs what was chosen."""
    parser = subparsers.add_parser(
        "printers",
        help="simulated printers: every recording in a folder as one SNMP agent on loopback",
        description="Serves every recording in a folder as one SNMP agent on a loopback address of its own. For tests only.",
    )
    _add_common(parser, "127.20.0.0/24")
    parser.add_argument("--json", action="store_true", help="first line: addresses and control port as one JSON object")
    parser.set_defaults(run=run)
    parser = subparsers.add_parser(
        "crowd",
        help="thousands of simulated printers on one socket, to measure clients with",
        description="Serves the recordings in a folder as thousands of printers on loopback, for measuring clients. The first "
        "line on stdout is a JSON object. A JSON object on stdin (a line: {}, or any of printers, alive, delay_ms, loss, seed) "
        "is answered by the counts since the last one, and what it names is changed. For tests only.",
    )
    _add_common(parser, "127.64.0.0/12")
    parser.add_argument("--printers", type=int, default=4000, metavar="N", help="how many have an address (%(default)s)")
    parser.add_argument("--alive", type=_share, default=1.0, metavar="SHARE", help="how many of them answer: 5%% (100%%)")
    parser.add_argument("--delay", type=_range, default=(0.0, 0.0), metavar="MS-MS", help="until an answer: 5-40 (0-0)")
    parser.add_argument("--loss", type=_share, default=0.0, metavar="SHARE", help="answers that are lost: 1%% (0%%)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn by chance (%(default)s)")
    parser.set_defaults(run=run_crowd)


def _add_common(parser: argparse.ArgumentParser, network: str) -> None:
    parser.add_argument("folder", metavar="DIR", type=Path, nargs="?", default=BUILT_IN, help="recordings (default: our fleet)")
    parser.add_argument("--network", default=network, help="addresses to use, inside 127.0.0.0/8 (%(default)s)")
    parser.add_argument("--port", type=_port, default=1161, help="UDP port; 0: a free one, or one each (%(default)s)")
    parser.add_argument("--community", action="append", metavar="NAME", help="may be repeated (public)")
    parser.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="NAME:AUTHPASS:PRIVPASS",
        help="SNMPv3 user, SHA and AES; may be repeated",
    )


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


def run_crowd(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; exit codes as `run`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        users = tuple(map(_user, arguments.user))
        communities = tuple(arguments.community or ("public",))
        manner = Manner(arguments.printers, arguments.alive, arguments.delay, arguments.loss, arguments.seed)
        recordings = recordings_in(arguments.folder)
        with Crowd(recordings, manner, arguments.network, arguments.port, communities, users) as crowd:
            _write({"port": crowd.port, "recordings": len(recordings), "count": len(crowd.alive), "addresses": crowd.alive})
            _attend(crowd)
    except MeterpostError as error:
        sys.stderr.write(f"meterpost-stub crowd: {error}\n" + (f"{error.advice}\n" if error.advice else ""))
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


def _attend(crowd: Crowd) -> None:
    """Both the crowd and the lines on stdin, which may be closed."""
    orders, watched = b"", [crowd, sys.stdin]
    while True:
        until = crowd.turn(time.monotonic())
        ready, _, _ = select.select(watched, (), (), None if until is None else max(0.0, until - time.monotonic()))
        if sys.stdin in ready:
            came = os.read(sys.stdin.fileno(), 65536)
            orders += came
            if not came:
                watched.remove(sys.stdin)
            while b"\n" in orders:
                line, _, orders = orders.partition(b"\n")
                _write(_obey(crowd, line))


def _obey(crowd: Crowd, order: bytes) -> dict[str, object]:
    try:
        counts = crowd.behave(replace(crowd.manner, **json.loads(order)))
    except (TypeError, ValueError, SettingsError) as error:
        return {"error": str(error)}
    return asdict(counts) | {"dropped": crowd.dropped(), "cpu_s": time.process_time(), "addresses": crowd.alive}


def _write(fields: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


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


def _share(text: str) -> float:
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    return float(low), float(high or low)
