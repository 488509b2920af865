"""Everything that trusts or is trusted, in one list: this client's keys, the server's, and the CAs of TLS. Sends nothing."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from meterpost.errors import MeterpostError
from meterpost.keys import About, Keys, KeyState, ends_soon, read_file, states
from meterpost.model import instant
from meterpost.settings import Settings


class Use(StrEnum):
    """What a key or certificate is for."""

    OWN = "own key"  # signs this client's messages
    SERVER = "server"  # the server's messages are signed with it, and may be encrypted to it
    TLS_CLIENT = "tls client"  # this client shows it to the server's TLS
    TLS_CA = "tls ca"  # vouches for the server's TLS certificate
    PRINTER_CA = "printer ca"  # vouches for printers that are read at URIs


IN_USE = ("", KeyState.ACTIVE, KeyState.FUTURE)
"""States of what is missed when it ends."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """One line. `about` is None for a key that waits for its certificate, for a whole store, and where it cannot be read:
    `note` says so then. `state` is of own keys, and of a server's certificate that has a successor. `where`: where the
    certificate is; of an own key, where its private half is."""

    use: Use
    where: str
    about: About | None = None
    state: str = ""
    note: str = ""
    broken: bool = False

    def days(self, now: datetime) -> int | None:
        """Whole days that are left, negative after the end."""
        return (self.about.end - now) // timedelta(days=1) if self.about else None

    def ends_soon(self, now: datetime) -> bool:
        """Whether it is in use and ends soon, or has ended. A CA that ends is its owner's business, and mentioned too."""
        return self.about is not None and self.state in IN_USE and ends_soon(self.about, now)

    def to_json(self, now: datetime) -> dict[str, object]:
        """The documented form of `keys --json`."""
        about = self.about
        return {
            "use": self.use,
            "state": self.state,
            "kind": about.kind if about else "",
            "subject": about.subject if about else "",
            "issuer": about.issuer if about else "",
            "from": instant(about.start) if about else None,
            "until": instant(about.end) if about else None,
            "days": self.days(now),
            "ends_soon": self.ends_soon(now),
            "sha256": about.fingerprint if about else "",
            "where": self.where,
            "note": self.note,
        }


def first_end(found: Iterable[Voucher]) -> datetime | None:
    """When the first certificate ends that messages need now; None where they need none."""
    needed = (v.about.end for v in found if v.about and v.use in (Use.OWN, Use.SERVER) and v.state in IN_USE)
    return min(needed, default=None)


def vouchers(settings: Settings, keys: Keys, now: datetime) -> tuple[Voucher, ...]:
    """All of them. One that cannot be read is a line that says why."""
    found: list[Voucher] = []
    parts: Mapping[Use, Callable[[], Iterable[Voucher]]] = {
        Use.OWN: lambda: _own(keys, now),
        Use.SERVER: lambda: _server(settings, keys),
        Use.TLS_CLIENT: lambda: _file(settings, Use.TLS_CLIENT, "server.client_certificate"),
        Use.TLS_CA: lambda: _tls(settings),
        Use.PRINTER_CA: lambda: _file(settings, Use.PRINTER_CA, "printers.ca_file"),
    }
    for use, lines in parts.items():
        try:
            found += lines()
        except MeterpostError as error:
            found.append(Voucher(use, "", note=f"{error}. {error.advice}".strip(), broken=True))
    return tuple(found)


def _own(keys: Keys, now: datetime) -> Iterator[Voucher]:
    configured = keys.configured(now)
    if configured:
        yield Voucher(Use.OWN, configured[1], configured[0], KeyState.ACTIVE, "security.certificate")
    holding = keys.holding()
    of_key = states(holding, now)
    order = list(KeyState)
    for key in sorted(holding.own, key=lambda key: (order.index(of_key[key.name]), key.name)):
        state = of_key[key.name]
        if configured and state is KeyState.ACTIVE:
            state = KeyState.SUPERSEDED
        note = "waits for its certificate" if state is KeyState.PENDING else str(key.origin)
        yield Voucher(Use.OWN, key.where, key.certificate, state, note)


def _server(settings: Settings, keys: Keys) -> Iterator[Voucher]:
    named = settings.security.server_certificates
    where = str(settings.base / named) if named else "given by the server"
    for about in (server := keys.server()):
        followed = any(other.kind == about.kind and other.end > about.end for other in server)
        yield Voucher(Use.SERVER, where, about, KeyState.SUPERSEDED if followed else "")


def _tls(settings: Settings) -> Iterator[Voucher]:
    if settings.server.ca_file:
        yield from _file(settings, Use.TLS_CA, "server.ca_file")
        return
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    where = paths.cafile or paths.capath or "the operating system's store"
    count = context.cert_store_stats()["x509_ca"]
    yield Voucher(Use.TLS_CA, where, note=f"the operating system's store, {count} certificates" if count else "a folder of CAs")


def _file(settings: Settings, use: Use, setting: str) -> Iterator[Voucher]:
    """The certificates in the file that `setting` names, if it names one."""
    section, _, key = setting.partition(".")
    if named := getattr(getattr(settings, section), key):
        path = settings.base / named
        yield from (Voucher(use, str(path), about) for about in read_file(path, setting))
