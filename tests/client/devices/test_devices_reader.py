"""One visit to one device: what a reader makes of the standard MIBs, and what it must not make of them."""

import pytest
from devices_kit import NOON, a_printer, numbered, read

from meterpost.devices.reading import mib
from meterpost.devices.reading.interpret import status
from meterpost.devices.snmp import ber
from meterpost.model import SupplyState
from meterpost.recording import Value, oid

SERIAL = "1.3.6.1.2.1.43.5.1.1.17.1"
LIFE, UNIT = "1.3.6.1.2.1.43.10.2.1.4.1", "1.3.6.1.2.1.43.10.2.1.3.1"
DEVICE_ID = "1.3.6.1.4.1.2699.1.2.1.2.1.1.3.1"


@pytest.mark.parametrize("version", ["1", "2c"])
def test_an_ordinary_printer(version: str) -> None:
    reading = read(a_printer(), version)
    assert (reading.address, reading.port, reading.taken_at) == ("10.1.2.3", 161, NOON)
    assert (reading.serial, reading.model, reading.name, reading.location) == (
        "AC00042",
        "ACME Laser 9",
        "hall-printer",
        "Hall, 1st floor",
    )
    assert (reading.mac, reading.status, reading.is_printer) == ("02:00:5e:10:00:01", "idle", True)
    assert (reading.sys_object_id, reading.sys_descr) == ("1.3.6.1.4.1.32473.1", "ACME Laser, firmware 7")
    assert (reading.profile, reading.profile_version) == ("generic", "1")
    (meter,) = reading.meters
    assert (meter.name, meter.value, meter.unit) == ("life.impressions", 12345, "impressions")
    assert meter.oid == "1.3.6.1.2.1.43.10.2.1.4.1.1"


def test_supplies_and_their_states() -> None:
    toner, waste = read(a_printer()).supplies
    assert (toner.index, toner.description, toner.kind, toner.supply_class) == ("1.1", "Toner TN-9", "toner", "consumed")
    assert (toner.level, toner.capacity, toner.unit, toner.percent, toner.state) == (
        2000,
        8000,
        "impressions",
        25,
        SupplyState.KNOWN,
    )
    assert toner.color == "black"  # from the colorant table: the description does not say
    assert (waste.kind, waste.supply_class, waste.unit_code) == ("wasteToner", "receptacle", 19)
    assert (waste.level, waste.percent, waste.state, waste.color) == (-3, None, SupplyState.SOME_REMAINING, "")


@pytest.mark.parametrize(
    ("level", "state"),
    [(-1, SupplyState.UNRESTRICTED), (-2, SupplyState.UNKNOWN), (None, SupplyState.UNKNOWN), (-9, SupplyState.UNKNOWN)],
)
def test_states_are_not_numbers(level: int | None, state: SupplyState) -> None:
    toner, _ = read(a_printer({"1.3.6.1.2.1.43.11.1.1.9.1.1": level})).supplies
    assert (toner.state, toner.percent) == (state, None)


@pytest.mark.parametrize(
    ("capacity", "unit", "state"),
    [
        (8000, None, SupplyState.KNOWN),
        (-2, 7, SupplyState.KNOWN),  # so many impressions are left, of however many
        (-2, None, SupplyState.UNKNOWN),
        (0, 2, SupplyState.UNKNOWN),
        (None, 1, SupplyState.UNKNOWN),
    ],
)
def test_a_number_of_nothing_of_unknown_capacity_says_nothing(
    capacity: int | None, unit: int | None, state: SupplyState
) -> None:
    rows = {"1.3.6.1.2.1.43.11.1.1.8.1.1": capacity, "1.3.6.1.2.1.43.11.1.1.7.1.1": unit}
    toner, _ = read(a_printer(rows)).supplies
    assert (toner.state, toner.level) == (state, 2000)


