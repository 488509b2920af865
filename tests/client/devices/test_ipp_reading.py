"""Attributes become a reading: each field from its attribute, and nothing that the printer did not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipp_kit import NOON, a_printer, read

from meterpost.devices.ipp import attributes as ipp
from meterpost.devices.ipp.codec import Attributes, Value
from meterpost.devices.ipp.reading import MOST, reading
from meterpost.devices.reading import mib
from meterpost.model import Alert, Reading, Supply, SupplyState


def of(**attributes: object) -> Reading:
    """The reading of a printer with only these attributes, `_` for `-`."""
    found: dict[str, list[Value]] = {}
    for name, given_ in attributes.items():
        values = given_ if isinstance(given_, list) else [given_]
        found[name.replace("_", "-")] = [value.encode() if isinstance(value, str) else value for value in values]
    return reading(found, "ipp://printer", 631, NOON)


def the_supply(**attributes: object) -> Supply:
    (supply,) = of(**attributes).supplies
    return supply


def test_a_printer_is_read_whole() -> None:
    found = read(a_printer())
    assert found.address == f"ipp://127.0.0.1:{found.port}/ipp/print"
    assert (found.manufacturer, found.model, found.serial) == ("HP", "HP LaserJet 9", "ACME00042")
    assert (found.name, found.location, found.firmware) == ("Hall printer", "Hall, 1st floor", "7.1")
    assert (found.mac, found.macs) == ("00:c0:4f:d4:30:c8", ("00:c0:4f:d4:30:c8",))
    assert (found.status, found.errors, found.alerts) == ("idle", (), ())
    assert (found.profile, found.is_printer, found.taken_at) == ("ipp", True, NOON)
    assert [(meter.name, meter.value, meter.unit, meter.oid) for meter in found.meters] == [
        ("impressions", 12345, "impressions", "ipp:printer-impressions-completed")
    ]
    assert [(s.index, s.description, s.kind, s.color, s.percent, s.state) for s in found.supplies] == [
        ("1", "Black Toner", "tonerCartridge", "black", 42, SupplyState.KNOWN),
        ("2", "Cyan Toner", "toner", "cyan", None, SupplyState.SOME_REMAINING),
    ]


def test_nothing_comes_of_nothing() -> None:
    assert of() == Reading("ipp://printer", 631, NOON, profile="ipp", profile_version="1")


def test_counters_and_their_parts_are_meters() -> None:
    found = of(
        printer_impressions_completed=100,
        printer_impressions_completed_col={"monochrome": [70], "full-color": [30], "full-color-two-sided": [8], "else": [1]},
        printer_media_sheets_completed=60,
        printer_media_sheets_completed_col={"blank": [2]},
        printer_pages_completed=140,
    )
    assert [(meter.name, meter.value, meter.unit, meter.oid.removeprefix("ipp:printer-")) for meter in found.meters] == [
        ("impressions", 100, "impressions", "impressions-completed"),
        ("impressions.black", 70, "impressions", "impressions-completed-col/monochrome"),
        ("impressions.color", 30, "impressions", "impressions-completed-col/full-color"),
        ("impressions.color.twosided", 8, "impressions", "impressions-completed-col/full-color-two-sided"),
        ("sheets", 60, "sheets", "media-sheets-completed"),
        ("sheets.blank", 2, "sheets", "media-sheets-completed-col/blank"),
        ("pages", 140, "pages", "pages-completed"),
    ]


@pytest.mark.parametrize("value", [-1, -2, "100", [], {"monochrome": [1]}])
def test_what_is_no_count_is_no_meter(value: object) -> None:
    assert of(printer_impressions_completed=value, printer_impressions_completed_col=5).meters == ()


@pytest.mark.parametrize(
    ("attributes", "serial"),
    [
        ({"printer_serial_number": "A1", "printer_device_id": "SN:B2;"}, "A1"),
        ({"printer_serial_number": "0000000000", "printer_device_id": "MFG:X; SERN : B2 ;"}, "B2"),
        ({"printer_device_id": "MFG:X;SERIALNUMBER:C3"}, "C3"),
        ({"printer_device_id": "SN:unknown;"}, ""),
        ({"printer_device_id": "S:0380;DES:SN1;"}, ""),
    ],
)
def test_the_serial_is_one_that_is_meant(attributes: dict[str, str], serial: str) -> None:
    assert of(**attributes).serial == serial


@pytest.mark.parametrize(
    ("make_and_model", "device_id", "maker", "model"),
    [
        ("EPSON WF-1", "", "Epson", "EPSON WF-1"),
        ("WF-1", "MFG:EPSON;MDL:WF-1 Series;", "Epson", "WF-1"),
        ("", "MANUFACTURER:Acme;MODEL:Nine;", "Acme", "Nine"),
        ("hp LaserJet", "MFG:Hewlett-Packard;", "HP", "hp LaserJet"),
        ("HPrinter 3", "", "", "HPrinter 3"),  # a maker's name is a whole word
    ],
)
def test_makers_have_one_name(make_and_model: str, device_id: str, maker: str, model: str) -> None:
    found = of(printer_make_and_model=make_and_model, printer_device_id=device_id)
    assert (found.manufacturer, found.model) == (maker, model)


@pytest.mark.parametrize(
    ("uuid", "mac"),
    [
        ("urn:uuid:CFE92100-67C4-11D4-A45F-00005E005301", "00:00:5e:00:53:01"),
        ("urn:uuid:cfe92100-67c4-41d4-a45f-00005e005301", ""),  # random
        ("urn:uuid:cfe92100-67c4-11d4-a45f-01005e005301", ""),  # of version 1, and its node is random
        ("urn:uuid:cfe92100-67c4-11d4-a45f-000000000000", ""),
        ("cfe92100", ""),
    ],
)
def test_only_a_uuid_made_of_an_address_gives_one(uuid: str, mac: str) -> None:
    found = of(printer_uuid=uuid)
    assert (found.mac, found.macs) == (mac, (mac,) if mac else ())


@pytest.mark.parametrize(
    ("state", "reasons", "errors", "status"),
    [
        (3, ["none"], (), "idle"),
        (4, [], (), "printing"),
        (5, ["none"], (), "down"),
        (9, [], (), ""),
        (3, ["marker-supply-low-warning"], ("lowToner",), "warning: low toner"),
        (5, ["media-jam-error", "door-open"], ("doorOpen", "jammed"), "error: door open, jammed"),
        (3, ["door-open-report", "com.acme.unhappy-warning"], ("doorOpen",), "warning: door open"),
        (3, ["com.acme.door-open", "opened"], (), "idle"),
        (4, ["toner-low", "marker-supply-low-warning"], ("lowToner",), "warning: low toner"),
    ],
)
def test_reasons_become_the_errors_of_the_mib(state: int, reasons: list[str], errors: tuple[str, ...], status: str) -> None:
    found = of(printer_state=state, printer_state_reasons=reasons)
    assert (found.errors, found.status) == (errors, status)


def test_the_tables_have_only_words_of_the_mib() -> None:
    assert set(ipp.ERRORS.values()) <= set(mib.DETECTED_ERRORS)
    assert set(ipp.RECEPTACLES) <= set(mib.SUPPLY_TYPES.values())
    assert set(ipp.CLASSES.values()) == set(mib.SUPPLY_CLASSES.values())
    assert not [reason for reason in ipp.ERRORS if reason.endswith(ipp.SEVERITIES)]


def test_alerts_come_with_their_descriptions() -> None:
    found = of(
        printer_alert=["index=7;severity=critical;group=cover;code=coverOpen", "code=other;severity=otherother"],
        printer_alert_description=["Front door", ""],
    )
    assert found.alerts == (Alert("7", "critical", "cover", "coverOpen", "Front door"), Alert("2", "", "", "other", ""))


def test_alerts_and_descriptions_that_do_not_pair_are_not_paired() -> None:
    assert of(printer_alert=["code=jam"], printer_alert_description=["a", "b"]).alerts == (Alert("1", "", "", "jam", ""),)
    assert of(printer_alert_description=["a", "b"]).alerts == (Alert("1", "", "", "", "a"), Alert("2", "", "", "", "b"))


def test_a_described_supply_has_all_of_the_mib() -> None:
    text = "index=3;class=supplyThatIsConsumed;type=toner;unit=impressions;maxcapacity=8000;level=2000;colorantname=black;"
    assert the_supply(printer_supply=text, printer_supply_description="Toner TN-9") == Supply(
        "3", "Toner TN-9", "toner", "consumed", "black", 2000, 8000, 7, "impressions", 25, SupplyState.KNOWN
    )


@pytest.mark.parametrize(
    ("colorant", "description", "color"),
    [("lightGray", "", "light gray"), ("unknown", "Cyan Toner", "cyan"), ("multi-color", "", ""), ("black", "Cyan", "black")],
)
def test_the_colorant_goes_before_the_description(colorant: str, description: str, color: str) -> None:
    supply = the_supply(printer_supply=f"type=ink;colorantname={colorant};", printer_supply_description=description)
    assert supply.color == color


def test_a_receptacle_of_the_mib_keeps_the_room_it_says_is_left() -> None:
    supply = the_supply(printer_supply="type=wasteToner;class=receptacleThatIsFilled;unit=percent;maxcapacity=100;level=80;")
    assert (supply.kind, supply.supply_class, supply.percent) == ("wasteToner", "receptacle", 80)


@pytest.mark.parametrize(
    ("text", "level", "capacity", "percent", "state"),
    [
        ("type=ink;level=-1;maxcapacity=-2", -1, -2, None, SupplyState.UNRESTRICTED),
        ("type=ink;level=-2;maxcapacity=100", -2, 100, None, SupplyState.UNKNOWN),
        ("type=ink;level=-3;maxcapacity=100", -3, 100, None, SupplyState.SOME_REMAINING),
        ("type=ink;level=30;unit=percent", 30, -2, 30, SupplyState.KNOWN),
        ("type=ink;level=30", 30, -2, None, SupplyState.KNOWN),
        ("type=ink;level=30;maxcapacity=0;unit=percent", 30, 0, None, SupplyState.KNOWN),
        ("type=ink;level=half;maxcapacity=99999999999", -2, -2, None, SupplyState.UNKNOWN),
        ("type=ink;level=٣", -2, -2, None, SupplyState.UNKNOWN),
    ],
)
def test_levels_are_numbers_or_states(text: str, level: int, capacity: int, percent: int | None, state: SupplyState) -> None:
    supply = the_supply(printer_supply=text)
    assert (supply.level, supply.capacity, supply.percent, supply.state) == (level, capacity, percent, state)


def test_an_empty_description_is_the_markers_name_where_there_are_as_many() -> None:
    supplies = ["type=ink;level=1;colorantname=black", "type=ink;level=2"]
    both = of(printer_supply=supplies, printer_supply_description=["", ""], marker_names=["K", "Cyan ink"])
    assert [(supply.description, supply.color, supply.level) for supply in both.supplies] == [
        ("K", "black", 1),
        ("Cyan ink", "cyan", 2),
    ]


def test_supplies_that_are_not_as_many_as_the_markers_are_not_believed() -> None:
    found = of(
        printer_supply=["type=ink;level=0", "type=ink;level=0", "type=ink;level=10"],
        marker_names=["Black", "Yellow"],
        marker_levels=[10, 90],
        marker_types=["ink-cartridge", "inkCartridge"],
    )
    assert [(s.description, s.kind, s.supply_class, s.unit, s.capacity, s.percent) for s in found.supplies] == [
        ("Black", "inkCartridge", "consumed", "percent", 100, 10),
        ("Yellow", "inkCartridge", "consumed", "percent", 100, 90),
    ]


@pytest.mark.parametrize(
    ("level", "high", "left"),
    [(10, 64, 90), (100, 95, 0), (80, 100, None), (80, [], None), (-3, 95, None), (101, 95, None)],
)
def test_a_waste_container_is_only_known_where_its_sense_is(level: int, high: object, left: int | None) -> None:
    supply = the_supply(marker_names="Waste", marker_types="waste-ink", marker_levels=level, marker_high_levels=high)
    assert (supply.percent, supply.supply_class) == (left, "receptacle")
    assert supply.state is {-3: SupplyState.SOME_REMAINING}.get(
        level, SupplyState.UNKNOWN if left is None else SupplyState.KNOWN
    )


def test_markers_that_do_not_pair_are_not_paired() -> None:
    found = of(marker_names=["Black", "Cyan"], marker_levels=[50], marker_types="toner", marker_colors="#FFFF00")
    assert [(s.description, s.kind, s.color, s.level) for s in found.supplies] == [
        ("Black", "", "black", -2),
        ("Cyan", "", "cyan", -2),
    ]


def test_levels_alone_are_supplies() -> None:
    assert [(s.index, s.percent) for s in of(marker_levels=[50, "x"]).supplies] == [("1", 50), ("2", None)]


@pytest.mark.parametrize(
    ("name", "rgb", "color"),
    [
        ("TK-1", "#00ffff", "cyan"),
        ("Photo Black ink", "#000000", "photo black"),
        ("Light Cyan", "#00FFFF", "light cyan"),
        ("Tri-color", "#00FFFF#FF00FF#FFFF00", ""),
        ("TK-1", "magenta", "magenta"),
        ("TK-1", "#123456", ""),
        ("TK-1", "none", ""),
    ],
)
def test_colors_come_from_the_name_or_the_sample(name: str, rgb: str, color: str) -> None:
    assert the_supply(marker_names=name, marker_colors=rgb, marker_levels=1).color == color


def test_a_printer_that_shouts_is_not_listened_to_for_ever() -> None:
    assert len(of(marker_names=["Black"] * (MOST + 5)).supplies) == MOST


_VALUES = st.recursive(
    st.integers(-(2**31), 2**31 - 1)
    | st.binary(max_size=30)
    | st.sampled_from([b"level=1;type=ink", b"code=x;=;", b"#000000"]),
    lambda inner: st.dictionaries(st.sampled_from(["monochrome", "x"]), st.lists(inner, max_size=2), max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(ipp.REQUESTED), st.lists(_VALUES, max_size=4)))
def test_any_attributes_make_a_reading(found: Attributes) -> None:
    made = reading(found, "ipp://printer", 631, NOON)
    assert all(meter.value >= 0 for meter in made.meters)
    assert all(supply.percent is None or 0 <= supply.percent <= 100 for supply in made.supplies)
    assert made.to_json()
