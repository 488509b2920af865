"""What people are shown of messages that travelled in gzip: what they say on demand, and always the exact octets."""

import base64
import re

import pytest

from meterpost.cli.journal import message_text
from meterpost.transport import Outbound
from meterpost_wsdl.coding import gunzip, gzip

HEAD = b"POST /mp HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n"


@pytest.fixture
def compressing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a policy that has it so."""
    original = Outbound.of
    monkeypatch.setattr(Outbound, "of", lambda action, envelope, compressed=False: original(action, envelope, True))


def test_the_journal_decodes_for_people_and_keeps_what_travelled(meterpost, compressing, config, server) -> None:
    assert meterpost("enrol", "--all").code in (0, 1)
    entry = server.journal()[0]
    exchange = meterpost("journal", "1", "--json").json
    for side, head, body in (
        ("request", entry.request_head, entry.request),
        ("response", entry.response_head, entry.response),
    ):
        assert base64.b64decode(exchange[side]["base64"]) == head + body
        assert exchange[side]["text"] == (head + gunzip(body, 100_000)).decode()
        assert exchange[side]["envelope"] == len(gunzip(body, 100_000))
        assert exchange[side]["http"] == len(head + body)
    raw = meterpost("journal", "1", "--raw")
    assert raw.stdout == entry.request_head + entry.request + entry.response_head + entry.response
    pretty = meterpost("journal", "1", "--pretty").out
    assert len(re.findall(r"^  <s:Body>$", pretty, re.MULTILINE)) == 2
    assert len(re.findall(r"^Content-Encoding: gzip$", pretty, re.MULTILINE)) == 2
    assert "s:Body" not in meterpost("journal", "1").out


def test_a_rehearsal_shows_what_would_be_said(meterpost, compressing, config) -> None:
    meterpost("discover")
    (first, *_) = meterpost("enrol", "--all", "--dry-run", "--json").json["messages"]
    assert first["body"].startswith("<s:Envelope ")
    assert "\r\nContent-Encoding: gzip\r\n" in first["head"]
    assert first["octets"] < len(first["head"]) + len(first["body"])
    assert "<m:RegisterProxy " in meterpost("enrol", "--all", "--dry-run").out


@pytest.mark.parametrize("body", [gzip(b"<a/>")[:-1], gzip(b"<a/>") * 2, b"<a/>", gzip(b" " * (16 * 1024 * 1024 + 1)), b""])
def test_what_cannot_be_decoded_is_shown_as_it_is(body: bytes) -> None:
    assert message_text(HEAD + body, pretty=True) == message_text(HEAD + body, pretty=False)
    assert "\x1f" not in message_text(HEAD + body, pretty=True)


def test_what_is_no_xml_is_decoded_all_the_same() -> None:
    assert message_text(HEAD + gzip(b"not\x07found"), pretty=True).endswith("\n\nnot\\x07found\n")
