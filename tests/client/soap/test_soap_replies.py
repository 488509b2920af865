"""What came back instead of a reply, and what the administrator is told."""

import pytest

from meterpost.errors import AuthenticationError, MeterpostError, PeerError, Refused
from meterpost.model import HttpReply
from meterpost.soap import fault_of, root_of
from meterpost_wsdl import names

SECEXT = "http://schemas.xmlsoap.org/ws/2002/07/secext"


def reply(body: str | bytes, status: int = 200, kind: str = "text/xml; charset=utf-8", **headers: str) -> HttpReply:
    data = body.encode() if isinstance(body, str) else body
    return HttpReply(status, "", {"content-type": kind, **headers}, data, b"", b"", 0, 0)


def fault(code: str, detail: str = "", text: str = "said so") -> str:
    return (
        f'<e:Envelope xmlns:e="{names.SOAP}" xmlns:m="{names.SERVICE}" xmlns:wsse="{SECEXT}"><e:Body><e:Fault>'
        f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>{detail}</e:Fault></e:Body></e:Envelope>"
    )


@pytest.mark.parametrize(
    ("came", "says", "advice"),
    [
        (reply("<!DOCTYPE html><html><body>Welcome to the guest network", kind="text/html"), "a web page", "log-in page"),
        (reply("<html>", kind="text/xml"), "a web page", "browser"),
        (reply("", 302, location="https://elsewhere.example/"), "redirects to 'https://elsewhere.example/'", "server.url"),
        (reply("", 502), "an empty reply", "server.url"),
        (reply("{}", kind="application/json"), "application/json, not text/xml", "server.url"),
        (reply("Not Found", 404, "text/plain"), "text/plain, not text/xml", "Check server.url"),
        (reply("<a>"), "not well-formed", "server.url"),
        (reply("<a/>"), "not a SOAP 1.1 envelope", ""),
        (reply('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>'), "not a SOAP 1.1 envelope", ""),
        (reply('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'), "document type declaration", ""),
        (reply('<?xml version="1.0"?><?go away?><a/>'), "processing instruction", ""),
        (reply("<a>" * 40 + "</a>" * 40), "nested deeper", ""),
        (reply(b"<a>\xff</a>"), "not valid UTF-8", ""),
        (reply('<?xml version="1.0" encoding="UTF-7"?><a/>'), "encoding UTF-7", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_envelope_is_explained(came: HttpReply, says: str, advice: str) -> None:
    with pytest.raises(PeerError, match=says) as caught:
        root_of(came)
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (fault("wsse:FailedAuthentication"), AuthenticationError, "account.username"),
        (fault("q:MessageExpired"), AuthenticationError, "time zone"),
        (fault("e:VersionMismatch"), Refused, "update the older"),
        (fault("e:Server"), PeerError, "tries again"),
        (fault("e:Client"), Refused, "different versions"),
        (fault("x:Strange"), PeerError, "tries again"),
        (fault("e:Client", '<detail><m:Refusal code="not-registered" reason="?"/></detail>'), Refused, "meterpost wizard"),
        (fault("e:Client", '<detail><m:Refusal code="try-later" reason="?"/></detail>'), PeerError, "by itself"),
    ],
)
def test_a_fault_says_whose_side_it_is_and_what_to_do(body: str, kind: type[MeterpostError], says: str) -> None:
    root = root_of(reply(body, 500))
    for status in (500, 200, 400):  # R1107: a fault is a fault under any status
        error = fault_of(root, status)
        assert type(error) is kind
        assert says in error.advice
        assert "said so" in str(error)


def test_a_refusal_carries_its_code() -> None:
    error = fault_of(root_of(reply(fault("e:Client", '<detail><m:Refusal code="other-account" reason="?"/></detail>'))), 500)
    assert isinstance(error, Refused)
    assert error.code == "other-account"


def test_no_fault_under_a_wrong_status_is_not_a_reply() -> None:
    root = root_of(reply(f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body/></s:Envelope>'))
    assert fault_of(root, 200) is None
    assert isinstance(fault_of(root, 202), PeerError)


def test_utf_16_with_a_mark_is_read() -> None:  # WS-I BP 1.1 R1012
    text = f'<?xml version="1.0" encoding="UTF-16"?><s:Envelope xmlns:s="{names.SOAP}"><s:Body/></s:Envelope>'
    assert root_of(reply(text.encode("utf-16"))).tag == f"{{{names.SOAP}}}Envelope"
