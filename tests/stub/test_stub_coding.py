"""gzip at the server, over real TLS sockets: exact octets counted and kept, answers in kind, bombs refused at their limit."""

import struct
import threading
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from stub_site import CLIENT, Got, Site

from meterpost.wsse import POLICIES, Password
from meterpost_stub import StubServer, http
from meterpost_stub.coding import Reader, beginning, demand_plain
from meterpost_stub.store import Entry
from meterpost_stub.web import LARGEST_BODY, HttpRefusal, HttpRequest
from meterpost_wsdl import names
from meterpost_wsdl.budgets import budget
from meterpost_wsdl.coding import gunzip, gzip

MEGABYTE = 1024 * 1024
REGISTER = f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>'
SYNC = f'<m:SyncProxy client="{CLIENT}" version="1"/>'
GZIP = "Content-Encoding: gzip\r\n"


def octets(site: Site, body: bytes, coding: str = GZIP) -> bytes:
    """A whole request with `body` as it is, and the header lines of its coding."""
    return site.head(len(body)).replace(b"SOAPAction", f"{coding}SOAPAction".encode()) + body


def post(site: Site, body: bytes, coding: str = GZIP) -> Got:
    return site.say(octets(site, body, coding))


def envelope(got: Got) -> Got:
    """What a coded answer says."""
    assert b"\r\nContent-Encoding: gzip\r\n" in got.head
    assert b"\r\nContent-Length: %d\r\n" % len(got.body) in got.head
    return Got(got.head, gunzip(got.body, LARGEST_BODY))


def last(site: Site) -> Entry:
    return site.stub.journal()[-1]


