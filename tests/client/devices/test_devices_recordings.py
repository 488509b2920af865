"""Our reader over recordings of real printers, against the facts that were derived from the same recordings by hand.

The recordings are other people's and not part of this repository: METERPOST_RECORDINGS names their folder, with
`snmprec/*.snmprec` and `truth.csv` (id, field, instance, value, oid, note) in it.
"""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from devices_kit import NOON

from meterpost.devices.reading import mib, profile
from meterpost.devices.recorded import replay
from meterpost.model import Reading
from meterpost.recording import dotted

FOLDER = os.environ.get("METERPOST_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="METERPOST_RECORDINGS does not name a folder with recordings of real printers"
)

Facts = dict[str, dict[str, str]]  # field -> instance -> value

SYMBOL_SET = "0x0115"  # HP's Roman-8, in front of a text the truth therefore has in hexadecimal

# Of each field: how many facts the reader gave when this was written, which no change may lessen. What is missing are
# facts a reading has no place for: second network interfaces, and devices that are no printers.
FLOORS = {
    "serial(prtGeneralSerialNumber)": 127,
    "model(hrDeviceDescr)": 138,
    "sysName": 127,
    "sysLocation": 39,
    "sysDescr": 164,
    "sysObjectID": 165,
    "mac(ifPhysAddress)": 134,
    "prtMarkerLifeCount": 127,
    "supply.description": 452,
    "supply.class": 356,
    "supply.type": 409,
    "supply.level": 452,
    "supply.max": 452,
    "supply.unit": 356,
    "supply.percent": 432,
    "supply.colorant": 9,
    "maker's counters": 100,
}


@pytest.fixture(scope="module")
def truth() -> dict[str, Facts]:
    found: dict[str, Facts] = defaultdict(lambda: defaultdict(dict))
    with (Path(FOLDER) / "truth.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            field, value = line["field"], line["value"].strip().removeprefix(".")
            if field.startswith("private"):
                found[line["id"]]["maker's counters"][line["oid"]] = value
            elif field == "mac(ifPhysAddress)":
                found[line["id"]][field][line["instance"]] = value.lower()
            elif field.startswith("serial") and value.startswith(SYMBOL_SET):
                found[line["id"]][field][line["instance"]] = bytes.fromhex(value.removeprefix(SYMBOL_SET)).decode("ascii")
            else:
                found[line["id"]][field][line["instance"]] = value
    return found


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    profiles = profile.load()
    return {path.stem: replay(path, NOON, profiles) for path in sorted((Path(FOLDER) / "snmprec").glob("*.snmprec"))}


def told(reading: Reading) -> Iterator[tuple[str, str, str]]:
    """(field, instance, value) of everything `reading` says; instance '' stands for any. What is '' was not said."""
    yield "serial(prtGeneralSerialNumber)", "", reading.serial
    yield "model(hrDeviceDescr)", "", reading.model
    yield "sysName", "", reading.name
    yield "sysLocation", "", reading.location
    yield "sysDescr", "", reading.sys_descr
    yield "sysObjectID", "", reading.sys_object_id
    yield "mac(ifPhysAddress)", "", reading.mac
    for meter in reading.meters:
        column, _, instance = meter.oid.partition(dotted(mib.PRT_MARKER_LIFE_COUNT) + ".")
        yield ("maker's counters", column, str(meter.value)) if column else ("prtMarkerLifeCount", instance, str(meter.value))
    for supply in reading.supplies:
        yield "supply.description", supply.index, supply.description
        yield (
            "supply.class",
            supply.index,
            {word: str(code) for code, word in mib.SUPPLY_CLASSES.items()}.get(supply.supply_class, ""),
        )
        yield "supply.type", supply.index, {word: str(code) for code, word in mib.SUPPLY_TYPES.items()}.get(supply.kind, "")
        yield "supply.level", supply.index, str(supply.level)
        yield "supply.max", supply.index, str(supply.capacity)
        yield "supply.unit", supply.index, str(supply.unit_code)
        yield "supply.percent", supply.index, "" if supply.percent is None else str(supply.percent)
        yield "supply.colorant", supply.index, supply.color


def agree(field: str, ours: str, theirs: str) -> bool:
    return abs(float(ours) - float(theirs)) <= 0.5 if field == "supply.percent" else ours == theirs


def test_everything_we_report_is_true_and_we_report_as_much_as_before(
    truth: dict[str, Facts], readings: dict[str, Reading], capsys: pytest.CaptureFixture[str]
) -> None:
    given: Counter[str] = Counter()
    known: Counter[str] = Counter()
    wrong = []
    for name, reading in readings.items():
        facts = truth[name]
        known.update({field: len(values) for field, values in facts.items()})
        for field, instance, ours in told(reading):
            theirs = [value for where, value in facts.get(field, {}).items() if instance in ("", where)]
            if ours and theirs:
                given[field] += 1
                if not any(agree(field, ours, value) for value in theirs):
                    wrong.append(f"{name} {field} {instance}: {ours!r}, the truth is {theirs}")
    with capsys.disabled():
        print(f"\n{len(readings)} recordings of real printers")
        for field in FLOORS:
            print(f"  {field:32} {given[field]:4} of {known[field]:4}")
    assert not wrong, "\n".join(wrong)
    assert {field: given[field] for field, floor in FLOORS.items() if given[field] < floor} == {}


def test_every_device_that_has_a_printer_is_one(truth: dict[str, Facts], readings: dict[str, Reading]) -> None:
    printers = {name for name, facts in truth.items() if facts["hrPrinterDevices"].get("")}
    assert {name for name in printers if not readings[name].is_printer} == set()
