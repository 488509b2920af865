"""Looking at printers: a discovery with its cost told first, and single readings."""

import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Sequence
from textwrap import shorten

from rich.cells import cell_len
from rich.console import Console

from meterpost.agent import Agent, Progress, ScanPlan, Summary
from meterpost.cli import opening, show, trouble
from meterpost.cli.text import printer, where
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Meter, Reading, Supply, SupplyState

_NO_SERIAL = "no serial: cannot be billed"
_RECEPTACLE = "receptacle"  # PrtMarkerSuppliesClassTC
_MOST_TOLD = 10  # of failures, and of one printer's alerts
_MOST_WORDS = 100  # of what a device calls itself


def discover(args: Namespace) -> int:
    """Shows the plan, then the printers as they answer. Ctrl-C ends the scan; what was found by then is shown and kept."""
    agent, configured = opening.looking(args, keeps=True)
    with agent:
        plan = agent.plan(args.targets, args.exclude)
        err = show.console(args, stderr=True)
        if not args.json:
            show.prose(err, plan.sentence)
            if not args.yes and plan.addresses > 1 and _interactive() and not _agreed(err):
                err.print("Nothing was scanned.")
                return trouble.INTERRUPTED
        found, stopped = _scan(agent, plan, err, quiet=args.json)
        summary = agent.devices.summary
        if args.json:
            show.as_json([reading.to_json() for reading in found])
            for endpoint, reason in summary.failed:
                trouble.tell(DeviceError(_failure(endpoint, reason)), as_json=True)
        else:
            _print_found(show.console(args), err, found, stopped)
            _print_failed(err, summary)
            _print_summary(err, summary)
        if configured:
            agent.remember(found)
    return trouble.INTERRUPTED if stopped else _exit_code(summary)


def _exit_code(summary: Summary) -> int:
    return trouble.INCOMPLETE if summary.failed or summary.unfinished else 0


def _scan(agent: Agent, plan: ScanPlan, err: Console, quiet: bool) -> tuple[tuple[Reading, ...], bool]:
    """What the scan found, and whether it was stopped."""
    with opening.stopping(signal.SIGINT) as stop, err.status("") as status:
        began = time.monotonic()
        if quiet:
            status.stop()

        def on_progress(progress: Progress) -> None:
            if quiet:
                return
            rate = progress.packets / max(time.monotonic() - began, 0.1)
            found = _count(progress.found, "printer")
            status.update(f"{_how_far(progress)}, {found}, {show.grouped(round(rate))} packets/s. Ctrl-C stops.")
            if progress.reading:
                _print_line(err, progress.reading)

        return agent.devices.discover(plan, on_progress, stop), stop.is_set()


def _how_far(progress: Progress) -> str:
    if not progress.planned:  # printers at URIs: nobody is probed
        return f"{show.grouped(progress.done)} of {show.grouped(progress.total)} addresses"
    return f"{show.grouped(progress.probes)} of {show.grouped(progress.planned)} probes"


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(err: Console) -> bool:
    return err.input("Scan now? [Y/n] ").strip().lower() in ("", "y", "yes")


def read(args: Namespace) -> int:
    """Readings of the printers named, or of a recording; kept nowhere."""
    if bool(args.targets) == bool(args.recording):
        raise SettingsError("name the printers to read, or one --recording", "See 'meterpost read --help'.")
    agent, _ = opening.looking(args)
    with agent:
        results: Sequence[Reading | DeviceError]
        results = [agent.replay(args.recording)] if args.recording else agent.read(agent.plan(args.targets).endpoints)
    results = [_a_printer(result) if isinstance(result, Reading) else result for result in results]
    readings = [result for result in results if isinstance(result, Reading)]
    failures = [result for result in results if isinstance(result, DeviceError)]
    if args.json:
        show.as_json([reading.to_json() for reading in readings])
    elif readings:
        print_devices(show.console(args), readings)
    for failure in failures:
        trouble.tell(failure, args.json)
    if failures:
        return trouble.INCOMPLETE if readings else failures[0].exit_code
    return 0


def _a_printer(reading: Reading) -> Reading | DeviceError:
    """Discoveries report printers only; who names a device is told what it is instead."""
    if reading.is_printer:
        return reading
    words = f': it calls itself "{shorten(reading.sys_descr, _MOST_WORDS)}"' if reading.sys_descr else ""
    return DeviceError(
        f"{where(reading.address, reading.port)} is not a printer{words}",
        "A printer has the Printer MIB, or a description that names it as one.",
    )


def _print_found(out: Console, err: Console, found: Sequence[Reading], stopped: bool) -> None:
    """The table for a file or another program; who sees both streams has seen every line of it."""
    if found and not (out.is_terminal and err.is_terminal):
        columns = ("=Address", "Printer", "=Serial", ">Impressions", "Lowest supply")
        out.print(show.table("Printers", columns, map(_found_row, found)))
    count = _count(len(found), "printer")
    out.print(f"Stopped: {count} found until then." if stopped else f"{count} found.")


