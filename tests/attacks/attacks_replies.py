"""What a hostile server can do that needs no forged seal: faults of its own, redirects, content-codings, a second answer.

How the transport meets servers that break HTTP itself is in tests/client/transport/test_transport_bad_servers.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from attack_host import http
from attack_lab import ACCOUNT
from attacks_http import DIGEST, member
from attacks_signature import SIGNING
from attacks_wrapping import SIGNED

from meterpost.errors import AuthenticationError, MeterpostError, PeerError
from meterpost.wsse import POLICIES
from meterpost.wsse.dialects import OASIS_2004

_SOAP, _SERVICE = "http://schemas.xmlsoap.org/soap/envelope/", "urn:meterpost:1"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the server can answer with: `evil`, a well-sealed reply that turns a device on; `stray`, its own refusal of another
    client, sealed for that one; and a URL nobody should visit."""

    evil: bytes
    stray: bytes
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


NOT_REGISTERED = (
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring>"
    f'<detail><m:Refusal xmlns:m="{_SERVICE}" code="not-registered" reason="x"/></detail></s:Fault>'
)
"""At this the client would forget its enrolment."""


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
    return http(re.sub(rb"<s:Body[^>]*>", lambda body: body[0] + NOT_REGISTERED.encode(), answers.evil))


def showing(message: bytes) -> bytes:
    """The reply with the account's password in clear text."""
    password = f'<w:Password Type="{OASIS_2004.spell("PasswordText")}">{ACCOUNT.password}</w:Password>'
    shown = f"<w:UsernameToken><w:Username>{ACCOUNT.username}</w:Username>{password}</w:UsernameToken></w:Security>"
    return message.replace(b"</w:Security>", shown.encode())


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
    *(Reply(f"FLT-{number:02}", "The server's own refusal of another client, made for it and signed", "WSS 1.1, 8.5; CWE-346",
            policy, lambda a: http(a.stray, "500 Internal Server Error"),
            PeerError, "without a fault" if POLICIES[policy].encrypted else "other-answer")
      for number, policy in enumerate(SIGNING, 8)),
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
    Reply("RSP-18", "The password in clear text, in gzip, to be read in the client's journal", "CWE-532", SIGNED,
          coded(lambda m: member(showing(m))), AuthenticationError, "digest-required"),
    Reply("RSP-19", "The same, so that the gzip is not even read to its end", "CWE-532; CWE-409", SIGNED,
          coded(lambda m: member(showing(m) + b" " * 40_000_000)), PeerError, ""),
    Reply("RSP-11", "A length and chunks", "RFC 9112, 6.3; CWE-444", DIGEST,
          lambda a: http(b"0\r\n\r\n" + http(a.evil), "200 OK", "Transfer-Encoding: chunked"), PeerError, ""),
)  # fmt: skip
