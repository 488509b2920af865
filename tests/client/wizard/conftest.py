"""Three printers and a server for each module, as new for each test, which has an empty folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from wizard_lab import BROTHER, KYOCERA, PRINTERS, Place

from meterpost_stub import StubServer
from meterpost_stub.printers import BUILT_IN, Fleet


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet([BUILT_IN / f"{name}.snmprec" for name in PRINTERS], network="127.33.7.0/24", port=0) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def stub() -> Iterator[StubServer]:
    with StubServer() as stub:
        yield stub


@pytest.fixture
def place(tmp_path: Path, stub: StubServer, fleet: Fleet) -> Place:
    stub.reset()
    for printer in fleet.printers:
        fleet.switch_on(printer.address)
    place = Place(tmp_path / "site", stub, fleet)
    place.set_serial(BROTHER.encode(), printer=0)
    place.set_serial(KYOCERA.encode(), printer=1)
    return place
