"""Who answers the wizard's questions. `Answers` is nobody: a file and flags, for an unattended run."""

import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from meterpost.agent import Preview, Progress, ScanPlan
from meterpost.errors import SettingsError
from meterpost.model import Reading
from meterpost.wizard.questions import QUESTIONS, Kind, Question

Search = Callable[[Callable[[Progress], None], threading.Event], tuple[Reading, ...]]
"""A search that reports its progress and can be stopped."""

REFERENCES = {"file", "env", "keyring"}


class Asker(Protocol):
    """One way to lead through the wizard."""

    interactive: bool

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        """A valid answer. `about` is the device a repeated question is about."""

    def secret(self, question: Question, kept: bool) -> str | dict[str, str]:
        """A secret, or a reference to one as a settings file has it; '' keeps the one there is, if there is one (`kept`)."""

    def say(self, text: str) -> None:
        """A paragraph."""

    def step(self, title: str) -> None:
        """The next part begins."""

    def found(self, readings: Sequence[Reading], enrolled: frozenset[str]) -> None:
        """The devices met; `enrolled` are the serials in care already."""

    def preview(self, previews: Sequence[Preview]) -> None:
        """The messages about to be sent."""

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        """Runs `search` and shows how it goes."""


class Answers:
    """Answers from a TOML file and from flags; a question nobody answered takes its default, and is an error where
    it has none. `output` takes lines for the log."""

    interactive = False

    def __init__(self, given: Mapping[str, Any], output: Callable[[str], None]) -> None:
        unknown = set(given) - {question.key for question in QUESTIONS}
        if unknown:
            raise SettingsError(
                f"the answers have unknown keys: {', '.join(sorted(unknown))}",
                f"Known: {', '.join(question.key for question in QUESTIONS)}.",
            )
        self._given = given
        self._output = output

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        value = self._given.get(question.key)
        if isinstance(value, Mapping):
            value = value.get(about)
        if value is None:
            if default is None:
                raise SettingsError(f"the answers lack {question.key!r}: {question.text}", f"Add it, or give {question.flag}.")
            return default
        answer = _text(question, value)
        if wrong := question.check(answer):
            raise SettingsError(f"the answer {question.key!r} is {answer!r}. {wrong}")
        return answer

    def secret(self, question: Question, kept: bool) -> str | dict[str, str]:
        value = self._given.get(question.key)
        if isinstance(value, Mapping) and len(value) == 1 and set(value) <= REFERENCES:
            return {str(key): str(entry) for key, entry in value.items()}
        return self.ask(question, "" if kept else question.default)

    def say(self, text: str) -> None:
        self._output(text)

    def step(self, title: str) -> None:
        self._output(f"== {title}")

    def found(self, readings: Sequence[Reading], enrolled: frozenset[str]) -> None:
        for reading in readings:
            state = "enrolled" if reading.serial in enrolled else "new"
            self._output(f"{reading.address} {reading.manufacturer} {reading.model} {reading.serial or 'no serial'}: {state}")

    def preview(self, previews: Sequence[Preview]) -> None:
        for preview in previews:
            verdict = preview.verdict
            budget = verdict.budget
            self._output(f"{budget.id} {budget.transaction}: {verdict.octets} octets of {verdict.limit} ({budget.formula})")

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        return search(lambda _: None, threading.Event())


def load_answers(path: Path) -> dict[str, Any]:
    """The answers in a TOML file, by question key. Raises SettingsError."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the answer file {path} cannot be read: {error}") from None
    whole = {question.key for question in QUESTIONS}
    answers: dict[str, Any] = {}
    for section, value in table.items():
        if section in whole or not isinstance(value, dict):
            answers[section] = value
        else:
            answers.update({f"{section}.{name}": entry for name, entry in value.items()})
    return answers


def _text(question: Question, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and question.kind is Kind.LIST:
        return " ".join(map(str, value))
    if isinstance(value, str | int):
        return str(value)
    raise SettingsError(f"the answer {question.key!r} is {value!r}; text is expected")
