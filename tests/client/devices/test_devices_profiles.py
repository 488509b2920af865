"""Profiles are data: every built-in one is sound, the loader is strict, and the best match is chosen."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from devices_kit import NOON, PROFILES, Mib, a_printer, read
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.reading import contact, profile, repeat
from meterpost.devices.reading.contact import first_contact
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.reading.packed import numbers
from meterpost.devices.reading.profile import METER_NAME, Profiles, load, parse
from meterpost.devices.reading.remembered import Remembered
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus, Kind, Request, hold_at_once
from meterpost.devices.snmp.session import Abilities, Session
from meterpost.errors import SettingsError
from meterpost.model import Supply, SupplyState
from meterpost.recording import Value, oid

MAKERS = {
    *("xerox", "hp", "brother", "kyocera", "lexmark", "ricoh", "canon", "konicaminolta", "epson", "sharp", "samsung"),
    *("oki", "toshiba", "dell", "fujifilm", "zebra"),
}
MINIMAL = 'version = "1"\n'
METER = '[[meter]]\nname = "x"\nunit = "x"\noid = "1.3"\n'
TABLE = '[[table]]\nvalue = "1.3.1"\nkey = "1.3.2"\nunit = "x"\nrows = { "1" = "x" }\n'
ACME = MINIMAL + 'manufacturer = "ACME"\nmatch = [{ sys_object_id = "1.3.6.1.4.1.32473" }]\n'
TREE = "1.3.6.1.4.1.32473"


def with_profiles(*extra: profile.Profile) -> Profiles:
    return Profiles((*load(), *extra))


def test_the_usual_makers_and_the_generic_profile_are_there() -> None:
    assert {entry.name for entry in load()} >= MAKERS | {"generic"}


@pytest.mark.parametrize("entry", list(load()), ids=lambda entry: entry.name)
def test_a_built_in_profile_is_sound(entry: profile.Profile) -> None:
    assert entry.version
    assert entry.name == "generic" or (entry.manufacturer and entry.matches)
    units: dict[str, str] = {}
    for name, unit in (
        *((meter.name, meter.unit) for meter in entry.meters),
        *((name, rule.units.get(name, rule.unit)) for rule in (*entry.tables, *entry.blobs) for name in rule.rows.values()),
    ):
        assert METER_NAME.fullmatch(name)
        assert not name.startswith("life."), "life counts are the Printer MIB's"
        assert units.setdefault(name, unit) == unit, f"{name} has two units"
        assert name.split(".")[0] in (unit, "duplex", "length")
    for rule in (*entry.tables, *entry.blobs):
        assert rule.units.keys() <= set(rule.rows.values())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "version is missing"),
        ("version = 1", "version = 1 is not a str"),
        ("version =", "profile acme"),
        (MINIMAL + "colour = 1", "unknown key 'colour'"),
        (MINIMAL + METER + "colour = 2", "meter 1: unknown key 'colour'"),
        (MINIMAL + METER + "scale = 0", "meter 1: scale = 0 is not between 1 and 1000000"),
        (MINIMAL + METER + 'scale = "2"', "scale = '2' is not a int"),
        (MINIMAL + METER + 'pattern = "("', "pattern = '\\('"),
        (MINIMAL + METER + "pattern = '[0-9]+'", "pattern = .* put brackets round what is read"),
        (MINIMAL + 'serial = [{ oid = "1.3", pattern = "x" }]', "serial 1: pattern = 'x': put brackets"),
        (MINIMAL + METER + "label = 5", "label = 5 is not a str"),
        (MINIMAL + TABLE + 'labels = { "2" = "Copy" }', "table 1: labels has a key that rows has not"),
        (MINIMAL + TABLE + "labels = { 1 = 5 }", "labels is not a table of texts"),
        (MINIMAL + TABLE + "expect = 401", "expect = 401 is not between 1 and 400"),
        (MINIMAL + TABLE + "units = { x = 1 }", "units is not a table of texts"),
        (MINIMAL + '[[blob]]\noid = "1.3"\nunit = "x"\nrows = { "0" = "x" }', "blob 1: '0' is not a tag"),
        (MINIMAL + '[[blob]]\noid = "1.3"\nunit = "x"\nrows = { "00" = "X" }', "blob 1: 'X' is not the name of a meter"),
        (MINIMAL + '[[supply]]\nvalue = "1.3"\nunit = "percent"', "supply 1: rows is missing"),
        (MINIMAL + '[[supply]]\nvalue = "1.3"\nkey = "1.4"\nunit = "much"', "supply 1: unit = 'much' is not a unit"),
        (MINIMAL + '[[supply]]\nvalue = "1.3"\nunit = "percent"\nrows = { "zz" = "x" }', "supply 1: 'zz' is not a tag"),
        (MINIMAL + "[quirks]\nslow = true", "quirks: unknown key 'slow'"),
        (MINIMAL + "[quirks]\nnames = 0", "quirks: names = 0 is not between 1 and 32"),
        (MINIMAL + "quirks = 5", "quirks = 5 is not a dict"),
        (MINIMAL + '[[meter]]\nname = "Total"\nunit = "x"\noid = "1.3"', "'Total' is not the name of a meter"),
        (MINIMAL + f'[[meter]]\nname = "{"a" * 41}"\nunit = "x"\noid = "1.3"', "is not the name of a meter"),
        (MINIMAL + '[[meter]]\nname = "x"\nunit = "x"\noid = "1.x"', "'1.x' is not an object identifier"),
        (MINIMAL + "meter = 5", "meter = 5 is not a list"),
        (MINIMAL + "meter = [5]", "meter is not a list"),
        (MINIMAL + 'match = [{ sys_object_id = "1.3", sys_descr = "(" }]', "sys_descr = '\\('"),
        (MINIMAL + 'match = [{ sys_object_id = "1.3", priority = true }]', "priority = True is not a int"),
        (MINIMAL + 'serial = [{ oid = "1.3", skip = "2" }]', "skip = '2' is not a int"),
    ],
)
def test_the_loader_is_strict_and_names_the_place(content: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        parse(content, "acme")
    assert "profile acme" in str(caught.value)


def test_the_generic_profile_is_for_whom_there_is_no_other() -> None:
    assert load().choose(oid("1.3.6.1.4.1.99999"), "Somebody's").name == "generic"
    assert load().choose((), "").name == "generic"


def test_the_longer_prefix_wins_then_the_pattern_and_priority_over_both() -> None:
    family = parse(MINIMAL + 'match = [{ sys_object_id = "1.3.6.1.4.1.253.8" }]', "family")
    model = parse(MINIMAL + 'match = [{ sys_object_id = "1.3.6.1.4.1.253.8", sys_descr = "altalink" }]', "model")
    rebadged = parse(MINIMAL + 'match = [{ sys_object_id = "1.3", sys_descr = "rebadged", priority = 1 }]', "rebadged")
    profiles = with_profiles(family, model, rebadged)
    assert profiles.choose(oid("1.3.6.1.4.1.253.9"), "AltaLink").name == "xerox"
    assert profiles.choose(oid("1.3.6.1.4.1.253.8.1"), "Phaser").name == "family"
    assert profiles.choose(oid("1.3.6.1.4.1.253.8.1"), "Xerox AltaLink C8045").name == "model"
    assert profiles.choose(oid("1.3.6.1.4.1.253.8.1"), "Rebadged AltaLink").name == "rebadged"


def test_the_choice_is_kept_and_still_the_best() -> None:
    profiles = load()
    for number in range(2500):  # more than are kept
        assert profiles.choose(oid(f"1.3.6.1.4.1.253.{number}"), "").name == "xerox"
        assert profiles.choose(oid("1.3.6.1.4.1.11.2"), "").name == "hp"


def test_a_prefix_ends_at_a_whole_number() -> None:
    assert load().choose(oid("1.3.6.1.4.1.2531"), "").name == "generic"


def test_a_users_folder_adds_profiles_and_replaces_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(
        'version = "2026-11"\nmanufacturer = "ACME"\nmatch = [{ sys_object_id = "1.3.6.1.4.1.32473" }]\n'
        '[[meter]]\nname = "impressions"\nunit = "impressions"\noid = "1.3.6.1.4.1.32473.7.0"\n'
    )
    (tmp_path / "xerox.toml").write_text('version = "mine"\nmatch = [{ sys_object_id = "1.3.6.1.4.1.253" }]')
    (tmp_path / "README.md").write_text("not a profile")
    profiles = load([tmp_path])
    assert profiles.choose(oid("1.3.6.1.4.1.253"), "").version == "mine"
    reading = read(a_printer({"1.3.6.1.4.1.32473.7.0": 99}), profiles=profiles)
    assert (reading.manufacturer, reading.profile, reading.profile_version) == ("ACME", "acme", "2026-11")
    assert reading.meter("impressions") == 99


def test_a_bad_profile_folder_or_file_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no profile folder"):
        load([tmp_path / "missing"])
    (tmp_path / "acme.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"acme\.toml cannot be read"):
        load([tmp_path])
    (tmp_path / "acme.toml").write_bytes(b"#" * 200_000)
    with pytest.raises(SettingsError, match="larger than"):
        load([tmp_path])


def test_xerox_counters_are_named_by_their_labels_wherever_the_device_numbers_them() -> None:
    value, label = "1.3.6.1.4.1.253.8.53.13.2.1.6", "1.3.6.1.4.1.253.8.53.13.2.1.8"
    rows = {
        "1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.253.8.62.1.35"),
        f"{value}.1.20.1": 1000,
        f"{label}.1.20.1": b"Total Impressions",
        f"{value}.1.20.34": 800,
        f"{label}.1.20.34": b"Black Impressions ",  # the maker's blank
        f"{value}.11.20.3": 55,
        f"{label}.11.20.3": b"Black Copied Impressions",
        f"{value}.103.20.3": 66,
        f"{label}.103.20.3": b"Something Else",
        f"{label}.1.20.33": b"Color Impressions",  # a label without its value is no counter
    }
    reading = read(a_printer(rows))
    assert {meter.name: meter.value for meter in reading.meters if meter.name != "life.impressions"} == {
        "impressions": 1000,
        "impressions.black": 800,
        "impressions.black.copied": 55,
    }
    assert next(m.oid for m in reading.meters if m.name == "impressions.black.copied") == f"{value}.11.20.3"


def test_kyocera_large_impressions_are_the_large_papers_by_name() -> None:
    table = "1.3.6.1.4.1.1347.42.2.1.1.1"
    rows = {"1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.1347.41")}
    for row, (name, count) in enumerate([(b"A4", 500), (b"Ledger", 30), (b"A3", 7), (b"Letter", 9)], 1):
        rows |= {f"{table}.2.1.{row}": name, f"{table}.6.1.{row}": count}
    reading = read(a_printer(rows))
    assert reading.meter("impressions.large") == 37
    assert reading.meter("impressions.color.large") is None
    del rows[f"{table}.6.1.3"]
    assert read(a_printer(rows)).meter("impressions.large") is None, "a part of a sum is not the sum"


def test_nothing_is_added_up_over_a_table_that_breaks_off() -> None:
    table = "1.3.6.1.4.1.1347.42.2.1.1.1"
    rows = {"1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.1347.41")}
    for row, name in enumerate([b"A3", b"B4"], 1):
        rows |= {f"{table}.2.1.{row}": name, f"{table}.6.1.{row}": 10, f"{table}.7.1.{row}": 1}

    class BreaksOff(MemoryAgent):
        """Has an error instead of the second row of the total column."""

        def answer(self, request: Request) -> Answer:
            if request.kind is Kind.GET_BULK:
                return Answer(status=ErrorStatus.GEN_ERR)
            broken = oid(f"{table}.6.1.1") in request.names
            return Answer(status=ErrorStatus.GEN_ERR, index=1) if broken else super().answer(request)

    facts = hold_at_once(first_contact(Session(Abilities(True)), PROFILES), BreaksOff(a_printer(rows)).answer)
    reading = interpret(facts, PROFILES, "10.1.2.3", 161, NOON)
    assert reading.meter("impressions.large") is None
    assert reading.meter("impressions.black.large") == 2
    assert reading.meter("life.impressions") == 12345


def test_ricoh_rows_are_keyed_by_their_type() -> None:
    table = "1.3.6.1.4.1.367.3.2.1.2.19.5.1"
    rows = {"1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.367.1.1")}
    for row, (kind, count) in enumerate([(400, 70), (10, 100), (200, 30)], 1):
        rows |= {f"{table}.2.{row}": kind, f"{table}.9.{row}": count}
    reading = read(a_printer(rows))
    assert [reading.meter(f"impressions{part}") for part in ("", ".printed", ".copied")] == [100, 70, 30]


def test_hp_strings_lose_their_symbol_set() -> None:
    reading = read(
        a_printer(
            {
                "1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.11.2.3.9.1"),
                "1.3.6.1.2.1.43.5.1.1.17.1": None,
                "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0": b"\x01\x15CNX1234567",
                "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.6.0": b"\x01\x1520260101",
            }
        )
    )
    assert (reading.manufacturer, reading.serial, reading.firmware) == ("HP", "CNX1234567", "20260101")


def test_no_profile_gives_a_meter_twice() -> None:
    for entry in load():
        everything = {meter.oid: 1 for meter in entry.meters}
        if entry.matches:
            rows = a_printer({"1.3.6.1.2.1.1.2.0": entry.matches[0].prefix}) | everything
            names = [meter.name for meter in read(rows).meters]
            assert len(names) == len(set(names))


def test_who_sells_anothers_devices_is_their_maker() -> None:
    rule = f'maker = [{{ oid = "{TREE}.9.0", pattern = "^(SAVIN|LANIER)" }}]\n'
    profiles = with_profiles(parse(ACME.replace("match", rule + "match"), "acme"))
    assert read(at({"9.0": b"LANIER MP 3"}), profiles=profiles).manufacturer == "LANIER"
    assert read(at({"9.0": b"ACME MP 3"}), profiles=profiles).manufacturer == "ACME"
    assert read(at({}), profiles=profiles).manufacturer == "ACME"


def acme(content: str) -> Profiles:
    return with_profiles(parse(ACME + content, "acme"))


def at(rows: Mapping[str, Value]) -> Mib:
    """A printer of ACME's with `rows` in its tree."""
    return a_printer({f"{TREE}.{place}": value for place, value in rows.items()})


