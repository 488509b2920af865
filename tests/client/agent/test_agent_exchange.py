"""One exchange with a server that is not what it should be. It has the right TLS certificate, or nothing of this would
reach us; what it lacks is the password, or honesty. And what the journal says of it all."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from agent_lab import START, Clock
from cryptography.hazmat.primitives.asymmetric import ec

from meterpost.agent.exchange import Exchanges
from meterpost.errors import AuthenticationError, NetworkError, OverBudget, PeerError, Refused, SettingsError, TlsError
from meterpost.keys import Keys, MemoryStore, rehearsal
from meterpost.keys.about import read_pem
from meterpost.ledger import Ledger, open_ledger
from meterpost.lifecycle.messages import SyncProxy, SyncProxyResponse, TurnOn
from meterpost.model import Credentials, KeyPair
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
    key: KeyPair = field(default_factory=lambda: rehearsal.stand_in()[0])
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
        return seal(envelope, POLICIES[self.policy], Identity(self.account, self.key), self.at, secrets.token_bytes(NONCE))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = open_ledger(StoreSettings(), tmp_path)
    yield ledger
    ledger.close()


def exchanges(
    server: Server, ledger: Ledger, url: str = URL, policy: str = "digest-2004", accept: tuple[str, ...] = ()
) -> Exchanges:
    """As after a restart: whatever is remembered is in the ledger."""
    transport = MemoryTransport(server.answer, url)
    security = SecuritySettings(policy=policy, accept=accept)
    store = MemoryStore()
    store.trust(read_pem(server.key.certificate))
    return Exchanges(transport, ledger, ACCOUNT, security, url, Clock(), Keys(store, security, Path()))


# --- believed, or not --------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
def test_an_honest_answer_is_believed(server: Server, ledger: Ledger, policy: str) -> None:
    server.policy = policy
    answer = exchanges(server, ledger, policy=policy).send(MESSAGE)
    assert answer == SyncProxyResponse(START, None, (TurnOn("A"),))


def refused(server: Server, ledger: Ledger, reason: str, about: str, accept: tuple[str, ...] = ()) -> None:
    """The reply is not believed, the person is told why and what of these to look at, and the journal has it."""
    with pytest.raises(AuthenticationError, match="does not prove") as caught:
        exchanges(server, ledger, accept=accept).send(MESSAGE)
    assert reason in str(caught.value)
    assert [word for word in ADVISED if word in caught.value.advice] == [about]
    assert "somebody may be between" in caught.value.advice.lower()
    (line,) = ledger.exchanges(limit=1)
    assert line.outcome == f"failed: {caught.value}"
    assert line.answer == ""
    assert line.response.endswith(server.sent[-1])


ADVISED = ("clock", "security.policy", "password", "meterpost keys", "HTTP proxy", "firewall")


def test_a_server_with_another_password(server: Server, ledger: Ledger) -> None:
    server.account = Credentials("site", "wrong")
    refused(server, ledger, "digest-wrong", "password")


def test_a_server_that_answers_as_somebody_else(server: Server, ledger: Ledger) -> None:
    server.account = Credentials("root", "right")
    refused(server, ledger, "user-unknown", "password")


def test_a_reply_that_was_used_before_even_after_a_restart(server: Server, ledger: Ledger) -> None:
    exchanges(server, ledger).send(MESSAGE)
    server.reply = server.sent[0]
    refused(server, ledger, "replayed", "HTTP proxy")


def test_our_own_header_reflected_over_a_forged_body(server: Server, ledger: Ledger) -> None:
    """Who does not know the password has a valid header before him: the one just sent."""

    def reflect(message: Outbound) -> Answer:
        head, _, _ = message.body.partition(b"<s:Body>")
        server.sent.append(head + b"<s:Body>" + TURN_ON + b"</s:Body></s:Envelope>")
        return 200, XML, server.sent[-1]

    server.answer = reflect
    refused(server, ledger, "replayed", "HTTP proxy")


@pytest.mark.parametrize(("off", "reason"), [(-timedelta(hours=1), "stale"), (timedelta(hours=1), "early")])
def test_a_reply_of_another_time(server: Server, ledger: Ledger, off: timedelta, reason: str) -> None:
    server.at += off
    refused(server, ledger, reason, "clock")


def test_a_reply_in_another_policy(server: Server, ledger: Ledger) -> None:
    server.policy = "digest-2002"
    refused(server, ledger, "policy-refused", "security.policy")


def test_a_reply_nobody_sealed(server: Server, ledger: Ledger) -> None:
    server.reply = OPENING + TURN_ON + b"</s:Body></s:Envelope>"
    refused(server, ledger, "no-security-header", "security.policy")


REPLIES = ("digest-2004", "hmac", "signed")


@pytest.mark.parametrize("accept", [("hmac",), ("digest-2004",), ("signed",), ("digest-2004", "hmac"), REPLIES])
@pytest.mark.parametrize("policy", REPLIES)
def test_a_reply_may_follow_the_policies_that_are_accepted_and_no_other(
    server: Server, ledger: Ledger, accept: tuple[str, ...], policy: str
) -> None:
    server.policy = policy
    if policy in accept:
        assert exchanges(server, ledger, accept=accept).send(MESSAGE) == SyncProxyResponse(START, None, (TurnOn("A"),))
    else:
        refused(server, ledger, f"policy-refused: {policy} is not accepted", "security.policy", accept)


def test_a_signed_reply_is_the_servers_own(server: Server, ledger: Ledger) -> None:
    server.policy = "signed"
    speaking = exchanges(server, ledger, accept=("digest-2004", "signed"))
    server.key = rehearsal._self_signed(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(AuthenticationError, match="key-unknown") as caught:
        speaking.send(MESSAGE)
    assert "meterpost keys" in caught.value.advice


def test_a_reply_that_was_changed_on_its_way(server: Server, ledger: Ledger) -> None:
    server.policy = "signed"
    server.reply = server.sealed().replace(b'serial="A"', b'serial="B"')
    refused(server, ledger, "signature-wrong", "firewall", ("signed",))


@pytest.mark.parametrize(
    ("settings", "names"),
    [({"policy": "sined"}, "security.policy: 'sined'"), ({"accept": ("digest-2004", "sined")}, "security.accept: 'sined'")],
)
def test_a_name_that_is_no_policy_is_told_with_its_setting(
    server: Server, ledger: Ledger, settings: dict[str, Any], names: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        exchanges(server, ledger, **settings)
    assert str(caught.value).startswith(f"{names} is not a security policy")
    assert "digest-2004" in caught.value.advice


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
    b"<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring>"
    b'<detail><m:Refusal code="not-registered"/></detail></s:Fault>'
)
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
