"""The road the wizard leads along. It asks, shows and calls the agent's verbs; it knows no screen.

It sends nothing but the connection test until the very messages were shown and agreed to.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from meterpost.agent import Agent, ScanPlan, SyncReport
from meterpost.errors import DeviceError, MeterpostError, SettingsError
from meterpost.lifecycle.state import DeviceState, SiteState
from meterpost.model import Reading
from meterpost.settings import Settings
from meterpost.wizard import choice, panel
from meterpost.wizard import questions as q
from meterpost.wizard.asker import Asker
from meterpost.wizard.choice import Found
from meterpost.wizard.draft import Draft

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the wizard did. `left_out` are chosen serials whose panel did not agree."""

    found: tuple[Reading, ...] = ()
    registered: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    report: SyncReport | None = None

    @property
    def whole(self) -> bool:
        """Whether everything that was chosen is registered."""
        return not self.left_out and not (self.report and (self.report.notices or self.report.waiting))

    def to_json(self) -> dict[str, object]:
        """The documented, stable form of `wizard --json`."""
        notices = self.report.notices if self.report else ()
        return {
            "devices": [reading.to_json() for reading in self.found],
            "registered": list(self.registered),
            "left_out": list(self.left_out),
            "notices": [{"kind": notice.kind, "serial": notice.serial, "text": notice.text} for notice in notices],
            "waiting": self.report.waiting if self.report else 0,
        }


