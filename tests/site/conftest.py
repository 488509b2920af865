"""One fleet of three printers for all site tests, a fresh server and a fresh folder for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from site_lab import Site

from meterpost_stub import StubServer
from meterpost_stub.printers import BUILT_IN, Fleet

PRINTERS = ("xerox-altalink-c8145", "brother-hl-l6400dw", "kyocera-taskalfa-3554ci")


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet([BUILT_IN / f"{name}.snmprec" for name in PRINTERS], network="127.20.77.0/24", port=0) as fleet:
        yield fleet


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer() as stub:
        yield stub


@pytest.fixture
def site(tmp_path: Path, stub: StubServer, fleet: Fleet) -> Site:
    site = Site(tmp_path, stub, fleet)
    site.configure()
    return site
