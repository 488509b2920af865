"""Our own recordings: readable, invented, and between them the cases that have bitten readers of printers."""

import re

import pytest

from meterpost.recording import load, oid
from meterpost_stub.printers import BUILT_IN, recordings_in
from meterpost_stub.printers.mib import Mib

PATHS = {path.stem: path for path in recordings_in(BUILT_IN)}
OBJECT_ID, SERIAL = "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.43.5.1.1.17.1"
NAME, LOCATION = "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.6.0"
UNIT, LEVEL = "1.3.6.1.2.1.43.10.2.1.3.1.1", "1.3.6.1.2.1.43.11.1.1.9"
XCMI_VALUES, XCMI_LABELS = "1.3.6.1.4.1.253.8.53.13.2.1.6", "1.3.6.1.4.1.253.8.53.13.2.1.8"


def mib(name):
    return Mib(load(PATHS[name]))


def value(name, where):
    variable = mib(name).get(oid(where))
    return None if variable is None else variable.value


def test_a_dozen_printers_of_many_makers():
    enterprises = {value(name, OBJECT_ID)[6] for name in PATHS}
    assert len(PATHS) == 12
    assert len(enterprises) >= 5


@pytest.mark.parametrize("name", PATHS)
def test_a_recording_is_readable(name):
    """Sorted, sections named, and hex only where text cannot be."""
    lines = PATHS[name].read_text("utf-8").splitlines()
    names = [oid(line.split("|")[0]) for line in lines if line and not line.startswith("#")]
    assert names == sorted(names)
    assert "Invented: no device of this serial exists." in "\n".join(lines)
    for line in lines:
        if "|4x|" in line:
            octets = bytes.fromhex(line.split("|")[2])
            assert not re.fullmatch(rb"[ -~]{2,}", octets), line


@pytest.mark.parametrize("name", PATHS)
def test_a_recording_has_what_every_printer_has(name):
    walked = mib(name)
    for branch in ("1.1", "2.2.1.6", "25.3.2.1.3", "25.3.5.1.1", "43.5", "43.10.2.1.4", "43.11.1.1.9", "43.12.1.1.4"):
        assert any(walked.under(oid(f"1.3.6.1.2.1.{branch}"))), branch
    assert any(walked.under(oid("1.3.6.1.4.1"))), "the maker's own objects"
    columns = [len(tuple(walked.under(oid(f"1.3.6.1.2.1.43.11.1.1.{column}")))) for column in range(2, 10)]
    assert len(set(columns)) == 1


def test_serials_and_addresses_are_invented():
    macs = {next(iter(mib(name).under(oid("1.3.6.1.2.1.2.2.1.6"))))[1].value for name in PATHS}
    assert len(macs) == 12
    assert all(mac[0] & 0b10 for mac in macs), "locally administered"
    serials = [value(name, SERIAL) for name in PATHS if value(name, SERIAL)]
    assert len(set(serials)) == 11
    assert all(serial.startswith(b"QZ") for serial in serials)


def test_one_has_forty_labelled_counters():
    walked = mib("xerox-altalink-c8145")
    values = [index for index, _ in walked.under(oid(XCMI_VALUES))]
    labels = [index for index, _ in walked.under(oid(XCMI_LABELS))]
    assert values == labels
    assert len(values) == 40


def test_one_speaks_in_states_one_in_sheets_one_keeps_its_serial_to_itself():
    levels = {variable.value for _, variable in mib("brother-hl-l6400dw").under(oid(LEVEL))}
    assert levels >= {-1, -2, -3}
    assert value("lexmark-ms621dn", UNIT) == 8
    assert value("canon-ir-adv-c3530", SERIAL) is None
    assert value("canon-ir-adv-c3530", "1.3.6.1.4.1.1602.1.2.1.8.1.3.1.1").startswith(b"QZ")


def test_one_has_text_as_people_write_it():
    assert value("ricoh-im-c3000", NAME).decode("utf-8") == "Büro & Empfang"
    location = value("ricoh-im-c3000", LOCATION)
    assert location.decode("latin-1") == "Zürich, Büro Müller & Söhne"
    with pytest.raises(UnicodeDecodeError):
        location.decode("utf-8")


SUMS = {
    "xerox-altalink-c8145": (f"{XCMI_VALUES}.1.20.1", (f"{XCMI_VALUES}.1.20.33", f"{XCMI_VALUES}.1.20.34")),
    "hp-color-laserjet-m480f": (
        "1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.2.5.0",
        [f"1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.2.{n}.0" for n in (6, 7)],
    ),
    "kyocera-taskalfa-3554ci": (
        "1.3.6.1.4.1.1347.43.10.1.1.12.1.1",
        [f"1.3.6.1.4.1.1347.42.2.1.1.1.6.1.{row}" for row in range(1, 7)],
    ),
    "ricoh-im-c3000": (
        "1.3.6.1.4.1.367.3.2.1.2.19.1.0",
        [f"1.3.6.1.4.1.367.3.2.1.2.19.5.1.9.{row}" for row in (4, 8, 9)],
    ),
    "epson-wf-c5790": (
        "1.3.6.1.4.1.1248.1.2.2.27.1.1.30.1.1",
        [f"1.3.6.1.4.1.1248.1.2.2.27.1.1.{n}.1.1" for n in (3, 4)],
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_makers_total_is_the_sum_of_its_parts(name):
    total, parts = SUMS[name]
    assert value(name, total) == sum(value(name, part) for part in parts)
