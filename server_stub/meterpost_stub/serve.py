"""The reference server as a whole: the only place where its rooms meet. `with StubServer(StubOptions()) as stub: ...`

For tests only: its certificates are made at start, its store is gone at exit unless it has a file.
"""

import secrets
import ssl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from meterpost.errors import SettingsError
from meterpost.wsse import POLICIES, Acceptance
from meterpost_stub.admin import Admin
from meterpost_stub.budget import Enforcement
from meterpost_stub.centre import Centre, ClientSettings
from meterpost_stub.certificates import LOOPBACK, Authority
from meterpost_stub.clocks import Clocks, wall
from meterpost_stub.desk import Desk
from meterpost_stub.http import Guard
from meterpost_stub.key_book import KEY_DAYS, KeyBook, Lives
from meterpost_stub.keys import GRACE
from meterpost_stub.listener import Listener
from meterpost_stub.rules import Cycle, Result
from meterpost_stub.security import Security
from meterpost_stub.service import Service
from meterpost_stub.store import Entry, Store
from meterpost_wsdl import names

_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # what a user may have chosen; named here to be replaced

ENROL = tuple(dict.fromkeys(row.enrols_with for row in POLICIES.values() if row.enrols_with))
"""What a client without a key of its own registers with."""


def _password() -> str:
    return secrets.token_urlsafe(12)


@dataclass(frozen=True, slots=True)
class StubOptions:
    """How the server starts. `db` None keeps everything in memory; `folder` keeps its keys, None is a temporary one;
    `client_ca` demands clients' certificates; `calendar` sets the calendar clock; `now` is the wall clock.
    `accept` are the security policies of all messages, `enrol` names those that only a registration may follow as well.
    `trusted` are certificates brought by an administrator: (client's id or account, PEM file).
    `key_days` and `server_key_days`: how long a client's certificate and the server's are valid; `key_grace`: how long a
    client's older key counts once its newer one was used."""

    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    db: Path | None = None
    folder: Path | None = None
    username: str = "site"
    password: str = field(default_factory=_password, repr=False)
    other_accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    registration_delay: timedelta = timedelta(hours=1)
    calendar: datetime | None = None
    budget: Enforcement = Enforcement.REFUSE
    accept: Acceptance = field(default_factory=Acceptance)
    enrol: tuple[str, ...] = ENROL
    trusted: tuple[tuple[str, Path], ...] = ()
    key_days: float = KEY_DAYS
    server_key_days: float = KEY_DAYS
    key_grace: timedelta = GRACE
    client_ca: Path | None = None
    now: Callable[[], datetime] = wall


