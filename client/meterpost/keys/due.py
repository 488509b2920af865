"""Which key counts, and what is to be done about keys: pure functions of what is held, and now.

Nothing of this is remembered. So a crash between any two steps is healed by asking again: a key that was made and has no
certificate is the one to ask with, whatever happened to the question."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from meterpost.keys.about import About
from meterpost.keys.store import Holding, Origin, Own

RENEW_BEFORE = timedelta(days=30)
_SHARE = 3
"""The last third of a certificate's life is long enough for daily syncs to renew it, and no certificate is always in it."""


class KeyState(StrEnum):
    """A key's place in its life, at a time."""

    PENDING = "pending"  # it has no certificate yet
    ACTIVE = "active"  # messages are signed with it
    SUPERSEDED = "superseded"  # its certificate is still valid, and a newer one counts
    FUTURE = "future"  # its certificate is not valid yet
    EXPIRED = "expired"


class Step(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    MAKE = "make"  # a new key, and ask for its certificate
    ASK = "ask"  # for the certificates of the key that is named


@dataclass(frozen=True, slots=True)
class Due:
    """`key` is the name of the key to ask with, '' where none is named. `why` is for people."""

    step: Step
    key: str = ""
    why: str = ""


def active(holding: Holding, now: datetime) -> Own | None:
    """The key to sign with at `now`: of those with a valid certificate the one that came last. One that the administrator
    imported goes before those made here, however old it is: that is what it was imported for."""
    valid = [key for key in holding.own if key.certificate and key.certificate.valid(now)]
    return max(valid, key=_rank, default=None)


def _rank(key: Own) -> tuple[bool, int, str]:
    return key.origin is Origin.IMPORTED, key.number, key.name


def states(holding: Holding, now: datetime) -> Mapping[str, KeyState]:
    """The state of each of the client's keys, by name."""
    current = active(holding, now)
    return {key.name: _state(key, current, now) for key in holding.own}


def _state(key: Own, current: Own | None, now: datetime) -> KeyState:
    if key.certificate is None:
        return KeyState.PENDING
    if key is current:
        return KeyState.ACTIVE
    if now < key.certificate.start:
        return KeyState.FUTURE
    return KeyState.EXPIRED if now > key.certificate.end else KeyState.SUPERSEDED


def ends_soon(certificate: About, now: datetime, before: timedelta = RENEW_BEFORE) -> bool:
    """Whether it is time for a successor: `before` its end, or in the last third of its life where that is later."""
    return certificate.end - now <= min(before, (certificate.end - certificate.start) / _SHARE)


def due(
    holding: Holding, now: datetime, renew_before: timedelta = RENEW_BEFORE, server_known: bool = False, force: bool = False
) -> Due:
    """What is to be done at `now`. `renew_before`: as `before` of `ends_soon`. `server_known`: the administrator says which
    certificates the server has, so they are never asked for. `force`: renew, however long the certificate lasts."""
    pending = [key.name for key in holding.own if key.certificate is None and key.origin is Origin.MADE]
    if pending:
        return Due(Step.ASK, min(pending), "a key waits for its certificate")
    current = active(holding, now)
    if current is None or current.certificate is None:
        if KeyState.FUTURE in states(holding, now).values() and not force:
            return Due(Step.NOTHING, why="the certificate is not valid yet; this computer's clock may be slow")
        return Due(Step.MAKE, why="there is no key with a valid certificate")
    if current.origin is Origin.IMPORTED:
        return Due(Step.NOTHING, why="the key was imported; who imported it renews it")
    if force or ends_soon(current.certificate, now, renew_before):
        return Due(Step.MAKE, why=f"the certificate ends on {current.certificate.end:%Y-%m-%d}")
    if not server_known and _server_ends_soon(holding, now, renew_before):
        return Due(Step.ASK, current.name, "the server's certificate ends soon, or is not here")
    return Due(Step.NOTHING)


def _server_ends_soon(holding: Holding, now: datetime, before: timedelta) -> bool:
    """Whether there is none of the server's, or of any kind of key the last ends soon: a server may sign with one kind and
    be encrypted to with another."""
    last = {one.kind: one for one in sorted(holding.server, key=lambda one: (one.end, one.start))}
    return not last or any(ends_soon(one, now, before) for one in last.values())


def spent(holding: Holding, now: datetime) -> tuple[str, ...]:
    """Names of keys that can go: their certificates have ended, and another key counts. Where none does, this computer's
    clock may have jumped ahead."""
    if active(holding, now) is None:
        return ()
    return tuple(name for name, state in states(holding, now).items() if state is KeyState.EXPIRED)
