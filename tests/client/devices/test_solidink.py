"""What the pages of solid-ink printers add to a reading.

No recorded page of these printers is public. The pages here were written for the tests after the documented structure
(label cell, value cell; lines "label: value"; see solidink.toml): they show that the parser reads that structure, not that
a device writes it.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.reading.mib import SUPPLY_CLASSES, SUPPLY_TYPES, UNITS
from meterpost.devices.reading.profile import METER_NAME
from meterpost.devices.solidink import enrich, pages
from meterpost.devices.solidink.page import MAX_OCTETS, parse
from meterpost.devices.solidink.rules import number, rules
from meterpost.model import Meter, Reading, Supply, SupplyState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BARE = Reading("10.1.2.3", 80, NOON)

ABOUT = b"""<html><head><title>About Printer - Xerox Phaser 8560DN</title></head><body>
<table width="100%"><tr><td><a href="/status.html">Status</a></td><td>
  <table><tr><th>Printer Name</th><th>&nbsp;</th></tr>
  <tr><td><font size=2>Printer Name</font></td>
      <td>Hall wax</td></tr>
  <tr><td>Serial Number</td><td>WYP004321</td></tr>
  <tr><td>Ethernet Address</td><td>02:00:5E:10:00:0a</td></tr>
  <tr><td>System Version</td>
      <td>1.3.8.P</td></tr>
  <tr><td>Operating System(OS)</td>
      <td>9.82</td></tr></table>
