"""What an attack is: one frozen row. The tables of `attacks_*` are made of these; the runners and the page read them.

An attack is a function of a well-sealed message and of what an attacker may hold. Who wrote the message does not matter to
it: the same rows go to the server as requests and to the client as replies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from meterpost.model import Credentials, KeyPair
from meterpost.wsse import POLICIES, Policy, Reason

HONEST, EVIL = "HONEST", "EVIL"
"""The device an honest message speaks of, and the one an attacker wants to be believed about."""


class Xml(StrEnum):
    """Refused while it is read: `BadXml.kind`."""

    SIZE = "size"
    ENCODING = "encoding"
    DTD = "dtd"
    PI = "pi"
    ELEMENTS = "elements"
    ATTRIBUTES = "attributes"
    DEPTH = "depth"
    MALFORMED = "malformed"


class Soap(StrEnum):
    """Refused by the rules of SOAP 1.1 and of the contract, before any look at the security header."""

    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"
    CLIENT = "Client"


class App(StrEnum):
    """Refused by who keeps the books: well sealed, by somebody who may not say this."""

    OTHER_ACCOUNT = "other-account"


class Side(StrEnum):
    """Who receives the message."""

    SERVER = "server"
    CLIENT = "client"


BOTH = (Side.SERVER, Side.CLIENT)
Verdict = Reason | Xml | Soap | App

TOLD: dict[Verdict, str] = {
    Xml.SIZE: "413",
    Xml.ELEMENTS: "413",
    Xml.ATTRIBUTES: "413",
    Xml.ENCODING: "400",
    Xml.DEPTH: "400",
    Xml.MALFORMED: "400",
    Xml.DTD: "500 s:Client",
    Xml.PI: "500 s:Client",
    Soap.VERSION_MISMATCH: "500 s:VersionMismatch",
    Soap.MUST_UNDERSTAND: "500 s:MustUnderstand",
    Soap.CLIENT: "500 s:Client",
    App.OTHER_ACCOUNT: "500 s:Client",
    Reason.NO_SECURITY: "500 wsse:InvalidSecurity",
    Reason.MANY_SECURITY: "500 wsse:InvalidSecurity",
    Reason.PART_MISSING: "500 wsse:InvalidSecurity",
    Reason.PART_REPEATED: "500 wsse:InvalidSecurity",
    Reason.TIMESTAMP_MALFORMED: "500 wsse:InvalidSecurity",
    Reason.TIMESTAMP_EARLY: "500 wsse:InvalidSecurity",
    Reason.SIGNATURE_MALFORMED: "500 wsse:InvalidSecurity",
    Reason.SIGNATURE_COVERAGE: "500 wsse:InvalidSecurity",
    Reason.POLICY_REFUSED: "500 wsse:UnsupportedSecurityToken",
    Reason.PART_UNSUPPORTED: "500 wsse:UnsupportedSecurityToken",
    Reason.DIGEST_REQUIRED: "500 wsse:UnsupportedSecurityToken",
    Reason.ALGORITHM_UNSUPPORTED: "500 wsse:UnsupportedAlgorithm",
    Reason.DIGEST_MALFORMED: "500 wsse:InvalidSecurityToken",
    Reason.DIGEST_STALE: "500 wsse:FailedAuthentication",
    Reason.DIGEST_EARLY: "500 wsse:FailedAuthentication",
    Reason.USER_UNKNOWN: "500 wsse:FailedAuthentication",
    Reason.DIGEST_WRONG: "500 wsse:FailedAuthentication",
    Reason.REPLAYED: "500 wsse:FailedAuthentication",
    Reason.SIGNATURE_WRONG: "500 wsse:FailedCheck",
    Reason.KEY_UNKNOWN: "500 wsse:SecurityTokenUnavailable",
    Reason.ID_REPEATED: "500 wsse:InvalidSecurity",
    Reason.OTHER_ANSWER: "500 wsse:InvalidSecurity",
    Reason.PASSWORD_WRONG: "500 wsse:FailedAuthentication",
    Reason.KEY_EXPIRED: "500 wsse:FailedAuthentication",
    Reason.KEY_REVOKED: "500 wsse:FailedAuthentication",
    Reason.DECRYPTION_FAILED: "500 wsse:FailedCheck",
    Reason.TIMESTAMP_STALE: "500 wsu:MessageExpired",
    Reason.TIMESTAMP_EXPIRED: "500 wsu:MessageExpired",
}
"""What the server tells the attacker: HTTP status, and the faultcode where the answer is a fault. Written out here, not
taken from the code it is held against."""


@dataclass(frozen=True, slots=True)
class Loot:
    """What an attacker may hold besides the message. `credentials` and the key `signer` are the honest sender's own, for
    what his software would do if it were talked into weakness. `keys` has `stranger`, with a certificate he made himself;
    `other`, which the receiver knows, of somebody who may not say this; and keys of the sender's that must not count, named
    after what is wrong with them. `recipient` is the certificate (PEM) messages to the receiver are encrypted to, `back` went
    the other way before, `trap` is an http URL that notices who comes."""

    policy: Policy
    credentials: Credentials
    keys: Mapping[str, KeyPair]
    recipient: bytes
    back: bytes
    now: datetime
    trap: str


Attack = Callable[[bytes, Loot], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """`does` is one sentence about what the attacker does, `clause` the paper, rule or CVE that has it. `policy` is
    the row of the policy table the honest message is sealed with, and the only one its receiver accepts.
    `heard`: the honest message was delivered before. `restarted`: and the receiver was started anew since.
    `sealed_with`: the policy of the message, where it is another than the receiver accepts.
    `stray`: the message answers, and is made for, another client; else it names no question, as other people's servers do.
    `sockets`: False where neither side would ever come to trust the key it is about.
    `alone`: what the security room says of it when nobody has looked before, None where that is not its business."""

    id: str
    does: str
    clause: str
    policy: str
    attack: Attack
    verdict: Verdict
    sides: tuple[Side, ...] = BOTH
    heard: bool = False
    restarted: bool = False
    alone: Reason | None = None
    sealed_with: str = ""
    stray: bool = False
    sockets: bool = True

    @property
    def told(self) -> str:
        sealed = (
            isinstance(self.verdict, App | Soap) and self.alone is None and POLICIES[self.policy].encrypted
        )  # whoever is known is answered in kind
        return "500 encrypted" if sealed else TOLD[self.verdict]

    @property
    def reason(self) -> Reason | None:
        """The exact verdict of the security room by itself."""
        return self.verdict if isinstance(self.verdict, Reason) else self.alone
