"""A manager on a plain UDP socket: pysnmp's message types and pyasn1's codec, none of the fleet's own code."""

import itertools
import socket
from dataclasses import dataclass
from typing import Any, Self

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c
from pysnmp.proto.rfc1901 import Message

from meterpost.recording import Oid, oid
from meterpost_stub.printers import SimulatedPrinter

V1, V2C = 0, 1


@dataclass(frozen=True)
class Answer:
    """`bindings`: names with plain values (int, bytes, Oid) or the exception's name."""

    request_id: int
    status: int
    index: int
    bindings: tuple[tuple[Oid, Any], ...]
    size: int

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(value for _, value in self.bindings)


_ids = itertools.count(1)


def request(
    kind: type, *names: str | Oid, version: int = V2C, community: str = "public", bulk: tuple[int, int] = (0, 10)
) -> bytes:
    """The octets of a request; `bulk` is (non-repeaters, max-repetitions)."""
    pdu, message = kind(), Message()
    api = v2c.apiBulkPDU if kind is v2c.GetBulkRequestPDU else v2c.apiPDU
    api.set_defaults(pdu)
    api.set_request_id(pdu, next(_ids))
    if kind is v2c.GetBulkRequestPDU:
        v2c.apiBulkPDU.set_non_repeaters(pdu, bulk[0])
        v2c.apiBulkPDU.set_max_repetitions(pdu, bulk[1])
    value = v2c.Integer32(1) if kind is v2c.SetRequestPDU else v2c.null
    api.set_varbinds(pdu, [(oid(name) if isinstance(name, str) else name, value) for name in names])
    message[0], message[1] = version, community
    message[2].setComponentByType(pdu.tagSet, pdu)
    return encoder.encode(message)


def understood(octets: bytes) -> Answer:
    message, rest = decoder.decode(octets, asn1Spec=Message())
    assert not rest
    pdu = message[2].getComponent()
    assert pdu.tagSet == v2c.ResponsePDU.tagSet
    bindings = tuple((tuple(name), _plain(value)) for name, value in v2c.apiPDU.get_varbinds(pdu))
    return Answer(int(pdu[0]), int(pdu[1]), int(pdu[2]), bindings, len(octets))


def _plain(value: Any) -> Any:
    if isinstance(value, (v2c.NoSuchObject, v2c.NoSuchInstance, v2c.EndOfMibView)):
        return type(value).__name__
    if isinstance(value, v2c.Null):
        return None
    if isinstance(value, v2c.ObjectIdentifier):
        return tuple(value)
    return value.asOctets() if hasattr(value, "asOctets") else int(value)


class Manager:
    """Talks to one agent; an answer that never comes is a test failure after `timeout` seconds."""

    def __init__(self, printer: SimulatedPrinter, timeout: float = 5) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect((printer.address, printer.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> None:
        self.socket.send(octets)

    def receive(self) -> Answer:
        return understood(self.socket.recv(65535))

    def ask(self, kind: type, *names: str | Oid, **options: Any) -> Answer:
        self.send(request(kind, *names, **options))
        return self.receive()

    def get(self, *names: str | Oid, **options: Any) -> Answer:
        return self.ask(v2c.GetRequestPDU, *names, **options)

    def next(self, *names: str | Oid, **options: Any) -> Answer:
        return self.ask(v2c.GetNextRequestPDU, *names, **options)

    def bulk(self, *names: str | Oid, non_repeaters: int = 0, repetitions: int = 10, **options: Any) -> Answer:
        return self.ask(v2c.GetBulkRequestPDU, *names, bulk=(non_repeaters, repetitions), **options)

    def ignored(self, octets: bytes) -> bool:
        """Whether `octets` got no answer. Datagrams are answered in order, so a question behind them tells."""
        self.send(octets)
        behind = request(v2c.GetRequestPDU, "1.3.6.1.2.1.1.1.0")
        self.send(behind)
        return self.receive().request_id == next(_ids) - 1