</td></tr></table></body></html>"""

USAGE = b"""<html><head><title>Usage Profile</title></head><body><pre>
Printer Type: Phaser 8560DN, solid ink
Total Impressions: 84,517
Color Impressions: 60,001
Black Impressions: 24,516
Average Coverage (%): Black 3.1, Cyan 2.2
</pre></body></html>"""

SUPPLIES = b"""<html><head><title>Supplies</title></head><body><table>
<tr><td>Black Ink</td><td>OK</td><td>75%</td></tr>
<tr><td>Cyan Ink</td><td><img src="/bar.gif"></td><td>3 sticks left</td></tr>
<tr><td>Genuine Xerox Solid Ink Magenta, Phaser 8560/8560MFP, P/N 108R00724</td><td>100 %</td></tr>
<tr><td>Black Ink Used</td><td>20%</td></tr>
<tr><td>Yellow Ink</td><td>low</td></tr>
<tr><td>Maintenance Kit Life</td><td>9,000 pages</td><td>71% remaining</td></tr>
<tr><td>Waste Tray</td><td>40%</td></tr>
</table></body></html>"""

PAGES = {"/aboutprinter.html": ABOUT, "/usage.html": USAGE, "/supplies.html": SUPPLIES}


def meters(*rows: str) -> dict[str, int]:
    page = "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
    return {meter.name: meter.value for meter in enrich(BARE, {"/usage.html": page.encode()}).meters}


def test_the_pages_alone_are_a_reading() -> None:
    reading = enrich(BARE, PAGES)
    assert reading == Reading(
        "10.1.2.3",
        80,
        NOON,
        manufacturer="Xerox",
        model="Phaser 8560DN",
        serial="WYP004321",
        name="Hall wax",
        mac="02:00:5e:10:00:0a",
        macs=("02:00:5e:10:00:0a",),
        firmware="1.3.8.P",
        profile="solidink",
        profile_version=rules().version,
        meters=(
            Meter("impressions", 84517, "impressions", "/usage.html#total impressions"),
            Meter("impressions.black", 24516, "impressions", "/usage.html#black impressions"),
            Meter("impressions.color", 60001, "impressions", "/usage.html#color impressions"),
        ),
        supplies=reading.supplies,
    )
    seen = [(s.kind, s.color, s.level, s.capacity, s.unit, s.percent, s.state) for s in reading.supplies]
    assert seen == [
        ("ink", "black", 75, 100, "percent", 75, SupplyState.KNOWN),
        ("ink", "cyan", 3, -2, "items", None, SupplyState.KNOWN),
        ("ink", "magenta", 100, 100, "percent", 100, SupplyState.KNOWN),
        ("cleanerUnit", "", 71, 100, "percent", 71, SupplyState.KNOWN),
    ]


KNOWN = Supply("1.1", "Black Cartridge", "ink", "consumed", "black", 60, 100, 19, "percent", 60, SupplyState.KNOWN)
VAGUE = Supply("1.2", "Cyan Cartridge", "ink", "consumed", "cyan", -2, -2, 2, "unknown", None, SupplyState.UNKNOWN)
ENDLESS = Supply("1.3", "Magenta", "ink", "consumed", "magenta", -1, -1, 2, "unknown", None, SupplyState.UNRESTRICTED)
KIT = Supply("1.5", "Maintenancekit", "other", "consumed", "", 14, 100, 19, "percent", 14, SupplyState.KNOWN)
BY_SNMP = Reading(
    "10.1.2.3",
    161,
    NOON,
    manufacturer="XEROX",
    model="Phaser 8560DT",
    name="c1",
    firmware="OS 9.82",
    meters=(Meter("life.impressions", 84500, "impressions", "1.3"), Meter("impressions", 84500, "impressions", "1.4")),
    supplies=(KNOWN, VAGUE, ENDLESS, KIT),
    profile="xerox",
    profile_version="1",
)


ADDED = ("serial", "mac", "macs", "meters", "supplies")


def test_nothing_that_snmp_said_is_overwritten() -> None:
    reading = enrich(BY_SNMP, PAGES)
    kept = {name: getattr(BY_SNMP, name) for name in BY_SNMP.to_json() if name not in ADDED}
    assert kept == {name: getattr(reading, name) for name in kept}
    assert (reading.serial, reading.mac, reading.macs) == ("WYP004321", "02:00:5e:10:00:0a", ("02:00:5e:10:00:0a",))
    two = ("02:00:5e:10:00:01", "02:00:5e:10:00:02")
    assert enrich(replace(BY_SNMP, mac=two[0], macs=two), PAGES).macs == two
    assert reading.meters[:2] == BY_SNMP.meters
    assert [meter.name for meter in reading.meters[2:]] == ["impressions.black", "impressions.color"]
    assert reading.supplies == (
        KNOWN,
        replace(VAGUE, level=3, unit_code=18, unit="items", state=SupplyState.KNOWN),
        ENDLESS,
        KIT,
    )


@pytest.mark.parametrize(
    ("state", "level"), [(SupplyState.UNKNOWN, 3), (SupplyState.SOME_REMAINING, 3), (SupplyState.UNRESTRICTED, -9)]
)
def test_only_a_level_snmp_did_not_say_is_filled_in(state: SupplyState, level: int) -> None:
    (cyan,) = enrich(replace(BY_SNMP, supplies=(replace(VAGUE, level=-9, state=state),)), PAGES).supplies[:1]
    assert (cyan.color, cyan.level) == ("cyan", level)


@pytest.mark.parametrize("known", [replace(KIT, kind="cleanerUnit", description="Drum cleaner"), KIT])
def test_there_is_one_maintenance_kit(known: Supply) -> None:
    assert enrich(replace(BARE, supplies=(known,)), PAGES).supplies[0] == known
    assert len(enrich(replace(BARE, supplies=(known,)), PAGES).supplies) == 4


@pytest.mark.parametrize("level", ["20% used", "150%", "-5%", "3", "half", "2.5 sticks", "100 sticks", "10% of 75%"])
def test_what_is_not_surely_a_level_is_none(level: str) -> None:
    row = f"<table><tr><td>Black Ink</td><td>{level}</td></tr></table>"
    assert enrich(BARE, {"/supplies.html": row.encode()}).supplies == ()


def test_supplies_snmp_has_not_are_added() -> None:
    reading = enrich(replace(BY_SNMP, supplies=(KNOWN,)), PAGES)
    assert [(supply.index, supply.kind) for supply in reading.supplies] == [
        ("1.1", "ink"),
        ("/supplies.html#cyan ink", "ink"),
        ("/supplies.html#genuine xerox solid ink magenta, phaser 8560/8560mfp, p/n 108r00724", "ink"),
        ("/supplies.html#maintenance kit life", "cleanerUnit"),
    ]


def test_pages_of_another_device_add_nothing() -> None:
    other = replace(BY_SNMP, serial="FBT000001")
    assert enrich(other, PAGES) == other
    same = replace(BY_SNMP, serial="WYP004321")
    assert len(enrich(same, PAGES).meters) == 4
    assert len(enrich(other, {"/usage.html": USAGE}).meters) == 4  # pages that do not say whose they are


def test_pages_that_name_no_model_leave_the_maker_open() -> None:
    reading = enrich(BARE, {"/": b"<pre>Serial Number: WYP004321\n</pre>"})
    assert (reading.serial, reading.manufacturer, reading.profile) == ("WYP004321", "", "")


def test_a_login_page_says_nothing() -> None:
    form = b'<body><form><INPUT TYPE="Password" name=p></form>'
    locked = {path: content.replace(b"<body>", form) for path, content in PAGES.items()}
    assert enrich(BY_SNMP, locked) == BY_SNMP


@pytest.mark.parametrize(
    "row",
    [
        "<td>Total Impressions:</td><td>84517</td>",
        "<th>TOTAL&nbsp;IMPRESSIONS</th><td> 84.517 </td>",
        "<td><p>Total<br>Impressions</p></td><td><p>84 517 Pages</p></td>",
        "<td></td><td>Total Impressions</td><td></td><td>84517</td>",
        "<td>Total Impressions</td><td>84,517</td><td>Black Impressions</td><td>9</td>",
        "<td>Total Impressions: 84517</td>",
        "<td>Total Impressions: <!-- life --> 84517</td>",
        "<td>Jobs: 4<br><b>Total Impressions:</b> 84517<br>Jams: 3</td>",
        "<td><table><tr><td>Total Impressions</td><td>84517</td></tr></table></td><td>1</td>",
        "<td>Total Impressions</td><td>84517</td></tr><tr><td>Total Impressions</td><td>84,517</td>",
        "<td>Total Pages Printed</td><td>84517</td>",
        "<td>Total Pages &amp; Sheets</td><td>Pages: 84,517, Sheets: 70,000</td>",
    ],
)
def test_layouts(row: str) -> None:
    assert meters(row)["impressions"] == 84517


@pytest.mark.parametrize(
    "row",
    [
        "<td>Total Impressions</td><td>84517</td><td>120</td>",  # for life and this month?
        "<td>Total Impressions</td><td>1</td></tr><tr><td>Total Impressions</td><td>2</td>",
        "<td>Total Impressions</td><td>--</td>",
        "<td>Total Impressions</td><td>-5</td>",
        "<td>Total Impressions</td><td>12.5</td>",
        "<td>Total Impressions</td><td>1,234.567</td>",
        "<td>Total Impressions</td><td>84517 since Monday</td>",
        "<td>Total Impressions</td><td>9999999999999</td>",
        "<td>Total Impressions</td>",
        "<td>Total Impressions</td><td><table><tr><td>84517</td></tr></table></td>",
        "<td>84517</td><td>Total Impressions</td>",
        "<td>Total Impressions of Tray 1</td><td>84517</td>",
        "<td>Total Pages &amp; Sheets</td><td>84,517 pages 70,000 sheets</td>",  # a form nobody documented
        "<td>Total Pages &amp; Sheets</td><td>84,517</td>",
        "<script>Total Impressions: 84517</script>",
        "<!-- Total Impressions: 84517 -->",
    ],
)
def test_what_is_not_surely_the_counter_is_none(row: str) -> None:
    assert meters(row) == {}


def test_pages_and_sheets_are_two_counters() -> None:
    assert meters("<td>Total Pages &amp; Sheets</td><td>Pages: 12, Sheets: 7</td>") == {"impressions": 12, "sheets": 7}


@pytest.mark.parametrize("filler", ["Unknown", "0000000000", "pending", "not available", "", "--"])
def test_a_filler_is_no_serial_number(filler: str) -> None:
    assert enrich(BARE, {"/": f"<pre>Serial Number: {filler}\n</pre>".encode()}).serial == ""


def test_the_usage_profiles_printer_ids() -> None:
    line = b"<pre>Printer IDs: Serial Number: RPB123456, Ethernet Address: 02:00:5E:10:00:0b, IP Address: 10.1.2.3\n</pre>"
    reading = enrich(BARE, {"/": line})
    assert (reading.serial, reading.mac) == ("RPB123456", "02:00:5e:10:00:0b")


def test_a_page_in_latin1_is_read() -> None:
    assert enrich(BARE, {"/": "<pre>Printer Location: Café\n</pre>".encode("latin-1")}).location == "Café"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Phaser 8560DN", True),
        ("Xerox Phaser 8560N; OS 9.82, PS 4.7.0, Eng 22.L0.4.7.0, Net 37.54.03.02.2008", True),
        ("Xerox Phaser 8550DP;PS 4.8.0,Net 25.28.08.19.2005,Eng 18.P1.4.8.0,OS 4.302", True),
        ("Phaser® 8860MFP/D", True),
        ("Phaser 8500", True),
        ("Phaser 8510MFP", True),
        ("Phaser 8400DP", False),
        ("Phaser 85600", False),
        ("Phaser 6180 MFP", False),
        ("ColorQube 8570", False),
        ("HP LaserJet 8550", False),
        ("", False),
    ],
)
def test_which_models_are_asked(text: str, is_one: bool) -> None:
    assert bool(pages(text)) is is_one
    assert not is_one or all(path.startswith("/") for path in pages(text))


def test_the_rules_are_complete() -> None:
    facts = rules()
    texts = {name for name, kind in Reading.__annotations__.items() if kind in (str, "str")}
    assert {rule.name for rule in facts.identity} <= texts
    assert all(METER_NAME.fullmatch(rule.name) and rule.unit in (*UNITS.values(), "images") for rule in facts.meters)
    assert all(rule.kind in SUPPLY_TYPES.values() and rule.supply_class in SUPPLY_CLASSES.values() for rule in facts.supplies)
    assert all(rule.unit in UNITS and rule.pattern.groups == 1 for rule in facts.levels)
    assert all(rule.pattern is None or rule.pattern.groups == 1 for rule in (*facts.identity, *facts.meters))
    assert all("print " not in link for link in facts.links)


@given(st.integers(0, 999_999_999), st.sampled_from([",", ".", " ", "'", ""]))
def test_numbers_are_read_with_any_separator(count: int, separator: str) -> None:
    assert number(f"{count:,}".replace(",", separator)) == count


@given(st.dictionaries(st.sampled_from(["/", "/a"]), st.binary(max_size=300) | st.text(max_size=300).map(str.encode)))
def test_any_octets_leave_a_reading(content: dict[str, bytes]) -> None:
    reading = enrich(BY_SNMP, content)
    assert reading.meters[:2] == BY_SNMP.meters
    assert all(text.isprintable() for text in (reading.serial, reading.name, reading.location, reading.mac))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0",
        b"%PDF-1.4\n\xff\xfe",
        b"<div>" * 90_000 + b"Color Impressions: 5",
        b"<table><tr><td>" * 30_000 + b"Color Impressions</td><td>5",
        b"<a " + b"href=x " * 60_000,
        USAGE + b" " * MAX_OCTETS,
        b"<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><pre>Printer Name: &x;\n</pre>",
    ],
)
def test_hostile_pages_add_nothing(content: bytes) -> None:
    reading = enrich(BY_SNMP, {"/usage.html": content})
    assert (reading.meters, reading.name) == (BY_SNMP.meters, BY_SNMP.name)


def test_endless_rows_are_cut() -> None:
    assert len(parse(b"<tr><td>a<td>b" * 20_000).rows) == 5000
    assert len(parse(b"<tr>" + b"<td>a" * 1000).rows[0]) == 24


def test_links_stay_on_the_server_and_carry_no_query() -> None:
    page = b"""<a href="usage.html#top">View  Usage <b>Profile</b></a><a href="http://other.example/supplies.html">Supplies</a>
    <a href="/print?usage">View Usage Profile</a><a href="javascript:x()">Jobs</a><a>Status</a><a href="//[">Status</a>
    <frame src="/menu.html"><iframe src="https://10.1.2.3/x"></iframe>"""
    assert parse(page, "http://10.1.2.3/jobs/index.html").links == (
        ("View Usage Profile", "http://10.1.2.3/jobs/usage.html"),
        ("", "http://10.1.2.3/menu.html"),
    )
