"""Other people's stacks and ours over real TLS, both ways round, a whole life for each row of known.toml."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from interop_claims import Known, known, stacks
from interop_life import Vendor, our_life, their_life
from interop_peers import STACKS, Fault, Peer
from site_lab import Site

from meterpost import settings
from meterpost.agent.rooms import Rooms
from meterpost.errors import AuthenticationError, MeterpostError
from meterpost.lifecycle.messages import Reply, SyncProxy
from meterpost.wsse import POLICIES
from meterpost_stub import StubServer
from meterpost_stub.printers import Fleet

PeerNamed = Callable[[str], Peer]
CLIENT = "0a1b2c3d-0000-4000-8000-00000000000c"
USERNAME, PASSWORD = "site", "o'Brien & <söhne>"
CONTRACT = str(files("meterpost_wsdl"))


def rows(theirs: str) -> Any:
    return pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in known() if r.theirs == theirs])


def test_every_row_is_run():
    """By construction, where its words are ones that the tests know."""
    assert {row.stack for row in known()} <= set(STACKS) & set(stacks())
    assert {row.theirs for row in known()} == {"client", "server"}
    assert {row.policy for row in known()} <= set(POLICIES)


def replies(policy: str) -> str:
    return policy


# --- their client, our server


def connect(peer: Peer, row: Known, stub: StubServer, **how: Any) -> None:
    peer.proofs.clear()
    about = {
        "wsdl": stub.wsdl_url,
        "ca": str(stub.ca_file),
        "policy": row.policy,
        "replies": replies(row.policy),
        "username": stub.username,
        "password": stub.password,
        "options": row.options,
    }
    peer.ask("client", **about | how)


@rows("client")
def test_their_client_lives_a_whole_life(row: Known, peer: PeerNamed, stub: StubServer):
    theirs = peer(row.stack)
    connect(theirs, row, stub)
    their_life(theirs.call, stub)
    assert len(theirs.proofs) == 6
    assert all(theirs.proofs)


@rows("client")
def test_their_client_with_a_wrong_password_is_refused(row: Known, peer: PeerNamed, stub: StubServer):
    theirs = peer(row.stack)
    connect(theirs, row, stub, password=stub.password + "!")
    with pytest.raises(Fault) as refused:
        theirs.call("SyncProxy", client=CLIENT, version="1")
    assert refused.value.code == "FailedAuthentication"
    assert "digest-wrong" in stub.journal()[-1].outcome


# --- our client, their server


@contextmanager
def serving(peer: Peer, row: Known, tls: dict[str, str], **how: Any) -> Iterator[tuple[str, Vendor]]:
    vendor = Vendor()
    about = {
        "contract": CONTRACT,
        "policy": row.policy,
        "replies": replies(row.policy),
        "username": USERNAME,
        "password": PASSWORD,
        "options": row.options,
        "reply_options": row.reply_options,
    }
    url = peer.serve(vendor.answer, **tls | about | how)
    try:
        yield url, vendor
    finally:
        peer.stop()


def site_at(url: str, row: Known, folder: Path, tls: dict[str, str], printer: Fleet, password: str = PASSWORD) -> Site:
    there = SimpleNamespace(soap_url=url, ca_file=tls["ca"], username=USERNAME, password=password)
    site = Site(folder, there, printer)  # type: ignore[arg-type]  # of a server it wants only these
    site.configure(security={"policy": row.policy})
    return site


def say_something(site: Site) -> Reply:
    """One message and its answer."""
    with Rooms(settings.load(site.config)) as rooms:
        return rooms.exchanges.send(SyncProxy(client=CLIENT, version="1"))


@rows("server")
def test_our_client_lives_a_whole_life(row: Known, peer: PeerNamed, tls: dict[str, str], printer: Fleet, tmp_path: Path):
    theirs = peer(row.stack)
    with serving(theirs, row, tls) as (url, vendor):
        our_life(site_at(url, row, tmp_path, tls, printer), vendor)
    assert theirs.refused == []
    assert all(theirs.proofs)


@rows("server")
def test_their_server_refuses_a_wrong_password(
    row: Known, peer: PeerNamed, tls: dict[str, str], printer: Fleet, tmp_path: Path
):
    theirs = peer(row.stack)
    with serving(theirs, row, tls) as (url, vendor), pytest.raises(MeterpostError):
        say_something(site_at(url, row, tmp_path, tls, printer, password="wrong"))
    assert len(theirs.refused) == 1
    assert vendor.asked == []


@pytest.mark.parametrize("spoil", ["bare", "wrong-password"])
@rows("server")
def test_our_client_refuses_a_reply_that_proves_nothing(
    row: Known, spoil: str, peer: PeerNamed, tls: dict[str, str], printer: Fleet, tmp_path: Path
):
    theirs = peer(row.stack)
    with serving(theirs, row, tls, spoil=spoil) as (url, vendor), pytest.raises(AuthenticationError):
        say_something(site_at(url, row, tmp_path, tls, printer))
    assert theirs.refused == []
    assert vendor.asked == ["SyncProxy"]
