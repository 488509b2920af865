"""Our reader over recordings of real printers, against the facts that were derived from the same recordings by hand.

The recordings are other people's and not part of this repository: METERPOST_RECORDINGS names their folder, with
`snmprec/*.snmprec` and `truth.csv` (id, field, instance, value, oid, note) in it.

Both ways: every fact a reading has a place for is reported and equal, and everything reported stands in the recording.
"""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from devices_kit import NOON

from meterpost import recording
from meterpost.devices.reading import mib, profile
from meterpost.devices.recorded import replay
from meterpost.model import Alert, Meter, Reading, Supply
from meterpost.recording import Oid, Value, dotted, oid

FOLDER = os.environ.get("METERPOST_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="METERPOST_RECORDINGS does not name a folder with recordings of real printers"
)


class Fact(NamedTuple):
    """A line of the truth."""

    field: str
    instance: str
    value: str
    oid: str
    note: str


SYMBOL_SET = "0x0115"  # HP's Roman-8, in front of a text the truth therefore has in hexadecimal
BROTHER = "private-table.brother."
PLACEHOLDERS = {"serial_number", "XXXXXXXXXX"}  # what stands for a serial number that nobody was to see, or that was reset

NO_PLACE = {
    "enterprise": "follows from sysObjectID",
    "hrPrinterDevices": "decides whether it is a printer: see the last test",
    "sysUpTime_ticks": "says nothing of meters or supplies",
    "sysContact": "names a person: kept out of readings",
    "console": "what the display shows; alerts and errors say it in words that mean something",
    "prtGeneralPrinterName": "the model again, or a name an administrator gave: sysName is that",
    "prtMarkerPowerOnCount": "falls to 0 when the printer is turned off: no meter",
}
"""Fields a reading has no place for, and why."""

BROTHER_TAGS = {
    **dict.fromkeys(("63", "31", "32", "33", "34", "35", "54", "55", "68", "76", "77", "78", "7f"), "states: good or not"),
    **dict.fromkeys(("81", "82", "83", "84", "86"), "the same as 6f to 72, in steps, or unknown"),
    **dict.fromkeys(("11", "73", "74", "75", "7e"), "pages of one drum, which start again with the next"),
}
COUNTER_TAGS = {
    **dict.fromkeys(("12", "13", "14", "15", "16"), "developed colour planes: no work counter of PWG 5106.1"),
    **dict.fromkeys(("07", "08"), "nobody has documented them"),
}
NOT_REPORTED = {
    **{(f"{BROTHER}maintenance", tag): why for tag, why in BROTHER_TAGS.items()},
    **{(f"{BROTHER}counters", tag): why for tag, why in COUNTER_TAGS.items()},
}
"""Facts by field and instance that have no place either, and why."""

PERCENT_INSTEAD = "what is left is known in percent"
INSTEAD = {
    ("brotherlib__dcp-7070dw", f"{BROTHER}nextcare", "82"): PERCENT_INSTEAD,
    ("brotherlib__dcp-j132w", f"{BROTHER}nextcare", "82"): PERCENT_INSTEAD,
    ("brotherlib__dcp-l2540dn", f"{BROTHER}nextcare", "82"): PERCENT_INSTEAD,
    ("brotherlib__hl-l2340dw", f"{BROTHER}nextcare", "82"): PERCENT_INSTEAD,
    **{("brotherlib__dcp-9020cdw", f"{BROTHER}nextcare", tag): PERCENT_INSTEAD for tag in ("a4", "a5", "a6", "a7", "88", "77")},
    ("printmaster__kyocera_p2040", "private-table.kyocera.papersize", "total.1.6"): "Letter, which is not large",
}
"""Single facts for which another one is reported, and why."""


