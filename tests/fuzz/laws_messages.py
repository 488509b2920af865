"""Laws of what comes from the other side of the wire: envelopes, faults, replies, seals, HTTP heads."""

import gzip
import socket
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from xml.parsers import expat

from fuzz_kit import LONGEST_SENTENCE, told
from lxml import etree

from meterpost.errors import MeterpostError, PeerError
from meterpost.lifecycle import messages as m
from meterpost.model import HttpReply
from meterpost.soap import Codec
from meterpost.soap.envelope import envelope as written
from meterpost.soap.replies import fault_of, root_of
from meterpost_stub import listener, soap11
from meterpost_stub.gathering import Gathering, Limits
from meterpost_stub.web import HttpRefusal, HttpRequest, HttpResponse, response
from meterpost_wsdl import coding, names, xmlio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_KINDS = ("empty", "size", "encoding", "dtd", "pi", "elements", "attributes", "depth", "malformed")
_LONGEST_PLAIN = 65_536
_SMALL = xmlio.Limits(octets=8192, elements=400, attributes=200, depth=16)
_CODEC = Codec()


def document(octets: bytes) -> None:
    """A document is a tree within its limits, without anything that is not data, or a BadXml that says why. What is taken for
    one by us is one for another parser too."""
    try:
        root = xmlio.parse(octets, _SMALL)
    except xmlio.BadXml as error:
        told(error)
        _KINDS.index(error.kind)
        return
    nodes = list(root.iter())
    assert all(isinstance(node.tag, str) for node in nodes), "comments, instructions and entities are no elements"
    if all(str(name).isascii() for node in nodes for name in (node.tag, *node.attrib)):  # expat has the letters of 1998
        expat.ParserCreate("utf-8", " ").Parse(xmlio._as_utf8(octets), True)
    assert root.getroottree().docinfo.internalDTD is None
    assert len(nodes) <= _SMALL.elements
    assert max(len(list(node.iterancestors())) for node in nodes) < _SMALL.depth
    assert xmlio.parse(etree.tostring(root, encoding="utf-8")).tag == root.tag


def request(octets: bytes) -> None:
    """A request names its operation and is of the contract, or is answered with a fault the client understands."""
    try:
        root = xmlio.parse(octets, _SMALL)
        found = soap11.request_of(root)
    except xmlio.BadXml:
        return
    except soap11.SoapFault as fault:
        answer = fault.envelope()
        assert len(answer) < LONGEST_SENTENCE
        assert isinstance(fault_of(xmlio.parse(answer), 500), MeterpostError)
        return
    assert etree.QName(found).localname in names.OPERATIONS
    assert found.getparent() is root[-1]
    assert root[-1].tag == soap11.BODY
    assert len(root[-1]) == 1
    assert not names.violation(found)


def reply(octets: bytes) -> None:
    """Of a reply comes an envelope or a PeerError; a fault is an error with a sentence; a message, written anew, is itself."""
    try:
        root = root_of(HttpReply(200, "OK", {"content-type": "text/xml"}, octets, b"", b"", 0, 0))
    except PeerError as error:
        told(error)
        return
    for status in (200, 500):
        error_or_none = fault_of(root, status)
        if error_or_none is not None:
            told(error_or_none)
            assert str(error_or_none).isprintable()
        elif status == 200:
            _message(root)


def _message(root: etree._Element) -> None:
    for kind in (m.RegisterProxy, m.RegisterProxyDevices, m.SyncProxy, m.SyncProxyStatus, m.BillingTransaction):
        asked = kind.__new__(kind)  # only what it is decides how its reply is read
        try:
            said = _CODEC.decode(root, asked)
        except PeerError as error:
            told(error)
            continue
        plain = _CODEC.decode(xmlio.parse(written(said)), asked)  # what we write has single blanks
        assert _CODEC.decode(xmlio.parse(written(plain)), asked) == plain


# --- HTTP -----------------------------------------------------------------------------------------------------


class _Server(listener._Server):
    """The stub's, before it listens."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.taken, None)
        self.requests: list[HttpRequest] = []
        self.errors: list[str] = []

    def taken(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return response(request, 200, "text/plain", b"")

    def error_log(self, msg: str = "", level: int = 0, traceback: bool = False) -> None:
        self.errors.append(msg)


@cache
def _server() -> _Server:
    return _Server()


def stream(octets: bytes) -> None:
    """Whatever comes on a connection: the requests that are taken are, head and body one after the other, what was sent from
    its first octet on. So no octet is read twice, none is passed over, and no request can hide in another. They are the same
    where each octet comes alone."""
    near, far = socket.socketpair()
    server = _server()  # cheroot keeps statistics of every server there ever was
    server.requests, server.errors = [], []
    with near, far:
        far.sendall(octets)
        far.shutdown(socket.SHUT_WR)
        connection = listener._Connection(server, near)
        while connection.communicate():
            pass
        connection.close()
    assert not server.errors, server.errors
    assert _dripping(octets) == server.requests
    taken = b"".join(request.head + (request.body or b"") for request in server.requests)
    unread = any(request.body is None for request in server.requests)
    assert octets.startswith(taken) or unread
    for request in server.requests:
        lines = request.head.removeprefix(b"\r\n").split(b"\r\n")
        assert lines[-2:] == [b"", b""]
        assert len(request.head) <= Limits().head
        assert not any(octet in line for line in lines for octet in (b"\n", b"\r"))
        fields = [line.partition(b":")[0].lower() for line in lines[1:-2]]
        assert all(fields.count(once) <= 1 for once in (b"host", b"content-length", b"content-type"))
        assert {field.decode() for field in fields} == set(request.headers)
        if request.body is not None and b"content-length" in fields:
            assert len(request.body) == int(request.headers["content-length"])
        if b"transfer-encoding" in fields:
            assert request.body is None, "a body of no plain length is not read"


def _dripping(octets: bytes) -> list[HttpRequest]:
    gathering, found = Gathering(), list[HttpRequest]()
    with suppress(HttpRefusal):
        for at in range(len(octets)):
            request = gathering.feed(octets[at : at + 1])
            if request is not None:
                found.append(request)
                if request.last:
                    break
    return found


# --- content-coding -------------------------------------------------------------------------------------------


def coded(octets: bytes) -> None:
    """What is coded is read back as it was, as every other reader reads it, within its bound, or is BadCoding."""
    assert coding.gunzip(coding.gzip(octets), len(octets)) == octets
    coding.readable(octets, octets, _LONGEST_PLAIN)
    try:
        plain = coding.gunzip(octets, _LONGEST_PLAIN)
    except coding.BadCoding as error:
        told(error)
        return
    assert len(plain) <= _LONGEST_PLAIN
    assert gzip.decompress(octets) == plain