@pytest.mark.parametrize(
    ("rule", "value", "count"),
    [
        ("scale = 100", 1234, 12),
        ("scale = 100", 99, 0),
        ("scale = 100", -100, None),
        ("", b"1234", None),
        ("", -1, None),
        ("pattern = '^([0-9]+) INCHES'", b"1920 INCHES, 4876 CENTIMETERS", 1920),
        ("pattern = '^([0-9]+) INCHES'", b"?", None),
        ("pattern = '^([0-9]+) INCHES'", 1920, None),
        ("pattern = '^(.*) INCHES'", b"-5 INCHES", None),
        ("pattern = '^(.*) INCHES'", "٣ INCHES".encode(), None),
        ("pattern = '^(.*) INCHES'", b"9" * 200 + b" INCHES", None),
        ("pattern = '^([0-9]+) cm'\nscale = 100", b"250 cm", 2),
    ],
)
def test_a_counter_is_of_the_type_and_scale_its_mib_says(rule: str, value: Value, count: int | None) -> None:
    profiles = acme(f'[[meter]]\nname = "sheets"\nunit = "sheets"\noid = "{TREE}.7.0"\n{rule}')
    assert read(at({"7.0": value}), profiles=profiles).meter("sheets") == count


def test_a_tables_counters_are_scaled_when_they_are_added_up() -> None:
    profiles = acme(
        f'[[table]]\nvalue = "{TREE}.1"\nkey = "{TREE}.2"\nunit = "sheets"\nscale = 10\nsum = true\n'
        'rows = { "A3" = "sheets.large", "B4" = "sheets.large" }'
    )
    reading = read(at({"1.1": 15, "2.1": b"A3", "1.2": 16, "2.2": b"b4"}), profiles=profiles)
    assert reading.meter("sheets.large") == 3


