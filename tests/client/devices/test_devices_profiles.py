"""Profiles are data: every built-in one is sound, the loader is strict, and the best match is chosen."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from devices_kit import NOON, PROFILES, a_printer, read

from meterpost.devices.reading import profile, reader
from meterpost.devices.reading.profile import METER_NAME, Profiles, load, parse
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus
from meterpost.errors import SettingsError
from meterpost.recording import Oid, oid

MAKERS = {"xerox", "hp", "brother", "kyocera", "lexmark", "ricoh", "canon", "konicaminolta", "epson", "sharp", "samsung"}
MINIMAL = 'version = "1"\n'


def with_profiles(*extra: profile.Profile) -> Profiles:
    return Profiles((*load(), *extra))


def test_the_usual_makers_and_the_generic_profile_are_there() -> None:
    assert {entry.name for entry in load()} >= MAKERS | {"generic"}


@pytest.mark.parametrize("entry", list(load()), ids=lambda entry: entry.name)
def test_a_built_in_profile_is_sound(entry: profile.Profile) -> None:
    assert entry.version
    assert entry.name == "generic" or (entry.manufacturer and entry.matches)
    names = [meter.name for meter in entry.meters] + [name for table in entry.tables for name in table.rows.values()]
    assert all(METER_NAME.fullmatch(name) and len(name) <= 40 for name in names)
    assert not any(name.startswith("life.") for name in names), "life counts are the Printer MIB's"
    for table in entry.tables:
        assert table.units.keys() <= set(table.rows.values())
    units: dict[str, str] = {meter.name: meter.unit for meter in entry.meters}
    for table in entry.tables:
        for name in table.rows.values():
            unit = table.units.get(name, table.unit)
            assert units.setdefault(name, unit) == unit, f"{name} has two units"
            assert name.split(".")[0] in (unit, "duplex")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "version is missing"),
        ("version = 1", "version = 1 is not a str"),
        ("version =", "profile acme"),
        (MINIMAL + "colour = 1", "unknown key 'colour'"),
        (MINIMAL + '[[meter]]\nname = "x"\nunit = "x"\noid = "1.3"\nscale = 2', "meter 1: unknown key 'scale'"),
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

        async def get_next(self, oids: Sequence[Oid]) -> Answer:
            broken = oid(f"{table}.6.1.1") in oids
            return Answer(status=ErrorStatus.GEN_ERR, index=1) if broken else await super().get_next(oids)

        async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer:
            return Answer(status=ErrorStatus.GEN_ERR)

    reading = asyncio.run(reader.read(BreaksOff(a_printer(rows)), PROFILES, "10.1.2.3", 161, NOON))
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
