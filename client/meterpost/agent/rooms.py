"""The rooms of one configured client, each opened when it is first used. Nothing is decided here."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from meterpost import wsse
from meterpost.agent.exchange import Exchanges
from meterpost.devices import Devices, SnmpUserSecret
from meterpost.errors import SettingsError
from meterpost.keys import Keys, open_keys
from meterpost.ledger import DeviceMemory, Ledger, open_ledger
from meterpost.model import Credentials
from meterpost.settings import Settings
from meterpost.transport import HttpsTransport, Transport
from meterpost_wsdl import xmlio

USERNAME_OCTETS = 64
"""As long as the byte budgets were reckoned with, after escaping: the username travels in every message."""


def wall_clock() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class Rooms:
    """Cheap to make: an engine is loaded by the room that needs it. Use as a context manager."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = wall_clock,
        transport: Transport | None = None,
        devices: Devices | None = None,
        ledger: Ledger | None = None,
        keeps: bool = True,
    ) -> None:
        """A room that is given is used instead of the configured one, until `close`. What does not keep anything has no
        memory of devices, and needs no store for looking at them."""
        self.settings = settings
        self._clock = clock
        self._transport = transport
        self._devices = devices
        self._ledger = ledger
        self._keeps = keeps
        self._memory: DeviceMemory | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> datetime:
        """The time by this client's clock."""
        return self._clock()

    def close(self) -> None:
        """Closes connections and the store; they are opened again when they are used again."""
        for room in (self._transport, self._ledger):
            if room is not None:
                room.close()
        self._transport = self._ledger = None
        if self._memory is not None:  # it is the closed store's
            self._devices = self._memory = None

    @property
    def ledger(self) -> Ledger:
        """Raises StoreError, Busy."""
        if self._ledger is None:
            self._ledger = open_ledger(self.settings.store, self.settings.base)
        return self._ledger

    @property
    def devices(self) -> Devices:
        """Raises SettingsError for users, profiles or a CA file that cannot be used."""
        if self._devices is None:
            snmp, base = self.settings.snmp, self.settings.base
            users = tuple(
                SnmpUserSecret(u.name, u.auth_password.resolve(base), u.priv_password.resolve(base), u.auth, u.priv)
                for u in snmp.users
            )
            self._memory = self.ledger.memory() if self._keeps else None
            named = self.settings.printers.ca_file
            self._devices = Devices(
                snmp,
                self.settings.discovery,
                users,
                self._clock,
                self.profile_folders,
                self._memory,
                ca_file=base / named if named else None,
            )
        return self._devices

    @property
    def profile_folders(self) -> tuple[Path, ...]:
        """Profiles of the administrator's own lie in `profiles` beside the configuration file."""
        folder = self.settings.base / "profiles"
        return (folder,) if folder.is_dir() else ()

    @property
    def keys(self) -> Keys:
        """The client's own keys, and the server's certificates. Reads nothing yet."""
        return open_keys(self.settings.security, self.settings.base)

    @property
    def needs_key(self) -> bool:
        """Whether messages are signed with a key of the client's own. Raises SettingsError for a policy that is none."""
        return wsse.policy(self.settings.security.policy).needs_key

    @property
    def transport(self) -> Transport:
        """Raises SettingsError for an address or files that cannot be used."""
        if self._transport is None:
            server, base = self.settings.server, self.settings.base
            if not server.url:
                raise SettingsError("server.url is not set", "Run 'meterpost wizard'.")
            secret = server.http_proxy_password
            self._transport = HttpsTransport(server, base, secret.resolve(base) if secret else None)
        return self._transport

    @property
    def exchanges(self) -> Exchanges:
        """Raises SettingsError for an account that is not there or cannot travel."""
        account = self.settings.account
        if not account.username or account.password is None:
            raise SettingsError("account.username or account.password is not set", "Run 'meterpost wizard'.")
        if xmlio.octets(account.username) > USERNAME_OCTETS:
            raise SettingsError(
                f"account.username takes {xmlio.octets(account.username)} octets in a message, "
                f"and the byte budgets have room for {USERNAME_OCTETS}",
                "Ask the vendor for a shorter username; each & < > and each letter beyond ASCII takes several octets.",
            )
        credentials = Credentials(account.username, account.password.resolve(self.settings.base))
        return Exchanges(
            self.transport,
            self.ledger,
            credentials,
            self.settings.security,
            self.settings.server.url,
            self._clock,
            self.keys,
        )

    @property
    def certificate(self) -> str:
        """Whom the connection trusts and until when; '' where the transport is not the real one."""
        if not isinstance(self.transport, HttpsTransport):
            return ""
        peer = self.transport.peer()
        return f"The server is {', '.join(peer.names)}, says {peer.issuer}, until {peer.valid_until:%Y-%m-%d}."