class StubServer:
    """The running server. Starts when entered; raises NetworkError, StoreError or SettingsError when it cannot.

    Methods are what the admin port offers, with the same JSON data (docs/stub.md).
    """

    soap_url: str
    wsdl_url: str
    admin_url: str
    ca_file: Path

    def __init__(self, options: StubOptions | None = None) -> None:
        self.options = options or StubOptions()
        self.username = self.options.username
        self.password = self.options.password
        self.admin_token = secrets.token_urlsafe(24)
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._closing = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops; running requests are finished first."""
        self._closing.close()

    def _start(self, stack: ExitStack) -> None:
        options = self.options
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meterpost-stub-")))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder = folder.resolve()  # what is announced must not depend on where its reader stands
        self._store = Store(options.db)
        stack.callback(self._store.close)
        self.clocks = Clocks(self._store, options.now)
        if options.calendar is not None:
            self.clocks.set_calendar(options.calendar)
        accounts = {options.username: options.password, **options.other_accounts}
        kept = folder if options.folder else None
        authority = Authority(folder=kept)
        lives = Lives(options.key_days, options.server_key_days, options.key_grace)
        self._book = KeyBook(self._store, self.clocks, authority, lives, kept, options.username)
        centre = Centre(self._store, self.clocks, options.registration_delay, keys=self._book)
        self.desk = Desk(centre, accounts)
        self._trust()
        security = Security(accounts, options.accept, options.enrol, self._book, self._store, self.clocks)
        guard = Guard(Service(centre), self._store, self.clocks, security, options.budget)
        service = Listener(options.host, options.port, guard.answer, self._tls(authority, folder))
        stack.callback(service.close)
        admin = Admin(self.desk, self.clocks, self.admin_token, self.reset)
        administration = Listener("127.0.0.1", options.admin_port, admin.answer)
        stack.callback(administration.close)
        host = "localhost" if options.host in _ANY_ADDRESS else options.host
        self.soap_url = f"https://{f'[{host}]' if ':' in host else host}:{service.port}{names.PATH}"
        self.wsdl_url = f"{self.soap_url}?wsdl"
        self.admin_url = f"http://127.0.0.1:{administration.port}"
        guard.location = self.soap_url

    def _trust(self) -> None:
        for holder, file in self.options.trusted:
            try:
                self.desk.keys.trust(holder, file.read_bytes())
            except OSError as error:
                raise SettingsError(f"{file} is not a certificate's file: {error}") from None

    def _tls(self, authority: Authority, folder: Path) -> ssl.SSLContext:
        self.ca_file = authority.write(folder)
        hosts = [host for host in (*LOOPBACK, self.options.host) if host not in _ANY_ADDRESS]
        certificate, key = authority.issue(folder, "server", hosts)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        if self.options.client_ca is not None:
            try:
                context.load_verify_locations(self.options.client_ca)
            except (OSError, ssl.SSLError) as error:
                raise SettingsError(f"{self.options.client_ca} is not a file of CA certificates: {error}") from None
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def describe(self) -> dict[str, str]:
        """What a client and a tester need, as `serve --json` prints it."""
        return {
            "soap_url": self.soap_url,
            "wsdl_url": self.wsdl_url,
            "admin_url": self.admin_url,
            "ca_file": str(self.ca_file),
            "server_certificates": str(self.server_certificates),
            "username": self.username,
            "password": self.password,
            "admin_token": self.admin_token,
        }

    @property
    def server_certificates(self) -> Path:
        """A PEM file of the certificates the server signs with now, and may be encrypted to. Made when it is asked for."""
        return self.desk.keys.write(self._folder / "server-signing.pem")

    def sign_up(self, *serials: str, cycle: str = Cycle.MONTHLY, meters: tuple[str, ...] = ()) -> dict[str, Any]:
        """Signs up these devices, or all that can be where none is named."""
        return self.desk.sign_up(serials or None, Cycle(cycle), meters)

    def bill(self, serial: str, meters: tuple[str, ...] = (), cycle: str | None = None) -> dict[str, Any]:
        return self.desk.bill(serial, meters, Cycle(cycle) if cycle else None)

    def turn_off(self, serial: str, reason: str = "") -> dict[str, Any]:
        return self.desk.turn_off(serial, reason)

    def set_eligibility(self, serial: str, result: str, until: date | None = None, reason: str | None = None) -> dict[str, Any]:
        return self.desk.set_eligibility(serial, Result(result), until, reason)

    def set_client_settings(
        self, sync_at: str | None = None, jitter: int | None = None, read_every: int | None = None
    ) -> dict[str, Any]:
        return self.desk.set_client_settings(ClientSettings(sync_at, jitter, read_every))

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> dict[str, Any]:
        """Moves the calendar clock."""
        self.clocks.advance(timedelta(days=days, hours=hours, seconds=seconds))
        return self.desk.clock()

    def set_clock(self, to: datetime) -> dict[str, Any]:
        """Sets the calendar clock."""
        self.clocks.set_calendar(to)
        return self.desk.clock()

    def set_security_offset(self, seconds: float) -> dict[str, Any]:
        """Makes the clock that judges freshness wrong."""
        self.clocks.set_security_offset(timedelta(seconds=seconds))
        return self.desk.clock()

    def keys(self) -> dict[str, Any]:
        return self.desk.keys.state()

    def trust(self, holder: str, certificate: bytes) -> dict[str, Any]:
        """Believes a certificate (PEM); `holder` is a client's id or an account."""
        return self.desk.keys.trust(holder, certificate)

    def release(self, holder: str) -> dict[str, Any]:
        return self.desk.keys.release(holder)

    def revoke(self, client: str) -> dict[str, Any]:
        return self.desk.keys.revoke(client)

    def unrevoke(self, client: str) -> dict[str, Any]:
        return self.desk.keys.unrevoke(client)

    def roll_over(self, days: float | None = None) -> dict[str, Any]:
        """New signing keys for the server, valid for `days` (`server_key_days`)."""
        return self.desk.keys.roll_over(days)

    def set_key_days(self, days: float) -> dict[str, Any]:
        return self.desk.keys.set_days(days)

    def state(self) -> dict[str, Any]:
        return self.desk.state()

    def readings(self) -> list[dict[str, Any]]:
        return self.desk.readings()

    def journal(self) -> tuple[Entry, ...]:
        """Every exchange with its exact bytes, oldest first."""
        return self.desk.journal()

    def reset(self) -> None:
        """Back to the start: records, keys, journal and clocks; used nonces are remembered."""
        self._store.clear()
        self._book.server.reset()
        if self.options.calendar is not None:
            self.clocks.set_calendar(self.options.calendar)
        self._trust()
