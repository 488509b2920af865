"""Ways into an SNMP agent, in the order they are tried. Secrets never show in repr."""

from dataclasses import dataclass, field

from meterpost.errors import SettingsError
from meterpost.settings import SnmpSettings

AUTH = ("MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512")
PRIV = ("DES", "AES", "AES192", "AES256")
_LEAST_PASSWORD = 8  # RFC 3414, section 11.2


@dataclass(frozen=True, slots=True)
class SnmpUserSecret:
    """An SNMPv3 user with its passwords resolved (authPriv; names of the protocols as in `settings.SnmpUser`)."""

    name: str
    auth_password: str = field(repr=False)
    priv_password: str = field(repr=False)
    auth: str = "SHA"
    priv: str = "AES"


@dataclass(frozen=True, slots=True)
class Credential:
    """One way in: a community in version "1" or "2c", or a user ("3")."""

    version: str
    community: str = field(default="", repr=False)
    user: SnmpUserSecret | None = None


def in_order(settings: SnmpSettings, users: tuple[SnmpUserSecret, ...]) -> tuple[Credential, ...]:
    """Every community over v2c, then over v1, then the users: an agent that speaks v2c is not bothered with v1,
    whose GET loses everything over one missing name. Raises SettingsError for a user that cannot be used, and for none."""
    for user in users:
        _check(user)
    communities = tuple(
        Credential(version, community)
        for version in ("2c", "1")
        if version in settings.versions
        for community in settings.communities
    )
    credentials = (*communities, *(Credential("3", user=user) for user in users))
    if not credentials:
        raise SettingsError("there is no way to ask a printer", "Name at least one SNMP community or SNMPv3 user.")
    return credentials


HELLO = Credential("3")
"""Not a way in but the question whether somebody speaks SNMPv3: the one packet a user's first request begins with anyway
(RFC 3414, section 4). No user is named in it, so a stranger is not locked out."""


def in_turn(credentials: tuple[Credential, ...], tries: int) -> tuple[Credential, ...]:
    """What a device that stays silent is asked with, one packet after the other. Every try has one packet for each community,
    and takes the next version: who has not heard v2c may have been deaf, or speak v1 only. All users share one HELLO."""
    versions = list(dict.fromkeys(way.version for way in credentials if way.user is None))
    rounds = max(tries, len(versions)) if versions else 0
    turns = [
        way
        for turn in range(rounds)
        for way in credentials
        if way.user is None and way.version == versions[turn % len(versions)]
    ]
    return (*turns, *([HELLO] * tries if any(way.user for way in credentials) else ()))


def _check(user: SnmpUserSecret) -> None:
    for kind, name, known in (("auth", user.auth, AUTH), ("priv", user.priv, PRIV)):
        if name not in known:
            raise SettingsError(f"SNMPv3 user {user.name}: {kind} {name!r} is not known", f"Known are {', '.join(known)}.")
    if min(len(user.auth_password), len(user.priv_password)) < _LEAST_PASSWORD:
        raise SettingsError(
            f"SNMPv3 user {user.name}: a password is too short", f"Printers ask for at least {_LEAST_PASSWORD} characters."
        )
