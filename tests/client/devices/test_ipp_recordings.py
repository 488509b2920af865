"""Answers of real printers, which are other people's and not part of this repository: METERPOST_RECORDINGS names their
folder, with `ipp/*.bin` in it."""

import os
from pathlib import Path

import pytest
from ipp_kit import read

from meterpost.devices.ipp.codec import PRINTER_GROUP, decode

FOLDER = os.environ.get("METERPOST_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="METERPOST_RECORDINGS does not name a folder with recordings of real printers"
)

FACTS = {  # by the model, as the answers' octets have it
    "EPSON XP-6000 Series": {
        "manufacturer": "Epson",
        "serial": "X44Y054012",
        "firmware": "20.44.NU25M7",
        "levels": [("photo black", 27), ("cyan", 99), ("magenta", 83), ("yellow", 6), ("black", 64)],
        "attributes": 110,
    },
    "HP Officejet Pro 6830": {
        "manufacturer": "HP",
        "serial": "TH55R620W0",
        "firmware": "",
        "levels": [("magenta", 20), ("cyan", 20), ("yellow", 20), ("black", 20)],
        "attributes": 133,
    },
}


def recordings() -> list[Path]:
    return sorted(Path(FOLDER, "ipp").glob("*.bin")) if FOLDER else []


@pytest.mark.parametrize("recording", recordings(), ids=lambda path: path.stem)
def test_a_real_answer_is_read_whole(recording: Path) -> None:
    octets = recording.read_bytes()
    (attributes,) = decode(octets).of(PRINTER_GROUP)
    found = read(octets)
    assert {
        "manufacturer": found.manufacturer,
        "serial": found.serial,
        "firmware": found.firmware,
        "levels": [(supply.color, supply.percent) for supply in found.supplies],
        "attributes": len(attributes),
    } == FACTS[found.model]
    assert {(supply.kind, supply.supply_class, supply.unit) for supply in found.supplies} == {
        ("inkCartridge", "consumed", "percent")
    }
    assert (found.errors, found.status) == (("lowToner",), "warning: low toner")
    assert found.mac
    assert found.alerts
    assert found.meters == (), "neither printer counts by IPP"
