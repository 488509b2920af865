"""A customer's site without a network: the reference server answers in this process, printers are values, and the clock
of all of them is the test's. Years pass in seconds; the store and the configuration are real files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import tomlkit

from meterpost import settings
from meterpost.agent import Agent, SyncReport
from meterpost.agent.schedule import Unattended
from meterpost.errors import DeviceError, NetworkError
from meterpost.ledger import Ledger, open_ledger
from meterpost.lifecycle.state import RequestState, SiteState
from meterpost.model import Meter, Reading
from meterpost.settings import StoreSettings
from meterpost.transport import MemoryTransport, Outbound, Transport
from meterpost.wsse import Acceptance
from meterpost_stub.budget import Enforcement
from meterpost_stub.centre import Centre
from meterpost_stub.clocks import Clocks
from meterpost_stub.desk import Desk
from meterpost_stub.http import Guard
from meterpost_stub.security import Security
from meterpost_stub.service import Service
from meterpost_stub.store import Entry, Store
from meterpost_stub.web import HttpRequest
from meterpost_wsdl import names

BERLIN = ZoneInfo("Europe/Berlin")
PASSWORD = "canary-4711-never-seen"  # a test looks for it where it must not be
START = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)


@cache
def new_store() -> bytes:
    """The file of a store in which nothing is yet. Making one takes longer than most of a site's life."""
    with TemporaryDirectory() as folder:
        open_ledger(StoreSettings(path="new.db"), Path(folder)).close()
        return (Path(folder) / "new.db").read_bytes()


