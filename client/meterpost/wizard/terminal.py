"""The wizard in a terminal, and the command `meterpost wizard`."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.prompt import Prompt
from rich.table import Table

from meterpost.agent import Agent, Preview, Progress, ScanPlan
from meterpost.model import Reading
from meterpost.wizard.asker import Answers, Asker, Search, load_answers
from meterpost.wizard.draft import Draft
from meterpost.wizard.flow import Wizard
from meterpost.wizard.questions import QUESTIONS, Kind, Question


class Terminal:
    """Asks a person. Text from printers is escaped: a device's name never styles the screen."""

    interactive = True

    def __init__(self, console: Console) -> None:
        self._console = console

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        prompt = escape(f"{question.text}{f' ({about})' if about else ''}")
        if question.help:
            self._console.print(f"[dim]{escape(question.help)}[/dim]")
        while True:
            secret = question.kind is Kind.SECRET
            answer = Prompt.ask(
                prompt,
                console=self._console,
                password=secret,
                default=default if default is not None else "",
                show_default=bool(default) and not secret,
            ).strip()
            wrong = question.check(answer) if answer or default is None else ""
            if not answer and default is None:
                wrong = "An answer is needed."
            if not wrong:
                return answer
            self._console.print(f"[yellow]{escape(wrong)}[/yellow]")

    def secret(self, question: Question, kept: bool) -> str | dict[str, str]:
        return self.ask(question, "" if kept else question.default)

    def say(self, text: str) -> None:
        self._console.print(escape(text))

    def step(self, title: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{escape(title)}", align="left")

    def found(self, readings: Sequence[Reading], enrolled: frozenset[str]) -> None:
        table = Table("Address", "Device", "Serial", "Meters", "")
        for reading in readings:
            meters = "\n".join(f"{meter.name} {meter.value}" for meter in reading.meters[:4])
            more = len(reading.meters) - 4
            table.add_row(
                escape(reading.address),
                escape(f"{reading.manufacturer} {reading.model}".strip()),
                escape(reading.serial) or "[yellow]none: cannot be billed",
                escape(meters + (f"\nand {more} more" if more > 0 else "")),
                "enrolled" if reading.serial in enrolled else "[green]new",
            )
        self._console.print(table)

    def preview(self, previews: Sequence[Preview]) -> None:
        for preview in previews:
            verdict = preview.verdict
            self._console.print(
                Panel(
                    escape(preview.body.decode("utf-8")),
                    title=f"{verdict.budget.transaction}: {verdict.octets} octets with its HTTP head",
                    subtitle=f"formula {verdict.budget.formula} allows {verdict.limit}; {verdict.headroom} left",
                )
            )

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
        )
        with Bar(*columns, console=self._console) as bar, _ctrl_c_sets_an_event() as stop:
            task = bar.add_task("searching (Ctrl-C stops)", total=plan.addresses)

            def show(progress: Progress) -> None:
                bar.update(task, completed=progress.done, description=f"{progress.found} printers (Ctrl-C stops)")

            return search(show, stop)


@contextmanager
def _ctrl_c_sets_an_event() -> Iterator[threading.Event]:
    """Ctrl-C ends the search and keeps what it found, instead of ending the wizard."""
    stop = threading.Event()

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The wizard's own flags: an answer file, and one flag per question."""
    parser.add_argument("--answers", type=Path, metavar="FILE", help="answers as TOML; runs without asking")
    group = parser.add_argument_group("answers", "each answers one question; with any of these or --answers nothing is asked")
    for question in QUESTIONS:
        if question.kind is not Kind.SECRET:  # a secret on a command line is no secret
            group.add_argument(question.flag, dest=f"answer:{question.key}", metavar="ANSWER", help=question.text)


def run(args: argparse.Namespace) -> int:
    """`meterpost wizard`. 0 done; 1 done, but a device was left out because its panel did not agree.
    With --json nothing is asked, and what was done is one object on stdout."""
    console = Console(stderr=args.json, no_color=args.no_color or None, highlight=False)
    given = {key.removeprefix("answer:"): value for key, value in vars(args).items() if key.startswith("answer:") and value}
    answers = {**(load_answers(args.answers) if args.answers else {}), **given}
    attended = not answers and not args.json and sys.stdin.isatty()
    asker: Asker = Terminal(console) if attended else Answers(answers, lambda line: console.print(escape(line), soft_wrap=True))
    outcome = Wizard(asker, Draft(args.config), Agent).run()
    if args.json:
        print(json.dumps(outcome.to_json(), indent=2))  # noqa: T201  # what the command was asked for
    return 1 if outcome.left_out else 0
