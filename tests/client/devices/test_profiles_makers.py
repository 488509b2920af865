"""Makers' profiles: what their private trees say becomes meters of one grammar, and the traps in those trees are avoided."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from devices_kit import NOON, PROFILES, Mib, a_printer, read

from meterpost import pwg
from meterpost.devices.reading import profile, remembered, repeat
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import hold_at_once
from meterpost.devices.snmp.session import Abilities, Session
from meterpost.model import Reading
from meterpost.recording import Value, dotted, oid

ENTERPRISES = {  # whose trees a profile may read; beside its own those of the makers that build some of its devices
    "canon": {1602},
    "epson": {1248},
    "fujifilm": {297, 46346, 253},
    "hp": {11},
    "konicaminolta": {18334},
    "kyocera": {1347},
    "lexmark": {641},
    "oki": {2001, 1129},
    "pantum": {40093},
    "ricoh": {367},
    "samsung": {236},
    "sharp": {2385},
    "toshiba": {1129},
    "xerox": {253, 236},
}
MAKERS = sorted(ENTERPRISES)

GRAMMAR = re.compile(
    r"(impressions|sheets|images|pages)"
    r"(\.(black|color|anycolor|fullcolor|singlecolor|twocolor|blank))?"
    r"(\.(printed|copied|faxed|other|stored\.printed|stored|fed|originals|scanned(\.(copy|fax))?"
    r"|sent(\.(network|email|fax|internetfax|serverfax))?))?"
    r"(\.(large|small|extralarge))?"
    r"(\.(twosided|onesided))?|duplex"
)

XCMI = "1.3.6.1.4.1.253.8.53.13.2.1"
RICOH = "1.3.6.1.4.1.367.3.2.1.2.19"
PAPERS = "1.3.6.1.4.1.1347.42.2.1.1.1"
FUNCTIONS = "1.3.6.1.4.1.1347.42.3.1"
MPS = "1.3.6.1.4.1.641.6.4.2.1.1"
JOBS = "1.3.6.1.4.1.236.11.5.11.53.11.2.1"
CANON = "1.3.6.1.4.1.1602.1.11"
BIZHUB = "1.3.6.1.4.1.18334.1.1.1.5.7.2"
SHARP = "1.3.6.1.4.1.2385.1.1.19.2.1"
STUDIO = "1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1"
LASERJET = "1.3.6.1.4.1.11.2.3.9.4.2.1"
BUSINESS_INK = "1.3.6.1.4.1.1248.1.2.2.27"

Rows = Mapping[str, Value]


def device(maker: str, rows: Rows, descr: bytes = b"a printer", enterprise: int | None = None) -> Mib:
    own = enterprise or next(m.prefix[6] for m in profile_of(maker).matches)
    return a_printer({"1.3.6.1.2.1.1.1.0": descr, "1.3.6.1.2.1.1.2.0": oid(f"1.3.6.1.4.1.{own}.1.1"), **rows})


def profile_of(maker: str) -> profile.Profile:
    return next(entry for entry in PROFILES if entry.name == maker)


def makers_own(reading: Reading) -> dict[str, int]:
    return {meter.name: meter.value for meter in reading.meters if not meter.name.startswith("life.")}


def columns(value: str, key: str, *rows: tuple[str, Value, Value]) -> dict[str, Value]:
    """A table of (instance, key, value); None is no such object."""
    found = {f"{column}.{row}": cell for row, label, count in rows for column, cell in ((key, label), (value, count))}
    return {name: cell for name, cell in found.items() if cell is not None}


CASES: dict[str, tuple[str, Rows, dict[str, int]]] = {
    "xerox, copier 103": (
        "xerox",
        columns(
            f"{XCMI}.6",
            f"{XCMI}.8",
            ("1.20.1", b"Total Impressions", 1000),
            ("1.20.2", b"Power On Impressions", 17),
            ("1.20.34", b"Black Impressions ", 800),
            ("1.20.33", b"  color   IMPRESSIONS", 200),
            ("1.20.47", b"Large Impressions", 44),
            ("1.20.39", b"2 Sided Sheets", 70),
            ("1.20.200", b"A4 Equivalent Impressions", 1044),
            ("102.20.12", b"E-mail Images Sent", 12),
            ("103.20.3", b"Black Copied Impressions", 55),
            ("104.20.14", b"Faxed Impressions", 5),
            ("1.30.1", b"Total Impressions", 1),  # a row of another type
        ),
        {
            "impressions": 1000,
            "impressions.black": 800,
            "impressions.color": 200,
            "impressions.large": 44,
            "sheets.twosided": 70,
            "pages": 1044,
            "images.sent.email": 12,
            "impressions.black.copied": 55,
            "impressions.faxed": 5,
        },
    ),
    "xerox, copier 11": (
        "xerox",
        columns(
            f"{XCMI}.6",
            f"{XCMI}.8",
            ("1.20.1", b"Total Impressions", 1000),
            ("10.20.11", b"Network Scanning Images Sent", 31),
            ("11.20.3", b"Black Copied Impressions", 56),
            ("11.20.25", b"Color Copied Impressions", -1),
        ),
        {"impressions": 1000, "images.sent.network": 31, "impressions.black.copied": 56},
    ),
    "xerox, no labels": (
        "xerox",
        {f"{XCMI}.6.1.20.1": 13755, f"{XCMI}.6.1.20.34": 4086, f"{XCMI}.6.1.20.2": 9, f"{XCMI}.6.103.20.25": 1394},
        {"impressions": 13755, "impressions.black": 4086, "impressions.color.copied": 1394},
    ),
    "fujifilm": (
        "fujifilm",
        {f"{XCMI}.6.1.20.33": 7, f"{XCMI}.6.1.20.7": 5, f"{XCMI}.6.1.20.43": b"Color Large Impressions"},
        {"impressions.color": 7, "impressions.black.printed": 5},
    ),
    "ricoh": (
        "ricoh",
        {f"{RICOH}.3.0": 9}
        | columns(
            f"{RICOH}.5.1.9",
            f"{RICOH}.5.1.2",
            ("1", 10, 100),
            ("2", 401, 60),
            ("3", 403, 20),
            ("4", 402, 3),
            ("5", 609, 75),
            ("6", 608, 25),
            ("7", 700, 11),
            ("8", 701, -1),
            ("9", 870, 40),
            ("10", 874, 30),
            ("11", 852, 2),
        ),
        {
            "impressions": 100,
            "impressions.faxed": 9,
            "impressions.black.printed": 60,
            "impressions.fullcolor.printed": 20,
            "impressions.black": 75,
            "impressions.anycolor": 25,
            "impressions.large": 11,
            "images.sent": 40,
        },
    ),
    "ricoh, the same rows elsewhere, newer types": (
        "ricoh",
        columns(
            f"{RICOH}.5.1.9",
            f"{RICOH}.5.1.2",
            ("1", 811, 8),
            ("2", 800, 100),
            ("3", 841, 50),
            ("9", 820, 20),
            ("10", None, 7),
        ),
        {
            "impressions": 100,
            "impressions.black.copied": 8,
            "impressions.fullcolor.printed": 20,
            "impressions.twosided": 50,
        },
    ),
    "kyocera": (
        "kyocera",
        {
            "1.3.6.1.4.1.1347.43.10.1.1.12.1.1": 600,
            f"{FUNCTIONS}.1.1.1.1": 400,
            f"{FUNCTIONS}.1.1.1.2": 200,
            f"{FUNCTIONS}.2.1.1.1.3": 120,
            f"{FUNCTIONS}.3.1.1.2": 90,
            f"{FUNCTIONS}.4.1.1.1": 33,
            "1.3.6.1.4.1.1347.42.2.5.1.1.2.1": 46,
            f"{PAPERS}.6.1.1": 500,
            f"{PAPERS}.7.1.1": 450,
            f"{PAPERS}.8.1.1": 50,
            f"{PAPERS}.2.1.1": b"A4",
            f"{PAPERS}.6.1.2": 30,
            f"{PAPERS}.7.1.2": 20,
            f"{PAPERS}.2.1.2": b"ledger ",
            f"{PAPERS}.6.1.7": 7,
            f"{PAPERS}.7.1.7": -1,
            f"{PAPERS}.2.1.7": b"A3",
        },
        {
            "impressions": 600,
            "impressions.printed": 400,
            "impressions.copied": 200,
            "impressions.fullcolor.printed": 120,
            "images.scanned.copy": 90,
            "images.scanned": 33,
            "impressions.twosided": 46,
            "impressions.large": 37,
        },
    ),
    "lexmark": (
        "lexmark",
        {"1.3.6.1.4.1.641.2.1.5.1.0": 1001, "1.3.6.1.4.1.641.2.1.5.2.0": 2}
        | columns(
            f"{MPS}.4",
            f"{MPS}.2",
            ("1.1", 1, 1005),  # picked, not all of it printed
            ("1.2", 2, 1000),
            ("1.3", 3, 900),
            ("1.4", 4, 100),
            ("1.8", 18, 90),
            ("1.11", 32, 70),
            ("1.15", 48, 3),
            ("1.30", 132, 260),
        ),
        {
            "impressions": 1000,
            "impressions.black": 900,
            "impressions.color": 100,
            "impressions.color.printed": 90,
            "impressions.copied": 70,
            "impressions.faxed": 3,
            "images.scanned": 260,
        },
    ),
    "lexmark, older": (
        "lexmark",
        {"1.3.6.1.4.1.641.2.1.5.1.0": 1001, "1.3.6.1.4.1.641.2.1.5.3.0": 1},
        {"impressions": 1001, "impressions.color": 1},
    ),
    "samsung": (
        "samsung",
        columns(
            f"{JOBS}.7",
            f"{JOBS}.2",
            ("1", 1, 20),
            ("2", 1, 15),
            ("3", 1, 59286),
            ("4", 2, 535),
            ("5", 2, 0),
            ("6", 6, 33),
            ("7", 5, 760),
            ("8", 11, 4),
            ("9", 21, 99),  # local storage, whatever it counts
        ),
        {
            "impressions.printed": 59321,
            "impressions.copied": 535,
            "impressions.other": 33,
            "images.scanned": 760,
            "images.sent": 4,
        },
    ),
    "canon, codes of the panel": (
        "canon",
        {
            f"{CANON}.1.4.1.4.101": 900,
            f"{CANON}.1.4.1.3.101": b"Total 1",
            f"{CANON}.1.4.1.2.101": b"Total 1",
            f"{CANON}.1.4.1.4.112": 90,
            f"{CANON}.1.4.1.4.113": 600,
            f"{CANON}.1.4.1.4.114": 250,
            f"{CANON}.1.4.1.4.123": b"Total (Full Color + Single Color/Small)",
            f"{CANON}.1.4.1.4.201": 100,
            f"{CANON}.1.4.1.4.501": 77,
            f"{CANON}.1.4.1.4.999": 5,
        },
        {
            "impressions": 900,
            "impressions.black.large": 90,
            "impressions.black.small": 600,
            "duplex": 250,
            "impressions.copied": 100,
            "images.scanned": 77,
        },
    ),
    "canon, the other table": ("canon", {f"{CANON}.1.3.1.4.301": 12}, {"impressions.printed": 12}),
    "canon, labelled rows": (
        "canon",
        columns(
            f"{CANON}.2.1.1.3",
            f"{CANON}.2.1.1.2",
            ("1", b"Total 1", 9026),
            ("4", b"Total (Small)", 9000),
            ("9", b"Total (Black/Small)", 8000),
            ("13", b"Total (Full Color + Single Color/Small)", 1000),
            ("17", b"Copy (Total 1)", 354),
            ("25", "Imprimir (总数)".encode(), 8672),
            ("30", b"Scan (Total 1)", 50),
        ),
        {
            "impressions": 9026,
            "impressions.small": 9000,
            "impressions.black.small": 8000,
            "impressions.color.small": 1000,
            "impressions.copied": 354,
            "images.scanned": 50,
        },
    ),
    "konica minolta": (
        "konicaminolta",
        {
            f"{BIZHUB}.1.1.0": 500,
            f"{BIZHUB}.1.3.0": 120,
            f"{BIZHUB}.1.5.0": 60,
            f"{BIZHUB}.2.1.5.1.1": 100,
            f"{BIZHUB}.2.1.5.2.2": 300,
            f"{BIZHUB}.2.1.5.4.1": -1,
            f"{BIZHUB}.2.1.7.1.2": 9,
            f"{BIZHUB}.3.1.6.1": 4,
        },
        {
            "impressions": 500,
            "duplex": 120,
            "images.scanned": 60,
            "impressions.black.copied": 100,
            "impressions.fullcolor.printed": 300,
            "impressions.black.printed.large": 9,
            "images.scanned.large": 4,
        },
    ),
    "sharp": (
        "sharp",
        columns(
            f"{SHARP}.3",
            f"{SHARP}.4",
            ("1.4.60", b"Prints", 82214),
            ("5.4.61", b"Black & White  Total Count\0", 91164),
            ("5.4.63", b"FULL COLOR TOTAL COUNT", 29940),
            ("7.4.51", b"Black & White Scanner Count", 6170),
            ("8.4.50", b"Scan to HDD", 6),
            ("8.4.60", b"Prints (Document Filing)", 2),
            ("9.9.99", b"Something New", 1),
        ),
        {
            "impressions.printed": 82214,
            "impressions.black": 91164,
            "impressions.fullcolor": 29940,
            "images.black.sent": 6170,
            "images.stored": 6,
            "impressions.stored.printed": 2,
        },
    ),
    "toshiba": (
        "toshiba",
        {
            f"{STUDIO}.2.1.4": 300,
            f"{STUDIO}.2.1.1": 100,
            f"{STUDIO}.2.1.2": 5,
            f"{STUDIO}.3.1.3": 150,
            f"{STUDIO}.4.1.4": 50,
            f"{STUDIO}.207.1.4": 20,
            f"{STUDIO}.208.1.4": 280,
        },
        {
            "impressions": 300,
            "impressions.fullcolor": 100,
            "impressions.black.printed": 150,
            "impressions.copied": 50,
            "impressions.large": 20,
        },
    ),
    "oki, built by Toshiba": ("oki", {f"{STUDIO}.2.1.3": 40}, {"impressions.black": 40}),
    "oki": (
        "oki",
        {"1.3.6.1.4.1.2001.1.1.1.1.100.1.1.1.3.1": 70, "1.3.6.1.4.1.2001.1.1.1.1.11.1.10.170.1.7.1": 60},
        {"impressions": 70},
    ),
    "hp": (
        "hp",
        {
            f"{LASERJET}.4.1.2.5.0": 100,
            f"{LASERJET}.4.1.2.7.0": -2,
            f"{LASERJET}.4.1.2.22.0": 9,
            f"{LASERJET}.1.16.1.20.1.2.0": 120,
            f"{LASERJET}.2.2.1.20.0": 30,
        },
        {"impressions": 100, "sheets.twosided": 9, "pages.black": 120, "images.fed": 30},
    ),
    "epson": (
        "epson",
        {
            f"{BUSINESS_INK}.1.1.3.1.1": 39797,
            f"{BUSINESS_INK}.1.1.4.1.1": 41766,
            f"{BUSINESS_INK}.1.1.30.1.1": 5,
            f"{BUSINESS_INK}.6.1.4.1.1.1": 49053,
            f"{BUSINESS_INK}.6.1.4.1.1.2": 32474,
        },
        {"impressions.black": 39797, "impressions.color": 41766, "impressions.printed": 49053},
    ),
    "pantum": ("pantum", {"1.3.6.1.4.1.40093.10.3.1.1": 8}, {"impressions": 8}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_makers_tree_says_becomes_meters(case: str) -> None:
    maker, rows, expected = CASES[case]
    reading = read(device(maker, rows))
    assert reading.profile == maker
    assert makers_own(reading) == expected
    summed = {dotted(table.value) for table in profile_of(maker).tables if table.sum}
    assert {meter.oid for meter in reading.meters if meter.name in expected} <= rows.keys() | summed


def visit(maker: str, mib: Mib, known: remembered.Remembered | None, hours: int) -> tuple[Reading, remembered.Remembered]:
    """The reading of a visit, and what is remembered of it."""
    agent, session, entry = MemoryAgent(mib), Session(Abilities(True)), profile_of(maker)
    talk = repeat.visit(session, PROFILES, known, NOON + timedelta(hours=hours))
    facts, anew = hold_at_once(talk, agent.answer)
    assert anew is (known is None)
    kept = remembered.Remembered("AC00042", 0, session.abilities, NOON, f"{entry.name} {entry.version}", facts)
    return interpret(facts, PROFILES, "10.1.2.3", 161, NOON), kept


@pytest.mark.parametrize("case", CASES)
def test_a_further_visit_reads_the_same_and_sees_what_moved(case: str) -> None:
    maker, rows, _ = CASES[case]
    first, known = visit(maker, device(maker, rows), None, 0)
    again, _ = visit(maker, device(maker, rows), known, 1)
    assert again == first
    moved = {meter.oid: meter.value + 1 for meter in first.meters if meter.oid in rows}
    later, _ = visit(maker, device(maker, {**rows, **moved}), known, 2)
    assert [meter.value for meter in later.meters] == [moved.get(meter.oid, meter.value) for meter in first.meters]


def test_a_part_of_a_sum_is_not_the_sum() -> None:
    rows = columns(f"{JOBS}.7", f"{JOBS}.2", ("1", 1, 20), ("2", 1, None), ("3", 2, 5), ("4", 2, -1), ("5", 5, 7))
    assert makers_own(read(device("samsung", rows))) == {"images.scanned": 7}


@pytest.mark.parametrize(("skipped", "serial"), [(b"\x01\x15", "CNX1234567"), (b"", "X1234567")])
def test_hp_texts_have_a_symbol_set_in_front(skipped: bytes, serial: str) -> None:
    own = {f"{LASERJET}.1.3.3.0": skipped + b"CNX1234567", "1.3.6.1.2.1.43.5.1.1.17.1": None}
    assert read(device("hp", own)).serial == serial


@pytest.mark.parametrize(
    ("maker", "enterprise"),
    [("fujifilm", 297), ("fujifilm", 46346), ("xerox", 253), ("oki", 2001), ("toshiba", 1129), ("pantum", 40093)],
)
def test_a_maker_is_known_by_its_enterprises(maker: str, enterprise: int) -> None:
    assert read(device(maker, {}, enterprise=enterprise)).profile == maker


@pytest.mark.parametrize(
    ("maker", "descr", "brand"),
    [
        ("ricoh", "NRG MP C2550 1.14 / NRG Network Printer C model", "NRG"),
        ("ricoh", "SAVIN 9922DP 1.4.9 / RICOH Network Printer C model", "SAVIN"),
        ("ricoh", "LANIER LD335c 1.27 / LANIER Network Printer C model", "LANIER"),
        ("ricoh", "Gestetner MPC2500/DSc525 1.71 / Gestetner Network Printer C model", "Gestetner"),
        ("ricoh", "RICOH Aficio MP C3002 2.20 / RICOH Network Printer C model", ""),
        ("kyocera", "UTAX_TA Printing System", "UTAX"),
        ("kyocera", "KYOCERA Document Solutions Printing System", ""),
        ("konicaminolta", "Develop ineo+ 280", "Develop"),
        ("konicaminolta", "KONICA MINOLTA bizhub C3110", ""),
        ("lexmark", "TOSHIBA e-STUDIO305CS version NH63.GM.N639", "TOSHIBA"),
        ("lexmark", "Lexmark X792 version NH.HS2.N216", ""),
    ],
)
def test_a_brand_under_which_a_makers_devices_are_sold(maker: str, descr: str, brand: str) -> None:
    reading = read(device(maker, {}, descr.encode()))
    assert (reading.profile, reading.manufacturer) == (maker, brand or profile_of(maker).manufacturer)


def all_meters(entry: profile.Profile) -> dict[str, set[str]]:
    """name -> units."""
    found: dict[str, set[str]] = {}
    for meter in entry.meters:
        found.setdefault(meter.name, set()).add(meter.unit)
    for table in entry.tables:
        for name in table.rows.values():
            found.setdefault(name, set()).add(table.units.get(name, table.unit))
    return found


@pytest.mark.parametrize("maker", MAKERS)
def test_every_meter_has_a_name_of_the_grammar_one_unit_and_a_pwg_counter(maker: str) -> None:
    for name, units in all_meters(profile_of(maker)).items():
        assert GRAMMAR.fullmatch(name), name
        assert units == {"unknown" if name == "duplex" else name.partition(".")[0]}, name
        assert pwg.counter(name), name


@pytest.mark.parametrize("maker", MAKERS)
def test_a_profile_reads_its_makers_tree_and_the_standards(maker: str) -> None:
    entry, private = profile_of(maker), oid("1.3.6.1.4.1")
    texts = (*entry.serial, *entry.model, *entry.maker, *entry.firmware)
    names = [rule.oid for rule in (*texts, *entry.meters)] + [
        name for table in entry.tables for name in (table.value, table.key)
    ]
    trees = {name[len(private)] for name in names if name[: len(private)] == private}
    assert trees <= ENTERPRISES[maker]
    assert {name[:6] for name in names} <= {private, oid("1.3.6.1.2.1")}
    assert {match.prefix[len(private)] for match in entry.matches} <= ENTERPRISES[maker]


@pytest.mark.parametrize("maker", MAKERS)
def test_no_object_has_two_meanings(maker: str) -> None:
    entry = profile_of(maker)
    objects = [meter.oid for meter in entry.meters]
    assert len(objects) == len(set(objects))
    assert all(meter.label for meter in entry.meters)
    for table in entry.tables:
        assert table.units.keys() <= set(table.rows.values())


def test_one_meaning_has_one_name_at_every_maker() -> None:
    """What several makers, or several tables of one, call alike is called alike. Labels of papers are no counters' names."""
    called: dict[str, set[str]] = {}
    for entry in map(profile_of, MAKERS):
        labels = [(meter.label, meter.name) for meter in entry.meters]
        for table in entry.tables:
            labels += [(table.labels[key], name) for key, name in table.rows.items() if not table.sum]
        for label, name in labels:
            plain = "".join(filter(str.isalnum, re.sub(r"^\d+ ", "", label).casefold()))  # without Canon's code
            called.setdefault(plain, set()).add(name)
    assert {label: names for label, names in called.items() if len(names) > 1} == {
        "duplex": {"duplex", "impressions.twosided"},  # Kyocera's counts sides, what Sharp's does nobody says
    }


def test_the_example_for_users_is_a_profile_that_reads() -> None:
    text = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")
    example, table = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    rows = {f"1.3.6.1.4.1.32473.7.{place}.0": place for place in (1, 2, 9)}
    rows |= columns("1.3.6.1.4.1.32473.8.1.3", "1.3.6.1.4.1.32473.8.1.2", ("5", b"BLACK copies ", 50), ("6", 17, 60))
    mib = a_printer({"1.3.6.1.2.1.1.1.0": b"Example LaserFox 9", "1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.32473.1"), **rows})
    reading = read(mib, profiles=profile.Profiles((*PROFILES, profile.parse(example + table, "example"))))
    assert (reading.profile, reading.profile_version, reading.manufacturer) == ("example", "2026-11", "Example")
    assert makers_own(reading) == {
        "impressions": 1,
        "impressions.color": 2,
        "images.scanned": 9,
        "impressions.black.copied": 50,
        "impressions.faxed": 60,
    }
