"""One running reference server for the room, put back to its start before each test."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from stub_site import Site

from meterpost_stub import StubOptions, StubServer

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def running() -> Iterator[StubServer]:
    options = StubOptions(calendar=START, other_accounts={"other": "other-secret"})
    with StubServer(options) as stub:
        yield stub


@pytest.fixture
def stub(running: StubServer) -> StubServer:
    running.reset()
    return running


@pytest.fixture
def site(stub: StubServer) -> Site:
    return Site(stub)
