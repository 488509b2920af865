"""An agent for a command: from the configuration file, or without one where a command only looks."""

import signal
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from meterpost import settings
from meterpost.agent import Agent, open_agent
from meterpost.cli.values import user_config
from meterpost.errors import SettingsError
from meterpost.settings import Settings, SnmpSettings


def agent(args: Namespace) -> Agent:
    """The configured agent. Raises SettingsError where there is no configuration."""
    return open_agent(args.config)


def looking(args: Namespace, keeps: bool = False) -> tuple[Agent, bool]:
    """An agent that can look at printers with what the command line says of SNMP, and whether it has a configuration,
    hence a place to keep things; only with `keeps` does it look there for what it knows of devices. Only the user's own
    file may be missing; one that was named must be there."""
    configured = args.config != user_config() or args.config.exists()
    chosen = settings.load(args.config) if configured else Settings(base=args.config.parent)
    given = {"packets_per_second": getattr(args, "rate", None), "deadline_s": getattr(args, "deadline", None)}
    discovery = replace(chosen.discovery, **{key: value for key, value in given.items() if value is not None})
    return Agent(
        replace(chosen, snmp=_overridden(chosen.snmp, args), discovery=discovery), keeps=keeps and configured
    ), configured


def _overridden(snmp: SnmpSettings, args: Namespace) -> SnmpSettings:
    given = {
        "port": args.port,
        "communities": tuple(args.community) if args.community else None,
        "timeout_s": args.timeout,
        "retries": args.retries,
        "engine": args.engine,
    }
    if args.snmp_version == "3":
        if not snmp.users:
            raise SettingsError("SNMPv3 needs a user, and the configuration has none", "Add one as [[snmp.users]].")
        given["versions"] = ()
    elif args.snmp_version:
        given |= {"versions": (args.snmp_version,), "users": ()}
    return replace(snmp, **{key: value for key, value in given.items() if value is not None})


@contextmanager
def stopping(*signals: signal.Signals) -> Iterator[threading.Event]:
    """An event that these signals set. A second Ctrl-C does what it always does; a second SIGTERM changes nothing, for a
    service manager may send it to the process and to its group."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in signals}

    def ask(number: int, _: object) -> None:
        if number == signal.SIGINT:
            signal.signal(number, before[signal.SIGINT])
        # Not here: the signal may have interrupted this very thread inside the event's own lock.
        threading.Thread(target=stop.set).start()

    for number in signals:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