@pytest.mark.parametrize(
    ("level", "capacity", "percent"), [(37, None, 37), (0, -2, 0), (100, 0, 100), (101, -2, None), (-3, -2, None)]
)
def test_a_percentage_needs_no_capacity(level: int, capacity: int | None, percent: int | None) -> None:
    rows = {"9.1.1": level, "8.1.1": capacity, "7.1.1": 19}
    toner, _ = read(a_printer({f"1.3.6.1.2.1.43.11.1.1.{cell}": value for cell, value in rows.items()})).supplies
    assert toner.percent == percent


def test_a_receptacles_level_is_the_room_that_is_left() -> None:
    _, waste = read(a_printer({"1.3.6.1.2.1.43.11.1.1.9.1.2": 80})).supplies
    assert (waste.level, waste.percent) == (80, 80)


@pytest.mark.parametrize(
    ("unit", "name"), [(7, "life.impressions"), (8, "life.sheets"), (None, "life.count"), (2, "life.count")]
)
def test_the_life_count_is_in_the_unit_the_device_says(unit: int | None, name: str) -> None:
    (meter,) = read(a_printer({f"{UNIT}.1": unit})).meters
    assert (meter.name, meter.value) == (name, 12345)


def test_markers_are_never_summed() -> None:
    reading = read(a_printer({f"{LIFE}.2": 67, f"{UNIT}.2": 7, f"{LIFE}.3": 8, f"{UNIT}.3": 8}))
    assert [(m.name, m.value) for m in reading.meters] == [
        ("life.impressions", 12345),
        ("life.impressions.2", 67),
        ("life.sheets.3", 8),
    ]


@pytest.mark.parametrize("value", [b"12345", -2, -(2**31), oid("1.3.6"), None])
def test_what_is_no_count_is_no_meter(value: object) -> None:
    assert read(a_printer({f"{LIFE}.1": value})).meters == ()


@pytest.mark.parametrize("octets", [b"\x41\x04\xee\x6b\x28\x00", b"\x41\x05\x00\xee\x6b\x28\x00"])
def test_a_counter_beyond_31_bits_is_one_however_it_is_packed(octets: bytes) -> None:
    """Some agents leave out the leading zero of BER: a Counter32 is never negative (RFC 2578, 7.1.6)."""
    name = oid(f"{LIFE}.1")
    body = ber.tagged(0x06, bytes((43, *name[2:]))) + octets
    pdu = b"\x02\x01\x05\x02\x01\x00\x02\x01\x00" + ber.tagged(0x30, ber.tagged(0x30, body))
    message = ber.tagged(0x30, b"\x02\x01\x01" + ber.tagged(0x04, b"public") + ber.tagged(0xA2, pdu))
    ((found, count),) = ber.decode(message)[1].bindings
    assert (found, count) == (name, 4_000_000_000)
    assert read(a_printer({f"{LIFE}.1": count})).meter("life.impressions") == 4_000_000_000


@pytest.mark.parametrize(
    ("columns", "alerts"),
    [
        ({2: 0, 4: 0, 7: 0, 8: b""}, []),
        ({2: 0, 4: 0, 7: 0, 8: b" \0"}, []),
        ({2: 0, 4: 0, 7: 0, 8: b"Sleep"}, [("", "", "", "Sleep", "Sleep")]),
        ({2: 4, 4: 11, 7: 1104}, [("warning", "markerSupplies", "markerTonerAlmostEmpty", "", None)]),
        ({2: 99, 4: 0, 7: -5}, [("99", "", "-5", "", "99: -5")]),
        ({2: b"4", 4: b"11", 7: b"1104"}, []),  # numbers that are texts are no numbers
    ],
)
def test_rows_of_nothing_are_no_alerts(
    columns: dict[int, int | bytes], alerts: list[tuple[str, str, str, str, str | None]]
) -> None:
    reading = read(a_printer({f"1.3.6.1.2.1.43.18.1.1.{column}.1.1": value for column, value in columns.items()}))
    assert [(a.severity, a.group, a.code, a.description) for a in reading.alerts] == [row[:4] for row in alerts]
    assert all(row[4] in (None, a.sentence) for a, row in zip(reading.alerts, alerts, strict=True))


