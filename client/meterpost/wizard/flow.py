"""The road the wizard leads along. It asks, shows and calls the agent's verbs; it knows no screen and no file format."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from meterpost.agent import ENROLLED, Agent, Progress, SyncReport
from meterpost.errors import MeterpostError, SettingsError
from meterpost.model import Reading
from meterpost.settings import Settings
from meterpost.wizard import questions as q
from meterpost.wizard.asker import Asker
from meterpost.wizard.draft import Draft


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the wizard did. `left_out` are chosen serials whose panel did not agree."""

    found: tuple[Reading, ...] = ()
    registered: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    report: SyncReport | None = None

    def to_json(self) -> dict[str, object]:
        """The documented, stable form of `wizard --json`."""
        return {
            "devices": [reading.to_json() for reading in self.found],
            "registered": list(self.registered),
            "left_out": list(self.left_out),
            "waiting": self.report.waiting if self.report else 0,
        }


class Wizard:
    """One run. `make_agent` makes an agent of settings."""

    def __init__(self, asker: Asker, draft: Draft, make_agent: Callable[[Settings], Agent]) -> None:
        self._asker = asker
        self._draft = draft
        self._make_agent = make_agent

    def run(self) -> Outcome:
        """Leads through all steps. Raises MeterpostError where an unattended run cannot go on."""
        self._asker.step("What will be sent")
        for paragraph in q.PROMISE:
            self._asker.say(paragraph)
        self._connect()
        self._look()
        with self._make_agent(self._draft.settings()) as agent:
            found = self._search(agent)
            self._replacements(agent, found)
            chosen = self._choose(agent, found)
            agreed = [serial for serial in chosen if self._panel_agrees(next(r for r in found if r.serial == serial))]
            left_out = tuple(serial for serial in chosen if serial not in agreed)
            report = self._register(agent, agreed)
        self._asker.step("Daily transmission")
        self._settings((q.DAILY,))
        self._draft.save()
        self._asker.say(
            f"Settings are in {self._draft.path}. "
            "'meterpost run' reads and reports by itself; 'meterpost status' shows how it stands."
        )
        return Outcome(found, tuple(agreed) if report else (), left_out, report)

    def _connect(self) -> None:
        self._asker.step("Connection")
        while True:
            self._settings(q.SERVER)
            if self._draft.get("server.http_proxy_username"):
                self._settings((q.HTTP_PROXY_PASSWORD,))
            self._asker.step("Account")
            self._settings(q.ACCOUNT)
            self._asker.say("Testing the connection ...")
            try:
                with self._make_agent(self._draft.settings()) as agent:
                    connection = agent.test_connection()
            except MeterpostError as error:
                if not self._asker.interactive:
                    raise
                self._asker.say(f"{error}. {error.advice}")
                if not q.yes(self._asker.ask(q.TRY_AGAIN, q.TRY_AGAIN.default)):
                    raise
                continue
            known = "knows this client" if connection.registered else "does not know this client yet"
            self._asker.say(
                f"The server answered, its certificate holds, the account is right; it {known}. "
                f"{connection.octets_sent} octets went, {connection.octets_received} came. {connection.certificate}".strip()
            )
            self._draft.save()
            return

    def _look(self) -> None:
        self._asker.step("Where to look")
        self._settings(q.LOOK)
        self._draft.save()

    def _search(self, agent: Agent) -> tuple[Reading, ...]:
        plan = agent.plan()
        self._asker.say(plan.sentence)
        if not q.yes(self._asker.ask(q.SCAN, q.SCAN.default)):
            return ()

        def search(on_progress: Callable[[Progress], None], stop: threading.Event) -> tuple[Reading, ...]:
            return agent.discover(plan, on_progress, stop)

        found = self._asker.searching(plan, search)
        self._asker.found(found, frozenset(_enrolled(agent)))
        return found

    def _replacements(self, agent: Agent, found: Sequence[Reading]) -> None:
        """An enrolled device's address where a new device answers, while the enrolled one answers nowhere."""
        devices = agent.status().site.devices
        answering = {reading.serial for reading in found}
        for reading in found:
            state = devices.get(reading.serial)
            if not reading.serial or (state and state.state in ENROLLED):
                continue
            for old in devices.values():
                same_place = (old.address, old.port) == (reading.address, reading.port)
                if same_place and old.state in ENROLLED and old.serial not in answering:
                    about = f"{old.model} {old.serial} answered at {old.address}; now it is {reading.model} {reading.serial}."
                    self._asker.say(about)
                    if q.yes(self._asker.ask(q.REPLACED, q.REPLACED.default, old.serial)):
                        agent.replace_device(old.serial, reading.serial)

    def _choose(self, agent: Agent, found: Sequence[Reading]) -> list[str]:
        self._asker.step("Choose")
        enrolled = _enrolled(agent)
        new = {reading.serial: reading for reading in found if reading.serial and reading.serial not in enrolled}
        if not new:
            self._asker.say("There is no new device to choose.")
            return []
        wanted = q.items(self._asker.ask(q.CHOOSE, q.CHOOSE.default))
        if [word.casefold() for word in wanted] == ["all"]:
            return list(new)
        missing = [serial for serial in wanted if serial not in new and serial not in enrolled]
        if missing:
            raise SettingsError(f"no new device has the serial {', '.join(missing)}", f"New here: {', '.join(new)}.")
        return [serial for serial in wanted if serial in new]

    def _panel_agrees(self, reading: Reading) -> bool:
        about = f"{reading.model} at {reading.address}, serial {reading.serial}"
        shown = ", ".join(f"{meter.name} {meter.value}" for meter in reading.meters) or "none"
        self._asker.say(f"{about}. Meters: {shown}")
        answer = self._asker.ask(q.PANEL, q.PANEL.default, reading.serial)
        if not answer:
            return True
        same = [meter.name for meter in reading.meters if meter.value == int(answer)]
        if same:
            self._asker.say(f"The panel agrees with {', '.join(same)}.")
            return True
        nearest = min(reading.meters, key=lambda meter: abs(meter.value - int(answer)), default=None)
        if nearest:
            self._asker.say(f"The panel shows {answer}; the nearest meter is {nearest.name} with {nearest.value}.")
        return q.yes(self._asker.ask(q.ANYWAY, q.ANYWAY.default, reading.serial))

    def _register(self, agent: Agent, serials: Sequence[str]) -> SyncReport | None:
        self._asker.step("Register")
        previews = agent.preview(serials)
        if not previews:
            self._asker.say("There is nothing to register.")
            return None
        self._asker.preview(previews)
        if not q.yes(self._asker.ask(q.REGISTER, q.REGISTER.default)):
            self._asker.say("Nothing was sent, nothing is enrolled.")
            return None
        agent.select(serials)
        report = agent.register()
        for notice in report.notices:
            self._asker.say(f"{notice.serial}: {notice.text}".removeprefix(": "))
        return report

    def _settings(self, asked: Iterable[q.Question]) -> None:
        for question in asked:
            if question.kind is q.Kind.SECRET:
                secret = self._asker.secret(question, kept=self._draft.get(question.key) is not None)
                if isinstance(secret, dict):
                    self._draft.set(question.key, secret)
                elif secret:
                    self._draft.set_secret(question.key, secret)
            else:
                answer = self._asker.ask(question, self._default(question))
                self._draft.set(question.key, q.items(answer) if question.kind is q.Kind.LIST else answer)

    def _default(self, question: q.Question) -> str | None:
        now = self._draft.get(question.key)
        if now is None:
            return question.default
        return " ".join(now) if isinstance(now, list) else str(now)


def _enrolled(agent: Agent) -> set[str]:
    return {serial for serial, device in agent.status().site.devices.items() if device.state in ENROLLED}
