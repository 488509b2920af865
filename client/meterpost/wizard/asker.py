"""The port between the wizard and whoever answers it: a person at a terminal, an answer file, later a browser."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from meterpost.agent import Preview, Progress, ScanPlan
from meterpost.errors import MeterpostError
from meterpost.model import Reading
from meterpost.wizard.choice import Found
from meterpost.wizard.questions import Question

Search = Callable[[Callable[[Progress], None], threading.Event], tuple[Reading, ...]]
"""A search that reports its progress and can be stopped."""


class Asker(Protocol):
    """One way to lead through the wizard."""

    def step(self, title: str) -> None:
        """The next part begins."""

    def say(self, text: str) -> None:
        """A paragraph."""

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        """A right answer, or `default` where it is empty; with `default` None an empty one is not right.
        `about` is the serial number of the device a question `per_device` is about."""

    def secret(self, question: Question, kept: bool) -> str | dict[str, str]:
        """A secret, or a reference to one as a settings file has it; '' keeps the one there is, if there is one (`kept`)."""

    def again(self, trouble: MeterpostError) -> bool:
        """Whether to ask again what led to `trouble`."""

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        """Runs `search` and shows how it goes."""

    def found(self, devices: Sequence[Found]) -> None:
        """Everything the search met."""

    def meters(self, reading: Reading) -> None:
        """The meters that are to be compared with the device's panel."""

    def preview(self, previews: Sequence[Preview]) -> None:
        """The messages about to be sent."""