def test_rows_of_nothing_do_not_crowd_out_alerts() -> None:
    rows = {f"1.3.6.1.2.1.43.18.1.1.{column}.1.{row}": 0 for column in (2, 4, 7) for row in range(1, 80)}
    reading = read(a_printer({**rows, "1.3.6.1.2.1.43.18.1.1.8.1.80": b"Paper is out"}))
    assert [alert.description for alert in reading.alerts] == ["Paper is out"]


@pytest.mark.parametrize("filler", [None, b"", b"0000000000", b"XXXXXXXXXX", b"unknown", b"\0\0"])
@pytest.mark.parametrize(
    ("where", "what"),
    [
        (DEVICE_ID, b"MFG:ACME;CMD:PCL;MDL:Laser 9;SN:AC00042;"),
        (DEVICE_ID, b"SERN:AC00042;MFG:ACME"),
        ("1.3.6.1.2.1.1.1.0", b"ACME Laser S/N AC00042"),
        ("1.3.6.1.2.1.1.1.0", b"ACME ETHERNET,SN:AC00042,FN:1"),
    ],
)
def test_the_serial_number_is_looked_for_elsewhere(filler: bytes | None, where: str, what: bytes) -> None:
    assert read(a_printer({SERIAL: filler, where: what})).serial == "AC00042"


@pytest.mark.parametrize("words", [b"ACME SN Network Adapter", b"ACME; S/N ", b"ACME;S/N;Engine", b"SN: ABCDEF"])
def test_words_after_sn_are_no_serial_number(words: bytes) -> None:
    assert read(a_printer({SERIAL: None, "1.3.6.1.2.1.1.1.0": words})).serial == ""


def test_a_serial_number_is_found_at_the_end_of_a_long_device_id() -> None:
    assert read(a_printer({SERIAL: None, DEVICE_ID: b"MFG:ACME;CMD:" + b"PCL," * 100 + b";SN:AC00042;"})).serial == "AC00042"


def test_a_maker_has_its_own_place_for_the_serial_number() -> None:
    xerox = {"1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.253.8.62.1"), SERIAL: None, "1.3.6.1.4.1.253.8.53.3.2.1.3.1": b"XYZ001122 "}
    assert read(a_printer(xerox)).serial == "XYZ001122"


def test_fillers_everywhere_are_no_serial_number() -> None:
    assert read(a_printer({SERIAL: b"0000000000", DEVICE_ID: b"MFG:ACME;SN:XXXXXXXXXX;"})).serial == ""


def test_model_and_maker_come_from_the_device_id_where_nothing_else_says() -> None:
    reading = read(a_printer({"1.3.6.1.2.1.25.3.2.1.3.1": None, DEVICE_ID: b"MFG:ACME Corp.; MDL: Laser 9 ;CLS:PRINTER;"}))
    assert (reading.manufacturer, reading.model) == ("ACME Corp.", "Laser 9")


def test_the_printer_may_be_any_device_of_the_host() -> None:
    host = "1.3.6.1.2.1.25.3.2.1"
    reading = read(
        a_printer(
            {
                f"{host}.2.1": oid("1.3.6.1.2.1.25.3.1.3"),
                f"{host}.3.1": b"A processor",
                f"{host}.2.5": oid("1.3.6.1.2.1.25.3.1.5"),
                f"{host}.3.5": b"ACME Laser 9",
                SERIAL: None,
                "1.3.6.1.2.1.43.5.1.1.17.5": b"AC00055",
                "1.3.6.1.2.1.25.3.5.1.1.1": None,
                "1.3.6.1.2.1.25.3.5.1.1.5": 4,
            }
        )
    )
    assert (reading.model, reading.serial, reading.status) == ("ACME Laser 9", "AC00055", "printing")


