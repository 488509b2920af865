"""One exchange with a server that is not what it should be. It has the right TLS certificate, or nothing of this would
reach us; what it lacks is the password, or honesty. And what the journal says of it all."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from agent_lab import START, Clock

from meterpost.agent.exchange import Exchanges
from meterpost.errors import AuthenticationError, NetworkError, OverBudget, PeerError, Refused, TlsError
from meterpost.keys import Keys, MemoryStore
from meterpost.ledger import Ledger, open_ledger
from meterpost.lifecycle.messages import SyncProxy, SyncProxyResponse, TurnOn
from meterpost.model import Credentials
from meterpost.settings import SecuritySettings, StoreSettings
from meterpost.transport import MemoryTransport, Outbound
from meterpost.wsse import NONCE, POLICIES, Identity, seal
from meterpost_wsdl import names

ACCOUNT = Credentials("site", "right")
MESSAGE = SyncProxy("0f8fad5b-d9cb-469f-a165-70867728950e", "0.1.0")
URL = "https://memory.invalid/mp"
TURN_ON = b'<m:SyncProxyResponse time="2026-06-01T07:00:00Z"><m:On serial="A"/></m:SyncProxyResponse>'
OPENING = f'<s:Envelope xmlns:s="{names.SOAP}" xmlns:m="{names.SERVICE}"><s:Body>'.encode()
Answer = tuple[int, Mapping[str, str], bytes]
XML = {"Content-Type": "text/xml; charset=utf-8"}


@dataclass
class Server:
    """Answers with `payload`, sealed by whom and when the test says. A `reply` given is sent as it is."""

    payload: bytes = TURN_ON
    account: Credentials = ACCOUNT
    policy: str = "digest-2004"
    at: datetime = START
    reply: bytes = b""
    status: int = 200
    error: Exception | None = None
    received: list[Outbound] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def answer(self, message: Outbound) -> Answer:
        self.received.append(message)
        if self.error:
            raise self.error
        self.sent.append(self.reply or self.sealed())
        return self.status, XML, self.sent[-1]

    def sealed(self) -> bytes:
        envelope = OPENING + self.payload + b"</s:Body></s:Envelope>"
        return seal(envelope, POLICIES[self.policy], Identity(self.account), self.at, secrets.token_bytes(NONCE))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = open_ledger(StoreSettings(), tmp_path)
    yield ledger
    ledger.close()


def exchanges(server: Server, ledger: Ledger, url: str = URL, policy: str = "digest-2004") -> Exchanges:
    """As after a restart: whatever is remembered is in the ledger."""
    transport = MemoryTransport(server.answer, url)
    security = SecuritySettings(policy=policy)
    return Exchanges(transport, ledger, ACCOUNT, security, url, Clock(), Keys(MemoryStore(), security, Path()))


# --- believed, or not --------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
def test_an_honest_answer_is_believed(server: Server, ledger: Ledger, policy: str) -> None:
    server.policy = policy
    answer = exchanges(server, ledger, policy=policy).send(MESSAGE)
    assert answer == SyncProxyResponse(START, None, (TurnOn("A"),))


def refused(server: Server, ledger: Ledger, reason: str) -> None:
    """The reply is not believed, the person is told why, and the journal has it."""
    with pytest.raises(AuthenticationError, match="does not prove") as caught:
        exchanges(server, ledger).send(MESSAGE)
    assert reason in str(caught.value)
    assert "clock" in caught.value.advice
    (line,) = ledger.exchanges(limit=1)
    assert line.outcome == f"failed: {caught.value}"
    assert line.answer == ""
    assert line.response.endswith(server.sent[-1])


def test_a_server_with_another_password(server: Server, ledger: Ledger) -> None:
    server.account = Credentials("site", "wrong")
    refused(server, ledger, "digest-wrong")


def test_a_server_that_answers_as_somebody_else(server: Server, ledger: Ledger) -> None:
    server.account = Credentials("root", "right")
    refused(server, ledger, "user-unknown")


def test_a_reply_that_was_used_before_even_after_a_restart(server: Server, ledger: Ledger) -> None:
    exchanges(server, ledger).send(MESSAGE)
    server.reply = server.sent[0]
    refused(server, ledger, "replayed")


def test_our_own_header_reflected_over_a_forged_body(server: Server, ledger: Ledger) -> None:
    """Who does not know the password has a valid header before him: the one just sent."""

    def reflect(message: Outbound) -> Answer:
        head, _, _ = message.body.partition(b"<s:Body>")
        server.sent.append(head + b"<s:Body>" + TURN_ON + b"</s:Body></s:Envelope>")
        return 200, XML, server.sent[-1]

    server.answer = reflect
    refused(server, ledger, "replayed")


@pytest.mark.parametrize(("off", "reason"), [(-timedelta(hours=1), "stale"), (timedelta(hours=1), "early")])
def test_a_reply_of_another_time(server: Server, ledger: Ledger, off: timedelta, reason: str) -> None:
    server.at += off
    refused(server, ledger, reason)


def test_a_reply_in_another_policy(server: Server, ledger: Ledger) -> None:
    server.policy = "digest-2002"
    refused(server, ledger, "policy-refused")


def test_a_reply_nobody_sealed(server: Server, ledger: Ledger) -> None:
    server.reply = OPENING + TURN_ON + b"</s:Body></s:Envelope>"
    refused(server, ledger, "no-security-header")


# --- the journal -------------------------------------------------------------------------------------------


def test_what_is_journalled_is_what_left_and_came(server: Server, ledger: Ledger) -> None:
    exchanges(server, ledger).send(MESSAGE)
    (line,) = ledger.exchanges()
    (message,) = server.received
    head = MemoryTransport(server.answer, URL).head(message)
    assert line.request == head + message.body
    assert (line.request_sizes.envelope, line.request_sizes.http) == (len(message.envelope), len(line.request))
    assert line.response.endswith(b"\r\n\r\n" + server.sent[0])
    assert (line.response_sizes.envelope, line.response_sizes.http) == (len(server.sent[0]), len(line.response))
    assert (line.at, line.url, line.outcome) == (START, URL, "ok")
    assert (line.transaction, line.devices, line.answer, line.answer_devices) == ("T3", 0, "T4", 1)


def test_each_attempt_is_sealed_anew(server: Server, ledger: Ledger) -> None:
    for _ in range(2):
        exchanges(server, ledger).send(MESSAGE)
    first, second = (message.body for message in server.received)
    assert first != second
    assert first.partition(b"<s:Body>")[2] == second.partition(b"<s:Body>")[2]


FAULT = (
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring>"
    '<detail><m:Refusal code="not-registered"/></detail></s:Fault>'
).encode()
UNSEALED = OPENING + FAULT + b"</s:Body></s:Envelope>"


@pytest.mark.parametrize(
    ("reply", "error", "kind", "outcome"),
    [
        (b"", NetworkError("nobody there"), NetworkError, "failed: nobody there"),
        (b"", TlsError("not theirs"), TlsError, "failed: not theirs"),
        (b"", ZeroDivisionError("who knows what"), ZeroDivisionError, "failed: unexpected ZeroDivisionError"),
        (b"<a>", None, PeerError, "failed: the reply cannot be read"),
        (UNSEALED, None, PeerError, "failed: an answer that is not sealed as it should be says: the server refuses: no"),
    ],
    ids=["no network", "no TLS", "a bug", "no XML", "refused by nobody"],
)
def test_a_failed_exchange_has_its_line(
    server: Server, ledger: Ledger, reply: bytes, error: Exception | None, kind: type[Exception], outcome: str
) -> None:
    server.reply, server.error = reply, error
    with pytest.raises(kind):
        exchanges(server, ledger).send(MESSAGE)
    (line,) = ledger.exchanges()
    assert line.outcome.startswith(outcome)
    assert line.request.endswith(server.received[0].body)
    assert line.response.endswith(reply)
    assert bool(line.response) is (error is None)


def test_a_refusal_has_its_line_and_is_believed_once_its_seal_held(server: Server, ledger: Ledger) -> None:
    server.payload, server.status = FAULT, 500
    with pytest.raises(Refused) as caught:
        exchanges(server, ledger).send(MESSAGE)
    (line,) = ledger.exchanges()
    assert (caught.value.code, line.outcome) == ("not-registered", "refused, not-registered: the server refuses: no")


def test_what_is_over_its_budget_never_leaves(server: Server, ledger: Ledger) -> None:
    spacious = exchanges(server, ledger, url=f"{URL}/{'p' * 1000}")
    with pytest.raises(OverBudget, match="1425"):
        spacious.send(MESSAGE)
    assert server.received == []
    assert ledger.exchanges() == ()  # the journal is of what left


def test_a_message_that_is_exactly_as_long_as_its_budget_leaves(server: Server, ledger: Ledger) -> None:
    _, _, verdict = exchanges(server, ledger).compose(MESSAGE)
    tight = exchanges(server, ledger, url=f"{URL}/{'p' * (verdict.headroom - 1)}")
    _, _, verdict = tight.compose(MESSAGE)
    assert verdict.headroom == 0
    tight.send(MESSAGE)
    (line,) = ledger.exchanges()
    assert line.request_sizes.http == 1425
