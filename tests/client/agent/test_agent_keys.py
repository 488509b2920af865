"""The agent makes, offers, keeps and renews its key, in the daily sync and whatever happens to it. The vendor's part is a
stand-in: what it does to keys is the contract's, the rest of the conversation is not looked at here."""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from agent_lab import Lab
from keys_lab import YEAR, Keyring, Vendor, issue, key_of, on_the_wire, proves

from meterpost import __version__
from meterpost.agent import Agent
from meterpost.errors import AuthenticationError, NetworkError, Refused, SettingsError, StoreError
from meterpost.keys import FileStore, KeyState, states
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import ProxyState


class Wire:
    """Answers every message. `trouble` may raise before the vendor hears one, `lost` after."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.vendor = Vendor(server_ends=lab.clock.now + 9 * YEAR)
        self.sent: list[m.Request] = []
        self.trouble: Callable[[m.Request], None] = lambda message: None
        self.lost: Callable[[m.Request], None] = lambda message: None

    def send(self, message: m.Request) -> m.Reply:
        self.sent.append(message)
        self.trouble(message)
        now = self.lab.clock.now
        reply: m.Reply
        match message:
            case m.RegisterProxy(client=client, key=key, proof=proof):
                given = self._certify(client, key, proof)
                reply = m.RegisterProxyResponse(client, now, given)
            case m.RegisterProxyDevices(devices=devices):
                found = tuple(m.RegisteredDevice(device.serial, m.Registration.ACCEPTED) for device in devices)
                reply = m.RegisterProxyDevicesResponse(now, found)
            case m.SyncProxy():
                reply = m.SyncProxyResponse(now)
            case _:
                raise AssertionError(message)
        self.lost(message)
        return reply

    def _certify(self, client: str, key: str | None, proof: str | None) -> tuple[m.Certificate, ...]:
        if key is None or proof is None:
            return ()
        assert proves(key, proof, client)
        return self.vendor.certify(key, self.lab.clock.now)

    def kinds(self) -> list[str]:
        return [type(message).__name__ for message in self.sent]

    def offered(self) -> list[str]:
        return [message.key for message in self.sent if isinstance(message, m.RegisterProxy) and message.key]


@pytest.fixture
def wire(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Wire:
    lab.configure(security={"policy": "signed"})
    made = Wire(lab)
    monkeypatch.setattr(Agent, "exchanges", property(lambda agent: made))
    return made


@pytest.fixture
def registered(lab: Lab, wire: Wire) -> Wire:
    lab.register("A")
    wire.sent.clear()
    return wire


def have(lab: Lab) -> list[KeyState]:
    return sorted(states(FileStore(lab.folder / "keys").holding(), lab.clock.now).values())


def sync(lab: Lab) -> Any:
    with lab.agent() as agent:
        return agent.sync()


def raising(error: Exception, kind: type = m.RegisterProxy) -> Callable[[m.Request], None]:
    def trouble(message: m.Request) -> None:
        if isinstance(message, kind):
            raise error

    return trouble


# --- the first registration --------------------------------------------------------------------------------


def test_it_makes_the_key_and_sends_it(lab: Lab, wire: Wire) -> None:
    lab.register("A")
    assert wire.kinds() == ["RegisterProxy", "RegisterProxyDevices"]
    first = wire.sent[0]
    assert isinstance(first, m.RegisterProxy)
    assert first.name
    assert have(lab) == [KeyState.ACTIVE]
    with lab.agent() as agent:
        pair = agent.keys.identity(lab.clock.now)
        assert pair
        assert b"PRIVATE" in pair.private_key
        assert agent.keys.server_certificates() == (wire.vendor.server().pem,)


def test_without_such_a_policy_there_is_no_key(lab: Lab, wire: Wire) -> None:
    lab.configure(security={"policy": "digest-2004"})
    lab.register("A")
    sync(lab)
    assert wire.offered() == []
    assert not (lab.folder / "keys").exists()


def test_a_preview_shows_a_key_and_keeps_none(lab: Lab, wire: Wire) -> None:
    composed: list[m.Request] = []
    wire.compose = lambda message: (composed.append(message), (b"", _Body(), None))[1]  # type: ignore[attr-defined]
    lab.discover("A")
    with lab.agent() as agent:
        agent.preview(("A",))
    assert isinstance(composed[0], m.RegisterProxy)
    assert proves(composed[0].key or "", composed[0].proof or "", composed[0].client)
    assert not (lab.folder / "keys").exists()


class _Body:
    body = b""


# --- the daily look ----------------------------------------------------------------------------------------


def test_nothing_is_due_most_days(lab: Lab, registered: Wire) -> None:
    sync(lab)
    assert registered.kinds() == ["SyncProxy"]


def test_a_key_is_renewed_before_it_ends_and_the_old_one_stays_until_then(lab: Lab, registered: Wire) -> None:
    lab.clock.advance(days=334)
    sync(lab)
    assert registered.offered() == []
    lab.clock.advance(days=1)
    sync(lab)
    assert registered.kinds()[-2:] == ["RegisterProxy", "SyncProxy"]
    assert registered.sent[-2] == m.RegisterProxy(
        lab.site().client, "", "", __version__, registered.offered()[-1], registered.sent[-2].proof
    )
    assert have(lab) == [KeyState.ACTIVE, KeyState.SUPERSEDED]
    lab.clock.advance(days=31)
    sync(lab)
    assert have(lab) == [KeyState.ACTIVE]
    assert len(registered.offered()) == 1


def test_a_server_whose_certificate_ends_is_asked_with_the_same_key(lab: Lab, registered: Wire) -> None:
    registered.vendor.server_ends = lab.clock.now + timedelta(days=20)
    with lab.agent() as agent:
        agent.keys.certified((on_the_wire(registered.vendor.server(), m.Holder.SERVER),))
    registered.vendor.server_ends += YEAR
    sync(lab)
    (key,) = registered.offered()
    assert key in registered.vendor.issued
    assert len(registered.vendor.issued) == 1
    sync(lab)
    assert len(registered.offered()) == 1


def test_a_policy_that_was_changed_enrols_at_the_next_sync(lab: Lab, wire: Wire) -> None:
    lab.configure(security={"policy": "digest-2004"})
    lab.register("A")
    lab.configure(security={"policy": "signed"})
    sync(lab)
    assert wire.kinds() == ["RegisterProxy", "RegisterProxyDevices", "RegisterProxy", "SyncProxy"]
    assert have(lab) == [KeyState.ACTIVE]


def test_what_waits_is_sent_after_the_key_that_it_needs(lab: Lab, registered: Wire) -> None:
    """A message was under way when the computer was put away, and the certificate ended meanwhile."""
    registered.lost = raising(NetworkError("no answer"), m.SyncProxy)
    with pytest.raises(NetworkError):
        sync(lab)
    registered.lost = lambda message: None
    registered.sent.clear()
    lab.clock.advance(days=500)
    with lab.agent() as agent:
        assert agent.keys.identity(lab.clock.now) is None
        agent.flush()
    assert registered.kinds()[:2] == ["RegisterProxy", "SyncProxy"]
    assert have(lab)[0] is KeyState.ACTIVE


def test_a_flush_asks_for_nothing_while_a_key_counts(lab: Lab, registered: Wire) -> None:
    lab.clock.advance(days=340)
    with lab.agent() as agent:
        agent.flush()
    assert registered.offered() == []


def test_a_client_that_is_not_registered_makes_no_key(lab: Lab, wire: Wire) -> None:
    sync(lab)
    assert wire.sent == []
    assert not (lab.folder / "keys").exists()


# --- trouble -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NetworkError("no route"), NoticeKind.COMMUNICATION_ERROR),
        (AuthenticationError("who are you"), NoticeKind.COMMUNICATION_ERROR),
        (Refused("not this key", code="key-refused"), NoticeKind.NOT_ACCEPTED),
    ],
    ids=["network", "authentication", "refused"],
)
def test_a_renewal_that_fails_does_not_stop_the_day(lab: Lab, registered: Wire, error: Exception, kind: NoticeKind) -> None:
    lab.clock.advance(days=340)
    registered.trouble = raising(error)
    report = sync(lab)
    assert registered.kinds() == ["RegisterProxy", "SyncProxy"]
    assert [notice.kind for notice in report.notices] == [kind]
    assert report.waiting == 0
    assert have(lab) == [KeyState.ACTIVE, KeyState.PENDING]
    registered.trouble = lambda message: None
    sync(lab)
    assert len(set(registered.offered())) == 1
    assert have(lab) == [KeyState.ACTIVE, KeyState.SUPERSEDED]


def test_a_key_refused_at_the_first_registration_is_an_error(lab: Lab, wire: Wire) -> None:
    wire.trouble = raising(Refused("not this key", code="key-refused"))
    with pytest.raises(Refused):
        lab.register("A")
    assert lab.site().proxy.state is ProxyState.REGISTERING
    wire.trouble = lambda message: None
    with lab.agent() as agent:
        agent.register()
    assert len(set(wire.offered())) == 1


def test_an_answer_that_is_lost_is_asked_for_with_the_same_key(lab: Lab, wire: Wire) -> None:
    wire.lost = raising(NetworkError("no answer"))
    with pytest.raises(NetworkError):
        lab.register("A")
    assert have(lab) == [KeyState.PENDING]
    wire.lost = lambda message: None
    with lab.agent() as agent:
        agent.register()
    assert len(set(wire.offered())) == 1
    assert have(lab) == [KeyState.ACTIVE]


def test_a_revoked_client_keeps_its_messages(lab: Lab, registered: Wire) -> None:
    registered.trouble = raising(Refused("revoked", code="revoked"), object)
    with pytest.raises(Refused):
        sync(lab)
    assert [type(outgoing.message) for outgoing in lab.site().outbox] == [m.SyncProxy]
    assert have(lab) == [KeyState.ACTIVE]
    registered.trouble = lambda message: None
    sync(lab)
    assert lab.site().outbox == ()


def test_a_certificate_for_somebody_else_is_told_and_not_kept(lab: Lab, wire: Wire) -> None:
    strange = on_the_wire(issue(key_of("EC P-256", 7).public_key(), "strange"), m.Holder.CLIENT)
    wire.vendor.certify = lambda key, now: (strange, m.Certificate(m.Holder.SERVER, "AAAA"))  # type: ignore[method-assign]
    lab.discover("A")
    with lab.agent() as agent:
        agent.select(("A",))
        report = agent.register()
    assert [notice.text for notice in report.notices] == [
        "the server sent a certificate for a key that is not this client's",
        "the server sent a certificate (server) that cannot be read",
    ]
    assert have(lab) == [KeyState.PENDING]


def test_certificates_are_kept_before_the_question_is_forgotten(lab: Lab, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    certify = FileStore.certify
    monkeypatch.setattr(FileStore, "certify", full)
    with pytest.raises(StoreError):
        lab.register("A")
    assert lab.site().proxy.state is ProxyState.REGISTERING
    monkeypatch.setattr(FileStore, "certify", certify)
    with lab.agent() as agent:
        agent.flush()
    assert have(lab) == [KeyState.ACTIVE]
    assert len(set(wire.offered())) == 1


def test_the_power_goes_between_the_certificate_and_the_state(lab: Lab, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCut(BaseException):
        pass

    trust = FileStore.trust

    def then_dark(store: FileStore, server: Any) -> None:
        trust(store, server)
        raise PowerCut

    monkeypatch.setattr(FileStore, "trust", then_dark)
    with pytest.raises(PowerCut):
        lab.register("A")
    monkeypatch.setattr(FileStore, "trust", trust)
    with lab.agent() as agent:
        agent.flush()
    assert wire.offered()[0] == wire.offered()[-1]
    assert have(lab) == [KeyState.ACTIVE]
    assert lab.site().outbox == ()


# --- by hand -----------------------------------------------------------------------------------------------


def test_renewing_by_hand(lab: Lab, registered: Wire) -> None:
    with lab.agent() as agent:
        agent.renew_key()
    assert have(lab) == [KeyState.ACTIVE, KeyState.SUPERSEDED]
    assert registered.kinds() == ["RegisterProxy"]


def test_a_released_client_begins_anew(lab: Lab, registered: Wire) -> None:
    with lab.agent() as agent:
        agent.renew_key(released=True)
    assert have(lab) == [KeyState.ACTIVE]
    assert len(registered.vendor.issued) == 2


def test_nothing_to_renew(lab: Lab, wire: Wire) -> None:
    with lab.agent() as agent, pytest.raises(SettingsError, match="not registered yet"):
        agent.renew_key()
    assert not (lab.folder / "keys").exists()


def test_the_keyring_can_keep_it(lab: Lab, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    lab.configure(security={"policy": "signed", "key_store": "keyring"})
    lab.register("A")
    assert len(keyring.held) == 1
    with lab.agent() as agent:
        assert agent.keys.identity(lab.clock.now)
