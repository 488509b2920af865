"""The wizard for a person at a terminal. Everything shown is plain text made safe: what printers and servers say
neither styles nor controls the screen, and a secret is never echoed."""

import re
import signal
from collections.abc import Sequence
from getpass import getpass

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from meterpost.agent import Preview, Progress, ScanPlan
from meterpost.cli import opening, reports, show
from meterpost.cli.text import one_line, printer, visible, where
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
        self._choosable: Sequence[str] = ()  # serials, in the order of the table's numbers

    def step(self, title: str) -> None:
        self._out.print()
        self._out.rule(Text(visible(title), "bold"), align="left", style="dim")

    def say(self, text: str) -> None:
        self._out.print()
        self._paragraph(text)

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        self._pose(question, about)
        clears = bool(default) and question.default == ""
        if question.kind is Kind.CHOICE:
            self._paragraph("The numbers in the table do as well, like 1 3 5-7.", "dim", 2)
        if clears:
            self._paragraph(f"Enter keeps what stands in brackets, {_NOTHING} empties it.", "dim", 2)
        while True:
            typed = self._input(f"[{default}] >" if default else ">").strip()
            if typed == _NOTHING and clears:
                return ""
            if question.kind is Kind.CHOICE:
                typed = " ".join(serial for word in items(typed) for serial in self._named(word))
            answer = typed or default or ""
            if not (wrong := question.wrong(answer)):
                return answer
            self._paragraph(wrong, "yellow", 2)

    def secret(self, question: Question, kept: bool) -> str:
        self._pose(question)
        self._paragraph("What you type is not shown." + (" Enter keeps the one there is." if kept else ""), "dim", 2)
        while True:
            answer = self._input(">", hidden=True)
            wrong = question.wrong(answer)
            if not wrong or (kept and not answer):
                return answer
            self._paragraph(wrong, "yellow", 2)

    def again(self, trouble: MeterpostError) -> bool:
        self._out.print()
        self._paragraph(f"That did not work: {str(trouble).rstrip('.')} ({trouble.side}).", "yellow")
        if trouble.advice:
            self._paragraph(trouble.advice)
        self._out.print()
        while wrong := yes_no(answer := self._input("Change the answers and try again? [yes] >").strip() or "yes"):
            self._paragraph(wrong, "yellow", 2)
        return yes(answer)

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
        self._choosable = [device.serial for device in devices if device.choosable]
        number_of = {serial: str(number) for number, serial in enumerate(self._choosable, 1)}
        rows = [
            (
                number_of.get(device.serial, ""),
                where(device.reading.address, device.reading.port),
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
        half = (len(reading.meters) + 1) // 2
        columns = (reading.meters[:half], reading.meters[half:])
        tables = (show.amounts("", ((meter.name, meter.value) for meter in column)) for column in columns)
        self._out.print(show.beside(self._out, *tables))

    def preview(self, previews: Sequence[Preview]) -> None:
        reports.print_previews(self._out, previews)
        self._paragraph("The very octets, indented for reading; nonce and time are made anew when a message leaves.", "dim")

    def _named(self, word: str) -> Sequence[str]:
        """The serials a word of the answer stands for: a serial itself, a number in the table, a range of numbers."""
        numbers = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", word)
        if word in self._choosable or not numbers:
            return (word,)
        first = int(numbers[1])
        return self._choosable[max(first - 1, 0) : int(numbers[2] or first)] or (word,)

    def _pose(self, question: Question, about: str = "") -> None:
        """The question, the key that answer files and settings know it by, and its help."""
        self._out.print()
        text = f"{question.text} ({about})" if about else question.text
        self._out.print(Text.assemble((one_line(text), "bold"), (f"  {question.key}", "dim")))
        if question.help:
            self._paragraph(question.help, indent=2)
        if options := question.options():
            self._out.print(Padding(show.pairs(options.items()), (0, 0, 0, 2)))

    def _input(self, prompt: str, hidden: bool = False) -> str:
        try:
            if hidden:
                return getpass(f"  {prompt} ")
            return self._out.input(Text(f"  {one_line(prompt)} "))
        except (EOFError, KeyboardInterrupt):
            self._out.print()
            raise KeyboardInterrupt from None

    def _paragraph(self, text: str, style: str = "", indent: int = 0) -> None:
        width = min(self._out.width, _WIDTH)
        self._out.print(Padding(Text(visible(text), style), (0, 0, 0, indent)), width=width)


def _line(reading: Reading) -> str:
    serial = f"serial {reading.serial}" if reading.serial else "no serial"
    return visible(f"{where(reading.address, reading.port)}  {printer(reading.manufacturer, reading.model)}  {serial}")
