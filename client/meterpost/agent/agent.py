"""The agent: the only place where the rooms meet. Each public method is one verb of the product; those that change
something hold the store's writer lock for as long as they run, and write down every step before the next."""

import platform
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from meterpost import __version__, soap
from meterpost.agent.exchange import Exchanges
from meterpost.agent.reports import Connection, Preview, ReadReport, Status, SyncReport
from meterpost.agent.work import Work
from meterpost.devices import Devices, Progress, ScanPlan, SnmpUserSecret, read_recording
from meterpost.errors import DeviceError, Refused, SettingsError
from meterpost.ledger import Ledger, open_ledger
from meterpost.lifecycle import Session
from meterpost.lifecycle import events as ev
from meterpost.lifecycle.messages import SyncProxy
from meterpost.lifecycle.state import DeviceState, SiteState
from meterpost.model import Credentials, Exchange, JobName, Reading
from meterpost.settings import ScheduleSettings, Settings
from meterpost.transport import HttpsTransport, Transport
from meterpost_wsdl import xmlio


def wall_clock() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


SERIAL_OCTETS = 32
"""The contract's limit on a serial, after escaping."""

ENROLLED = frozenset(DeviceState) - {DeviceState.SEEN, DeviceState.OFF, DeviceState.REPLACED, DeviceState.WITHDRAWN}
"""The states in which a device is in the administrator's care: read every two hours, listed as enrolled."""