def _print_failed(err: Console, summary: Summary) -> None:
    """Who is there and is missing from what was found."""
    if failed := summary.failed:
        show.prose(err, f"{_count(len(failed), 'device')} could not be read:", "yellow")
        for endpoint, reason in failed[:_MOST_TOLD]:
            show.prose(err, _failure(endpoint, reason), indent=2)
        if len(failed) > _MOST_TOLD:
            show.prose(err, f"and {show.grouped(len(failed) - _MOST_TOLD)} more", indent=2)
    if summary.unfinished:
        show.prose(err, f"{_count(summary.unfinished, 'device')} answered, but there was no time to read them.", "yellow")


def _failure(endpoint: tuple[str, int], reason: str) -> str:
    return reason if endpoint[0] in reason else f"{where(*endpoint)}: {reason}"


def _count(number: int, what: str) -> str:
    return f"{show.grouped(number)} {what}{'' if number == 1 else 's'}"


def _print_summary(err: Console, summary: Summary) -> None:
    """What it took, and who took long."""
    size = show.grouped(round(summary.octets / 1000))
    show.prose(err, f"{show.grouped(summary.packets)} packets, {size} kB, {summary.took_s:.1f} seconds.")
    for visit in summary.slow:
        show.prose(err, f"{where(*visit.endpoint)} took {visit.took_s:.0f} seconds{f': {visit.why}' if visit.why else ''}.")


def _found_row(reading: Reading) -> tuple[show.Cell, ...]:
    return (
        where(reading.address, reading.port),
        printer(reading.manufacturer, reading.model),
        reading.serial or None,
        _total(reading),
        _lowest(reading.supplies),
    )


def _print_line(err: Console, reading: Reading) -> None:
    """The same as it answers: on one line where there is room."""
    heading = _heading(reading)
    state = ", ".join(filter(None, (_total(reading, always="impressions"), _lowest(reading.supplies))))
    if err.is_terminal and cell_len(f"{heading}, {state}") > err.width:
        show.prose(err, heading)
        show.prose(err, state, indent=2)
    else:
        show.prose(err, ", ".join(filter(None, (heading, state))))


def _total(reading: Reading, always: str = "") -> str | None:
    """The one number, with its unit; that of impressions only where it is to be said `always`."""
    meter = reading.total
    if meter is None:
        return None
    return f"{show.grouped(meter.value)} {always if meter.unit == 'impressions' else meter.unit}".rstrip()


def _lowest(supplies: Iterable[Supply]) -> str | None:
    """The supply that comes to its end first: by its colour, else as the printer calls it."""
    known = [(supply.percent, _left(supply)) for supply in supplies if supply.percent is not None]
    return "{} % {}".format(*min(known)) if known else None


def _left(supply: Supply) -> str:
    name = supply.color or supply.description or "of a supply without a name"
    return f"room left, {name}" if supply.supply_class == _RECEPTACLE else name


def print_devices(out: Console, readings: Iterable[Reading]) -> None:
    """Printers with all their meters and supplies, and what they complain of."""
    for reading in readings:
        show.prose(out, _heading(reading), "bold")
        made = (
            reading.firmware and f"firmware {reading.firmware}",
            reading.mac and f"MAC {reading.mac}",
            reading.profile and f"profile {reading.profile} {reading.profile_version}",
        )
        for about in ((reading.name, reading.location, reading.status), made):
            if said := ", ".join(filter(None, about)):
                show.prose(out, said)
        sentences = tuple(dict.fromkeys(alert.sentence for alert in reading.alerts))
        for sentence in sentences[:_MOST_TOLD]:
            show.prose(out, f"! {sentence}", "yellow")
        if len(sentences) > _MOST_TOLD:
            show.prose(out, f"! and {len(sentences) - _MOST_TOLD} more alerts", "yellow")
        meters = show.amounts("Meters", ((meter.name, meter.value, _unit(meter)) for meter in reading.meters))
        supplies = show.amounts("Supplies", map(_supply, reading.supplies))
        out.print(show.beside(out, *(table for table in (meters, supplies) if table.rows)))


def _heading(reading: Reading) -> str:
    serial = reading.serial or _NO_SERIAL
    return f"{where(reading.address, reading.port)} {printer(reading.manufacturer, reading.model)} {serial}"


def _unit(meter: Meter) -> str:
    """Where the name does not say it already; most count impressions, and some nobody knows what."""
    return "" if meter.unit in ("impressions", "unknown", *meter.name.split(".")) else meter.unit


def _supply(supply: Supply) -> tuple[str, show.Cell]:
    """The level as a percentage, in the supply's unit where there is none, or in a word."""
    name = supply.description or f"{supply.color} {supply.kind}"
    if supply.supply_class == _RECEPTACLE and supply.state is SupplyState.KNOWN:
        name += ", room left"
    if supply.percent is not None:
        return name, f"{supply.percent} %"
    return name, f"{show.grouped(supply.level)} {supply.unit}" if supply.state is SupplyState.KNOWN else supply.state.replace(
        "-", " "
    )
