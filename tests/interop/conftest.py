"""Peers, one server and one printer for all cases: each is started once and put back to its start before a case."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from interop_claims import stacks
from interop_keys import Pair, pair
from interop_peers import STACKS, Peer, unavailable

from meterpost.wsse import POLICIES, Acceptance
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
            if name not in running or not running[name].alive:
                running[name] = stopping.enter_context(Peer(STACKS[name]))
                version = running[name].ask("hello")["version"]
                if not f"{version}.".startswith(f"{stacks()[name].version}."):
                    unavailable(f"{name} is {version} here, known.toml speaks of {stacks()[name].version}")
            return running[name]

        yield started


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Pair]:
    """Key pairs by holder and kind. Nobody here knows the stranger."""
    folder = tmp_path_factory.mktemp("keys")
    return {(who, kind): pair(folder, who, kind) for who in ("client", "server", "stranger") for kind in ("rsa", "p256")}


@pytest.fixture(scope="session")
def _stub(pairs: dict[tuple[str, str], Pair]) -> Iterator[StubServer]:
    options = StubOptions(
        budget=Enforcement.WARN,
        registration_delay=timedelta(),
        accept=Acceptance(tuple(name for name in POLICIES if name != "timestamp-2004")),
        trusted=tuple(("site", Path(keys.certificate)) for (who, _), keys in pairs.items() if who == "client"),
    )
    with StubServer(options) as stub:
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