class Agent:
    """One configured client. Cheap to make: engines are loaded by the verb that needs them. Use as a context manager."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = wall_clock,
        transport: Transport | None = None,
        devices: Devices | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._transport = transport
        self._devices = devices
        self._ledger = ledger

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes connections and the store; the agent opens them again when it is used again."""
        for room in (self._transport, self._ledger):
            if room is not None:
                room.close()
        self._transport = self._ledger = None

    # --- looking at printers -------------------------------------------------------------------------------

    def plan(self, targets: Sequence[str] = (), exclude: Sequence[str] = ()) -> ScanPlan:
        """What a discovery of `targets` (the configured ones where there are none) would cost. Raises SettingsError."""
        configured = self.settings.discovery
        chosen = tuple(targets) or configured.targets
        if not chosen:
            raise SettingsError("there is nowhere to look", "Name addresses, ranges or networks, or set discovery.targets.")
        return self.devices.plan(chosen, (*configured.exclude, *exclude))

    def discover(
        self,
        plan: ScanPlan,
        on_progress: Callable[[Progress], None] = lambda _: None,
        stop: threading.Event | None = None,
    ) -> tuple[Reading, ...]:
        """The printers the plan finds. Each reading is kept and each device with a serial becomes `seen`;
        nothing is enrolled. Stopping keeps what was found."""
        found = self.devices.discover(plan, on_progress, stop)
        self.remember(found)
        return found

    def remember(self, found: Sequence[Reading]) -> None:
        """The second half of `discover`, for who shows what was found before it is kept."""
        with self._work("discover") as work:
            for reading in found:
                work.keep(reading)
                work.see(reading)

    def read(self, endpoints: Sequence[tuple[str, int]]) -> tuple[Reading | DeviceError, ...]:
        """Fresh readings of devices anywhere, kept nowhere."""
        return self.devices.read_many(endpoints)

    def replay(self, recording: Path) -> Reading:
        """The reading of a device recorded in a file, with the profiles of this configuration. Raises DeviceError."""
        return read_recording(recording, self._clock(), self._profile_folders)

    def read_enrolled(self) -> tuple[ReadReport, ...]:
        """A reading of every enrolled device, judged and kept; open billing requests are answered into the outbox."""
        with self._work("read") as work:
            reports = work.read(sorted(serial for serial, d in work.state.devices.items() if d.state in ENROLLED))
            self.ledger.set_last_success(JobName.READ, self._clock())
        return reports

    # --- choosing and registering --------------------------------------------------------------------------

    def select(self, serials: Sequence[str]) -> None:
        """Chooses seen devices for enrolment. Raises SettingsError for a serial never seen."""
        with self._work("enrol") as work:
            missing = [serial for serial in serials if serial not in work.state.devices]
            if missing:
                raise SettingsError(f"no device with serial {', '.join(missing)} was seen", "Run 'meterpost discover' first.")
            long = [serial for serial in serials if xmlio.octets(serial) > SERIAL_OCTETS]
            if long:
                raise SettingsError(
                    f"the serial {long[0]!r} takes more than {SERIAL_OCTETS} octets on the wire",
                    "The contract has no room for it, and a shortened serial would be another device's.",
                )
            work.feed(ev.Selected(tuple(serials)))

    def preview(self, serials: Sequence[str] = ()) -> tuple[Preview, ...]:
        """The very messages `register` would send if `serials` were selected too. Changes nothing, sends nothing."""
        with self._work("preview") as work:
            session = Session(work.state, soap.pack)
        now = self._clock()
        session.feed(ev.Selected(tuple(serials)), now)
        session.feed(self._registration(), now)
        previews = []
        for outgoing in session.state.outbox:
            head, body, verdict = self.exchanges.compose(outgoing.message)
            previews.append(Preview(verdict, head, body))
        return tuple(previews)

    def register(self) -> SyncReport:
        """Registers this client, where it is new, and all selected devices."""
        with self._work("enrol") as work:
            work.feed(self._registration())
            work.send_all()
            return work.report()

    def withdraw(self, serial: str) -> SyncReport:
        """Takes a device out, and tells the server."""
        with self._work("withdraw") as work:
            work.feed(ev.Withdrawn(serial))
            work.send_all()
            return work.report()

    def replace_device(self, old: str, new: str) -> SyncReport:
        """Device `old` was replaced by `new`, which is then selected; `register` tells the server. A notice in the
        report says why they were left as they are."""
        with self._work("replace") as work:
            work.feed(ev.Replaced(old, new))
            return work.report()

    # --- talking to the server -----------------------------------------------------------------------------

    def sync(self) -> SyncReport:
        """Asks the server what is to be done and does it: turns on, confirms, reads what is billed, answers.
        Ends when nothing is left that can be done now. Raises the error of the first message that failed, after
        everything that happened before it was kept."""
        return self._converse("sync", ev.SyncDue(__version__))

    def flush(self) -> SyncReport:
        """Sends what is due in the outbox and does what the answers ask for, without asking for anything new."""
        return self._converse("send", ev.TimePassed(__version__))

    def _converse(self, who: str, event: ev.Event) -> SyncReport:
        with self._work(who) as work:
            before = work.state.last_sync
            work.feed(event)
            try:
                work.send_all()
                while work.to_read and not work.state.paused:
                    work.read(sorted(work.to_read))
                    work.send_all()
            finally:
                if work.state.last_sync != before:
                    self.ledger.set_last_success(JobName.SYNC, self._clock())
            return work.report()

    def test_connection(self) -> Connection:
        """Asks the server with the configured account, through the configured HTTP proxy. The sync response, if there
        is one, is not acted upon: the server repeats it. Raises what `Exchanges.send` raises."""
        registered = True
        with self._work("test") as work:
            try:
                self.exchanges.send(SyncProxy(work.state.client, __version__))
            except Refused as refused:
                if refused.code != "not-registered":
                    raise
                registered = False
        (last,) = self.ledger.exchanges(limit=1)
        return Connection(registered, self._certificate(), last.request_sizes.wire, last.response_sizes.wire)

    def pause(self) -> None:
        """Turns communication off: nothing is sent until `resume`."""
        with self._work("pause") as work:
            work.feed(ev.Paused())

    def resume(self) -> None:
        with self._work("resume") as work:
            work.feed(ev.Resumed())

    # --- looking back --------------------------------------------------------------------------------------

    def status(self) -> Status:
        site = self.ledger.load_site() or SiteState(client="")
        return Status(
            site,
            self.schedule(site),
            {job: self.ledger.last_success(job) for job in JobName},
            self.ledger.latest_readings(),
        )

    def schedule(self, site: SiteState | None = None) -> ScheduleSettings:
        """The schedule in force: the file's, where the server has not set another."""
        remote = (site or self.status().site).settings
        own = self.settings.schedule
        return replace(
            own,
            daily_time=remote.sync_at or own.daily_time,
            jitter_minutes=own.jitter_minutes if remote.jitter is None else remote.jitter,
            read_every_minutes=remote.read_every or own.read_every_minutes,
        )

    def next_wakeup(self) -> datetime | None:
        """When the life cycle wants a turn of its own: a message to repeat, a date that comes."""
        site = self.ledger.load_site()
        return Session(site, soap.pack).next_wakeup() if site and not site.paused else None

    def journal(self, limit: int = 50, number: int | None = None) -> tuple[Exchange, ...]:
        return self.ledger.exchanges(limit, number)

    # --- rooms, opened when they are needed ----------------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            self._ledger = open_ledger(self.settings.store, self.settings.base)
        return self._ledger

    @property
    def devices(self) -> Devices:
        if self._devices is None:
            snmp, base = self.settings.snmp, self.settings.base
            users = tuple(
                SnmpUserSecret(u.name, u.auth_password.resolve(base), u.priv_password.resolve(base), u.auth, u.priv)
                for u in snmp.users
            )
            self._devices = Devices(snmp, self.settings.discovery, users, self._clock, self._profile_folders)
        return self._devices

    @property
    def _profile_folders(self) -> tuple[Path, ...]:
        """Profiles of the administrator's own lie in `profiles` beside the configuration file."""
        folder = self.settings.base / "profiles"
        return (folder,) if folder.is_dir() else ()

    @property
    def transport(self) -> Transport:
        if self._transport is None:
            server, base = self.settings.server, self.settings.base
            if not server.url:
                raise SettingsError("server.url is not set", "Run 'meterpost wizard'.")
            secret = server.http_proxy_password
            self._transport = HttpsTransport(server, base, secret.resolve(base) if secret else None)
        return self._transport

    @property
    def exchanges(self) -> Exchanges:
        account = self.settings.account
        if not account.username or account.password is None:
            raise SettingsError("account.username or account.password is not set", "Run 'meterpost wizard'.")
        credentials = Credentials(account.username, account.password.resolve(self.settings.base))
        return Exchanges(
            self.transport, self.ledger, credentials, self.settings.security, self.settings.server.url, self._clock
        )

    def _certificate(self) -> str:
        """Whom the connection trusts and until when; '' where the transport is not the real one."""
        if not isinstance(self.transport, HttpsTransport):
            return ""
        peer = self.transport.peer()
        return f"The server is {', '.join(peer.names)}, says {peer.issuer}, until {peer.valid_until:%Y-%m-%d}."

    # --- within --------------------------------------------------------------------------------------------

    @contextmanager
    def _work(self, who: str) -> Iterator[Work]:
        """One verb's turn with the store: locked, loaded, and saved at every step."""
        with self.ledger.writer(who):
            yield Work(self._site(), self.ledger, self._clock, lambda: self.exchanges, lambda: self.devices)

    def _site(self) -> SiteState:
        """The site as kept; a new one gets its client id, which it keeps for life."""
        site = self.ledger.load_site()
        if site is None:
            site = SiteState(client=str(uuid.uuid4()))
            self.ledger.save_site(site)
        return site

    def _registration(self) -> ev.RegistrationOrdered:
        return ev.RegistrationOrdered(
            platform.node() or "unnamed", f"{platform.system()} {platform.release()}".strip(), __version__
        )


def open_agent(config: Path, clock: Callable[[], datetime] = wall_clock) -> Agent:
    """The agent of a configuration file. Raises SettingsError."""
    from meterpost import settings

    return Agent(settings.load(config), clock)
