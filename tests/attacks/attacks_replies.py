"""What a hostile server can do that needs no forged seal: faults of its own, redirects, content-codings, a second answer.

How the transport meets servers that break HTTP itself is in tests/client/transport/test_transport_bad_servers.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from attack_host import http
from attacks_http import DIGEST, member
from attacks_wrapping import SIGNED

from meterpost.errors import AuthenticationError, MeterpostError, PeerError

_SOAP, _SERVICE = "http://schemas.xmlsoap.org/soap/envelope/", "urn:meterpost:1"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server can answer with: `evil`, a well-sealed reply that turns a device on, and a URL nobody should visit."""

    evil: bytes
    trap: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One attack: the HTTP reply in octets, the error the client raises, and what it says."""

    id: str
    does: str
    clause: str
    policy: str
    octets: Callable[[Answers], bytes]
    error: type[MeterpostError]
    says: str


def fault(code: str, refusal: str = "") -> Callable[[Answers], bytes]:
    """A fault nobody sealed."""
    detail = f'<detail><m:Refusal xmlns:m="{_SERVICE}" code="{refusal}" reason="x"/></detail>' if refusal else ""
    envelope = (
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body><s:Fault><faultcode>s:{code}</faultcode><faultstring>x</faultstring>'
        f"{detail}</s:Fault></s:Body></s:Envelope>"
    )
    return lambda _: http(envelope.encode(), "500 Internal Server Error")


def beside(answers: Answers) -> bytes:
    """A fault without seal in front of a good reply's content."""
    refusal = f'<m:Refusal xmlns:m="{_SERVICE}" code="not-registered" reason="x"/>'
    forged = f"<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring><detail>{refusal}</detail></s:Fault>"
    return http(re.sub(rb"<s:Body[^>]*>", lambda body: body[0] + forged.encode(), answers.evil))


def coded(change: Callable[[bytes], bytes], coding: str = "gzip") -> Callable[[Answers], bytes]:
    return lambda answers: http(change(answers.evil), "200 OK", f"Content-Encoding: {coding}")


def elsewhere(status: str) -> Callable[[Answers], bytes]:
    return lambda answers: http(b"", status, f"Location: {answers.trap}")


CASES = (
    Reply("FLT-01", "A fault nobody signed says the client is not registered: it would forget its enrolment",
          "SOAP 1.1, 4.4; ours", SIGNED, fault("Client", "not-registered"), PeerError, "not sealed as it should be"),
    Reply("FLT-02", "A fault nobody signed says the client was turned off", "ours", SIGNED, fault("Client", "revoked"),
          PeerError, "not sealed as it should be"),
    Reply("FLT-03", "A fault nobody signed says the message is against the contract: it would be dropped", "SOAP 1.1, 4.4",
          SIGNED, fault("Client"), PeerError, "not sealed as it should be"),
    Reply("FLT-04", "A fault nobody signed says another version is spoken", "SOAP 1.1, 4.4.1", SIGNED,
          fault("VersionMismatch"), PeerError, "not sealed as it should be"),
    Reply("FLT-05", "A fault in front of a signed reply's content", "SOAP 1.1, 4.4", SIGNED, beside, PeerError,
          "not sealed as it should be"),
    Reply("FLT-06", "Whoever does not know the password says the client is not registered", "ours", DIGEST,
          fault("Client", "not-registered"), MeterpostError, "refuses"),
    Reply("FLT-07", "A fault says the password is wrong, to make somebody type it again", "CWE-451", DIGEST,
          fault("FailedAuthentication"), AuthenticationError, "FailedAuthentication"),
    Reply("RSP-01", "A redirect to somebody else, who is to get the message (302)", "R1130; CWE-601", DIGEST,
          elsewhere("302 Found"), PeerError, "redirects"),
    Reply("RSP-02", "A redirect that keeps method and body (307)", "R1130; CWE-601", DIGEST,
          elsewhere("307 Temporary Redirect"), PeerError, "redirects"),
    Reply("RSP-03", "A demand for a password in clear text", "RFC 7617; CWE-522", DIGEST,
          lambda a: http(b"<x/>", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), PeerError, ""),
    Reply("RSP-04", "A good reply under a status that says it is none", "WS-I BP 1.1, R1124", DIGEST,
          lambda a: http(a.evil, "202 Accepted"), PeerError, "202"),
    Reply("RSP-05", "A good reply as a web page", "R1115; CWE-436", DIGEST,
          lambda a: http(a.evil).replace(b"text/xml", b"text/html"), PeerError, "web page"),
    Reply("RSP-06", "A gzip bomb", "CWE-409", SIGNED, coded(lambda m: member(b" " * 40_000_000)), PeerError, ""),
    Reply("RSP-07", "Gzip in gzip", "CWE-409", DIGEST, coded(lambda m: member(member(m)), "gzip, gzip"), PeerError, ""),
    Reply("RSP-08", "Gzip with a false checksum", "RFC 1952, 2.3.1", SIGNED, coded(lambda m: member(m, crc=0)), PeerError, ""),
    Reply("RSP-09", "Gzip with a second member", "RFC 1952, 2.2", SIGNED, coded(lambda m: member(m) * 2), PeerError, ""),
    Reply("RSP-10", "An entity bomb in gzip", "CWE-776", SIGNED,
          coded(lambda m: member(b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 100_000 + b'">]><a>&x;</a>')), PeerError,
          "document type"),
    Reply("RSP-11", "A length and chunks", "RFC 9112, 6.3; CWE-444", DIGEST,
          lambda a: http(b"0\r\n\r\n" + http(a.evil), "200 OK", "Transfer-Encoding: chunked"), PeerError, ""),
)  # fmt: skip
