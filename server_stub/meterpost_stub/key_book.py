"""The book of keys: which certificate is whose, who is off, which server keys each client knows.

It applies the rules about keys to the records. It opens no message and seals none: it hands out whom to believe and what
to sign with. Certificates live by the security clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from meterpost.errors import SettingsError
from meterpost.model import KeyPair
from meterpost.wsse import KeyName, Trusted
from meterpost.wsse.algorithms import KeyKind
from meterpost.wsse.trust import kind_of, loaded
from meterpost_stub import keys as rules
from meterpost_stub.certificates import EARLY, Authority
from meterpost_stub.clocks import Clocks
from meterpost_stub.keys import ClientKey, KeyState, Revocation
from meterpost_stub.rules import Proxy, Refusal
from meterpost_stub.server_keys import ServerKeys
from meterpost_stub.store import Note, Store

KEY_DAYS = 365.0
MOST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that travels in the answer to T1: whose (`client` or `server`), and the DER in Base64."""

    of: str
    der: str


def checked_days(days: float, least: int = 0) -> timedelta:
    """Raises SettingsError for a time no certificate is valid for; one that is valid for no day has ended when it is issued."""
    if not least <= days <= MOST_DAYS:
        raise SettingsError(f"{days} days: certificates are valid for {least} to {MOST_DAYS}")
    return timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Lives:
    """`days` a client's certificate is valid, `server_days` the server's; `grace` is how long an older key counts once a
    newer one was used. Raises SettingsError."""

    days: float = KEY_DAYS
    server_days: float = KEY_DAYS
    grace: timedelta = rules.GRACE

    def __post_init__(self) -> None:
        checked_days(self.days)
        checked_days(self.server_days, least=1)


