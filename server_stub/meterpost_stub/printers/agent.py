"""One simulated agent without its socket: the octets of a datagram in, the octets of the answer out.

Whatever it cannot read, and whoever it does not know, it leaves unanswered; nothing that arrives can stop it.
"""

from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import decodeMessageVersion
from pysnmp.proto.rfc1901 import Message

from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.pdu import MAX_MESSAGE, Malformed, Version, parsing, respond
from meterpost_stub.printers.usm import Usm


class Agent:
    """Answers for one MIB: v1 and v2c under any of `communities`, v3 as `usm` says."""

    def __init__(self, mib: Mib, communities: tuple[str, ...], usm: Usm) -> None:
        self._mib, self._usm = mib, usm
        self._communities = {community.encode() for community in communities}

    def answer(self, octets: bytes) -> bytes | None:
        """The message to send back, None for silence."""
        if len(octets) > MAX_MESSAGE:
            return None
        try:
            with parsing():
                version = Version(int(decodeMessageVersion(octets)))
            if version is Version.V3:
                return self._usm.answer(octets, self._mib)
            return self._answer_community(octets, version)
        except Malformed:
            return None

    def _answer_community(self, octets: bytes, version: Version) -> bytes | None:
        """v1 and v2c differ in no octet of what a read-only agent receives and sends, so one message type serves both."""
        with parsing():
            message, _ = decoder.decode(octets, asn1Spec=Message())
            community, request = message[1].asOctets(), message[2].getComponent()
        if community not in self._communities:
            return None

        def pack(response: Any) -> bytes:
            answer = Message()
            answer[0], answer[1] = version, community
            answer[2].setComponentByType(response.tagSet, response)
            packed: bytes = encoder.encode(answer)
            return packed

        return respond(request, self._mib, version, pack)
