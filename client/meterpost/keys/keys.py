"""The keys of one configured client: whose word signs now, whom it trusts, what it asks the server for next.

An administrator's own pair and server certificates, where the configuration names them, go before what the store has."""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from meterpost.errors import SettingsError
from meterpost.keys import making
from meterpost.keys.about import MAX_FILE, About, read_der, read_file
from meterpost.keys.due import RENEW_BEFORE, Due, Step, active, due, spent
from meterpost.keys.files import FileStore, read_private
from meterpost.keys.reading import read_pair
from meterpost.keys.store import Holding, KeyStore, Origin
from meterpost.lifecycle.messages import Certificate, Holder
from meterpost.model import KeyPair
from meterpost.settings import SecuritySettings

FOLDER = "keys"


class Keys:
    """Nothing is read before it is asked for, and nothing is remembered in between. Whoever changes something holds the
    site's lock. Raises SettingsError and StoreError for files that cannot be used."""

    def __init__(self, store: KeyStore, security: SecuritySettings, base: Path) -> None:
        self._store = store
        self._security = security
        self._base = base

    # --- what counts now -----------------------------------------------------------------------------------

    def identity(self, now: datetime) -> KeyPair | None:
        """What to sign with at `now`; None while there is nothing."""
        if self._security.certificate:
            return self._configured(now)[0]
        key = active(self.holding(), now)
        if key is None or key.certificate is None:
            return None
        return KeyPair(self._store.private_key(key.name), key.certificate.pem)

    def server_certificates(self) -> tuple[bytes, ...]:
        """The server's certificates, PEM each: what its messages may be signed with, and encrypted to."""
        return tuple(certificate.pem for certificate in self.server())

    def server(self) -> tuple[About, ...]:
        """The same, to be looked at: the configured ones, else those the server gave."""
        named = self._security.server_certificates
        return read_file(self._base / named, "security.server_certificates") if named else self.holding().server

    def holding(self) -> Holding:
        """Everything in the store."""
        return self._store.holding()

    # --- what is asked for ---------------------------------------------------------------------------------

    def due(self, now: datetime, renew_before: timedelta = RENEW_BEFORE, force: bool = False) -> Due:
        """What is to be done about keys at `now`."""
        if self._security.certificate:
            return Due(Step.NOTHING, why="security.certificate is the administrator's own, who renews it")
        return due(self.holding(), now, renew_before, bool(self._security.server_certificates), force)

    def offer(self, what: Due, client: str) -> tuple[str, str] | None:
        """`key` and `proof` for a RegisterProxy that does what is due, None where nothing is. A key that has to be made is
        kept before this returns."""
        if what.step is Step.NOTHING:
            return None
        name = what.key
        if what.step is Step.MAKE:
            private_key = making.make()
            name = making.name(private_key)
            self._store.add(name, Origin.MADE, private_key)
        return making.offer(self._store.private_key(name), client)

    def stand_in(self, what: Due, client: str) -> tuple[str, str] | None:
        """`offer` for a preview: a key that has to be made is made for this once, and kept nowhere."""
        return making.offer(making.make(), client) if what.step is Step.MAKE else self.offer(what, client)

    def certified(self, certificates: Sequence[Certificate]) -> tuple[str, ...]:
        """Keeps what the server answered. Returns what is wrong with it, for people; that is not kept. A certificate that
        has ended is: the answer was lost once, and the computer off since; now another key is due."""
        wrong: list[str] = []
        server: list[About] = []
        made = {key.name: key for key in self.holding().own if key.origin is Origin.MADE}
        for given in certificates:
            try:
                certificate = read_der(b64decode(given.der, validate=True))
            except ValueError:
                wrong.append(f"the server sent a certificate ({given.of}) that cannot be read")
                continue
            if given.of is Holder.SERVER:
                server.append(certificate)
            elif certificate.key not in made:
                wrong.append("the server sent a certificate for a key that is not this client's")
            elif made[certificate.key].certificate != certificate:
                self._store.certify(certificate.key, certificate)
        if server and tuple(server) != self.holding().server:
            self._store.trust(server)
        return tuple(wrong)

    def tidy(self, now: datetime) -> None:
        """Removes keys whose certificates have ended, once another one counts."""
        for name in spent(self.holding(), now):
            self._store.remove(name)

    # --- what the administrator does -----------------------------------------------------------------------

    def bring(self, file: Path, key: Path | None, password: str | None, now: datetime) -> About:
        """Copies a pair of the administrator's into the store; it counts from now on. Returns its certificate."""
        pair, certificate = _read(str(file), file, key, password, now)
        self._store.add(certificate.key, Origin.IMPORTED, pair.private_key, certificate)
        return certificate

    def give_up(self) -> int:
        """Forgets all of the client's own keys: the server has released them, or never will take them. How many they were."""
        names = [key.name for key in self.holding().own]
        for name in names:
            self._store.remove(name)
        return len(names)

    def configured(self, now: datetime) -> tuple[About, str] | None:
        """The certificate that `security.certificate` names, and the file its key is in; None where none is named."""
        security = self._security
        if not security.certificate:
            return None
        return self._configured(now)[1], str(self._base / (security.key or security.certificate))

    def _configured(self, now: datetime) -> tuple[KeyPair, About]:
        security = self._security
        password = security.key_password.resolve(self._base) if security.key_password else None
        key = self._base / security.key if security.key else None
        return _read("security.certificate", self._base / security.certificate, key, password, now)


def _read(name: str, file: Path, key: Path | None, password: str | None, now: datetime) -> tuple[KeyPair, About]:
    """The file with the private key in it must be its owner's alone."""
    if key is None:
        return read_pair(name, read_private(file, may_be_link=True), None, password, now)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE)
    except OSError as error:
        raise SettingsError(f"{name}: {file} cannot be read: {error.strerror}") from None
    return read_pair(name, data, read_private(key, may_be_link=True), password, now)


def open_keys(security: SecuritySettings, base: Path) -> Keys:
    """The keys of a configuration whose file lies in `base`."""
    return Keys(FileStore(base / FOLDER, in_keyring=security.key_store == "keyring"), security, base)