def packed(*records: tuple[int, int]) -> bytes:
    return b"".join(bytes((tag, 1, 4)) + value.to_bytes(4, "big") for tag, value in records) + b"\xff"


@given(st.dictionaries(st.integers(0, 254), st.integers(0, 2**32 - 1)))
def test_records_are_read_as_they_were_packed(records: dict[int, int]) -> None:
    assert numbers(packed(*records.items())) == records


@given(st.binary(max_size=300))
def test_octets_that_are_anything_are_records_or_nothing(octets: bytes) -> None:
    found = numbers(octets)
    assert len(found) * 7 < max(len(octets), 1)
    assert all(bytes((tag, 1, 4)) + number.to_bytes(4, "big") in octets for tag, number in found.items())


@given(st.dictionaries(st.integers(0, 254), st.integers(0, 2**32 - 1), min_size=1), st.data())
def test_a_part_of_the_records_is_nothing(records: dict[int, int], data: st.DataObject) -> None:
    whole = packed(*records.items())
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert numbers(part) == {} or (len(part) % 7 == 1 and part[-1] == 0xFF)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (packed((0, 5)), {0: 5}),
        (b"\xff", {}),
        (b"", {}),
        (None, {}),
        (5, {}),
        (packed((0, 5)) + b"\xff", {}),  # something behind the end
        (packed((0, 5), (0, 6)), {}),  # two answers
        (packed((0, 5), (0, 5)), {0: 5}),
        (b"\x07\x01\x02\x00\x09" + packed((0, 5)), {0: 5}),  # a number of two octets
        (b"\x07\x02\x04\x00\x00\x00\x09" + packed((0, 5)), {0: 5}),  # no number
        (b"\x00\x01\x04\x00\x00\x00\xff", {}),  # no room for the last octet
        (b"\x00\x01\xff", {}),
        (b"\x00\xff", {}),
        (packed(*[(1, 1)] * 600), {}),  # more than any printer has
    ],
)
def test_packed_numbers_are_read_strictly(value: Value, found: dict[int, int]) -> None:
    assert numbers(value) == found


