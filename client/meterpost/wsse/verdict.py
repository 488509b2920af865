"""What opening a message found: accepted, or refused with one reason, and what the peer is told of it.

Reason and detail are for our journal. The peer gets the fault: a sentence and the detail, which therefore must never
say whether a user exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from meterpost.wsse.dialects import Dialect
from meterpost.wsse.policy import Place, Policy

if TYPE_CHECKING:
    from meterpost.wsse.trust import ContentKey, Trusted


class Reason(StrEnum):
    """Why a message was refused; the stable word for journals and tests."""

    NO_SECURITY = "no-security-header"
    MANY_SECURITY = "many-security-headers"
    POLICY_REFUSED = "policy-refused"
    PART_MISSING = "part-missing"
    PART_REPEATED = "part-repeated"
    PART_UNSUPPORTED = "part-unsupported"
    ALGORITHM_UNSUPPORTED = "algorithm-unsupported"
    TIMESTAMP_MALFORMED = "timestamp-malformed"
    TIMESTAMP_STALE = "timestamp-stale"
    TIMESTAMP_EARLY = "timestamp-early"
    TIMESTAMP_EXPIRED = "timestamp-expired"
    DIGEST_MALFORMED = "digest-malformed"
    DIGEST_STALE = "digest-stale"
    DIGEST_EARLY = "digest-early"
    DIGEST_REQUIRED = "digest-required"
    USER_UNKNOWN = "user-unknown"
    DIGEST_WRONG = "digest-wrong"
    PASSWORD_WRONG = "password-wrong"  # noqa: S105  # a reason's name
    REPLAYED = "replayed"
    SIGNATURE_MALFORMED = "signature-malformed"
    SIGNATURE_COVERAGE = "signature-coverage"
    SIGNATURE_WRONG = "signature-wrong"
    KEY_UNKNOWN = "key-unknown"
    KEY_EXPIRED = "key-expired"
    KEY_REVOKED = "key-revoked"
    ID_REPEATED = "id-repeated"
    OTHER_ANSWER = "other-answer"
    DECRYPTION_FAILED = "decryption-failed"


_DENIED = "The sender could not be authenticated."
_HEADER = "The security header is not in order."
_CLOCK = "Check the clocks of both sides."

FAULTS: Mapping[Reason, tuple[str, str]] = MappingProxyType(
    {
        Reason.NO_SECURITY: ("wsse:InvalidSecurity", "The message has no security header for this receiver."),
        Reason.MANY_SECURITY: ("wsse:InvalidSecurity", "The message has more than one security header for this receiver."),
        Reason.POLICY_REFUSED: ("wsse:UnsupportedSecurityToken", "This kind of message security is not accepted here."),
        Reason.PART_MISSING: ("wsse:InvalidSecurity", _HEADER),
        Reason.PART_REPEATED: ("wsse:InvalidSecurity", _HEADER),
        Reason.PART_UNSUPPORTED: ("wsse:UnsupportedSecurityToken", "The security header has a part not supported here."),
        Reason.ALGORITHM_UNSUPPORTED: ("wsse:UnsupportedAlgorithm", "A signature or encryption algorithm is not supported."),
        Reason.TIMESTAMP_MALFORMED: ("wsse:InvalidSecurity", "The timestamp is not in order."),
        Reason.TIMESTAMP_STALE: ("wsu:MessageExpired", f"The message is too old. {_CLOCK}"),
        Reason.TIMESTAMP_EARLY: ("wsse:InvalidSecurity", f"The message was made in the future. {_CLOCK}"),
        Reason.TIMESTAMP_EXPIRED: ("wsu:MessageExpired", f"The message has expired. {_CLOCK}"),
        Reason.DIGEST_MALFORMED: ("wsse:InvalidSecurityToken", "The username token is not in order."),
        Reason.DIGEST_STALE: ("wsse:FailedAuthentication", f"The username token is too old. {_CLOCK}"),
        Reason.DIGEST_EARLY: ("wsse:FailedAuthentication", f"The username token was made in the future. {_CLOCK}"),
        Reason.DIGEST_REQUIRED: ("wsse:UnsupportedSecurityToken", "Only a password digest is accepted."),
        Reason.USER_UNKNOWN: ("wsse:FailedAuthentication", _DENIED),
        Reason.DIGEST_WRONG: ("wsse:FailedAuthentication", _DENIED),
        Reason.PASSWORD_WRONG: ("wsse:FailedAuthentication", _DENIED),
        Reason.REPLAYED: ("wsse:FailedAuthentication", "The message's token or signature was used before."),
        Reason.SIGNATURE_MALFORMED: ("wsse:InvalidSecurity", "The signature is not in order."),
        Reason.SIGNATURE_COVERAGE: ("wsse:InvalidSecurity", "The signature does not cover what it must."),
        Reason.SIGNATURE_WRONG: ("wsse:FailedCheck", "The signature does not hold."),
        Reason.KEY_UNKNOWN: ("wsse:SecurityTokenUnavailable", "The certificate the signature names is not known here."),
        Reason.KEY_EXPIRED: ("wsse:FailedAuthentication", "The certificate is not valid at this time."),
        Reason.KEY_REVOKED: ("wsse:FailedAuthentication", "The certificate was revoked."),
        Reason.ID_REPEATED: ("wsse:InvalidSecurity", "Two elements have the same Id."),
        Reason.OTHER_ANSWER: ("wsse:InvalidSecurity", "The message is the answer to another one."),
        Reason.DECRYPTION_FAILED: ("wsse:FailedCheck", "The message could not be decrypted."),
    }
)


class Refusal(Exception):
    """Raised inside this room at the first thing that is wrong. `detail` never quotes what the peer wrote."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Fault:
    """A WS-Security fault: the faultcode's namespace and local name, and the faultstring. It carries no detail."""

    namespace: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reply_policy` is the row a reply, or a fault, is written with, in the message's own namespaces. `policy` is the
    message's own row; `covered` are the parts its signature covers, by position; `signer` is the trusted certificate that
    made it; `content` is the key the reply is to be encrypted with, `tag` what a reply names the signature by. What the
    message says of its sender (`username`, `created` of its token, `nonce`, `covered`, `signer`) is only a claim unless
    `ok`."""

    reply_policy: Policy
    reason: Reason | None = None
    detail: str = ""
    username: str = ""
    created: datetime | None = None
    nonce: bytes = b""
    policy: str = ""
    covered: tuple[Place, ...] = ()
    signer: "Trusted | None" = None
    content: "ContentKey | None" = None
    tag: str = ""

    @property
    def ok(self) -> bool:
        return self.reason is None

    @property
    def reasons(self) -> tuple[str, ...]:
        """For our journal: what was wrong, in words. Empty for a message that was accepted."""
        return () if self.reason is None else (f"{self.reason}: {self.detail or FAULTS[self.reason][1]}",)

    @property
    def dialect(self) -> Dialect:
        return self.reply_policy.dialect

    @property
    def fault(self) -> Fault | None:
        """What the peer is told, in the message's namespaces; None for a message that was accepted."""
        if self.reason is None:
            return None
        code, sentence = FAULTS[self.reason]
        family, _, name = code.partition(":")
        namespace = self.dialect.wsse if family == "wsse" else self.dialect.wsu
        return Fault(namespace, name, f"{sentence} ({self.detail})" if self.detail else sentence)
