"""Looking at printers: a discovery with its cost told first, and single readings."""

import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Sequence

from rich.console import Console

from meterpost.agent import Agent, Progress, ScanPlan, Summary
from meterpost.cli import opening, show, trouble
from meterpost.cli.text import printer, where
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading, Supply, SupplyState

_NO_SERIAL = "no serial: cannot be billed"


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
        if args.json:
            show.as_json([reading.to_json() for reading in found])
        else:
            _print_found(args, found, stopped)
            _print_summary(err, agent.devices.summary)
        if configured:
            agent.remember(found)
    return trouble.INTERRUPTED if stopped else 0


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
            status.update(
                f"{progress.done} of {progress.total} addresses, {progress.found} printers, {rate:.0f} packets/s. Ctrl-C stops."
            )
            if progress.reading:
                show.prose(err, _heading(progress.reading))

        return agent.devices.discover(plan, on_progress, stop), stop.is_set()


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


def _print_found(args: Namespace, found: Sequence[Reading], stopped: bool) -> None:
    out = show.console(args)
    if found:
        columns = ("=Address", "Printer", "=Serial", ">Impressions", "Lowest supply")
        out.print(show.table("Printers", columns, map(_found_row, found)))
    count = f"{len(found)} printer{'' if len(found) == 1 else 's'}"
    out.print(f"Stopped: {count} found until then." if stopped else f"{count} found.")


def _print_summary(err: Console, summary: Summary) -> None:
    """What it took, and who took long."""
    size = show.grouped(round(summary.octets / 1000))
    show.prose(err, f"{show.grouped(summary.packets)} packets, {size} kB, {summary.took_s:.1f} seconds.")
    for visit in summary.slow:
        show.prose(err, f"{where(*visit.endpoint)} took {visit.took_s:.0f} seconds{f': {visit.why}' if visit.why else ''}.")


def _found_row(reading: Reading) -> tuple[show.Cell, ...]:
    meter = reading.meters[0] if reading.meters else None
    unit = "" if meter is None or meter.unit == "impressions" else f" {meter.unit}"
    return (
        where(reading.address, reading.port),
        printer(reading.manufacturer, reading.model),
        reading.serial or None,
        f"{show.grouped(meter.value)}{unit}" if meter else None,
        _lowest(reading.supplies),
    )


def _lowest(supplies: Iterable[Supply]) -> str | None:
    known = [(supply.percent, supply.color or supply.kind) for supply in supplies if supply.percent is not None]
    return "{} % {}".format(*min(known)) if known else None


def print_devices(out: Console, readings: Iterable[Reading]) -> None:
    """Printers with all their meters and supplies."""
    for reading in readings:
        show.prose(out, _heading(reading), "bold")
        if about := ", ".join(filter(None, (reading.name, reading.location, reading.status))):
            show.prose(out, about)
        meters = show.amounts("Meters", ((meter.name, meter.value) for meter in reading.meters))
        out.print(show.beside(meters, show.amounts("Supplies", map(_supply, reading.supplies))))


def _heading(reading: Reading) -> str:
    serial = reading.serial or _NO_SERIAL
    return f"{where(reading.address, reading.port)} {printer(reading.manufacturer, reading.model)} {serial}"


def _supply(supply: Supply) -> tuple[str, show.Cell]:
    """The level as a percentage, in the supply's unit where there is none, or in a word."""
    name = supply.description or f"{supply.color} {supply.kind}"
    if supply.percent is not None:
        return name, f"{supply.percent} %"
    return name, f"{show.grouped(supply.level)} {supply.unit}" if supply.state is SupplyState.KNOWN else supply.state.replace(
        "-", " "
    )
