"""What agents put into values, made plain."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.reading import values
from meterpost.devices.reading.supplies import color, percent


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"hall\0\0", "hall"),
        (b"HP\0LaserJet 4", "HP LaserJet 4"),
        (b"hall\0xyz", "hall xyz"),
        (b"a\0b\0c\0d\0\0e", "a b c d  e"),  # NULs between texts, not in characters
        (b"\0\x14MFG:ACME;", "MFG:ACME;"),  # the length in front of an IEEE 1284 id
        (b"  Caf\xc3\xa9 \r\n", "Café"),
        (b"Caf\xe9", "Café"),  # Latin-1
        (b"Bat. R\xe9habilit\xe9 ", "Bat. Réhabilité"),
        (b"\xc4\xc5\xb0", "ÄÅ°"),  # could be half-width katakana, need not be
        (b"Laser\x99 \x93Pro\x94s", "Laser™ “Pro”s"),  # Windows-1252, where Latin-1 has control characters
        (b"\x93Pro\x94s", "“Pro”s"),  # would be two kanji, but not in a row
        (b"Caf\xc3\xa9 caf\xe9 noir", "CafÃ© café noir"),  # neither UTF-8 nor cut
        (b"r\x82sum\x82", "r‚sum‚"),  # MS-DOS is not guessed, and is no Japanese
        (b"\x81\xe9", "é"),  # in no code: Latin-1 without its control character
        (b"two\nlines\tand a tab", "two lines and a tab"),
        (b"\xef\xbb\xbfCaf\xc3\xa9", "Café"),  # UTF-8 with its mark
        ("Tonerkartusche für Grün".encode()[:-2], "Tonerkartusche für Gr"),  # cut inside a character
        ("Encre magenta été".encode("utf-16"), "Encre magenta été"),
        ("Toner żółty".encode("utf-16-le"), "Toner żółty"),
        ("Toner żółty".encode("utf-16-be"), "Toner żółty"),
        ("Ton żłżł".encode("utf-16-le")[:-2], "Ton żłż"),
        ("HP".encode("utf-16-le"), "HP"),
        ("HP 1".encode("utf-16-le").rstrip(b"\0"), "HP 1"),
        ("HP 1".encode("utf-16-be") + bytes(6), "HP 1"),
        (b"\xfe\xff" + "プリンタ".encode("utf-16-be"), "プリンタ"),
        (b"\xfe\xff\0A\0", "A"),  # and half a character
        ("ブラックトナー".encode("cp932"), "ブラックトナー"),
        ("用紙切れ: MPトレイ".encode("cp932"), "用紙切れ: MPトレイ"),
        ("ブラックトナー".encode(), "ブラックトナー"),
        ("黑色墨粉盒 TN-9".encode("gb2312"), "黑色墨粉盒 TN-9"),
        ("북".encode("euc-kr"), "ºÏ"),  # East Asian perhaps, but which
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_text_is_what_its_octets_say(octets: bytes, expected: str) -> None:
    assert values.text(octets) == expected


@pytest.mark.parametrize("value", [7, None, (1, 3, 6)])
def test_what_is_no_octet_string_is_no_text(value: values.Value) -> None:
    assert values.text(value) == ""


@given(st.binary(max_size=400), st.integers(0, 300))
def test_text_is_always_printable_and_bounded(octets: bytes, limit: int) -> None:
    found = values.text(octets, limit)
    assert found == "" or found.isprintable()
    assert len(found) <= limit
    assert found == found.strip()


PRINTED = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=60)


@given(PRINTED)
def test_utf8_is_read_as_it_was_written(written: str) -> None:
    assert values.text(written.encode()) == written


@given(PRINTED, st.sampled_from([("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]))
def test_marked_utf16_is_read_as_it_was_written(written: str, code: tuple[str, bytes]) -> None:
    assert values.text(code[1] + written.encode(code[0])) == written


@given(
    st.text(st.characters(min_codepoint=0xA1, max_codepoint=0xFF, exclude_characters="\xad"), min_size=1, max_size=3), st.data()
)
def test_accents_between_letters_are_latin(accents: str, data: st.DataObject) -> None:
    """An accent with ASCII on both sides is in no other code."""
    written = "a".join(("", *accents, ""))
    assert values.text(written.encode("latin-1")) == written


def test_what_is_long_is_cut_before_it_is_read() -> None:
    assert values.text("é".encode() * 32_000) == "é" * values.MAX_TEXT
    assert values.text(b"x" * 65_535) == "x" * values.MAX_TEXT
    assert values.text(b"x" + "é".encode() * 32_000, 8) == "xééééééé"  # 32 octets end inside a character
    assert min(timeit.repeat(lambda: values.text(b"\xe9" * 65_535), number=1, repeat=5)) < 5e-4


def test_plain_text_costs_next_to_nothing() -> None:
    """50 texts per printer, thousands of printers."""
    octets = b"Black Toner Cartridge HP CF226X"
    seconds = min(timeit.repeat(lambda: values.text(octets), number=1000, repeat=20))
    assert seconds / 1000 < 1e-6


@pytest.mark.parametrize(
    "filler",
    [
        *(
            "0000000000",
            "00000000000000000000",
            "XXXXXXXXXX",
            "xxxx",
            "XXXX-XXXX",
            "00:00:00:00:00:00",
            "ffffffff",
            "-1",
            "7",
            "-",
            "?",
        ),
        *(
            "unknown",
            "UNKNOWN",
            "<unknown>",
            "N/A",
            "n.a.",
            "None",
            "(null)",
            "Not Available",
            "NOT_SET",
            "TBD",
            "No Serial Number",
        ),
        *("serial_number", "S/N", "S/N:", "SN: unknown", "Serial Number: 000000", "To be filled by O.E.M.", "Default string"),
        *("12345678", "123456789", "1234567890", "0123456789", "123456789012", "ABCDEFGHIJ", "unbekannt", "不明", ""),
    ],
)
def test_a_filler_is_no_serial_number(filler: str) -> None:
    assert values.serial(filler) == ""


@pytest.mark.parametrize(
    "number",
    [
        *(
            "AC00042",
            "00000001",
            "20040201",
            "XXXX0",
            "7562029401523-96-0",
            "UNKNOWN7",
            "NONE1",
            "NA123456",
            "SN1000",
            "TEST01",
        ),
        *(
            "123456",
            "1234567",
            "12345679",
            "123456780",
            "23456789",
            "98765432",
            "12121212",
            "ABC12345",
            "BCDEFGHI",
            "1000000000",
        ),
    ],
)
def test_odd_serial_numbers_are_kept(number: str) -> None:
    assert values.serial(number) == number


@pytest.mark.parametrize(
    "labelled", ["SN:AC00042", "S/N: AC00042", "Serial Number: AC00042", "serial no.: AC00042", "S/N#AC00042"]
)
def test_a_label_is_no_part_of_a_serial_number(labelled: str) -> None:
    """Or the same printer would be two."""
    assert values.serial(labelled) == "AC00042"


@given(st.integers(1, 10**12), st.text("ABCDEFGHJKLMNPRSTUVWYZ", min_size=2, max_size=5))
def test_a_number_of_letters_and_digits_is_never_refused(digits: int, letters: str) -> None:
    assert values.serial(f"{letters}{digits}") == f"{letters}{digits}"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", ()),
        (b"\x00", ()),
        (b"\x20", ("lowToner",)),
        (b"\x80\x00", ("lowPaper",)),
        (b"\x01\x01", ("serviceRequested",)),
        (b"\x14\x0a", ("noToner", "jammed", "outputFull", "overduePreventMaint")),
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