class KeyBook:
    """Safe to use from several threads. `folder` keeps the server's own keys; `main_account` has the keys that are brought
    for a client before it is registered."""

    def __init__(
        self,
        store: Store,
        clocks: Clocks,
        authority: Authority,
        lives: Lives = Lives(),
        folder: Path | None = None,
        main_account: str = "",
    ) -> None:
        self.server = ServerKeys(authority, clocks.security, timedelta(days=lives.server_days), folder)
        self._store = store
        self._clocks = clocks
        self._authority = authority
        self._lives = lives
        self._main_account = main_account

    # what the service asks

    def admit(self, proxy: Proxy, signer: bytes, asks: bool = False) -> None:
        """Raises Refusal where the client is off, or the message was not signed (with the key of the certificate `signer`)
        though the client has a key, or by another client. Otherwise the key counts as used from now on. `asks`: for a
        certificate, which `enrol` decides about: a client that never had the answer has nothing to sign with yet."""
        if self.is_off(proxy.client):
            raise Refusal("revoked", "this client was turned off by the vendor")
        if not signer and not asks and self._valid(proxy.client):  # else a signature could be taken off on the way
            raise Refusal("key-refused", "this client has a key: sign with it, or have it released")
        key = self._store.get(ClientKey, signer) if signer else None
        if key is None:
            return
        if key.put_away is not None:  # since the message was opened
            raise Refusal("key-refused", "this key does not count any more")
        if key.client not in ("", proxy.client):
            raise Refusal("other-account", "the message is signed with another client's key")
        if key.first_used is None:
            self._store.put(replace(key, first_used=self._clocks.security()))

    def enrol(self, proxy: Proxy, key: str, proof: str, signer: bytes) -> tuple[Certificate, ...]:
        """The certificates T1 answers with: the client's where it sent a key, and the server's in force where the client has
        a use for them. A key needs no proof where one that is valid vouches for it: the message is signed with it. Raises
        Refusal; nothing is changed then."""
        if not key and not proof:
            return self._servers() if signer else ()
        with self._store.transaction():
            valid = self._valid(proxy.client)
            vouched = not proof and signer in [held.certificate for held in valid]
            public = rules.point(key) if vouched else rules.proved(proxy.client, key, proof)
            if public is None:
                raise Refusal("key-refused", "the proof is not made with this key for this client")
            held = next((one for one in valid if one.key == key), None)
            if held is None:
                held = self._issue(proxy, key, public, valid, signer)
            return (Certificate("client", _der(held.certificate)), *self._servers())

    # what the guard asks

    def keys_of(self, name: KeyName, client: str | None = None) -> tuple[Trusted, ...]:
        """The certificates a message may mean by `name`, where its Body says it is from `client` (None: it cannot be read
        yet). A key that has given way to another is flagged as revoked. One of a client that is off is not: who it is must
        be sure before it is told so (`admit`)."""
        with self._store.transaction():
            found = self._store.all(ClientKey)
            if client is not None:
                proxy = self._store.get(Proxy, client)
                whole = [key for key in self._store.all(ClientKey, client="") if proxy is None or key.account == proxy.account]
                found = (*self._store.all(ClientKey, client=client), *whole)
            named = [key for key in found if name.means(loaded(key.certificate))]
            return tuple(
                Trusted(key.certificate, key.account, self.state_of(key) is KeyState.RETIRED)
                for key in named
                if key.put_away is not KeyState.RELEASED
            )

    def reply_key(self, client: str, kind: KeyKind) -> KeyPair:
        """What to sign for `client` with: the newest key it certainly knows, for it was told beside a certificate the client
        has signed with since. An answer that got lost tells nothing. Whoever is not known to know any gets the oldest in
        force, which is in every file of them that was handed out since."""
        held = self.server.of(kind)
        told = {serial for key in self._kept(client) if key.first_used is not None for serial in key.told}
        known = [key for key in held if key.serial in told]
        return (known[-1] if known else held[0]).pair

    def own(self) -> tuple[KeyPair, ...]:
        """What messages to the server may be encrypted to."""
        return tuple(key.pair for key in self.server.made(KeyKind.RSA))

    # what the vendor's people do

    def revoke(self, client: str) -> None:
        """The client is off: whatever it says is refused."""
        self._known(client)
        self._store.put(Revocation(client, self._clocks.security()))

    def unrevoke(self, client: str) -> None:
        off = self._store.get(Revocation, client)
        if off is None or off.lifted:
            raise SettingsError(f"the client {client} is not revoked")
        self._store.put(replace(off, lifted=True))

    def is_off(self, client: str) -> bool:
        off = self._store.get(Revocation, client)
        return off is not None and not off.lifted

    def release(self, client: str = "", account: str = "") -> int:
        """Forgets the keys of a client, so that it can enrol again with its password, or those brought for a whole account;
        how many."""
        if client:
            self._known(client)
        with self._store.transaction():
            where = {"client": client} if client else {"client": "", "account": account}
            kept = [key for key in self._store.all(ClientKey, **where) if key.put_away is not KeyState.RELEASED]
            for key in kept:
                self._store.put(replace(key, put_away=KeyState.RELEASED))
        return len(kept)

    def trust(self, certificate: bytes, client: str = "", account: str = "") -> ClientKey:
        """Believes a certificate (PEM) an administrator brought, for one client or for all of an account. Raises
        SettingsError for one that cannot sign messages."""
        brought = loaded(certificate)
        if kind_of(brought) is None:
            raise SettingsError("the certificate's key is neither P-256 nor RSA of 2048 bits or more", "Bring another one.")
        proxy = self._store.get(Proxy, client)
        public = brought.public_key()
        key = ClientKey(
            certificate=brought.public_bytes(serialization.Encoding.PEM),
            client=client,
            account=proxy.account if proxy else account or self._main_account,
            key=rules.point_of(public) if isinstance(public, ec.EllipticCurvePublicKey) else "",
            since=brought.not_valid_before_utc,
            until=brought.not_valid_after_utc,
        )
        with self._store.transaction():
            held = self._store.get(ClientKey, key.certificate)
            if held is not None and held.put_away is not KeyState.RELEASED:
                if (held.client, held.account) != (key.client, key.account):
                    raise SettingsError("this certificate is trusted for somebody else", "Release it there first.")
                return held
            self._store.put(key)
        return key

    def set_days(self, days: float) -> None:
        """How long clients' certificates issued from now on are valid. Raises SettingsError."""
        checked_days(days)
        self._store.put(Note("key days", repr(days)))

    def all(self) -> tuple[tuple[ClientKey, KeyState], ...]:
        """Every key that is not released, and how it stands."""
        with self._store.transaction():
            kept = [key for key in self._store.all(ClientKey) if key.put_away is not KeyState.RELEASED]
            return tuple((key, self.state_of(key)) for key in kept)

    def state_of(self, key: ClientKey) -> KeyState:
        # Two certificates of an account are two people's, not one's that follow each other.
        keys = self._store.all(ClientKey, client=key.client, account=key.account) if key.client else [key]
        return rules.state(key, keys, self.is_off(key.client), self._clocks.security(), self._lives.grace)

    def _kept(self, client: str) -> list[ClientKey]:
        return [key for key in self._store.all(ClientKey, client=client) if key.put_away is not KeyState.RELEASED]

    def _valid(self, client: str) -> list[ClientKey]:
        return [key for key in self._store.all(ClientKey, client=client) if self.state_of(key) is KeyState.ACTIVE]

    def _issue(
        self, proxy: Proxy, key: str, public: ec.EllipticCurvePublicKey, valid: Sequence[ClientKey], signer: bytes
    ) -> ClientKey:
        if any(self.state_of(other) is KeyState.ACTIVE for other in self._store.all(ClientKey, key=key)):
            raise Refusal("key-refused", "this key is another client's")
        if valid and signer not in [held.certificate for held in valid]:
            raise Refusal("key-refused", "sign with the key that is valid, or have it released")
        now = self._clocks.security()
        note = self._store.get(Note, "key days")
        since, until = now - EARLY, now + timedelta(days=float(note.value) if note else self._lives.days)
        issued = ClientKey(
            certificate=self._authority.certify(proxy.client, public, since, until),
            client=proxy.client,
            account=proxy.account,
            key=key,
            since=since,
            until=until,
            told=tuple(own.serial for own in self.server.all()),
        )
        self._store.put(issued)
        for old in rules.in_excess((*valid, issued), signer):
            self._store.put(replace(old, put_away=KeyState.RETIRED))
        return issued

    def _servers(self) -> tuple[Certificate, ...]:
        return tuple(Certificate("server", _der(own.pair.certificate)) for own in self.server.all())

    def _known(self, client: str) -> None:
        if self._store.get(Proxy, client) is None and not self._store.all(ClientKey, client=client):
            raise SettingsError(f"there is no client {client}")


def _der(pem: bytes) -> str:
    """The Base64 of a certificate, in one line."""
    return "".join(pem.decode("ascii").strip().split("\n")[1:-1])
