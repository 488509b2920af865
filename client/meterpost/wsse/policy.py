"""Start here: how messages are sealed, as a table.

A policy is a row: the namespaces its messages are written in, how a UsernameToken shows the password, what one signature
covers, whether the Body is encrypted. `sealing` writes a row into an envelope; `opening` tells from a message which row it
follows, and demands all of it. Each side names the row it uses, and the rows it accepts (`Acceptance`).

A name without a year is written in the namespaces of the 2004 standard; `compact-signed` alone in those of the draft, for
the 74 octets by which they are shorter decide whether T1 and T3 fit. A message in the namespaces of another draft is
the same policy in another dialect (`Verdict.reply_policy`). This module is data; it must never look at a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from types import MappingProxyType

from meterpost.errors import SettingsError
from meterpost.settings import SecuritySettings
from meterpost.wsse.dialects import DRAFT_2002, OASIS_2004, Dialect


class Password(Enum):
    """How a UsernameToken shows that its sender knows the password."""

    DIGEST = "digest"  # SHA-1 over nonce, time and password; UsernameToken Profile 1.0
    TEXT = "text"  # the password itself
    DERIVED = "derived"  # not at all: a key derived from it signs; UsernameToken Profile 1.1, 4


class Place(StrEnum):
    """A part of an envelope that a signature can cover, known by its position and never by its Id."""

    ENVELOPE = "Envelope"
    BODY = "Body"
    TIMESTAMP = "Timestamp"
    USERNAME_TOKEN = "UsernameToken"  # noqa: S105  # an element's name
    BINARY_TOKEN = "BinarySecurityToken"  # noqa: S105  # as above
    ENCRYPTED_KEY = "EncryptedKey"
    HEADER_BLOCK = "header block"  # another block of the Header, such as an address


@dataclass(frozen=True, slots=True)
class Policy:
    """One row. Every message has a Timestamp, and what the row says, each once and nothing else.

    `covers`: what the one signature must cover. `compressed`: travels gzip-coded where this side sends it, for else it
    exceeds its byte formula. `replies`: the row replies follow ('': this one). `enrols_with`: the row a client uses that
    has no key of its own yet. For people: `proves`, what a receiver knows after opening it; `brief`, that in a line.
    """

    name: str
    dialect: Dialect
    proves: str
    password: Password | None = None
    covers: tuple[Place, ...] = ()
    encrypted: bool = False
    compressed: bool = False
    replies: str = ""
    enrols_with: str = ""
    brief: str = ""

    @property
    def needs_key(self) -> bool:
        """Whether the sender signs with a private key of its own."""
        return bool(self.covers) and self.password is not Password.DERIVED

    @property
    def sends_password(self) -> bool:
        """Whether the password itself is in its messages."""
        return self.password is Password.TEXT

    @property
    def proves_sender(self) -> bool:
        """Whether a message shows who sent it, beyond what TLS does."""
        return bool(self.covers) or self.password is not None

    @property
    def reply(self) -> str:
        """The name of the row replies follow."""
        return self.replies or self.name

    @property
    def marks(self) -> tuple[bool, Password | None, bool, bool, bool]:
        """What tells a message of this row from those of all others."""
        return self.dialect.draft, self.password, bool(self.covers), Place.ENVELOPE in self.covers, self.encrypted


_PARTS = (Place.BODY, Place.TIMESTAMP)
_KNOWS = (
    "The sender knew the password within the last minutes, and this token is used once. "
    "Not that the Body is the sender's: that is TLS's work."
)
_SIGNS = "The holder of the key said exactly this Body within the last minutes, and says it once."

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        row.name: row
        for row in (
            Policy("digest-2002", DRAFT_2002, _KNOWS, Password.DIGEST, brief="as digest-2004, for servers of the draft era"),
            Policy(
                "digest-2004", OASIS_2004, _KNOWS, Password.DIGEST, brief="who sends it knows the password, which is not sent"
            ),
            Policy(
                "text-2004",
                OASIS_2004,
                "The sender knows the password, and whoever opens TLS on the way knows it too. For peers that can do no other.",
                Password.TEXT,
                replies="timestamp-2004",
                brief="the password itself is sent, inside TLS",
            ),
            Policy("timestamp-2004", OASIS_2004, "Nothing beyond TLS. Only as the reply to text-2004: no password comes back."),
            Policy(
                "signed-2002",
                DRAFT_2002,
                _SIGNS,
                covers=_PARTS,
                compressed=True,
                enrols_with="digest-2002",
                brief="as signed, for servers of the draft era",
            ),
            Policy(
                "signed",
                OASIS_2004,
                _SIGNS,
                covers=_PARTS,
                compressed=True,
                enrols_with="digest-2004",
                brief="a key of this client signs what is said",
            ),
            Policy(
                "digest+signed",
                OASIS_2004,
                f"{_SIGNS} It also knew the account's password: neither a stolen key nor a stolen password is enough.",
                Password.DIGEST,
                covers=(*_PARTS, Place.USERNAME_TOKEN),
                compressed=True,
                enrols_with="digest-2004",
                brief="signed, and the password known: neither is enough alone",
            ),
            Policy(
                "compact-signed",
                DRAFT_2002,
                "The holder of the key said exactly this envelope, header and all, within the last minutes, and says it once.",
                covers=(Place.ENVELOPE,),
                enrols_with="digest-2002",
                brief="the key signs the whole envelope; small without gzip",
            ),
            Policy(
                "hmac",
                OASIS_2004,
                "Somebody who knows the password, which is either side, said exactly this Body within the last minutes, "
                "and says it once.",
                Password.DERIVED,
                covers=(*_PARTS, Place.USERNAME_TOKEN),
                compressed=True,
                brief="a key made of the password signs; without certificates",
            ),
            Policy(
                "signed+encrypted",
                OASIS_2004,
                f"{_SIGNS} Only the receiver can read it, also where TLS ends at an HTTP proxy on the way. "
                "The signature is outside: it covers what was encrypted, and holds before anything is decrypted.",
                covers=_PARTS,
                encrypted=True,
                compressed=True,
                enrols_with="digest-2004",
                brief="signed, and only the server can read it",
            ),
        )
    }
)

ROWS = {row.marks: row for row in POLICIES.values()}
"""The row a message follows, by its marks."""

CHOICES: Mapping[str, Policy] = MappingProxyType({name: row for name, row in POLICIES.items() if row.brief})
"""What a client can be set up with; the others are replies only."""

DEFAULT = tuple(name for name in POLICIES if name not in ("text-2004", "timestamp-2004"))
"""What a receiver takes unless it is told otherwise: whatever proves more than TLS and gives no password away."""

_DEFAULT = SecuritySettings()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a receiver takes: names of policies, and how old a message may be.

    A message is fresh from `max_skew` before its Created to `max_age + max_skew` after it, both ends included.
    Raises SettingsError for a name that is not in the table.
    """

    policies: tuple[str, ...] = DEFAULT
    max_age: timedelta = timedelta(seconds=_DEFAULT.max_age_s)
    max_skew: timedelta = timedelta(seconds=_DEFAULT.max_skew_s)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.policies) - set(POLICIES))
        if unknown or not self.policies:
            raise SettingsError(
                f"{', '.join(map(repr, unknown))} is not a security policy" if unknown else "no security policy is accepted",
                f"Choose from: {', '.join(POLICIES)}.",
            )


def policy(name: str) -> Policy:
    """The row called `name`, of those requests follow. Raises SettingsError."""
    if name not in CHOICES:
        only = ": only replies follow it" if name in POLICIES else ""
        raise SettingsError(
            f"security.policy: {name!r} is not a security policy of requests{only}", f"Choose from: {', '.join(CHOICES)}."
        )
    return CHOICES[name]