def zeros(mebibytes: int, start: bytes = b"") -> bytes:
    """A member for `start` and so many mebibytes of blanks, made without holding them."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    blanks = b" " * MEGABYTE
    return b"".join([deflate.compress(start), *(deflate.compress(blanks) for _ in range(mebibytes)), deflate.flush()])


BOMB = zeros(200)
LYING = BOMB[:-4] + struct.pack("<I", 7)


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip"])
def test_who_asks_in_gzip_is_answered_in_gzip(site: Site, name: str):
    got = envelope(post(site, gzip(site.sealed(REGISTER)), f"Content-Encoding: {name}\r\n"))
    assert (got.status, etree.QName(got.reply).localname) == (200, "RegisterProxyResponse")


def test_who_does_not_is_not_whatever_else_it_would_take(site: Site):
    sealed = site.sealed(REGISTER)
    got = site.say(octets(site, sealed, "Accept-Encoding: gzip\r\n"))
    assert b"Content-Encoding" not in got.head
    assert etree.QName(got.reply).localname == "RegisterProxyResponse"


def test_what_is_counted_and_kept_are_the_octets_that_travelled(site: Site):
    site.register()
    sent = octets(site, gzip(site.sealed(SYNC)))
    got = site.say(sent)
    entry = last(site)
    assert entry.request_head + entry.request == sent
    assert entry.response_head + entry.response == got.head + got.body
    assert (entry.outcome, entry.transaction, entry.answer) == ("ok", "T3", "T4")
    assert (entry.request_octets, entry.response_octets) == (len(sent), len(got.head) + len(got.body))


def test_the_budget_holds_for_what_travels(site: Site):
    """An envelope over its formula passes when its coded form is under it, to the octet."""
    site.register()
    sealed = site.sealed(SYNC).replace(b"<s:Body>", b" " * 3000 + b"<s:Body>")
    assert len(sealed) > budget("T3", 0)
    assert envelope(post(site, gzip(sealed))).status == 200
    for over in (0, 1):
        sealed, room = site.sealed(SYNC), budget("T3", 0) + over
        coded = gzip(sealed)
        filler = "X: " + "x" * (room - len(octets(site, coded)) - len("X: \r\n")) + "\r\n"
        got = envelope(post(site, coded, GZIP + filler))
        assert last(site).request_octets == room
        assert (got.status, got.faultcode) == ((500, f"{{{names.SOAP}}}Client") if over else (200, ""))


@pytest.mark.parametrize(
    ("body", "status"),
    [("<m:Nothing/>", 500), (REGISTER.replace("client=", "klient="), 500)],
    ids=["no-operation", "not-of-the-schema"],
)
def test_a_fault_comes_in_the_requests_coding(site: Site, body: str, status: int):
    got = envelope(post(site, gzip(site.sealed(body))))
    assert (got.status, got.faultcode) == (status, f"{{{names.SOAP}}}Client")


def test_a_refusal_too(site: Site):
    assert envelope(post(site, gzip(site.sealed(SYNC)))).refusal == "not-registered"


def test_an_answer_below_soap_is_plain_text_for_a_person(site: Site):
    got = post(site, gzip(b"no xml at all"))
    assert (got.status, b"Content-Encoding" in got.head) == (400, False)
    got.body.decode("ascii")


MEMBER = gzip(b"<a/>")


@pytest.mark.parametrize(
    ("body", "coding", "status", "told"),
    [
        (MEMBER[:-1], GZIP, 400, "ends too early"),
        (MEMBER[:10], GZIP, 400, "ends too early"),
        (b"", GZIP, 400, "ends too early"),
        (MEMBER + b"\n", GZIP, 400, "1 octets behind it"),
        (MEMBER * 2, GZIP, 400, "behind it"),
        (MEMBER[:-8] + bytes(4) + MEMBER[-4:], GZIP, 400, "incorrect data check"),
        (b"<a/>", GZIP, 400, "incorrect header check"),
        (zlib.compress(b"<a/>"), GZIP, 400, "incorrect header check"),
        (BOMB, GZIP, 413, "more than 16777216 octets"),
        (LYING, GZIP, 413, "more than 16777216 octets"),
        (gzip(BOMB), GZIP, 400, "UTF-8"),  # opened once, and then it is no XML
        (gzip(b"<a>" + b"<b/>" * 1_300_000 + b"</a>"), GZIP, 413, "elements"),
        (MEMBER, "Content-Encoding: br\r\n", 415, "gzip"),
        (MEMBER, "Content-Encoding: deflate\r\n", 415, "gzip"),
        (MEMBER, "Content-Encoding: gzip, gzip\r\n", 415, "gzip"),
        (MEMBER, GZIP * 2, 415, "gzip"),
        (MEMBER, "Content-Encoding: identity\r\n" + GZIP, 415, "gzip"),
        (MEMBER, "Content-Encoding:\r\n", 415, "gzip"),
    ],
    ids=[
        "cut", "head-only", "nothing", "octets-behind", "two-members", "wrong-crc", "plain", "zlib", "bomb", "lying-bomb",
        "bomb-in-bomb", "many-elements", "br", "deflate", "gzip-of-gzip", "twice", "identity-and-gzip", "no-name",
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_refused_in_the_clear(site: Site, body: bytes, coding: str, status: int, told: str):
    got = post(site, body, coding)
    assert (got.status, told in got.body.decode()) == (status, True), got
    assert b"Content-Encoding" not in got.head
    assert (b"\r\nAccept-Encoding: gzip\r\n" in got.head) is (status == 415)
    assert last(site).outcome.startswith(f"http {status}: ")
    assert last(site).request == body
    assert site.register_proxy().status == 200


def test_the_schema_is_not_coded_for_who_asks_oddly(site: Site):
    head = f"GET /mp?wsdl HTTP/1.1\r\nHost: h\r\n{GZIP}Connection: close\r\n\r\n".encode()
    assert etree.fromstring(site.say(head).body).tag.endswith("definitions")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8), st.integers(0, 8))
def test_damaged_octets_never_bring_it_down(site: Site, position: int, octets: bytes, dropped: int):
    coded = gzip(site.sealed(REGISTER))
    position %= len(coded)
    got = post(site, coded[:position] + octets + coded[position + dropped :])
    assert got.status in (200, 400, 413, 500)
    assert site.register_proxy().status == 200


def test_bombs_from_many_sides_cost_what_the_limit_costs(site: Site):
    """Each decoder holds its limit, once in pieces and once whole, and whole messages are parsed one at a time."""
    tracemalloc.start()
    try:
        with ThreadPoolExecutor(8) as peers:
            answers = list(peers.map(lambda bomb: post(site, bomb), [BOMB, LYING] * 8))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {got.status for got in answers} == {413}
    assert peak < 8 * 2.5 * LARGEST_BODY
    assert site.register_proxy().status == 200


def test_a_small_body_for_a_large_message_waits_its_turn(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Messages over 1 MiB are parsed one at a time and in one thread, whatever their coding."""
    parsed_by: list[str] = []
    parse = http.soap11.parse
    monkeypatch.setattr(http.soap11, "parse", lambda body: parsed_by.append(threading.current_thread().name) or parse(body))
    site.register_proxy()
    large = gzip(site.sealed(REGISTER).replace(b"<s:Body>", b" " * (2 * MEGABYTE) + b"<s:Body>"))
    assert len(large) < 10_000
    with ThreadPoolExecutor(4) as peers:
        assert {envelope(got).status for got in peers.map(lambda coded: post(site, coded), [large] * 4)} <= {200, 500}
    workers, (one, *others) = parsed_by[:1], parsed_by[1:]
    assert len(others) == 3
    assert {one} == set(others) != set(workers)


