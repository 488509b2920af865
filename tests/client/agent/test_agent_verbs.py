"""Each verb does what its docstring says, and no more: what only looks needs no lock and leaves no trace; what would go
wrong later is refused at once, with advice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from agent_lab import Lab

from meterpost.agent import Agent
from meterpost.agent.printers import Printers
from meterpost.errors import AuthenticationError, Busy, Refused, SettingsError, StoreError
from meterpost.lifecycle.state import DeviceState, ProxyState

LOOKING: dict[str, Callable[[Agent], object]] = {
    "status": lambda agent: agent.status(),
    "journal": lambda agent: agent.journal(),
    "schedule": lambda agent: agent.schedule(),
    "read": lambda agent: agent.read([("127.0.9.1", 161)]),
    "check": lambda agent: agent.check(),
    "trusted": lambda agent: agent.trusted(),
    "preview": lambda agent: agent.preview(["A"]),
}
CHANGING: dict[str, Callable[[Agent], object]] = {
    "remember": lambda agent: agent.remember([]),
    "read_enrolled": lambda agent: agent.read_enrolled(),
    "select": lambda agent: agent.select(["A"]),
    "register": lambda agent: agent.register(),
    "withdraw": lambda agent: agent.withdraw("A"),
    "replace_device": lambda agent: agent.replace_device("A", "B"),
    "sync": lambda agent: agent.sync(),
    "flush": lambda agent: agent.flush(),
    "test_connection": lambda agent: agent.test_connection(),
    "pause": lambda agent: agent.pause(),
    "resume": lambda agent: agent.resume(),
    "renew_key": lambda agent: agent.renew_key(),
    "import_key": lambda agent: agent.import_key(Path("pair.pem")),
}


@pytest.fixture
def agent(lab: Lab) -> Agent:
    """Two printers were seen."""
    lab.discover("A", "B")
    return lab.agent()


@pytest.mark.parametrize("verb", LOOKING.values(), ids=LOOKING)
def test_looking_needs_no_lock_and_changes_nothing(lab: Lab, agent: Agent, verb: Callable[[Agent], object]) -> None:
    before = lab.site()
    other = lab.ledger()
    with other.writer("sync"):
        verb(agent)
    other.close()
    assert lab.site() == before
    assert lab.vendor.calls == []


@pytest.mark.parametrize("verb", CHANGING.values(), ids=CHANGING)
def test_changing_waits_for_nobody_and_says_who_is_at_it(lab: Lab, agent: Agent, verb: Callable[[Agent], object]) -> None:
    before = lab.site()
    other = lab.ledger()
    with other.writer("sync"), pytest.raises(Busy, match="is being written by sync") as caught:
        verb(agent)
    other.close()
    assert caught.value.advice
    assert lab.site() == before
    assert lab.vendor.calls == []


def test_every_verb_is_one_of_the_two() -> None:
    verbs = [item for kind in (Agent, Printers) for item in vars(kind).items()]
    public = {name for name, member in verbs if callable(member) and not name.startswith("_")}
    others = {"plan", "check_targets", "places", "discover", "record", "replay"}  # tried where the printers are real
    assert public == LOOKING.keys() | CHANGING.keys() | others


def test_looking_at_a_new_store_leaves_it_new(lab: Lab) -> None:
    with lab.agent() as agent:
        assert agent.preview()[0].verdict.budget.id == "T1"
        assert agent.status().site.client == ""
    ledger = lab.ledger()
    assert ledger.load_site() is None
    ledger.close()


def test_a_store_that_cannot_be_one(lab: Lab) -> None:
    (lab.folder / "store").mkdir()
    lab.configure(store={"path": "store"})
    with lab.agent(ledger=None) as agent:
        agent._ledger = None
        with pytest.raises(StoreError, match="store") as caught:
            agent.status()
    assert caught.value.advice


# --- choosing and registering ------------------------------------------------------------------------------


def test_the_preview_is_what_is_sent(lab: Lab, agent: Agent) -> None:
    previews = agent.preview(["A", "B"])
    agent.select(["A", "B"])
    agent.register()
    sent = agent.journal()
    assert [preview.verdict.budget.id for preview in previews] == [line.transaction for line in sent] == ["T1", "T2"]
    for preview, line in zip(previews, sent, strict=True):
        assert preview.verdict.octets == len(preview.head + preview.body) == line.request_sizes.http
        assert line.request.startswith(preview.head)
        said, shown = (octets.partition(b"<s:Body>")[2] for octets in (line.request, preview.body))
        assert said == shown
        assert preview.verdict.devices == line.devices


def test_the_preview_of_further_devices_shows_only_them(lab: Lab) -> None:
    lab.register("A")
    lab.discover("B")
    with lab.agent() as agent:
        (preview,) = agent.preview(["B"])
    assert b'serial="B"' in preview.body
    assert b'serial="A"' not in preview.body


@pytest.mark.parametrize("verb", ["select", "preview"])
def test_a_serial_never_seen(agent: Agent, verb: str) -> None:
    with pytest.raises(SettingsError, match="no device with serial Z, Y was seen") as caught:
        getattr(agent, verb)(["A", "Z", "Y"])
    assert "discover" in caught.value.advice
    assert agent.status().site.devices["A"].state is DeviceState.SEEN


@pytest.mark.parametrize("serial", ["S" * 33, "&" * 7, "字" * 11], ids=["long", "escaped", "CJK"])
@pytest.mark.parametrize(
    "choose",
    [
        lambda agent, serial: agent.select([serial]),
        lambda agent, serial: agent.preview([serial]),
        lambda agent, serial: agent.replace_device("A", serial),
    ],
    ids=["select", "preview", "replace"],
)
def test_a_serial_the_contract_has_no_room_for_is_refused_when_it_is_chosen(
    lab: Lab, serial: str, choose: Callable[[Agent, str], object]
) -> None:
    lab.discover("A", serial)
    with lab.agent() as agent, pytest.raises(SettingsError, match="32 octets"):
        choose(agent, serial)
    assert {device.state for device in lab.site().devices.values()} == {DeviceState.SEEN}


def test_a_serial_of_exactly_the_contracts_length_is_registered(lab: Lab) -> None:
    lab.register("S" * 32)
    assert lab.vendor.desk.state()["devices"][0]["serial"] == "S" * 32


def test_replacing_and_withdrawing_tell_the_server(lab: Lab) -> None:
    lab.enrol("OLD", "GONE")
    lab.discover("NEW")
    with lab.agent() as agent:
        assert agent.replace_device("OLD", "NEW").notices == ()
        assert agent.register().messages == (("T5", 1), ("T2", 1))
        assert agent.withdraw("GONE").messages == (("T5", 1),)
    stages = {device["serial"]: device["stage"] for device in lab.vendor.desk.state()["devices"]}
    assert stages == {"OLD": "ended", "GONE": "ended", "NEW": "registered"}


# --- talking -----------------------------------------------------------------------------------------------


def test_the_connection_test_is_one_sync_request_that_is_not_acted_upon(lab: Lab) -> None:
    with lab.agent() as agent:
        assert not agent.test_connection().registered
    lab.register("A")
    lab.clock.advance(hours=2)
    lab.vendor.desk.sign_up()
    before, said = lab.site(), len(lab.vendor.calls)
    with lab.agent() as agent:
        connection = agent.test_connection()
    assert connection.registered
    assert (connection.octets_sent, connection.octets_received) > (0, 0)
    assert [action for _, action in lab.vendor.calls[said:]] == ["SyncProxy"]
    assert lab.site() == before  # the command to turn on is repeated by the server
    lab.sync()
    assert lab.site().devices["A"].state is DeviceState.CONFIRMED


def test_while_communication_is_off_not_even_a_test_leaves(lab: Lab) -> None:
    with lab.agent() as agent:
        agent.pause()
        with pytest.raises(SettingsError, match="communication is off") as caught:
            agent.test_connection()
        agent.select([])
        assert agent.register().waiting == 1
        assert agent.sync().messages == ()
    assert "resume" in caught.value.advice
    assert lab.vendor.calls == []
    with lab.agent() as agent:
        agent.resume()
        assert agent.flush().messages == (("T1", 0), ("T3", 0))


def test_a_client_that_another_account_registered_is_told_so(lab: Lab) -> None:
    def refuse(action: str) -> None:
        raise Refused("this client is registered with another account", "Check account.username.", "other-account")

    lab.vendor.on_post = refuse
    with lab.agent() as agent, pytest.raises(Refused):
        agent.test_connection()


def test_the_server_forgot_us(lab: Lab) -> None:
    lab.enrol("A")
    lab.vendor.on_post = _not_registered
    with pytest.raises(Refused):
        lab.sync()
    site = lab.site()
    assert site.proxy.state is ProxyState.NEW
    assert site.devices["A"].state is DeviceState.SELECTED  # for its next life, when somebody orders it
    assert site.outbox == ()


def _not_registered(action: str) -> None:
    raise Refused("the server does not know this client", "Run 'meterpost wizard'.", "not-registered")


def test_a_sync_counts_as_one_although_what_came_after_it_failed(lab: Lab) -> None:
    lab.enrol("A")
    lab.vendor.desk.bill("A")
    lab.clock.advance(hours=3)

    def no_bills(action: str) -> None:
        if action.endswith("BillingTransaction"):
            raise AuthenticationError("the password has just changed", "Ask.")

    lab.vendor.on_post = no_bills
    with pytest.raises(AuthenticationError):
        lab.sync()
    with lab.agent() as agent:
        assert agent.status().last_success["sync"] == lab.clock.now


# --- the account -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "says"),
    [
        ("u" * 65, "takes 65 octets"),
        ("&" * 13, "takes 65 octets"),
        ("字" * 22, "takes 66 octets"),
        ("", "not set"),
        ("two  blanks", "white space"),
    ],
    ids=["long", "escaped", "CJK", "none", "blanks"],
)
def test_a_username_that_cannot_travel(lab: Lab, username: str, says: str) -> None:
    lab.configure(account={"username": username})
    with lab.agent() as agent, pytest.raises(SettingsError, match=r"account\.username") as caught:
        agent.test_connection()
    assert says in str(caught.value)
    assert caught.value.advice
    assert lab.vendor.calls == []


@pytest.mark.parametrize("username", ["u" * 64, "&" * 12])
def test_a_username_that_just_fits_keeps_every_budget(lab: Lab, username: str) -> None:
    lab.configure(account={"username": username})
    lab.discover("A")
    with lab.agent() as agent:
        assert all(preview.verdict.held for preview in agent.preview(["A"]))


def test_no_server_is_configured(lab: Lab) -> None:
    lab.configure(server={"url": ""})
    with lab.agent() as agent:
        agent._transport = None
        with pytest.raises(SettingsError, match=r"server\.url"):
            agent.test_connection()
