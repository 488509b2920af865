"""What agents put into values, made plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.reading import values
from meterpost.devices.reading.supplies import color, percent


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"hall\0\0", "hall"),
        (b"  Caf\xc3\xa9 \r\n", "Café"),
        (b"Caf\xe9", "Café"),  # Latin-1
        (b"two\nlines\tand a tab", "two lines and a tab"),
        (b"\xff\xfe", "ÿþ"),
        (b"", ""),
    ],
)
def test_text_is_utf8_else_latin1_without_rubbish(octets: bytes, expected: str) -> None:
    assert values.text(octets) == expected


@pytest.mark.parametrize("value", [7, None, (1, 3, 6)])
def test_what_is_no_octet_string_is_no_text(value: values.Value) -> None:
    assert values.text(value) == ""


@given(st.binary(max_size=400))
def test_text_is_always_printable_and_bounded(octets: bytes) -> None:
    found = values.text(octets)
    assert found == "" or found.isprintable()
    assert len(found) <= values.MAX_TEXT
    assert found == found.strip()


@pytest.mark.parametrize(
    "filler", ["0000000000", "XXXXXXXXXX", "xxxx", "unknown", "UNKNOWN", "N/A", "None", "serial_number", "Not available", "-"]
)
def test_a_filler_is_no_serial_number(filler: str) -> None:
    assert values.serial(filler) == ""


@pytest.mark.parametrize("number", ["AC00042", "00000001", "20040201", "XXXX0", "7562029401523-96-0", "UNKNOWN7"])
def test_odd_serial_numbers_are_kept(number: str) -> None:
    assert values.serial(number) == number


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", ()),
        (b"\x00", ()),
        (b"\x20", ("low toner",)),
        (b"\x80\x00", ("low paper",)),
        (b"\x01\x01", ("service requested",)),
        (b"\x14\x0a", ("no toner", "jammed", "output full", "overdue preventive maintenance")),
    ],
)
def test_detected_errors_count_from_the_most_significant_bit(octets: bytes, expected: tuple[str, ...]) -> None:
    assert values.detected_errors(octets) == expected


def test_a_mac_address_has_six_octets_that_are_not_all_zero() -> None:
    assert values.mac(bytes.fromhex("02005e100001")) == "02:00:5e:10:00:01"
    assert [values.mac(value) for value in (bytes(6), b"12345", b"1234567", b"", 6, None)] == [""] * 6


@pytest.mark.parametrize(
    ("level", "capacity", "expected"),
    [
        (2000, 8000, 25),
        (0, 100, 0),
        (100, 100, 100),
        (120, 100, 100),
        (-3, -2, None),
        (-2, 100, None),
        (50, 0, None),
        (50, -2, None),
    ],
)
def test_percent_needs_two_real_numbers(level: int, capacity: int, expected: int | None) -> None:
    assert percent(level, capacity) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Black Toner Cartridge", "black"),
        ("Cartouche toner Noir", "black"),
        ("Toner Gelb", "yellow"),
        ("Light Cyan ink", "light cyan"),
        ("Photo Black", "photo black"),
        ("Cyan/Magenta/Yellow", ""),
        ("Waste Toner Box", ""),
        ("Fixiereinheit", ""),
        ("Drum, rotating", ""),
        ("Credit", ""),
    ],
)
def test_a_colour_is_read_where_one_is_named(words: str, expected: str) -> None:
    assert color(words) == expected