# --- what must not be compressed -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("coding", ["gzip", "X-GZip", "identity", ""])
def test_only_a_password_in_clear_text_must_not_be_compressed(policy: str, coding: str):
    request = HttpRequest("POST", names.PATH, "", {"content-encoding": coding} if coding else {}, b"", b"")
    if POLICIES[policy].password is Password.TEXT and "gzip" in coding.lower():
        with pytest.raises(HttpRefusal, match="password is not compressed") as caught:
            demand_plain(request, POLICIES[policy])
        assert caught.value.status == 415
    else:
        demand_plain(request, POLICIES[policy])


# --- the journal for people ----------------------------------------------------------------------------------


def journal(stub: StubServer) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {stub.admin_token}"}
    with requests.Session() as session:
        session.trust_env = False
        document: list[dict[str, Any]] = session.get(f"{stub.admin_url}/journal", headers=headers, timeout=20).json()
    return document


def test_people_are_shown_what_it_says_with_the_octets_of_both(site: Site, stub: StubServer):
    sealed = site.sealed(REGISTER)
    got = post(site, gzip(sealed))
    (shown,) = journal(stub)
    assert (shown["request"], shown["response"]) == (sealed.decode(), envelope(got).body.decode())
    assert shown["request_octets"] == {"envelope": len(sealed), "http": len(octets(site, gzip(sealed)))}
    assert shown["response_octets"] == {"envelope": len(envelope(got).body), "http": len(got.head) + len(got.body)}
    assert GZIP in shown["request_head"]
    assert GZIP in shown["response_head"]


def test_what_cannot_be_decoded_is_shown_as_it_is(site: Site, stub: StubServer):
    post(site, MEMBER[:-1])
    (shown,) = journal(stub)
    assert shown["request"] == MEMBER[:-1].decode("utf-8", "backslashreplace")
    assert shown["request_octets"]["envelope"] == len(MEMBER) - 1
    assert "early" in shown["response"]


def test_of_many_bombs_few_are_opened_and_the_newest_first():
    head, reader = f"POST /mp HTTP/1.1\r\n{GZIP}\r\n".encode(), Reader()
    small, large = gzip(b"small"), zeros(15)
    assert reader.text(head, small) == b"small"
    assert [len(reader.text(head, large)) for _ in range(5)] == [15 * MEGABYTE] * 4 + [len(large)]
    assert reader.text(head, small) == small  # what was tried in vain counts
    assert reader.text(b"POST /mp HTTP/1.1\r\n\r\n", small) == small
    reader = Reader()
    assert [reader.text(head, BOMB) for _ in range(3)] == [BOMB] * 3
    assert reader.text(head, small) == b"small"  # each bomb cost what a message may be, and no more
    assert reader.text(head, BOMB) == BOMB
    assert reader.text(head, small) == small
    reader = Reader()
    assert {reader.text(head, small[:-1]) for _ in range(1000)} == {small[:-1]}
    assert reader.text(head, small) == b"small"  # small ones are cheap, sound or not


def test_the_newest_are_read_first(site: Site, stub: StubServer):
    first = site.sealed(REGISTER)
    post(site, gzip(first))
    for _ in range(4):
        post(site, BOMB)
    sealed = site.sealed(REGISTER)
    post(site, gzip(sealed))
    shown = journal(stub)
    assert shown[0]["number"] < shown[-1]["number"]
    assert shown[-1]["request"] == sealed.decode()
    assert shown[0]["request"] == gzip(first).decode("utf-8", "backslashreplace")


_CLEAR = b"<a><w:Password>secret</w:Password></a>" + b"".join(b"%d" % (n * 7919 % 10007) for n in range(300))
_WHOLE = gzip(_CLEAR)


@pytest.mark.parametrize(
    "body",
    [
        _WHOLE[:-8] + bytes(8),
        _WHOLE[:-20],
        _WHOLE * 2,
        _WHOLE + b"more",
        gzip(_WHOLE),
        zlib.compress(_CLEAR),
        zlib.compress(_CLEAR)[2:-4],
    ],
    ids=["check sum", "cut", "twice", "more behind it", "gzip of gzip", "zlib", "deflate"],
)
def test_of_what_cannot_be_decoded_whole_the_beginning_tells_whether_a_password_is_in_it(body: bytes) -> None:
    assert b"secret" in beginning(body)


def test_what_is_in_no_coding_has_no_beginning() -> None:
    assert beginning(_CLEAR) == beginning(b"") == beginning(b"<") == b""
