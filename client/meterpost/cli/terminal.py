"""The wizard for a person at a terminal. Everything shown is plain text made safe: what printers and servers say
neither styles nor controls the screen, and a secret is never echoed."""

import signal
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from meterpost.agent import Preview, Progress, ScanPlan
from meterpost.cli import opening, reports, show
from meterpost.cli.text import one_line, printer, visible
from meterpost.errors import MeterpostError
from meterpost.model import Reading
from meterpost.wizard.asker import Search
from meterpost.wizard.choice import Found
from meterpost.wizard.questions import Kind, Question, items, yes, yes_no

_NOTHING = "-"
_WIDTH = 88  # of a paragraph: longer lines are hard to read


class Terminal:
    """Asks on `console`. Ctrl-C and the end of the input end the wizard, Ctrl-C during the search only the search."""

    def __init__(self, console: Console) -> None:
        self._out = console
        self._numbers: Mapping[str, str] = {}  # of the devices in the table, to their serials

    def step(self, title: str) -> None:
        self._out.print()
        self._out.rule(Text(title, "bold"), align="left", style="dim")

    def say(self, text: str) -> None:
        self._out.print()
        self._paragraph(text)

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        self._pose(question, about)
        clears = bool(default) and question.default == ""
        if clears:
            self._paragraph(f"Enter keeps what stands in brackets, {_NOTHING} empties it.", "dim", 2)
        while True:
            typed = self._input(f"[{default}] > " if default else "> ").strip()
            if typed == _NOTHING and clears:
                return ""
            if question.kind is Kind.CHOICE:
                typed = " ".join(self._numbers.get(word, word) for word in items(typed))
            answer = typed or default or ""
            if not (wrong := question.wrong(answer)):
                return answer
            self._paragraph(wrong, "yellow", 2)

    def secret(self, question: Question, kept: bool) -> str:
        self._pose(question)
        if kept:
            self._paragraph("Enter keeps the one that is there.", "dim", 2)
        self._paragraph("What you type is not shown.", "dim", 2)
        while True:
            answer = self._input("> ", hidden=True)
            wrong = question.wrong(answer)
            if not wrong or (kept and not answer):
                return answer
            self._paragraph(wrong, "yellow", 2)

    def again(self, trouble: MeterpostError) -> bool:
        self._paragraph(f"This did not work: {str(trouble).rstrip('.')} ({trouble.side}).", "yellow")
        if trouble.advice:
            self._paragraph(trouble.advice)
        return yes(self.ask(_AGAIN, _AGAIN.default))

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with opening.stopping(signal.SIGINT) as stop, Bar(*columns, console=self._out, transient=True) as bar:
            task = bar.add_task("Ctrl-C stops", total=plan.addresses)

            def on_progress(progress: Progress) -> None:
                if progress.reading:
                    self._out.print(Text(_line(progress.reading)), soft_wrap=True)
                bar.update(task, completed=progress.done)

            readings = search(on_progress, stop)
        if stop.is_set():
            self.say("Stopped. What was found until then is kept.")
        return readings

    def found(self, devices: Sequence[Found]) -> None:
        choosable = [device.serial for device in devices if device.choosable]
        self._numbers = {str(number): serial for number, serial in enumerate(choosable, 1)}
        number_of = {serial: number for number, serial in self._numbers.items()}
        rows = [
            (
                number_of.get(device.serial, ""),
                _where(device.reading),
                printer(device.reading.manufacturer, device.reading.model),
                device.serial or None,
                device.standing,
            )
            for device in devices
        ]
        if rows:
            self._out.print()
            self._out.print(show.table("Printers", (">No", "=Address", "Printer", "=Serial", ""), rows))

    def meters(self, reading: Reading) -> None:
        self._out.print()
        self._out.print(Text(_line(reading), "bold"), soft_wrap=True)
        self._out.print(Padding(show.amounts("Meters", ((meter.name, meter.value) for meter in reading.meters)), (0, 0, 0, 2)))

    def preview(self, previews: Sequence[Preview]) -> None:
        reports.print_previews(self._out, previews)
        self._paragraph("These are the very octets, but for nonce and time, which are made when a message leaves.", "dim")

    def _pose(self, question: Question, about: str = "") -> None:
        """The question, the key that answer files and settings know it by, and its help."""
        self._out.print()
        text = f"{question.text} ({about})" if about else question.text
        self._out.print(Text.assemble((one_line(text), "bold"), (f"  {question.key}", "dim")))
        if question.help:
            self._paragraph(question.help, indent=2)

    def _input(self, prompt: str, hidden: bool = False) -> str:
        try:
            return self._out.input(Text("  " + one_line(prompt) + " "), password=hidden)
        except (EOFError, KeyboardInterrupt):
            self._out.print()
            raise KeyboardInterrupt from None

    def _paragraph(self, text: str, style: str = "", indent: int = 0) -> None:
        width = min(self._out.width, _WIDTH)
        self._out.print(Padding(Text(visible(text), style), (0, 0, 0, indent)), width=width)


def _where(reading: Reading) -> str:
    return f"{reading.address}:{reading.port}"


def _line(reading: Reading) -> str:
    serial = f"serial {reading.serial}" if reading.serial else "no serial"
    return one_line(f"{_where(reading)}  {printer(reading.manufacturer, reading.model)}  {serial}")


_AGAIN = Question("again", "Change the answers and try again?", "", "", Kind.YES_NO, "yes", yes_no)