@pytest.fixture(scope="module")
def truth() -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    with (Path(FOLDER) / "truth.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            value = line["value"].strip()
            found[line["id"]].append(Fact(line["field"], line["instance"], value, line["oid"], line["note"] or ""))
    return found


PATHS = sorted((Path(FOLDER) / "snmprec").glob("*.snmprec")) if FOLDER else []


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    profiles = profile.load()
    return {path.stem: replay(path, NOON, profiles) for path in PATHS}


def is_another_part(fact: Fact, facts: list[Fact]) -> bool:
    """Whether a hrDeviceDescr is that of a processor, a disk or a socket: the host's first printer has the model."""
    printers = next((other.value for other in facts if other.field == "hrPrinterDevices"), "")
    return fact.field == "model(hrDeviceDescr)" and fact.instance != (printers.split()[0].strip(",") if printers else "1")


def code(words: dict[int, str], word: str) -> str:
    return {said: str(number) for number, said in words.items()}.get(word, "")


def errors(reading: Reading) -> str:
    return " ".join(reading.errors) or "none"


SCALARS: dict[str, Callable[[Reading], str]] = {
    "serial(prtGeneralSerialNumber)": lambda reading: reading.serial,
    "model(hrDeviceDescr)": lambda reading: reading.model,
    "sysName": lambda reading: reading.name,
    "sysLocation": lambda reading: reading.location,
    "sysDescr": lambda reading: reading.sys_descr,
    "sysObjectID": lambda reading: reading.sys_object_id,
}
SUPPLIES: dict[str, Callable[[Supply], str]] = {
    "supply.description": lambda supply: supply.description,
    "supply.class": lambda supply: code(mib.SUPPLY_CLASSES, supply.supply_class),
    "supply.type": lambda supply: code(mib.SUPPLY_TYPES, supply.kind),
    "supply.level": lambda supply: str(supply.level),
    "supply.max": lambda supply: str(supply.capacity),
    "supply.unit": lambda supply: str(supply.unit_code),
    "supply.percent": lambda supply: "" if supply.percent is None else str(supply.percent),
    "supply.colorant": lambda supply: supply.color,
    "supply.state": lambda supply: str(supply.state),
}
PRIVATE_TEXTS: dict[str, Callable[[Reading], str]] = {
    "serial": lambda reading: reading.serial,
    "serial-number (decoded)": lambda reading: reading.serial,
    "firmware": lambda reading: reading.firmware,
    "version": lambda reading: reading.firmware,
}


def alert_words(alert: Alert) -> str:
    return f"{alert.description}|{alert.severity}|{alert.group}|{alert.code}"


def said(fact: Fact, reading: Reading) -> tuple[str, str] | None:
    """What the truth and what `reading` say in the same words; None where a reading has no place for it."""
    field, value = fact.field, fact.value
    if field in SCALARS:
        if field.startswith("serial") and value.startswith(SYMBOL_SET):
            value = bytes.fromhex(value.removeprefix(SYMBOL_SET)).decode("ascii")
        return "" if value in PLACEHOLDERS else value.removeprefix("." * (field == "sysObjectID")), SCALARS[field](reading)
    if field in SUPPLIES:
        ours = next((SUPPLIES[field](supply) for supply in reading.supplies if supply.index == fact.instance), "")
        near = field == "supply.percent" and ours and abs(float(ours) - float(value)) <= 0.5
        return value, value if near else ours
    if field == "mac(ifPhysAddress)":
        return value.lower(), value.lower() if value.lower() in reading.macs else ""
    if field == "prtMarkerLifeCount":
        return value, str(counted(reading, f"{dotted(mib.PRT_MARKER_LIFE_COUNT)}.{fact.instance}"))
    if field == "hrPrinterDetectedErrorState":
        return fact.note.replace(",", " "), errors(reading)
    if field == "alert":
        return truths_alert(fact), next((alert_words(a) for a in reading.alerts if a.index == fact.instance), "")
    if field == "hrDeviceStatus":
        return str(int(value) == mib.DEVICE_DOWN), str(reading.status.partition(":")[0] in ("down", "error"))
    if field == "hrPrinterStatus":
        return mib.PRINTER_STATES[int(value)], reading.status if not reading.errors else mib.PRINTER_STATES[int(value)]
    if field == "private":
        return private_text(fact, reading)
    return private_count(fact, reading)


def truths_alert(fact: Fact) -> str:
    numbers = dict(part.split("=") for part in fact.note.split())
    tables = (("severity", mib.ALERT_SEVERITIES), ("group", mib.ALERT_GROUPS), ("code", mib.ALERT_CODES))
    return "|".join((fact.value, *(table.get(int(numbers[name]), "") for name, table in tables)))


def private_text(fact: Fact, reading: Reading) -> tuple[str, str] | None:
    """Serial numbers, firmware and counters of the maker's tree; IEEE 1284 ids are where other facts are taken from, and
    the model is hrDeviceDescr's where there is that."""
    name = fact.instance.partition(".")[2]
    if name in PRIVATE_TEXTS:
        return "" if fact.value in PLACEHOLDERS else fact.value, PRIVATE_TEXTS[name](reading)
    return (fact.value, str(counted(reading, fact.oid))) if fact.value.isdigit() else None


def private_count(fact: Fact, reading: Reading) -> tuple[str, str] | None:
    if (fact.field, fact.instance) in NOT_REPORTED:
        return None
    if not fact.field.startswith(BROTHER):
        return fact.value, str(counted(reading, fact.oid))
    supply = next((supply for supply in reading.supplies if supply.index == f"#{fact.instance}"), None)
    if supply is not None:
        return fact.value, str(supply.level * (100 if supply.unit == "percent" else 1))
    return fact.value, str(counted(reading, f"{fact.oid}#{fact.instance}"))


def counted(reading: Reading, where: str) -> int | None:
    return next((meter.value for meter in reading.meters if meter.oid == where), None)


def test_every_fact_a_reading_has_a_place_for_is_in_it(
    truth: dict[str, list[Fact]], readings: dict[str, Reading], capsys: pytest.CaptureFixture[str]
) -> None:
    assert readings
    given: Counter[str] = Counter()
    known: Counter[str] = Counter()
    wrong = []
    for name, reading in readings.items():
        for fact in truth[name]:
            excused = (
                fact.field in NO_PLACE or (name, fact.field, fact.instance) in INSTEAD or is_another_part(fact, truth[name])
            )
            pair = said(fact, reading) if reading.is_printer and not excused else None
            if pair is not None:
                known[fact.field] += 1
                given[fact.field] += pair[0] == pair[1]
                if pair[0] != pair[1]:
                    wrong.append(f"{name} {fact.field} {fact.instance} {fact.oid}: {pair[1]!r}, the truth is {pair[0]!r}")
    with capsys.disabled():
        print(f"\n{sum(reading.is_printer for reading in readings.values())} printers of {len(readings)} recordings")
        for field in sorted(known):
            print(f"  {field:32} {given[field]:4} of {known[field]:4}")
        print(f"  {'no place for':32} {sum(fact.field in NO_PLACE for facts in truth.values() for fact in facts):4}")
    assert not wrong, "\n".join(wrong)


def test_no_reason_is_left_for_what_is_reported(truth: dict[str, list[Fact]], readings: dict[str, Reading]) -> None:
    """An exception that no recording needs any more would hide the next mistake."""
    facts = {(name, fact.field, fact.instance) for name in readings for fact in truth[name]}
    assert INSTEAD.keys() <= facts
    kinds = {(field, instance) for _, field, instance in facts}
    assert {kind for kind in NOT_REPORTED if kind[0].startswith(f"{BROTHER}counters")} <= kinds
    assert NO_PLACE.keys() <= {field for _, field, _ in facts}
    reported = {meter.oid for reading in readings.values() for meter in reading.meters}
    private = {fact.oid for name in readings for fact in truth[name] if (fact.field, fact.instance) in NOT_REPORTED}
    assert not reported & {where for where in private if "#" not in where}


# What is reported, held against the octets of the recording, without the reader's own code.


def raw_texts(values: dict[Oid, Value]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, bytes):
            for encoding in ("utf-8", "latin-1", "cp1252"):
                yield " ".join(value.replace(b"\0", b"").decode(encoding, "replace").split())


def in_recording(meter: Meter, values: dict[Oid, Value]) -> bool:
    """Whether the number stands at the OID the meter names; in a text, among packed records, or as the sum of its column."""
    where, _, tag = meter.oid.partition("#")
    value = values.get(oid(where))
    if tag:
        record = bytes((int(tag, 16), 1, 4)) + meter.value.to_bytes(4, "big")
        return isinstance(value, bytes) and record in value
    if isinstance(value, bytes):
        return str(meter.value).encode() in value
    if value is None:  # a sum
        column = oid(where)
        return sum(v for name, v in values.items() if name[: len(column)] == column and isinstance(v, int)) >= meter.value
    return value == meter.value


def supply_in_recording(supply: Supply, values: dict[Oid, Value]) -> bool:
    if supply.index.startswith("#"):
        level = (supply.level * (100 if supply.unit == "percent" else 1)).to_bytes(4, "big")
        record = bytes((int(supply.index[1:], 16), 1, 4)) + level
        return any(isinstance(value, bytes) and record in value for value in values.values())
    row = oid(supply.index)
    cells = {
        column: values.get(column + row) for column in (mib.PRT_SUPPLY_LEVEL, mib.PRT_SUPPLY_CAPACITY, mib.PRT_SUPPLY_UNIT)
    }
    known = {
        mib.PRT_SUPPLY_LEVEL: supply.level,
        mib.PRT_SUPPLY_CAPACITY: supply.capacity,
        mib.PRT_SUPPLY_UNIT: supply.unit_code,
    }
    return all(value == known[column] or (value is None and known[column] in (-2, 2)) for column, value in cells.items())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_everything_we_report_stands_in_the_recording(path: Path, readings: dict[str, Reading]) -> None:
    reading = readings[path.stem]
    values = {variable.oid: variable.value for variable in recording.load(path)}
    texts = set(raw_texts(values))
    for words in (reading.serial, reading.model, reading.firmware, reading.name, reading.location, reading.sys_descr):
        plain = " ".join(words.split())
        assert not words or any(plain in text for text in texts), words
    for address in reading.macs:
        assert bytes.fromhex(address.replace(":", "")) in values.values()
    for meter in reading.meters:
        assert in_recording(meter, values), meter
        if meter.name.startswith("life."):
            row = oid(meter.oid)[len(mib.PRT_MARKER_LIFE_COUNT) :]
            unit = values.get(mib.PRT_MARKER_COUNTER_UNIT + row)
            assert meter.unit == ("" if unit in (None, 1, 2) else mib.UNITS[int(str(unit))].lower())
    for supply in reading.supplies:
        assert supply_in_recording(supply, values), supply
    for alert in reading.alerts:
        row = oid(alert.index)
        assert any(column + row in values for column in (mib.PRT_ALERT_DESCRIPTION, mib.PRT_ALERT_CODE))


def test_every_device_that_has_a_printer_is_one(truth: dict[str, list[Fact]], readings: dict[str, Reading]) -> None:
    printers = {name for name, facts in truth.items() for fact in facts if fact.field == "hrPrinterDevices" and fact.value}
    assert {name for name in printers if not readings[name].is_printer} == set()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_counter_of_pwg_has_one_value(path: Path, readings: dict[str, Reading]) -> None:
    counters = Counter(meter.pwg for meter in readings[path.stem].meters if meter.pwg)
    assert [counter for counter, names in counters.items() if names > 1] == []
