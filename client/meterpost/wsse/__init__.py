"""Message security: envelope bytes are sealed, and opened. Both sides use this room; `policy` is where to start."""

from meterpost.wsse.dialects import UNDERSTOOD, Dialect
from meterpost.wsse.key_names import Embedded, IssuerSerial, KeyIdentifier, KeyName, Thumbprint, Unnamed
from meterpost.wsse.opening import open_envelope, remember
from meterpost.wsse.policy import CHOICES, DEFAULT, POLICIES, Acceptance, Password, Place, Policy, policy
from meterpost.wsse.replay import MemoryReplayCache, ReplayCache
from meterpost.wsse.sealing import NONCE, seal
from meterpost.wsse.signature import tag_of
from meterpost.wsse.trust import ContentKey, Identity, Trust, Trusted, recipient
from meterpost.wsse.username import masked
from meterpost.wsse.verdict import FAULTS, Fault, Reason, Verdict

__all__ = [
    "CHOICES",
    "DEFAULT",
    "FAULTS",
    "NONCE",
    "POLICIES",
    "UNDERSTOOD",
    "Acceptance",
    "ContentKey",
    "Dialect",
    "Embedded",
    "Fault",
    "Identity",
    "IssuerSerial",
    "KeyIdentifier",
    "KeyName",
    "MemoryReplayCache",
    "Password",
    "Place",
    "Policy",
    "Reason",
    "ReplayCache",
    "Thumbprint",
    "Trust",
    "Trusted",
    "Unnamed",
    "Verdict",
    "masked",
    "open_envelope",
    "policy",
    "recipient",
    "remember",
    "seal",
    "tag_of",
]
