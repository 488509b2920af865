"""Other people's stacks and ours over real TLS, both ways round: a whole life for each row of known.toml, and what is
refused for each row's policy: by our server, by theirs, by our client."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from interop_claims import Known, known, stacks
from interop_life import our_life, their_life
from interop_meeting import CLIENT, TAMPERED, Pairs, connect, serving, site_at
from interop_peers import STACKS, Fault, Peer
from site_lab import Site

from meterpost import settings, soap, wsse
from meterpost.agent.rooms import Rooms
from meterpost.errors import AuthenticationError, MeterpostError, OverBudget
from meterpost.lifecycle.messages import Reply, SyncProxy
from meterpost.wsse import FAULTS, POLICIES, Password, Place, Policy, Reason
from meterpost_stub import StubServer
from meterpost_stub.printers import Fleet

PeerNamed = Callable[[str], Peer]


def refusal_of(policy: Policy, spoil: str) -> Reason:
    """What our server must find wrong. With a derived key every fault is the password's; a key that is not named is no
    stranger's: the signature is just no known one's."""
    if policy.password is Password.DERIVED or (spoil == "wrong-password" and policy.password is Password.TEXT):
        return Reason.PASSWORD_WRONG
    if spoil == "wrong-password":
        return Reason.DIGEST_WRONG
    named = spoil == "stranger" and Place.ENVELOPE not in policy.covers
    return Reason.KEY_UNKNOWN if named else Reason.SIGNATURE_WRONG


def spoils(policy: Policy) -> Iterator[str]:
    """What can be wrong with a message under `policy`, and must be noticed."""
    if policy.password:
        yield "wrong-password"
    if policy.covers:
        yield "tampered"
    if policy.needs_key:
        yield "stranger"


def rows(theirs: str, signing: bool = False) -> Any:
    """Every row of that side, or those where a certificate says who the other side is."""
    found = [row for row in known() if row.theirs == theirs and (row.key or not signing)]
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in found])


def spoiled(theirs: str, answers: bool = False) -> Any:
    """Every row of that side with each way its messages, or the answers to them, can be spoiled."""
    cases = []
    for row in known():
        policy = POLICIES[row.policy]
        ways = ["bare", *spoils(POLICIES[policy.reply])] if answers else spoils(policy)
        cases += [pytest.param(row, spoil, id=f"{row.id}-{spoil}") for spoil in ways if row.theirs == theirs]
    return pytest.mark.parametrize(("row", "spoil"), cases)


def test_every_row_is_run():
    """By construction, where its words are ones that the tests know."""
    assert {row.stack for row in known()} <= set(STACKS) & set(stacks())
    assert {row.theirs for row in known()} == {"client", "server"}
    assert {row.policy for row in known()} <= set(POLICIES)
    assert all(bool(row.key) == POLICIES[row.policy].needs_key for row in known())


# --- their client, our server


@rows("client")
def test_their_client_lives_a_whole_life(row: Known, peer: PeerNamed, stub: StubServer, pairs: Pairs, tmp_path: Path):
    theirs = peer(row.stack)
    connect(theirs, row, stub, pairs, tmp_path)
    their_life(theirs.call, stub)
    assert len(theirs.proofs) == 6
    assert all(theirs.proofs)


@rows("client", signing=True)
def test_their_client_believes_nobody_else(row: Known, peer: PeerNamed, stub: StubServer, pairs: Pairs, tmp_path: Path):
    """What they verify of our replies can fail, or it would be no proof."""
    theirs = peer(row.stack)
    connect(theirs, row, stub, pairs, tmp_path, server_certificate=pairs["stranger", row.key].certificate)
    with pytest.raises(Fault):
        theirs.call("RegisterProxy", client=CLIENT, name="", os="", version="1")
    assert stub.journal()[-1].outcome.startswith("ok")


@spoiled("client")
def test_our_server_refuses_their_client(
    row: Known, spoil: str, peer: PeerNamed, stub: StubServer, pairs: Pairs, tmp_path: Path
):
    theirs = peer(row.stack)
    connect(theirs, row, stub, pairs, tmp_path, spoil)
    with pytest.raises(Fault) as refused:
        theirs.call("SyncProxy", client=CLIENT, version="1")
    reason = refusal_of(POLICIES[row.policy], spoil)
    assert reason in stub.journal()[-1].outcome
    assert refused.value.code == FAULTS[reason][0].partition(":")[2]


# --- our client, their server


@pytest.fixture
def unlimited(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lifts the formulas for a row that says its messages do not fit."""
    if request.getfixturevalue("row").over_budget:
        monkeypatch.setattr(soap.BudgetVerdict, "demand", lambda verdict: None)


def say_something(site: Site) -> Reply:
    """One message and its answer."""
    with Rooms(settings.load(site.config)) as rooms:
        return rooms.exchanges.send(SyncProxy(client=CLIENT, version="1"))


@pytest.mark.usefixtures("unlimited")
@rows("server")
def test_our_client_lives_a_whole_life(
    row: Known, peer: PeerNamed, tls: dict[str, str], pairs: Pairs, printer: Fleet, tmp_path: Path
):
    theirs = peer(row.stack)
    with serving(theirs, row, tls, pairs) as (url, vendor):
        our_life(site_at(url, row, tmp_path, tls, pairs, printer), vendor)
    assert theirs.refused == []
    assert all(theirs.proofs)
    if POLICIES[row.policy].compressed:
        assert all(proof.endswith(", gzip") for proof in theirs.proofs)


@pytest.mark.usefixtures("unlimited")
@spoiled("server")
def test_their_server_refuses_our_client(
    row: Known,
    spoil: str,
    peer: PeerNamed,
    tls: dict[str, str],
    pairs: Pairs,
    printer: Fleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    theirs = peer(row.stack)
    if spoil == "tampered":
        seal = wsse.seal
        monkeypatch.setattr(wsse, "seal", lambda *about: _tampered(seal(*about)))
    with serving(theirs, row, tls, pairs) as (url, vendor), pytest.raises(MeterpostError):
        say_something(site_at(url, row, tmp_path, tls, pairs, printer, spoil))
    assert len(theirs.refused) == 1
    assert vendor.asked == []


def _tampered(sealed: bytes) -> bytes:
    """The message with a letter of its Body changed."""
    old, new = TAMPERED[b"EncryptedData" in sealed]
    return sealed.replace(old.encode(), new.encode(), 1)


@pytest.mark.usefixtures("unlimited")
@spoiled("server", answers=True)
def test_our_client_refuses_their_server(
    row: Known, spoil: str, peer: PeerNamed, tls: dict[str, str], pairs: Pairs, printer: Fleet, tmp_path: Path
):
    theirs = peer(row.stack)
    with serving(theirs, row, tls, pairs, spoil) as (url, vendor), pytest.raises(AuthenticationError):
        say_something(site_at(url, row, tmp_path, tls, pairs, printer))
    assert theirs.refused == []
    assert vendor.asked == ["SyncProxy"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in known() if row.over_budget])
def test_what_does_not_fit_is_not_sent(
    row: Known, peer: PeerNamed, tls: dict[str, str], pairs: Pairs, printer: Fleet, tmp_path: Path
):
    """The sync request, whose formula is the tightest. All other rows live their lives within the formulas."""
    with serving(peer(row.stack), row, tls, pairs) as (url, vendor), pytest.raises(OverBudget):
        say_something(site_at(url, row, tmp_path, tls, pairs, printer))
    assert vendor.asked == []
