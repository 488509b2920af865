"""Start here: which messages are sealed and opened, as a table.

A policy is a row: the dialect its messages are written in, and the parts that show who sent them and when.
`sealing` writes a row's parts into an envelope, `opening` demands them of one. A message of another pair of
namespaces of the same era is the same policy in another dialect (`Verdict.reply_policy`).

What a digest shows: the sender knew the password within the last minutes, and this token is not used again.
What it does not: that the body is the sender's. That is TLS's work here, and a signature's in a row that has one.
This module is data; it must never look at a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType

from meterpost.errors import SettingsError
from meterpost.settings import SecuritySettings
from meterpost.wsse.dialects import DRAFT_2002, OASIS_2004, Dialect


class Part(Enum):
    """What a policy may demand in the header: the namespace it is in, its local name."""

    TIMESTAMP = ("wsu", "Timestamp")
    USERNAME_TOKEN = ("wsse", "UsernameToken")


@dataclass(frozen=True, slots=True)
class Policy:
    """One row. `parts` are written in this order; a message has each of them once and no other."""

    name: str
    dialect: Dialect
    parts: tuple[Part, ...]


DIGEST = (Part.TIMESTAMP, Part.USERNAME_TOKEN)

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        row.name: row
        for row in (
            Policy("digest-2002", DRAFT_2002, DIGEST),
            Policy("digest-2004", OASIS_2004, DIGEST),
        )
    }
)

_DEFAULT = SecuritySettings()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a receiver takes: names of policies, and how old a message may be.

    A message is fresh from `max_skew` before its Created to `max_age + max_skew` after it, both ends included.
    Raises SettingsError for a name that is not in the table.
    """

    policies: tuple[str, ...] = tuple(POLICIES)
    max_age: timedelta = timedelta(seconds=_DEFAULT.max_age_s)
    max_skew: timedelta = timedelta(seconds=_DEFAULT.max_skew_s)

    def __post_init__(self) -> None:
        unknown = set(self.policies) - set(POLICIES)
        if unknown or not self.policies:
            raise SettingsError(
                f"security.policy: {', '.join(map(repr, sorted(unknown))) or 'nothing'} is not a security policy",
                f"Choose from: {', '.join(POLICIES)}.",
            )
