"""What the vendor's people do about keys by hand, as plain JSON data with stable names (docs/stub.md)."""

import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from meterpost.errors import SettingsError
from meterpost.model import instant
from meterpost.wsse.algorithms import KeyKind
from meterpost.wsse.trust import loaded
from meterpost_stub.key_book import KeyBook, checked_days
from meterpost_stub.keys import ClientKey, KeyState
from meterpost_stub.server_keys import ServerKey

Json = dict[str, Any]
_CLIENT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class KeyDesk:
    """A `holder` is a client's id, or the name of one of `accounts`: then all its clients are meant. Raises SettingsError for
    orders that cannot be carried out; nothing is changed then."""

    def __init__(self, book: KeyBook, accounts: Collection[str] = ()) -> None:
        self._book = book
        self._accounts = accounts

    def state(self) -> Json:
        """Whom the server trusts and until when, and what it signs with."""
        return {
            "clients": [_client_key(key, state) for key, state in self._book.all()],
            "server": [_server_key(key) for kind in KeyKind for key in self._book.server.made(kind)],
        }

    def trust(self, holder: str, certificate: bytes) -> Json:
        """Believes a certificate (PEM) that an administrator brought."""
        client, account = self._named(holder)
        key = self._book.trust(certificate, client, account)
        return _client_key(key, self._book.state_of(key))

    def release(self, holder: str) -> Json:
        """Forgets the keys of `holder`: a client may enrol again with its password."""
        client, account = self._named(holder)
        return {"holder": holder, "released": self._book.release(client, account)}

    def revoke(self, client: str) -> Json:
        """Turns a client off: whatever it says is refused."""
        self._book.revoke(client)
        return {"client": client, "revoked": True}

    def unrevoke(self, client: str) -> Json:
        self._book.unrevoke(client)
        return {"client": client, "revoked": False}

    def roll_over(self, days: float | None = None) -> Json:
        """The server signs with new keys for whoever knows them; valid for `days`."""
        new = self._book.server.roll_over(None if days is None else checked_days(days, least=1))
        return {"server": [_server_key(key) for key in new]}

    def set_days(self, days: float) -> Json:
        """How long clients' certificates issued from now on are valid."""
        self._book.set_days(days)
        return {"days": days}

    def write(self, file: Path) -> Path:
        """The server's certificates in force (PEM), for peers that are not told them."""
        file.write_bytes(b"".join(key.pair.certificate for key in self._book.server.all()))
        return file

    def _named(self, holder: str) -> tuple[str, str]:
        """(client, account), one of them ''."""
        if _CLIENT.fullmatch(holder):
            return holder, ""
        if holder in self._accounts:
            return "", holder
        raise SettingsError(f"{holder!r} is neither a client's id nor an account")


def _client_key(key: ClientKey, state: KeyState) -> Json:
    return {
        "client": key.client,
        "account": key.account,
        "state": str(state),
        "first_used": instant(key.first_used) if key.first_used else None,
        **_certificate(key.certificate, key.since, key.until),
    }


def _server_key(key: ServerKey) -> Json:
    return {"kind": key.kind.name.lower(), **_certificate(key.pair.certificate, key.since, key.until)}


def _certificate(pem: bytes, since: datetime, until: datetime) -> Json:
    """The serial number is a text: JSON's readers do not agree on numbers of 64 bits."""
    return {
        "serial": str(loaded(pem).serial_number),
        "since": instant(since),
        "until": instant(until),
        "certificate": pem.decode("ascii"),
    }