BROTHER = "1.3.6.1.4.1.2435.2.3.9"
MAINTENANCE, COUNTERS, NEXT_CARE = (f"{BROTHER}.4.2.1.5.5.{place}.0" for place in (8, 10, 11))


def a_brother(extra: Mapping[str, Value]) -> Mib:
    return a_printer({"1.3.6.1.2.1.1.2.0": oid(f"{BROTHER}.1"), **extra})


def test_brothers_packed_counters_are_meters_with_their_tag() -> None:
    reading = read(a_brother({COUNTERS: packed((0, 4939), (2, 3177), (1, 1762), (0x16, 13443), (6, 12))}))
    assert [(meter.name, meter.value, meter.unit, meter.oid) for meter in reading.meters[1:]] == [
        ("impressions", 4939, "impressions", f"{COUNTERS}#00"),
        ("impressions.black", 1762, "impressions", f"{COUNTERS}#01"),
        ("impressions.color", 3177, "impressions", f"{COUNTERS}#02"),
        ("duplex", 12, "unknown", f"{COUNTERS}#06"),
    ]


def test_a_number_of_its_own_goes_before_a_packed_one() -> None:
    reading = read(a_brother({COUNTERS: packed((0, 4939)), f"{BROTHER}.4.2.1.5.5.52.1.1.3.1": 5000}))
    assert reading.meter("impressions") == 5000