@dataclass
class Clock:
    """The time of the whole site."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def _fields(head: bytes) -> dict[str, str]:
    """The header lines of an HTTP message."""
    return dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n")[1:-2])


class Vendor:
    """The reference server behind a function call. `down`: nobody answers. `on_post` sees each message before it
    arrives, `on_reply` before its answer leaves; either may raise."""

    def __init__(self, clock: Clock) -> None:
        self._store = Store(None)
        self.clocks = Clocks(self._store, clock)
        centre = Centre(self._store, self.clocks, timedelta(hours=1))
        self.desk = Desk(centre)
        self.accounts = {"site": PASSWORD}
        security = Security(self.accounts, Acceptance(), (), centre.keys, self._store, self.clocks)
        self._guard = Guard(Service(centre), self._store, self.clocks, security, Enforcement.REFUSE)
        self._clock = clock
        self.down = False
        self.on_post: Callable[[str], None] = lambda action: None
        self.on_reply: Callable[[str], None] = lambda action: None
        self.calls: list[tuple[datetime, str]] = []  # every attempt, heard or not

    def close(self) -> None:
        self._store.close()

    def transport(self) -> MemoryTransport:
        return MemoryTransport(self._handle)

    def _handle(self, message: Outbound) -> tuple[int, Mapping[str, str], bytes]:
        self.calls.append((self._clock.now, message.action.rpartition(":")[2]))
        if self.down:
            raise NetworkError("the communication server cannot be reached", "Check the network.")
        self.on_post(message.action)
        head = MemoryTransport(self._handle).head(message)
        headers = {name.lower(): value for name, value in _fields(head).items()}
        answer = self._guard.answer(HttpRequest("POST", names.PATH, "", headers, head, message.body))
        self.on_reply(message.action)
        return answer.status, _fields(answer.head), answer.body

    # --- what the server holds -----------------------------------------------------------------------------

    @property
    def journal(self) -> tuple[Entry, ...]:
        return self.desk.journal()

    def heard(self, transaction: str) -> list[datetime]:
        """When messages of this kind came and were answered well."""
        return [entry.at for entry in self.journal if entry.transaction == transaction and entry.outcome == "ok"]

    def requests(self, state: str) -> list[str]:
        """Serials of the billing requests in this state, one entry each."""
        return sorted(r["serial"] for r in self.desk.state()["billing_requests"] if r["state"] == state)

    def parts(self) -> list[tuple[str, str, int]]:
        return [(part["serial"], part["id"], part["part"]) for part in self.desk.readings()]


@dataclass
class Printers:
    """The port of `devices`, as values. Each visit counts one page more."""

    clock: Clock
    at: dict[tuple[str, int], str] = field(default_factory=dict)  # which serial answers where
    meters: dict[str, int] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    visits: list[tuple[datetime, str]] = field(default_factory=list)  # when, and to which address

    def add(self, serial: str) -> Reading:
        endpoint = (f"127.0.9.{len(self.at) + 1}", 161)
        self.at[endpoint] = serial
        self.meters[serial] = 1000
        return self._reading(endpoint)

    def read_many(self, endpoints: Sequence[tuple[str, int]]) -> tuple[Reading | DeviceError, ...]:
        self.visits += [(self.clock.now, address) for address, _ in endpoints]
        return tuple(
            DeviceError(f"{endpoint[0]} does not answer", "Is it on?")
            if self.at[endpoint] in self.off
            else self._reading(endpoint)
            for endpoint in endpoints
        )

    def _reading(self, endpoint: tuple[str, int]) -> Reading:
        serial = self.at[endpoint]
        self.meters[serial] += 1
        meters = (Meter("total", self.meters[serial], "impressions", "1.3"),)
        return Reading(*endpoint, self.clock.now, "Acme", "Model 1", serial, meters=meters)


@dataclass
class Lab:
    """`lab.enrol("A", "B")`, `lab.live(days=31)`: a site's life in the words of the domain."""

    folder: Path
    zone: tzinfo = BERLIN
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.vendor = Vendor(self.clock)
        self.printers = Printers(self.clock)
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD)
        self.configure()
        (self.folder / "meterpost.db").write_bytes(new_store())
        self._ledger = self.ledger()
        self.unattended = self.start()
        self.turns: list[tuple[datetime, str]] = []  # what the unattended agent was woken for

    def close(self) -> None:
        self._ledger.close()
        self.vendor.close()

    @property
    def config(self) -> Path:
        return self.folder / "meterpost.toml"

    def configure(self, **sections: dict[str, Any]) -> None:
        """The configuration file, with `sections` over the usual."""
        table: dict[str, dict[str, Any]] = {
            "server": {"url": "https://memory.invalid/mp"},
            "account": {"username": "site", "password": {"file": "password"}},
            "schedule": {"daily_time": "02:30", "jitter_minutes": 0, "read_every_minutes": 1440},
        }
        for name, values in sections.items():
            table.setdefault(name, {}).update(values)
        self.config.write_text(tomlkit.dumps(table), "utf-8")

    def agent(self, transport: Transport | None = None, ledger: Ledger | None = None) -> Agent:
        """A fresh agent of the configuration file, as each command and each job has one. Its ledger, unless one is given,
        is the same for all: an engine warm with compiled SQL is what makes years pass in seconds."""
        chosen = settings.load(self.config)
        devices: Any = self.printers
        return Agent(chosen, self.clock, transport or self.vendor.transport(), devices, ledger or self._ledger)

    def start(self) -> Unattended:
        """`meterpost run`, but for the waiting."""
        return Unattended(self.agent, self.clock, self.zone)

    # --- people --------------------------------------------------------------------------------------------

    def discover(self, *serials: str) -> None:
        with self.agent() as agent:
            agent.remember([self.printers.add(serial) for serial in serials])

    def register(self, *serials: str) -> None:
        self.discover(*serials)
        with self.agent() as agent:
            agent.select(serials)
            agent.register()

    def enrol(self, *serials: str) -> None:
        """Found, registered, signed up an hour later, turned on and confirmed."""
        self.register(*serials)
        self.clock.advance(hours=1, minutes=5)
        self.vendor.desk.sign_up()
        with self.agent() as agent:
            agent.flush()

    def sync(self) -> SyncReport:
        with self.agent() as agent:
            return agent.sync()

    # --- time ----------------------------------------------------------------------------------------------

    def live(self, **span: float) -> None:
        """Lets the unattended agent work for so long, each job at the very time it asks for."""
        until = self.clock.now + timedelta(**span)
        for _ in range(1_000):
            due = self.unattended.due()
            name = min(due, key=lambda name: due[name])
            if due[name] > until:
                self.clock.now = until
                return
            self.clock.now = max(self.clock.now, due[name])
            self.turns.append((self.clock.now, name))
            self.unattended.turn(name)
        raise AssertionError(f"it goes in circles: {self.turns[-4:]}")

    # --- looking -------------------------------------------------------------------------------------------

    def site(self) -> SiteState:
        with self.agent() as agent:
            return agent.status().site

    def open_requests(self) -> list[str]:
        return sorted(r.serial for r in self.site().requests.values() if r.state is RequestState.OPEN)

    def ledger(self) -> Ledger:
        return open_ledger(settings.load(self.config).store, self.folder)

    def local_days(self, times: list[datetime]) -> list[str]:
        return [f"{when.astimezone(self.zone):%m-%d}" for when in times]
