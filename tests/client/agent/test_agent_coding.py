"""Exchanges in gzip, by a policy that has them so: what is counted, kept and believed; and servers that code badly, or
where nobody agreed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from agent_lab import PASSWORD, Clock, Vendor

from meterpost.agent.exchange import Exchanges
from meterpost.errors import OverBudget, PeerError
from meterpost.keys import Keys, MemoryStore
from meterpost.ledger import Ledger, open_ledger
from meterpost.lifecycle.messages import RegisterProxy, RegisterProxyResponse, SyncProxy
from meterpost.model import Credentials
from meterpost.settings import SecuritySettings, ServerSettings, StoreSettings
from meterpost.soap import BudgetVerdict
from meterpost.transport import HttpsTransport, MemoryTransport, Outbound, Transport
from meterpost_stub import StubServer
from meterpost_wsdl.coding import gunzip, gzip

CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
REGISTER = RegisterProxy(CLIENT, "reception", "Windows 11", "0.1.0")
SYNC = SyncProxy(CLIENT, "0.1.0")
LIMIT = 1024 * 1024
URL = "https://memory.invalid/mp"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = open_ledger(StoreSettings(), tmp_path)
    yield ledger
    ledger.close()


def exchanges(transport: Transport, ledger: Ledger, policy: str = "hmac") -> Exchanges:
    security = SecuritySettings(policy=policy)
    return Exchanges(transport, ledger, Credentials("site", PASSWORD), security, URL, Clock(), keys(security))


def keys(security: SecuritySettings) -> Keys:
    return Keys(MemoryStore(), security, Path())


def test_both_sides_count_and_keep_the_octets_that_travelled(tmp_path: Path, ledger: Ledger) -> None:
    """Over real TLS."""
    with StubServer() as stub:
        transport = HttpsTransport(ServerSettings(stub.soap_url, ca_file=str(stub.ca_file), http_proxy="none"), tmp_path)
        credentials, security = Credentials(stub.username, stub.password), SecuritySettings(policy="hmac")
        speaks = Exchanges(transport, ledger, credentials, security, stub.soap_url, lambda: datetime.now(UTC), keys(security))
        assert isinstance(speaks.send(REGISTER), RegisterProxyResponse)
        transport.close()
        (entry,) = stub.journal()
    (line,) = ledger.exchanges()
    for octets, sizes, kept in (
        (line.request, line.request_sizes, entry.request_head + entry.request),
        (line.response, line.response_sizes, entry.response_head + entry.response),
    ):
        head, _, body = octets.partition(b"\r\n\r\n")
        assert octets == kept
        assert b"\r\nContent-Encoding: gzip" in head
        assert sizes.envelope == len(gunzip(body, LIMIT)) > len(body)
        assert sizes.http == len(octets) < sizes.wire


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004", "text-2004", "hmac"])
def test_the_policy_says_whether_a_message_is_coded(ledger: Ledger, policy: str) -> None:
    vendor = Vendor(Clock())
    head, message, verdict = exchanges(vendor.transport(), ledger, policy).compose(REGISTER)
    coded = policy == "hmac"
    assert message.coded is coded
    assert message.body == (gzip(message.envelope) if coded else message.envelope)
    assert (b"\r\nContent-Encoding: gzip\r\n" in head) is coded
    assert verdict.octets == len(head) + len(message.body)
    vendor.close()


def test_a_message_is_compressed_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = Vendor(Clock())
    said: list[bytes] = []
    monkeypatch.setattr("meterpost.transport.port.coding.gzip", lambda envelope: said.append(envelope) or gzip(envelope))
    exchanges(vendor.transport(), ledger).send(REGISTER)
    assert len([envelope for envelope in said if b"RegisterProxy " in envelope]) == 1
    vendor.close()


def test_the_budget_holds_for_what_travels_to_the_octet(ledger: Ledger) -> None:
    """A path as long as the formula leaves room for, and one longer."""

    def verdict_at(url: str) -> BudgetVerdict:
        transport = MemoryTransport(lambda message: (200, {"Content-Type": "text/xml"}, b"<a/>"), url)
        return exchanges(transport, ledger).compose(SYNC)[2]

    room = verdict_at(URL).headroom
    verdict_at(URL + "p" * room).demand()
    verdict = verdict_at(URL + "p" * (room + 1))
    with pytest.raises(OverBudget, match="1426 octets"):
        verdict.demand()


@pytest.mark.parametrize(
    ("coding", "body", "told"),
    [
        ("br", b"<a/>", "content-coding 'br', which was not agreed on"),
        ("gzip", b"<a/>", "not sound gzip"),
        ("gzip", gzip(b"<a/>")[:-1], "ends too early"),
        ("gzip", gzip(b"<a/>") * 2, "octets behind it"),
        ("gzip", gzip(b" " * (32 * 1024 * 1024 + 1)), "larger than 32 MiB"),
        ("gzip", gzip(b"<a/>"), "the reply is a a, not a SOAP 1.1 envelope"),
        ("gzip", gzip(b""), "an empty reply"),
    ],
    ids=["another-coding", "none", "cut", "two-members", "bomb", "no-envelope", "empty"],
)
def test_a_server_that_codes_badly(ledger: Ledger, coding: str, body: bytes, told: str) -> None:
    headers, said = {"Content-Type": "text/xml", "Content-Encoding": coding}, list[Outbound]()
    transport = MemoryTransport(lambda message: said.append(message) or (200, headers, body))
    with pytest.raises(PeerError, match=told) as caught:
        exchanges(transport, ledger).send(SYNC)
    assert caught.value.retry
    assert caught.value.advice
    (line,), (message,) = ledger.exchanges(), said
    assert line.outcome == f"failed: {caught.value}"
    assert line.request == transport.head(message) + message.body
    assert (line.request_sizes.envelope, line.request_sizes.http) == (len(message.envelope), len(line.request))


def test_nothing_is_decoded_that_was_not_agreed_on(ledger: Ledger) -> None:
    headers = {"Content-Type": "text/xml", "Content-Encoding": "gzip"}
    with pytest.raises(PeerError, match="'gzip', which was not agreed on"):
        exchanges(MemoryTransport(lambda message: (200, headers, gzip(b"<a/>"))), ledger, "digest-2004").send(SYNC)


def test_a_server_may_answer_a_coded_request_as_it_is(ledger: Ledger) -> None:
    """Or something between may: a page of an HTTP proxy's own is not coded."""
    vendor = Vendor(Clock())
    reached = vendor.transport()

    def uncoded(message: Outbound) -> tuple[int, dict[str, str], bytes]:
        reply = reached.post(message)
        return reply.status, {"Content-Type": "text/xml"}, reply.body

    assert isinstance(exchanges(MemoryTransport(uncoded), ledger).send(REGISTER), RegisterProxyResponse)
    (line,) = ledger.exchanges()
    assert line.response_sizes.envelope == len(line.response.partition(b"\r\n\r\n")[2])
    assert re.search(rb"^Content-Encoding: gzip\r$", line.request, re.MULTILINE)
    vendor.close()