SUPPLY = "1.3.6.1.2.1.43.11.1.1"


def level(supply: Supply) -> tuple[int, int, str, int | None, SupplyState]:
    return supply.level, supply.capacity, supply.unit, supply.percent, supply.state


def test_a_packed_level_fills_in_a_state_of_the_printer_mib() -> None:
    rows: dict[str, Value] = {f"{SUPPLY}.9.1.1": -3, MAINTENANCE: packed((0x6F, 7250), (0x41, 8800))}
    toner, waste, drum = read(a_brother(rows)).supplies
    assert (toner.index, toner.description, toner.kind, toner.color) == ("1.1", "Toner TN-9", "toner", "black")
    assert level(toner) == (72, 100, "percent", 72, SupplyState.KNOWN)
    assert (drum.index, drum.description, drum.kind, drum.supply_class) == ("#41", "drum unit", "opc", "consumed")
    assert level(drum) == (88, 100, "percent", 88, SupplyState.KNOWN)
    assert waste.state is SupplyState.SOME_REMAINING, "which nothing was said of"


@pytest.mark.parametrize("said", [2000, 0, -1])
def test_what_the_printer_mib_says_is_never_replaced(said: int) -> None:
    toner, _ = read(a_brother({f"{SUPPLY}.9.1.1": said, MAINTENANCE: packed((0x6F, 7200))})).supplies
    assert toner.level == said


