"""Nobody answers: a file and flags do, for an unattended run. A question they do not answer takes its default and is
an error where it has none; nothing is asked twice."""

import difflib
import threading
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from meterpost.agent import Preview, ScanPlan
from meterpost.errors import MeterpostError, SettingsError
from meterpost.model import Reading
from meterpost.settings import Secret
from meterpost.wizard.asker import Search
from meterpost.wizard.choice import Found
from meterpost.wizard.questions import PANEL, QUESTIONS, Kind, Question

_KEYS = {question.key: question for question in QUESTIONS}
_PLACES = tuple(entry.name for entry in fields(Secret))


class Answers:
    """`given` are answers by question key; those to a question per device by serial. `output` takes lines for the log."""

    def __init__(self, given: Mapping[str, Any], output: Callable[[str], None]) -> None:
        """Raises SettingsError for a key no question has and for an answer that is wrong, before anything is done."""
        for key, value in given.items():
            if key not in _KEYS:
                near = difflib.get_close_matches(key, _KEYS, 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(_KEYS)}."
                raise SettingsError(f"the answers have an unknown key {key!r}", hint)
            _check(_KEYS[key], value)
        self._given = given
        self._output = output

    def step(self, title: str) -> None:
        self._output(f"== {title}")

    def say(self, text: str) -> None:
        self._output(text)

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        value = self._given.get(question.key, {} if question.per_device else "")
        answer = _text(question, value.get(about, "") if question.per_device else value) or default
        if answer is None:
            raise SettingsError(
                f"the answers lack {question.key!r}: {question.text}", f"Add it to the answer file, or give {question.flag}."
            )
        return answer

    def secret(self, question: Question, kept: bool) -> str | dict[str, str]:
        if question.key in self._given:
            return dict(self._given[question.key])
        return "" if kept else self.ask(question, None)

    def again(self, trouble: MeterpostError) -> bool:
        return False

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        return search(lambda _: None, threading.Event())

    def found(self, devices: Sequence[Found]) -> None:
        for device in devices:
            reading = device.reading
            self._output(f"{reading.address} {reading.model or reading.manufacturer} {reading.serial}: {device.standing}")
        if not devices:
            self._output("no printer was found")
        for serial in set(self._given.get(PANEL.key, ())) - {device.serial for device in devices}:
            self._output(f"{serial} was not found, so its panel is compared with nothing")

    def meters(self, reading: Reading) -> None:
        meters = ", ".join(f"{meter.name} {meter.value}" for meter in reading.meters)
        self._output(f"{reading.serial} has the meters {meters or 'none'}")

    def preview(self, previews: Sequence[Preview]) -> None:
        for verdict in (preview.verdict for preview in previews):
            budget = verdict.budget
            self._output(f"{budget.id} {budget.transaction}: {verdict.octets} octets of {verdict.limit} ({budget.formula})")


def load(path: Path) -> dict[str, Any]:
    """The answers in a TOML file, by question key: `[section]` and `name` where the key has a dot. Raises SettingsError."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # not UTF-8, no TOML, or nested without end
        raise SettingsError(f"the answer file {path} cannot be read: {error}") from None
    answers: dict[str, Any] = {}
    for name, value in table.items():
        if name in _KEYS or not isinstance(value, dict):
            answers[name] = value
        else:
            answers.update({f"{name}.{inner}": entry for inner, entry in value.items()})
    return answers


def from_flag(question: Question, given: str | list[str]) -> Any:
    """What a flag says, as an answer file would: a secret is `file:PATH`, `env:NAME` or `keyring:SERVICE/USER`,
    answers per device are `SERIAL=ANSWER`. Raises SettingsError, which never repeats what may be a secret."""
    if isinstance(given, list):
        pairs = [text.rpartition("=") for text in given]
        if not all(serial for serial, _, _ in pairs):
            raise SettingsError(f"{question.flag} {' '.join(given)}: write {question.flag} SERIAL=ANSWER")
        return {serial: answer for serial, _, answer in pairs}
    if question.kind is Kind.SECRET:
        place, _, where = given.partition(":")
        if place not in _PLACES or not where:
            raise SettingsError(
                f"{question.flag} does not take the secret itself: others could see it",
                "Say where it is kept: file:PATH, env:NAME or keyring:SERVICE/USER.",
            )
        return {place: where}
    return given


def _check(question: Question, value: Any) -> None:
    if question.kind is Kind.SECRET:
        if not isinstance(value, Mapping):  # not repeated: it may be the secret
            raise SettingsError(
                f"the answer {question.key!r} must not be the secret itself",
                'Say where it is kept: { file = "…" }, { env = "…" } or { keyring = "…" }.',
            )
    elif not question.per_device:
        _text(question, value)
    elif isinstance(value, Mapping):
        for entry in value.values():
            _text(question, entry)
    else:
        raise SettingsError(
            f"the answer {question.key!r} is {value!r}, but each device has its own",
            f'Write [{question.key}] and below it "SERIAL" = …, or {question.flag} SERIAL=ANSWER.',
        )


def _text(question: Question, value: Any) -> str:
    """An answer of a TOML file as text, '' where it is empty. Raises SettingsError where it is wrong."""
    if isinstance(value, list) and question.kind in (Kind.LIST, Kind.CHOICE):
        value = " ".join(map(str, value))
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    if not isinstance(value, str | int):
        raise SettingsError(f"the answer {question.key!r} is {value!r}", "Write it as text, in quotation marks.")
    answer = str(value)
    if answer and (wrong := question.wrong(answer)):
        raise SettingsError(f"the answer {question.key!r} is {answer!r}", wrong)
    return answer
