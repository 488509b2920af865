"""The server's own signing keys: made when they are asked for, followed by newer ones, kept in a folder if there is one.

One kind for each kind of key a peer can verify; the RSA ones are also what messages to the server are encrypted to. Which
of them signs for whom is not decided here.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from meterpost.errors import SettingsError
from meterpost.model import KeyPair
from meterpost.wsse.algorithms import KeyKind
from meterpost.wsse.trust import kind_of
from meterpost_stub.certificates import EARLY, Authority, PrivateKey, pem_of, read_pair, write_pair

MOST_OF_A_KIND = 3
"""In force at the same time: the schema has room for eight certificates, one of them the client's."""
_MAKE: Mapping[KeyKind, Callable[[], PrivateKey]] = {
    KeyKind.P256: lambda: ec.generate_private_key(ec.SECP256R1()),
    KeyKind.RSA: lambda: rsa.generate_private_key(65537, 2048),  # a tenth of a second
}


@dataclass(frozen=True, slots=True)
class ServerKey:
    kind: KeyKind
    pair: KeyPair
    serial: str
    since: datetime
    until: datetime


class ServerKeys:
    """`now` is the clock certificates live by, `lifetime` how long one is valid. Safe to use from several threads."""

    def __init__(
        self, authority: Authority, now: Callable[[], datetime], lifetime: timedelta, folder: Path | None = None
    ) -> None:
        self._authority = authority
        self._now = now
        self._lifetime = lifetime
        self._folder = folder
        self._lock = threading.Lock()
        kept = (read_pair(path.parent, path.stem) for path in _files(folder))
        self._keys = [_described(pair) for pair in kept if pair is not None]

    def of(self, kind: KeyKind) -> tuple[ServerKey, ...]:
        """Those in force, oldest first; at least one. A successor is made when a third of the newest one's time is left: no
        client asks for it before."""
        now = self._now()  # before the lock: the clock asks the store, and who holds the store may ask for keys
        with self._lock:
            held = self._in_force(kind, now)
            if not held or (len(held) < MOST_OF_A_KIND and held[-1].until - now <= (held[-1].until - held[-1].since) / 3):
                held.append(self._make(kind, now, self._lifetime))
            return tuple(held)

    def all(self) -> tuple[ServerKey, ...]:
        """Those in force of every kind, oldest first in each."""
        return tuple(key for kind in _MAKE for key in self.of(kind))

    def made(self, kind: KeyKind) -> tuple[ServerKey, ...]:
        """Those in force that somebody has asked for: what was never told cannot have been used."""
        now = self._now()
        with self._lock:
            return tuple(self._in_force(kind, now))

    def roll_over(self, lifetime: timedelta | None = None) -> tuple[ServerKey, ...]:
        """A new key of each kind that anybody has asked for; the older ones stay in force. Raises SettingsError where there
        are three already: one could no longer be told to everybody who needs it."""
        self.of(KeyKind.P256)
        now = self._now()
        with self._lock:
            older = [held for kind in _MAKE if (held := self._in_force(kind, now))]
            for held in older:
                if len(held) >= MOST_OF_A_KIND:
                    raise SettingsError(
                        f"{len(held)} signing keys are in force already",
                        f"Wait until one ends, at {held[0].until.isoformat()}.",
                    )
            return tuple(self._make(held[0].kind, now, lifetime or self._lifetime) for held in older)

    def reset(self) -> None:
        """Back to the first key of each kind."""
        with self._lock:
            self._keys = list({key.kind: key for key in reversed(self._keys)}.values())
            kept = {key.pair.certificate for key in self._keys}
            for path in _files(self._folder):
                if path.read_bytes() not in kept:
                    path.unlink()
                    path.with_suffix(".key").unlink(missing_ok=True)

    def _in_force(self, kind: KeyKind, now: datetime) -> list[ServerKey]:
        return [key for key in self._keys if key.kind is kind and key.since <= now < key.until]

    def _make(self, kind: KeyKind, now: datetime, lifetime: timedelta) -> ServerKey:
        private = _MAKE[kind]()
        certificate = self._authority.certify("server", private.public_key(), now - EARLY, now + lifetime)
        pair = KeyPair(pem_of(private), certificate)
        self._keys.append(_described(pair))
        if self._folder:
            last = max((path.stem for path in _files(self._folder)), default="signing-0")
            write_pair(self._folder, f"signing-{int(last.partition('-')[2]) + 1:04}", pair)
        return self._keys[-1]


def _files(folder: Path | None) -> list[Path]:
    """The certificates of kept keys, oldest first."""
    return sorted(folder.glob("signing-[0-9][0-9][0-9][0-9].pem")) if folder else []


def _described(pair: KeyPair) -> ServerKey:
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    kind = kind_of(certificate)
    if kind is None:
        raise SettingsError("a signing key in the server's folder is neither P-256 nor RSA of 2048 bits", "Remove it.")
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return ServerKey(kind, pair, str(certificate.serial_number), since, until)