@pytest.mark.parametrize("records", [packed((0x6F, 10100)), packed((0x6F, 2**32 - 3)), packed((0x6F, 7200))[:-1]])
def test_what_is_no_percentage_is_no_level(records: bytes) -> None:
    toner, _ = read(a_brother({f"{SUPPLY}.9.1.1": -3, MAINTENANCE: records})).supplies
    assert toner.state is SupplyState.SOME_REMAINING


def test_a_level_of_another_colour_is_not_taken() -> None:
    toner, _ = read(a_brother({f"{SUPPLY}.9.1.1": -3, MAINTENANCE: packed((0x70, 7200))})).supplies
    assert toner.state is SupplyState.SOME_REMAINING


def test_a_black_and_white_printer_need_not_say_that_its_toner_is_black() -> None:
    rows: dict[str, Value] = {f"{SUPPLY}.9.1.1": -3, "1.3.6.1.2.1.43.12.1.1.4.1.1": None}
    toner, _ = read(a_brother({**rows, MAINTENANCE: packed((0x6F, 7200))})).supplies
    assert (toner.color, toner.level) == ("", 72)
    toner, _ = read(a_brother({**rows, MAINTENANCE: packed((0x6F, 7200), (0x70, 5000))})).supplies
    assert toner.state is SupplyState.SOME_REMAINING, "one of two levels would be a guess"


def test_one_level_is_not_given_to_two_supplies_alike_nor_two_to_one() -> None:
    twins: dict[str, Value] = {f"{SUPPLY}.9.1.1": -3, f"{SUPPLY}.9.1.2": -3, f"{SUPPLY}.5.1.2": 3, f"{SUPPLY}.4.1.2": 3}
    black = {f"{SUPPLY}.3.1.2": 1, MAINTENANCE: packed((0x6F, 7200))}
    assert {supply.state for supply in read(a_brother(twins | black)).supplies} == {SupplyState.SOME_REMAINING}
    one_drum: dict[str, Value] = {
        f"{SUPPLY}.9.1.2": -3,
        f"{SUPPLY}.5.1.2": 9,
        f"{SUPPLY}.6.1.2": b"Drum Unit",
        MAINTENANCE: packed((0x80, 6800), (0x79, 6700)),
    }
    _, drum = read(a_brother(one_drum)).supplies
    assert drum.state is SupplyState.SOME_REMAINING


def test_pages_that_are_left_count_where_there_is_no_percentage() -> None:
    nothing = {name: value for name, value in a_brother({}).items() if name[:7] != oid("1.3.6.1.2.1.43") or name[7] != 11}
    pages = {**nothing, oid(NEXT_CARE): packed((0x82, 7809), (0x73, 45061), (0x86, 0))}
    drum, laser, kit = read(pages).supplies
    assert (drum.description, *level(drum)) == ("drum unit", 7809, -2, "impressions", None, SupplyState.KNOWN)
    assert (laser.description, laser.kind, laser.level) == ("laser unit", "", 45061)
    assert (kit.level, kit.percent) == (0, None)
    both = {**pages, oid(MAINTENANCE): packed((0x41, 8800), (0x6B, 9000))}
    assert [(supply.description, supply.unit, supply.level) for supply in read(both).supplies] == [
        ("drum unit", "percent", 88),
        ("laser unit", "percent", 90),
        ("paper feeding kit MP", "impressions", 0),
    ]


def test_levels_in_a_table_of_the_makers_go_by_its_names() -> None:
    content = f'[[supply]]\nvalue = "{TREE}.5"\nkey = "{TREE}.3"\nunit = "percent"'
    rows = {"3.1": b"black toner", "5.1": 40, "3.2": b"cyan toner", "5.2": 30, "3.3": b"Drum", "5.3": -2, "3.4": b"Fuser"}
    printer = {**at(rows), oid(f"{SUPPLY}.9.1.1"): -3}
    toner, _ = read(printer, profiles=acme(content)).supplies
    assert level(toner)[0] == 40
    named = acme(content + '\nrows = { "BLACK  Toner" = "cyan toner", "fuser" = "fuser unit" }')
    assert read({**printer, oid(f"{TREE}.5.4"): 70}, profiles=named).supplies[-1].description == "fuser unit"


