"""Enrolling printers, withdrawing and replacing them."""

from argparse import Namespace
from collections.abc import Sequence

from meterpost.agent import Agent, Preview
from meterpost.cli import opening, reports, show, trouble
from meterpost.errors import SettingsError
from meterpost.lifecycle.state import DeviceState


def enrol(args: Namespace) -> int:
    """Chooses printers and registers them; with --dry-run only shows what would be sent."""
    if bool(args.serials) == args.all:
        raise SettingsError("name the serials to enrol, or --all", "'meterpost status' lists the printers that were seen.")
    with opening.agent(args) as agent:
        serials = _seen(agent) if args.all else args.serials
        if args.dry_run:
            return _preview(args, agent.preview(serials))
        agent.select(serials)
        return reports.finish(args, agent.register())


def withdraw(args: Namespace) -> int:
    """Ends a printer's enrolment."""
    with opening.agent(args) as agent:
        return reports.finish(args, agent.withdraw(args.serial))


def replace(args: Namespace) -> int:
    """Ends one printer's enrolment and registers another in its place."""
    with opening.agent(args) as agent:
        report = agent.replace_device(args.old, args.new)
        return reports.finish(args, report if report.notices else agent.register())


def _seen(agent: Agent) -> list[str]:
    devices = agent.status().site.devices.values()
    return [device.serial for device in devices if device.state is DeviceState.SEEN]


def _preview(args: Namespace, previews: Sequence[Preview]) -> int:
    held = all(preview.verdict.held for preview in previews)
    if args.json:
        show.as_json(reports.previews_json(previews))
        return 0 if held else trouble.INCOMPLETE
    reports.print_previews(show.console(args), previews)
    return 0 if held else trouble.INCOMPLETE
