"""Sealed bytes become reply bytes, measured. The only importer of requests and urllib3; knows nothing of SOAP."""

from meterpost.transport.certificates import Peer
from meterpost.transport.https import HttpsTransport
from meterpost.transport.memory import MemoryTransport
from meterpost.transport.port import BODY_LIMIT, Outbound, Transport
from meterpost.transport.recorded import RecordedTransport, RecordingTransport

__all__ = [
    "BODY_LIMIT",
    "HttpsTransport",
    "MemoryTransport",
    "Outbound",
    "Peer",
    "RecordedTransport",
    "RecordingTransport",
    "Transport",
]
