"""Reports of the agent as JSON and as tables: what was sent, read and noticed, and how large messages are."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from meterpost.agent import Preview, ReadReport, SyncReport
from meterpost.cli import show, trouble
from meterpost.cli.journal import decoded, message_text
from meterpost.lifecycle.events import NoticeKind
from meterpost_wsdl.budgets import budgets

_WRONG = {NoticeKind.COMMUNICATION_ERROR, NoticeKind.NOT_ACCEPTED, NoticeKind.UNEXPECTED}


def finish(args: Namespace, report: SyncReport) -> int:
    """Shows the report; the exit code says whether everything was done."""
    if args.json:
        show.as_json(to_json(report))
    else:
        _print(args, report)
    whole = not report.waiting and not any(read.failure for read in report.reads)
    return 0 if whole and not any(notice.kind in _WRONG for notice in report.notices) else trouble.INCOMPLETE


def to_json(report: SyncReport) -> dict[str, Any]:
    """`sync`, `enrol`, `withdraw` and `replace` print this."""
    return {
        "messages": [{"transaction": transaction, "devices": devices} for transaction, devices in report.messages],
        "reads": [_read_json(read) for read in report.reads],
        "notices": [{"kind": notice.kind, "serial": notice.serial, "text": notice.text} for notice in report.notices],
        "waiting": report.waiting,
        "open_requests": report.open_requests,
    }


def _read_json(read: ReadReport) -> dict[str, Any]:
    return {"serial": read.serial, "address": read.address, "held": read.judgement.held, "failure": read.failure}


def _print(args: Namespace, report: SyncReport) -> None:
    out = show.console(args)
    if report.messages:
        rows = [(f"{key} {budgets()[key].transaction}", devices or None) for key, devices in report.messages]
        out.print(show.table("Sent", ("Transaction", ">Devices"), rows))
    else:
        out.print("Nothing was sent.")
    if report.reads:
        reads = [(read.serial, read.address, read.failure or "read") for read in report.reads]
        out.print()
        out.print(show.table("Printers read", ("=Serial", "Address", "Result"), reads))
    if report.notices:
        notices = [(notice.serial, notice.kind.replace("-", " "), notice.text) for notice in report.notices]
        out.print()
        out.print(show.table("Notices", ("=Serial", "What", "Why"), notices))
    out.print()
    out.print(f"Messages waiting: {report.waiting}{_why(report)}. Billing requests open: {report.open_requests}.")


def _why(report: SyncReport) -> str:
    """Why messages wait, where some do."""
    if report.waiting and report.paused:
        return " (communication is off: 'meterpost resume')"
    return f" (next try {show.moment(report.next_try)})" if report.next_try else ""


def print_previews(out: Console, previews: Sequence[Preview]) -> None:
    """Messages as they would leave, and their octets against the formulas."""
    for preview in previews:
        out.print(message_text(preview.head + preview.body, pretty=True), soft_wrap=True)
    rows = [
        (f"{v.budget.id} {v.budget.transaction}", v.devices or None, v.octets, v.budget.formula, v.limit, v.headroom)
        for v in (preview.verdict for preview in previews)
    ]
    columns = ("Message", ">Devices", ">Octets", ">Formula", ">Ceiling", ">Headroom")
    out.print(show.table("Would be sent; nothing was", columns, rows))


def previews_json(previews: Sequence[Preview]) -> dict[str, Any]:
    """`enrol --dry-run` prints this."""
    return {
        "messages": [
            {
                "transaction": preview.verdict.budget.id,
                "name": preview.verdict.budget.transaction,
                "devices": preview.verdict.devices,
                "octets": preview.verdict.octets,
                "formula": preview.verdict.budget.formula,
                "limit": preview.verdict.limit,
                "headroom": preview.verdict.headroom,
                "head": preview.head.decode(),
                "body": decoded(preview.head + preview.body)[1].decode(),
            }
            for preview in previews
        ]
    }
