"""The commands as rows of a table: name, help, arguments, and the function that does it. No engine is imported here:
a command's module is loaded when the command is run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meterpost.cli.values import number
from meterpost.settings import ENGINES


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of argparse."""

    flags: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def argument(*flags: str, **options: Any) -> Argument:
    return Argument(flags, options)


@dataclass(frozen=True, slots=True)
class Command:
    """`run` names a function as "module:function": it takes the parsed arguments and returns the exit code.
    `more` names one that adds arguments to the command's parser."""

    name: str
    help: str
    run: str
    arguments: tuple[Argument, ...] = ()
    more: str = ""


SNMP = (
    argument("--port", type=number(int, 1, 65535), metavar="N", help="UDP port of the printers (settings: snmp.port, 161)"),
    argument("--community", action="append", metavar="WORD", help="SNMP community, may be given several times (public)"),
    argument("--timeout", type=number(float, 0.05, 60), metavar="S", help="seconds to wait for an answer (2)"),
    argument("--retries", type=number(int, 0, 10), metavar="N", help="further tries after silence (1)"),
    argument("--engine", choices=ENGINES, help="who speaks SNMP (settings: snmp.engine, auto)"),
    argument("--snmp-version", choices=("1", "2c", "3"), help="only this version (2c, then 1, then 3 where there are users)"),
)

TARGETS = "address, network, range, host name, each with :port too; @FILE, or a printer's URI"

COMMANDS = (
    Command(
        "discover",
        "look for printers; what is found is remembered, nothing is enrolled",
        "meterpost.cli.printers:discover",
        (
            argument(
                "targets",
                nargs="*",
                metavar="TARGET",
                help="address, network, range, host name, @FILE, printer's URI, or a word of 'segments' (discovery.targets)",
            ),
            argument("--exclude", action="append", default=[], metavar="TARGET", help="leave this out, may be given again"),
            argument("--yes", action="store_true", help="do not ask before the scan"),
            argument("--rate", type=number(int, 1, 1_000_000), metavar="N", help="packets per second at most (200)"),
            argument("--deadline", type=number(int, 1, 86_400), metavar="S", help="end after so many seconds"),
            *SNMP,
        ),
    ),
    Command(
        "read",
        "read printers now; nothing is kept",
        "meterpost.cli.printers:read",
        (
            argument("targets", nargs="*", metavar="TARGET", help=TARGETS),
            argument("--recording", type=Path, metavar="FILE", help="a .snmprec or snmpwalk -On file instead of a printer"),
            *SNMP,
        ),
    ),
    Command(
        "segments",
        "where printers may be: networks and devices this computer, its gateway and the printers themselves name",
        "meterpost.cli.segments:segments",
        (
            argument("words", nargs="*", metavar="WORD", help="subnets, gateway, broadcast, mdns, local (subnets gateway)"),
            *SNMP,
        ),
    ),
    Command(
        "record",
        "write a recording of a printer: a test case, and a simulated printer",
        "meterpost.cli.record:record",
        (
            argument("target", metavar="TARGET", help="address or host name, with :port if it is not the usual one"),
            argument("--output", type=Path, metavar="FILE", help="write it here (stdout)"),
            argument("--redact", action="store_true", help="with stand-ins for serial numbers, names, places, addresses"),
            *SNMP,
        ),
    ),
    Command(
        "profile",
        "check a profile of your own against a recording",
        "meterpost.cli.profile:check",
        (
            argument("action", choices=("check",), help="what to do"),
            argument("file", type=Path, metavar="FILE", help="the profile, a TOML file"),
            argument("recording", type=Path, metavar="RECORDING", help="a .snmprec or snmpwalk -On file"),
        ),
    ),
    Command(
        "wizard",
        "set up: connection, account, printers, registration",
        "meterpost.cli.wizard:run",
        more="meterpost.cli.wizard_flags:add_arguments",
    ),
    Command(
        "enrol",
        "choose printers and register them",
        "meterpost.cli.enrolment:enrol",
        (
            argument("serials", nargs="*", metavar="SERIAL", help="a printer that was discovered"),
            argument("--all", action="store_true", help="every printer that was discovered and is not enrolled"),
            argument("--dry-run", action="store_true", help="show the messages and their size, send nothing"),
        ),
    ),
    Command(
        "withdraw",
        "take a printer out, and tell the server",
        "meterpost.cli.enrolment:withdraw",
        (argument("serial", metavar="SERIAL"),),
    ),
    Command(
        "replace",
        "a printer was replaced by another one, which is registered",
        "meterpost.cli.enrolment:replace",
        (argument("old", metavar="OLD"), argument("new", metavar="NEW")),
    ),
    Command("sync", "ask the server what is to be done, and do it", "meterpost.cli.talking:sync"),
    Command("run", "work unattended: read every two hours, sync once a day", "meterpost.cli.talking:run"),
    Command("pause", "turn communication off: nothing is sent, nothing is lost", "meterpost.cli.talking:pause"),
    Command("resume", "turn communication on again", "meterpost.cli.talking:resume"),
    Command("status", "where the site stands", "meterpost.cli.status:status"),
    Command(
        "keys",
        "whom this client trusts and who trusts it, until when; renew its key, import one",
        "meterpost.cli.keys:keys",
        (
            argument("action", nargs="?", choices=("show", "renew", "import"), default="show", help="what to do (show)"),
            argument("file", nargs="?", type=Path, metavar="FILE", help="with import: key and certificate, PEM or PKCS #12"),
            argument("--key", type=Path, metavar="FILE", help="with import: the PEM key, where FILE has only the certificate"),
            argument("--password-file", type=Path, metavar="FILE", help="with import: holds the password of an encrypted key"),
            argument(
                "--released",
                action="store_true",
                help="with renew: the vendor released this client's keys; the password vouches for a new one",
            ),
        ),
    ),
    Command(
        "budget",
        "the documented byte formulas, and the ceiling for x devices",
        "meterpost.cli.budget:budget",
        (
            argument("transaction", nargs="?", metavar="TRANSACTION", help="T1 to T7, or a name such as 'sync request'"),
            argument("--devices", type=number(int, 0, 10_000_000), default=1, metavar="N", help="the x of the formula (1)"),
        ),
    ),
    Command(
        "journal",
        "what left and what came, with its bytes",
        "meterpost.cli.journal:journal",
        (
            argument("number", nargs="?", type=number(int, 1, 2**63 - 1), metavar="NUMBER", help="one exchange in full"),
            argument("--raw", action="store_true", help="with NUMBER: exactly the bytes, request then response"),
            argument("--pretty", action="store_true", help="with NUMBER: the XML indented"),
            argument("--limit", type=number(int, 1, 1_000_000), default=50, metavar="N", help="the last N exchanges (50)"),
        ),
    ),
    Command(
        "demo",
        "the whole protocol on this machine, with a stub server and simulated printers",
        "meterpost.cli.demo:run",
        (argument("--policy", default="digest-2004", metavar="NAME", help="message security (digest-2004)"),),
    ),
)
