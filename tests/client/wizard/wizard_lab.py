"""A customer's place for the wizard: a real server, real printers, an empty folder, and a person who follows a script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from meterpost.agent import Agent, Preview, Progress, ScanPlan
from meterpost.errors import MeterpostError
from meterpost.lifecycle.state import SiteState
from meterpost.model import Reading
from meterpost.settings import Settings
from meterpost.wizard.asker import Search
from meterpost.wizard.choice import Found, Standing
from meterpost.wizard.draft import Draft
from meterpost.wizard.flow import Outcome, Wizard
from meterpost.wizard.questions import Question
from meterpost_stub import StubServer
from meterpost_stub.printers import Fleet

SERIAL_OIDS = (  # of the Printer MIB, of the Brother, of the Kyocera
    "1.3.6.1.2.1.43.5.1.1.17.1",
    "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0",
    "1.3.6.1.4.1.1347.43.5.1.1.28.1",
)
BROTHER, KYOCERA, LEXMARK = "QZ7B64005E812", "QZKY355401", "QZLX46351"
PRINTERS = ("brother-hl-l6400dw", "kyocera-taskalfa-3554ci", "lexmark-ms621dn")


def hasty(settings: Settings) -> Agent:
    """An agent that does not wait long for printers that are not there."""
    return Agent(replace(settings, snmp=replace(settings.snmp, timeout_s=0.3, retries=0, versions=("2c",))))


@dataclass
class Person:
    """Gives the scripted answers; a list is given one by one, a missing answer is Enter. An answer that is wrong is
    followed by the next one. Remembers all that was shown."""

    script: dict[str, Any]
    persist: int = 0  # how often to try again
    stop_after: int | None = None  # printers after which the search is stopped
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    troubles: list[MeterpostError] = field(default_factory=list)
    appeared: list[str] = field(default_factory=list)
    shown: dict[str, Standing] = field(default_factory=dict)
    previews: list[Preview] = field(default_factory=list)

    def step(self, title: str) -> None:
        self.said.append(f"== {title}")

    def say(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: Question, default: str | None, about: str = "") -> str:
        self.asked.append(question.key)
        while True:
            answer = self._next(question.key, about) or default or ""
            wrong = question.wrong(answer)
            if not wrong:
                return answer
            self.complaints.append(wrong)

    def secret(self, question: Question, kept: bool) -> str:
        self.asked.append(question.key)
        answer = self._next(question.key, "")
        assert answer or kept
        return answer

    def again(self, trouble: MeterpostError) -> bool:
        self.troubles.append(trouble)
        self.persist -= 1
        return self.persist >= 0

    def searching(self, plan: ScanPlan, search: Search) -> tuple[Reading, ...]:
        stop = Event()

        def watch(progress: Progress) -> None:
            if progress.reading:
                self.appeared.append(progress.reading.serial)
            if len(self.appeared) == self.stop_after:
                stop.set()

        return search(watch, stop)

    def found(self, devices: Sequence[Found]) -> None:
        self.shown = {device.serial: device.standing for device in devices}

    def meters(self, reading: Reading) -> None:
        self.said.append(f"meters of {reading.serial}")

    def preview(self, previews: Sequence[Preview]) -> None:
        self.previews = list(previews)

    def heard(self, words: str) -> bool:
        return any(words in text for text in self.said)

    def _next(self, key: str, about: str) -> str:
        given = self.script.get(key, "")
        if isinstance(given, Mapping):
            given = given.get(about, "")
        if isinstance(given, list):
            given = given.pop(0) if given else ""
        return str(given)


@dataclass
class Place:
    """`place.person(...)` walks the whole road with the script changed so."""

    folder: Path
    stub: StubServer
    fleet: Fleet

    @property
    def config(self) -> Path:
        return self.folder / "meterpost.toml"

    @property
    def secrets(self) -> list[Path]:
        return sorted((self.folder / "secrets").glob("*"))

    @property
    def targets(self) -> str:
        return " ".join(f"{printer.address}:{printer.port}" for printer in self.fleet.printers)

    @property
    def script(self) -> dict[str, Any]:
        """What the administrator types to enrol everything."""
        return {
            "server.url": self.stub.soap_url,
            "server.ca_file": str(self.stub.ca_file),
            "server.http_proxy": "none",
            "account.username": self.stub.username,
            "account.password": self.stub.password,
            "discovery.targets": self.targets,
            "devices.choose": "all",
            "compare": "no",
        }

    def person(self, changes: Mapping[str, Any] | None = None, **habits: Any) -> Person:
        return Person({**self.script, **(changes or {})}, **habits)

    def walk(self, person: Person) -> Outcome:
        with Draft(self.config) as draft:
            return Wizard(person, draft, hasty).run()

    def enrol(self) -> Outcome:
        return self.walk(self.person())

    def set_serial(self, serial: bytes, printer: int = 0) -> None:
        """Another device stands in this place, as far as anybody can tell."""
        for oid in SERIAL_OIDS:
            self.fleet.printers[printer].set(oid, serial)

    def agent(self) -> Agent:
        with Draft(self.config) as draft:
            return hasty(draft.settings())

    def state(self) -> SiteState:
        with self.agent() as agent:
            return agent.status().site

    def sent(self) -> list[str]:
        """Transactions the server received since this was last asked."""
        received = [entry.transaction for entry in self.stub.journal()]
        news, self._before = received[self._before :], len(received)
        return news

    _before: int = 0
