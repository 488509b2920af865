"""Where keys and certificates are kept: the port, what is in it, and a store in memory.

A key is kept from the moment it is made; its certificate comes later, or never. What a key is good for is not kept: it
follows from the certificates and the time (`due`). Each method is one step that happens whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from meterpost.errors import StoreError
from meterpost.keys.about import About


class Origin(StrEnum):
    """Where a key comes from."""

    MADE = "made"  # here; its public half has a place in messages
    IMPORTED = "imported"  # by the administrator, who also renews it


@dataclass(frozen=True, slots=True)
class Own:
    """A key of this client, called by what `About.key` of its certificate is. `where` says where the private half is kept,
    which is not in here: `KeyStore.private_key` has it. Without a certificate it waits for one. Of two keys the one with the
    higher `number` came later: certificates tell no more than the second they count from."""

    name: str
    origin: Origin
    certificate: About | None = None
    where: str = "memory"
    number: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """Everything in a store, in no order."""

    own: tuple[Own, ...] = ()
    server: tuple[About, ...] = ()


class KeyStore(Protocol):
    """Raises StoreError for what cannot be read or written, and SettingsError for what others could have read or changed."""

    def holding(self) -> Holding: ...
    def private_key(self, name: str) -> bytes:
        """PEM, without encryption."""
        ...

    def add(self, name: str, origin: Origin, private_key: bytes, certificate: About | None = None) -> None:
        """It gets the next number, also where it was here before."""
        ...

    def certify(self, name: str, certificate: About) -> None: ...
    def remove(self, name: str) -> None: ...
    def trust(self, server: Sequence[About]) -> None:
        """These are the server's certificates from now on."""
        ...


@dataclass
class MemoryStore:
    """For tests and for trying things out."""

    _held: Holding = field(default_factory=Holding)
    _private: dict[str, bytes] = field(default_factory=dict, repr=False)

    def holding(self) -> Holding:
        return self._held

    def private_key(self, name: str) -> bytes:
        try:
            return self._private[name]
        except KeyError:
            raise StoreError(f"there is no key {name}") from None

    def add(self, name: str, origin: Origin, private_key: bytes, certificate: About | None = None) -> None:
        self.remove(name)
        self._private[name] = private_key
        number = max((key.number for key in self._held.own), default=0) + 1
        self._held = replace(self._held, own=(*self._held.own, Own(name, origin, certificate, number=number)))

    def certify(self, name: str, certificate: About) -> None:
        self.private_key(name)
        own = tuple(replace(key, certificate=certificate) if key.name == name else key for key in self._held.own)
        self._held = replace(self._held, own=own)

    def remove(self, name: str) -> None:
        self._private.pop(name, None)
        self._held = replace(self._held, own=tuple(key for key in self._held.own if key.name != name))

    def trust(self, server: Sequence[About]) -> None:
        self._held = replace(self._held, server=tuple(server))
