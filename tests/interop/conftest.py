"""Peers, one server and one printer for all cases: each is started once and put back to its start before a case."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from interop_claims import stacks
from interop_peers import STACKS, Peer, unavailable

from meterpost_stub import StubOptions, StubServer
from meterpost_stub.budget import Enforcement
from meterpost_stub.certificates import Authority
from meterpost_stub.printers import BUILT_IN, Fleet


@pytest.fixture(scope="session")
def peer() -> Iterator[Callable[[str], Peer]]:
    """A stack's running peer by the stack's name."""
    running: dict[str, Peer] = {}
    with ExitStack() as stopping:

        def started(name: str) -> Peer:
            if STACKS[name].missing:
                unavailable(STACKS[name].missing)
            if name not in running:
                running[name] = stopping.enter_context(Peer(STACKS[name]))
                version = running[name].ask("hello")["version"]
                if not f"{version}.".startswith(f"{stacks()[name].version}."):
                    unavailable(f"{name} is {version} here, known.toml speaks of {stacks()[name].version}")
            return running[name]

        yield started


@pytest.fixture(scope="session")
def _stub() -> Iterator[StubServer]:
    with StubServer(StubOptions(budget=Enforcement.WARN, registration_delay=timedelta())) as stub:
        yield stub


@pytest.fixture
def stub(_stub: StubServer) -> StubServer:
    """Ours, for their clients; a stock toolkit's messages are larger than the formulas."""
    _stub.reset()
    return _stub


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What their servers show, and who vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority("theirs")
    certificate, key = authority.issue(folder, "server", ["127.0.0.1"])
    return {"ca": str(authority.write(folder)), "certificate": str(certificate), "key": str(key)}


@pytest.fixture(scope="session")
def printer() -> Iterator[Fleet]:
    with Fleet([BUILT_IN / "brother-hl-l6400dw.snmprec"], network="127.20.78.0/24", port=0) as fleet:
        yield fleet
