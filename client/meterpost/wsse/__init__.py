"""Message security: envelope bytes are sealed, and opened. Both sides use this room; `policy` is where to start."""

from meterpost.wsse.dialects import UNDERSTOOD, Dialect
from meterpost.wsse.opening import open_envelope, remember
from meterpost.wsse.policy import POLICIES, Acceptance, Policy
from meterpost.wsse.replay import MemoryReplayCache, ReplayCache
from meterpost.wsse.sealing import NONCE, seal
from meterpost.wsse.verdict import FAULTS, Fault, Reason, Verdict

__all__ = [
    "FAULTS",
    "NONCE",
    "POLICIES",
    "UNDERSTOOD",
    "Acceptance",
    "Dialect",
    "Fault",
    "MemoryReplayCache",
    "Policy",
    "Reason",
    "ReplayCache",
    "Verdict",
    "open_envelope",
    "remember",
    "seal",
]
