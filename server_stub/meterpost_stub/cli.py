"""The command `meterpost-stub`: `serve` runs the reference server, `printers` the simulated fleet,
`crowd` thousands of printers to measure clients with.

Exit codes are those of the client (meterpost.errors): 0 stopped by SIGTERM or SIGINT, 2 a wrong option or file,
4 the store cannot be opened, 6 the address cannot be had.
"""

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from meterpost.errors import MeterpostError, SettingsError
from meterpost_stub.printers import cli as printers

_WARNING = (
    "meterpost-stub: TEST ONLY. A throw-away certification authority, the password on stdout, clocks that can be moved. "
    "Never send it the reads of real printers."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="meterpost-stub", description="The reference server and simulated printers of meterpost."
    )
    subparsers = parser.add_subparsers(dest="command", required=True)
    add_parser(subparsers)
    printers.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except MeterpostError as error:
        print(f"meterpost-stub: {error}", error.advice, sep="\n", file=sys.stderr)  # noqa: T201  # a command's output
        return error.exit_code


def add_parser(subparsers: Any) -> None:
    """Adds `serve` and its options."""
    parser = subparsers.add_parser("serve", help="run the reference server", description=_WARNING)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the service (default: a free one)")
    parser.add_argument(
        "--admin-port", type=int, default=0, help="port of the admin interface on 127.0.0.1 (default: a free one)"
    )
    parser.add_argument("--db", type=Path, help="SQLite file to keep everything in (default: memory, gone at exit)")
    parser.add_argument(
        "--dir", type=Path, help="folder that keeps the server's keys and certificates (default: a temporary one)"
    )
    parser.add_argument("--username", default="site", help="the account's user name (default: %(default)s)")
    parser.add_argument("--password-file", type=Path, help="file with the account's password (default: a random one)")
    parser.add_argument("--registration-delay", type=float, default=3600, metavar="S", help="until a registration takes effect")
    parser.add_argument("--clock", metavar="ISO", help="where the billing calendar starts (default: now)")
    parser.add_argument("--budget", choices=("off", "warn", "refuse"), default="refuse", help="messages over their formula")
    parser.add_argument("--client-ca", type=Path, help="demand client certificates of this CA")
    parser.add_argument(
        "--accept",
        nargs="+",
        action="extend",
        metavar="POLICY",
        help="security policies messages may follow (default: all but text-2004)",
    )
    parser.add_argument(
        "--enrol",
        nargs="+",
        action="extend",
        metavar="POLICY",
        help="those a registration may follow as well (default: the digest policies)",
    )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="CLIENT=FILE",
        help="a certificate (PEM) to believe for a client's id, or for all clients of an account",
    )
    parser.add_argument("--key-days", type=float, metavar="N", help="days a client's certificate is valid (default: 365)")
    parser.add_argument("--json", action="store_true", help="one JSON object with addresses and secrets as the first line")
    parser.add_argument("--verbose", action="store_true", help="log to stderr")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT."""
    try:
        from meterpost_stub.serve import StubServer
    except ImportError as error:
        raise SettingsError(
            f"the reference server needs packages that are not installed: {error}", "pip install 'meterpost[stub]'"
        ) from None

    logging.basicConfig(level=logging.INFO if args.verbose else logging.ERROR, stream=sys.stderr)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(_WARNING, file=sys.stderr)  # noqa: T201  # a command's output
    with StubServer(_options(args)) as stub:
        description = stub.describe()
        lines = json.dumps(description) if args.json else "\n".join(f"{key:20} {text}" for key, text in description.items())
        print(lines, flush=True)  # noqa: T201  # a command's output
        while not stop.wait(3600):
            pass
    return 0


def _options(args: argparse.Namespace) -> Any:
    from meterpost.wsse import Acceptance
    from meterpost_stub.admin import moment
    from meterpost_stub.budget import Enforcement
    from meterpost_stub.serve import StubOptions

    given: dict[str, Any] = {}
    try:
        if args.clock:
            given["calendar"] = moment(args.clock)
    except ValueError:
        raise SettingsError(f"--clock: {args.clock!r} is not an ISO 8601 time", "Write it like 2026-01-31T08:00:00Z.") from None
    try:
        if args.password_file:
            given["password"] = args.password_file.read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError(f"--password-file: {error}", "It must be a file of UTF-8 text that may be read.") from None
    if args.accept:
        given["accept"] = Acceptance(tuple(args.accept))
    if args.enrol:
        given["enrol"] = Acceptance(tuple(args.enrol)).policies  # raises for what is no policy
    if args.key_days is not None:
        given["key_days"] = args.key_days
    return StubOptions(
        host=args.host,
        port=args.port,
        admin_port=args.admin_port,
        db=args.db,
        folder=args.dir,
        username=args.username,
        registration_delay=timedelta(seconds=args.registration_delay),
        budget=Enforcement(args.budget),
        client_ca=args.client_ca,
        trusted=tuple(_trusted(text) for text in args.trust),
        **given,
    )


def _trusted(text: str) -> tuple[str, Path]:
    holder, equals, file = text.rpartition("=")
    if not (holder and equals and file):
        raise SettingsError(f"--trust: {text!r} is not CLIENT=FILE", "CLIENT is a client's id, or an account.")
    return holder, Path(file)


if __name__ == "__main__":
    sys.exit(main())