class Wizard:
    """One run. `make_agent` makes an agent of settings."""

    def __init__(self, asker: Asker, draft: Draft, make_agent: Callable[[Settings], Agent] = Agent) -> None:
        self._asker = asker
        self._draft = draft
        self._make_agent = make_agent

    def run(self) -> Outcome:
        """Leads through all steps. Raises the MeterpostError nobody could get over; what was done before it is kept."""
        self._asker.step("What will be sent")
        for paragraph in q.PROMISE:
            self._asker.say(paragraph)
        self._asker.step("Connection and account")
        self._trying(self._connect)
        self._draft.save()
        self._asker.step("Where to look")
        found = self._search()
        with self._agent() as agent:
            self._asker.step("Choose")
            replacements = self._replacements(agent, found)
            chosen = self._choose(agent, found, replacements)
            agreed = self._compare(agent, [device.reading for device in found if device.serial in chosen])
            report, registered = self._register(agent, agreed, {old: new for old, new in replacements.items() if new in agreed})
            site = agent.status().site
        self._asker.step("Daily transmission")
        self._ask(q.DAILY_TIME)
        self._draft.save()
        self._asker.step("What happens next")
        for paragraph in self._next(site, report):
            self._asker.say(paragraph)
        left_out = tuple(serial for serial in chosen if serial not in agreed)
        return Outcome(tuple(device.reading for device in found), registered, left_out, report)

    # --- the connection ------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._ask(q.URL, q.CA_FILE, q.HTTP_PROXY)
        if self._draft.get(q.HTTP_PROXY.key) != "none":
            self._ask(q.HTTP_PROXY_USERNAME)
            if self._draft.get(q.HTTP_PROXY_USERNAME.key):
                self._ask(q.HTTP_PROXY_PASSWORD)
        self._ask(q.USERNAME, q.PASSWORD, q.POLICY)
        with self._agent() as agent:
            if agent.status().site.paused:
                self._asker.say("Communication is off, so nothing is sent: 'meterpost resume' turns it on.")
                return
            self._asker.say("Testing the connection ...")
            test = agent.test_connection()
        self._asker.say(
            "The connection works: the server's certificate holds"
            + (_ACCOUNT[test.registered] if test.account else _NO_ACCOUNT)
            + f"{test.octets_sent} octets went, {test.octets_received} came. {test.certificate}".strip()
        )

    # --- the printers --------------------------------------------------------------------------------------

    def _search(self) -> tuple[Found, ...]:
        while True:
            plan = self._trying(self._look)
            self._draft.save()
            self._asker.say(plan.sentence)
            if not q.yes(self._asker.ask(q.SCAN, q.SCAN.default)):
                return ()
            with self._agent() as agent:
                readings = self._asker.searching(plan, partial(agent.discover, plan))
                for (host, _), reason in agent.devices.summary.failed[:_MOST_FAILURES]:
                    self._asker.say(f"{host} could not be read: {reason}.")
                site = agent.status().site
            found = tuple(choice.stand(reading, site.devices) for reading in readings)
            self._asker.found(found)
            if found or not self._asker.again(DeviceError("no printer answered", _SILENCE)):
                return found

    def _look(self) -> ScanPlan:
        self._ask(replace(q.TARGETS, check=self._no_place), replace(q.EXCLUDE, check=self._no_place), q.COMMUNITIES)
        with self._agent() as agent:
            return agent.plan()

    def _no_place(self, answer: str) -> str:
        """What is wrong with an answer that names places to look."""
        with self._agent() as agent:
            try:
                agent.check_targets(q.items(answer))
            except SettingsError as error:
                return q.sentences(error)
        return ""

    def _replacements(self, agent: Agent, found: Sequence[Found]) -> dict[str, str]:
        """Serials of enrolled devices and of those that took their place."""
        replacements: dict[str, str] = {}
        for old, new in choice.replaced(found, agent.status().site.devices):
            self._asker.say(
                f"At {old.address} the enrolled {old.model} with serial {old.serial} does not answer any more; "
                f"{new.reading.model} with serial {new.serial} does."
            )
            if q.yes(self._asker.ask(q.REPLACED, q.REPLACED.default, old.serial)):
                replacements[old.serial] = new.serial
        return replacements

    def _choose(self, agent: Agent, found: Sequence[Found], replacements: Mapping[str, str]) -> tuple[str, ...]:
        """Serials of the devices that are to be enrolled."""
        new = set(replacements.values())
        if not any(device.choosable and device.serial not in new for device in found):
            self._asker.say("There is no other new device to choose." if new else "There is no new device to choose.")
            return tuple(new)
        enrolled = choice.enrolled(agent.status().site.devices)
        question = replace(q.CHOOSE, check=lambda answer: choice.wrong(answer, found, enrolled))
        answer = self._asker.ask(question, q.CHOOSE.default)
        return choice.chosen(" ".join((answer, *new)), found)

    def _compare(self, agent: Agent, chosen: Sequence[Reading]) -> tuple[str, ...]:
        """Serials of the devices whose panels agree, or were not asked."""
        if chosen:
            self._asker.step("Compare")
        if not chosen or not q.yes(self._asker.ask(q.COMPARE, q.COMPARE.default)):
            return tuple(reading.serial for reading in chosen)
        return tuple(reading.serial for reading in chosen if self._agrees(agent, reading))

    def _agrees(self, agent: Agent, reading: Reading) -> bool:
        serial = reading.serial
        self._asker.meters(reading)
        while answer := self._asker.ask(q.PANEL, q.PANEL.default, serial):
            shown = q.count(answer)
            (now,) = agent.read([(reading.address, reading.port)])
            after = now if isinstance(now, Reading) and now.serial == serial else reading
            if agreeing := panel.agreeing(reading, after, shown):
                self._asker.say(f"The panel agrees with the meter {agreeing[0]}. That number will be on the bill.")
                return True
            meter = panel.nearest(after, shown)
            nearest = f"the nearest is {meter.name} with {meter.value}" if meter else "it has no meter"
            trouble = DeviceError(f"no meter of {serial} stands at {shown}; {nearest}", "Look at the panel once more.")
            if not self._asker.again(trouble):
                anyway = q.yes(self._asker.ask(q.ANYWAY, q.ANYWAY.default, serial))
                if not anyway:
                    self._asker.say(f"{serial} is left out: {trouble}.")
                return anyway
        return True

    # --- the registration ----------------------------------------------------------------------------------

    def _register(
        self, agent: Agent, serials: Sequence[str], replacements: Mapping[str, str]
    ) -> tuple[SyncReport | None, tuple[str, ...]]:
        """What was done, and the serials that are registered now; those chosen earlier are registered with them."""
        self._asker.step("Register")
        ordered = (*choice.waiting(agent.status().site.devices), *serials)
        if not ordered:
            self._asker.say("There is nothing to register.")
            return None, ()
        self._asker.preview(agent.preview(serials, tuple(replacements.items())))
        if not q.yes(self._asker.ask(q.REGISTER, q.REGISTER.default)):
            self._asker.say("Nothing was sent, nothing is enrolled.")
            return None, ()
        for old, new in replacements.items():
            agent.replace_device(old, new)
        agent.select(serials)
        try:
            report = agent.register()
        except MeterpostError:
            if agent.status().site.outbox:
                self._asker.say("The registration is kept, and sent by 'meterpost run', 'meterpost sync' or this wizard.")
            raise
        for notice in report.notices:
            self._asker.say(f"{notice.serial}: {notice.text}".removeprefix(": "))
        devices = agent.status().site.devices
        registered = tuple(serial for serial in ordered if devices[serial].state is DeviceState.REGISTERED)
        if registered:
            self._asker.say(f"Registered: {', '.join(registered)}.")
        return report, registered

    def _next(self, site: SiteState, report: SyncReport | None) -> Iterator[str]:
        """What the administrator does from here on."""
        if report and report.waiting:
            yield "Messages wait here because communication is off; 'meterpost resume' turns it on."
        elif report:
            since = f" (this one at {site.proxy.effective.astimezone():%H:%M} by this clock)" if site.proxy.effective else ""
            yield (
                f"A registration takes up to an hour to take effect{since}. Then sign the devices up at the vendor's "
                "web site; before that none of them is turned on. A device younger than 30 days may be missing there at first."
            )
        yield (
            "Start 'meterpost run' and let it run on this computer: it reads every two hours and reports once "
            "a day. 'meterpost status' shows how it stands."
        )
        yield "Run this wizard again for a new or a replaced printer: it adds what is new and changes nothing else."
        yield f"The settings are in {self._draft.path}."

    # --- asking --------------------------------------------------------------------------------------------

    def _agent(self) -> Agent:
        return self._make_agent(self._draft.settings())

    def _trying(self, step: Callable[[], T]) -> T:
        """What the step returns, once it works; a person may change the answers until it does."""
        while True:
            try:
                return step()
            except MeterpostError as error:
                if not self._asker.again(error):
                    raise

    def _ask(self, *settings: q.Question) -> None:
        """Asks for settings; each has what counts now as its default."""
        for question in settings:
            now = self._draft.get(question.key)
            if question.kind is not q.Kind.SECRET:
                default = (" ".join(now) if isinstance(now, tuple) else now) or question.default
                self._draft.set(question.key, question.value(self._asker.ask(question, default)))
                continue
            secret = self._asker.secret(question, kept=now is not None)
            if isinstance(secret, dict):
                self._draft.set(question.key, secret)
            elif secret:
                self._draft.set_secret(question.key, secret)


_ACCOUNT = {
    True: " and the account is right. The server knows this client. ",
    False: " and the account is right. The server does not know this client yet. ",
}
_NO_ACCOUNT = ". The server listens to clients with a key only: the account is tried when this one is registered. "
_MOST_FAILURES = 10  # are told one by one
_SILENCE = (
    "Are they on, and are the addresses right? Their read community may be another one, SNMP may be turned off in them, "
    "or a firewall on the way may stop UDP port 161."
)