def test_a_device_without_printer_and_printer_mib_is_none() -> None:
    switch = numbered(
        {
            "1.3.6.1.2.1.1.1.0": b"A switch with 48 ports",
            "1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.9.1.1"),
            "1.3.6.1.2.1.1.5.0": b"sw-1",
            "1.3.6.1.2.1.25.3.2.1.2.1": oid("1.3.6.1.2.1.25.3.1.3"),
        }
    )
    reading = read(switch)
    assert (reading.is_printer, reading.name, reading.meters, reading.supplies) == (False, "sw-1", (), ())


@pytest.mark.parametrize("gone", ["1.3.6.1.2.1.25.3.2.1.2.1", "1.3.6.1.2.1.43"])
def test_either_mib_makes_a_printer(gone: str) -> None:
    prefix = oid(gone)
    rest = {name: value for name, value in a_printer().items() if name[: len(prefix)] != prefix}
    assert read(rest).is_printer


HP_JETDIRECT_EX = b"HP ETHERNET MULTI-ENVIRONMENT,ROM H.08.49,JETDIRECT EX,JD128,EEPROM V.28.22"
WINDOWS = b"Hardware: Intel64 Family 6 Model 85 Stepping 7 AT/AT COMPATIBLE - Software: Windows Version 10.0 (Build 20348)"
LINUX = b"Linux print-1 6.8.0-45-generic #45-Ubuntu SMP x86_64"


@pytest.mark.parametrize(
    ("text", "more", "is_printer"),
    [
        (WINDOWS, {}, False),
        (LINUX, {}, False),
        (HP_JETDIRECT_EX, {}, False),
        (b"", {}, True),  # nothing speaks against it
        (b"ACME 9", {}, True),
        (b"ACME laser printer", {}, True),
        (LINUX, {SERIAL: b"AC00042"}, True),  # the Printer MIB is no queue's
        (LINUX, {f"{LIFE}.1": 12345}, True),
        (LINUX, {f"{UNIT}.1": 7}, True),
        (LINUX, {"1.3.6.1.2.1.43.11.1.1.9.1.1": 50}, True),
        (LINUX, {"1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.10642.1.1")}, True),  # a Zebra runs Linux
    ],
)
@pytest.mark.parametrize("device_type", [True, False])
def test_the_queue_of_a_computer_is_no_printer(
    text: bytes, more: dict[str, Value], is_printer: bool, device_type: bool
) -> None:
    """hrDeviceTable and hrPrinterTable (RFC 2790) have a host's queues too."""
    queue: dict[str, Value] = {
        "1.3.6.1.2.1.1.1.0": text,
        "1.3.6.1.2.1.25.3.2.1.3.1": b"Microsoft Print To PDF",
        "1.3.6.1.2.1.25.3.5.1.1.1": 3,
    }
    if device_type:
        queue["1.3.6.1.2.1.25.3.2.1.2.1"] = mib.HR_DEVICE_PRINTER
    assert read(numbered(queue | more)).is_printer is is_printer


@pytest.mark.parametrize(
    ("device", "printer", "errors", "word"),
    [
        (2, 3, (), "idle"),
        (2, 4, (), "printing"),
        (3, 4, ("low toner",), "warning: low toner"),
        (2, 1, (), "standby"),
        (5, 5, (), "warming up"),
        (5, 1, (), "down"),
        (5, 1, ("no paper", "door open"), "error: no paper, door open"),
        (None, None, ("jammed",), "warning: jammed"),
        (2, 2, (), "unknown"),
        (2, None, (), ""),
    ],
)
def test_the_status_is_a_word(device: int | None, printer: int | None, errors: tuple[str, ...], word: str) -> None:
    assert status(device, printer, errors) == word