QUIRKS = "[quirks]\nno_bulk = true\nnames = 5\n"


def test_what_a_maker_does_badly_is_not_asked_of_it_once_it_is_known() -> None:
    asked: list[Request] = []
    agent = MemoryAgent(at({}))

    def answer(request: Request) -> Answer:
        asked.append(request)
        return agent.answer(request)

    session = Session(Abilities(True))
    profiles = acme(QUIRKS)
    facts = hold_at_once(first_contact(session, profiles), answer)
    first = next(place for place, request in enumerate(asked) if request.kind is Kind.GET_NEXT)
    assert {request.kind for request in asked[first:]} == {Kind.GET_NEXT}
    assert max(len(request.names) for request in asked[first:]) == 5
    assert session.abilities == Abilities(False, 5)
    assert interpret(facts, profiles, "10.1.2.3", 161, NOON) == read(at({}), profiles=acme(""))


def test_a_weak_agent_is_not_made_stronger_by_its_profile() -> None:
    session = Session(Abilities(True, 3))
    hold_at_once(first_contact(session, acme("[quirks]\nnames = 5\n")), MemoryAgent(at({})).answer)
    assert session.abilities == Abilities(True, 3)


def test_a_table_of_many_rows_takes_fewer_requests_when_they_are_expected() -> None:
    rows = {f"{column}.{row}": row if column == 1 else f"Paper {row}".encode() for column in (1, 2) for row in range(1, 41)}
    content = f'[[table]]\nvalue = "{TREE}.1"\nkey = "{TREE}.2"\nunit = "sheets"\nrows = {{ "Paper 40" = "sheets" }}\n'

    def requests(extra: str) -> int:
        session, profiles = Session(Abilities(True)), acme(content + extra)
        facts = hold_at_once(first_contact(session, profiles), MemoryAgent(at(rows)).answer)
        assert interpret(facts, profiles, "10.1.2.3", 161, NOON).meter("sheets") == 40
        return session.requests

    assert requests("expect = 40") < requests("")


@pytest.mark.parametrize(
    ("content", "rows", "after", "anew"),
    [
        # counters and levels that move are asked again; a level that rises is a new supply: the device is met anew
        ("", {MAINTENANCE: packed((0x6F, 7200)), COUNTERS: packed((0, 5))}, {COUNTERS: packed((0, 9))}, False),
        ("", {MAINTENANCE: packed((0x6F, 7200)), COUNTERS: packed((0, 5))}, {MAINTENANCE: packed((0x6F, 7100))}, False),
        ("key", {f"{TREE}.3.1": b"Drum", f"{TREE}.5.1": 40}, {f"{TREE}.5.1": 39}, False),
        ("key", {f"{TREE}.3.1": b"Drum", f"{TREE}.5.1": 40}, {f"{TREE}.5.1": 100}, True),
        ("text", {f"{TREE}.7.0": b"10 cm"}, {f"{TREE}.7.0": b"11 cm"}, False),
    ],
)
def test_a_further_visit_asks_for_all_that_moves(
    content: str, rows: dict[str, Value], after: dict[str, Value], anew: bool
) -> None:
    contents = {
        "key": f'[[supply]]\nvalue = "{TREE}.5"\nkey = "{TREE}.3"\nunit = "percent"',
        "text": f'[[meter]]\nname = "length"\nunit = "centimeters"\noid = "{TREE}.7.0"\npattern = "([0-9]+) cm"',
    }
    profiles = acme(contents[content]) if content else PROFILES
    make = a_printer if content else a_brother
    session = Session(Abilities(True))
    facts = hold_at_once(first_contact(session, profiles), MemoryAgent(make(rows)).answer)
    chosen = contact.chosen(facts, profiles)
    known = Remembered("AC00042", 0, session.abilities, NOON, f"{chosen.name} {chosen.version}", facts)
    later = make(rows | after)
    talk = repeat.visit(Session(known.abilities), profiles, known, NOON + timedelta(hours=2))
    again, was_anew = hold_at_once(talk, MemoryAgent(later).answer)
    assert interpret(again, profiles, "10.1.2.3", 161, NOON) == read(later, profiles=profiles)
    assert was_anew is anew
