"""Devices that are silent, answer garbage, half an answer or somebody else's: the message, and that only they suffer."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from devices_kit import NOON, PROFILES, Mib, a_printer, read
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

from meterpost.devices import Devices, SnmpUserSecret
from meterpost.devices.finding.visit import READING_S
from meterpost.devices.reading import contact, mib
from meterpost.devices.snmp.port import Kind
from meterpost.errors import DeviceError, SettingsError
from meterpost.settings import DiscoverySettings, SnmpSettings

Start = Callable[[Callable[[bytes], bytes | None]], tuple[str, int]]


def devices(**changes: Any) -> Devices:
    snmp = SnmpSettings(**{"timeout_s": 0.15, "retries": 0, "versions": ("2c",)} | changes)
    return Devices(snmp, DiscoverySettings(packets_per_second=2000), (), lambda: NOON)


def an_answer(request: bytes, changed_by: int = 0) -> bytes:
    """A proper answer to every name of `request`, its request-id `changed_by` a number."""
    message, _ = decoder.decode(request, asn1Spec=v2c.Message())
    asked = v2c.apiMessage.get_pdu(message)
    answer = v2c.ResponsePDU()
    v2c.apiPDU.set_defaults(answer)
    v2c.apiPDU.set_request_id(answer, int(v2c.apiPDU.get_request_id(asked)) + changed_by)
    v2c.apiPDU.set_varbinds(answer, [(name, v2c.Integer(1)) for name, _ in v2c.apiPDU.get_varbinds(asked)])
    v2c.apiMessage.set_pdu(message, answer)
    return bytes(encoder.encode(message))


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        random.Random(7).randbytes(1400),
    ],
    ids=["empty", "zero", "indefinite", "longer than it is", "http", "noise"],
)
def test_garbage_is_named_as_such(udp_device: Start, reply: bytes) -> None:
    host, port = udp_device(lambda _: reply)
    with pytest.raises(DeviceError, match=f"127.0.0.1 port {port} answered, but not in SNMP"):
        devices().read(host, port)


@pytest.mark.parametrize("length", [1, 2, 10, 20, 40, -1])
def test_a_truncated_answer_is_no_answer(udp_device: Start, length: int) -> None:
    host, port = udp_device(lambda request: an_answer(request)[:length])
    with pytest.raises(DeviceError, match="not in SNMP"):
        devices().read(host, port)


def test_an_echo_is_no_answer(udp_device: Start) -> None:
    host, port = udp_device(lambda request: request)
    with pytest.raises(DeviceError, match="not in SNMP"):
        devices().read(host, port)


def test_an_answer_to_another_question_is_not_taken(udp_device: Start) -> None:
    host, port = udp_device(lambda request: an_answer(request, changed_by=1))
    with pytest.raises(DeviceError, match="does not answer SNMP") as caught:
        devices().read(host, port)
    assert "switched on" in caught.value.advice


def test_a_silent_device_is_asked_with_each_community_in_each_version(udp_device: Start) -> None:
    seen: list[tuple[int, bytes, int]] = []

    def see(request: bytes) -> None:
        message, _ = decoder.decode(request, asn1Spec=v2c.Message())
        seen.append((int(message[0]), bytes(message[1]), request[request.index(bytes(message[1])) + len(message[1])]))

    host, port = udp_device(see)
    with pytest.raises(DeviceError, match="does not answer SNMP"):
        devices(retries=1, versions=("2c", "1"), communities=("public", "second")).read(host, port)
    assert seen == [
        (1, b"public", Kind.GET_BULK),
        (1, b"second", Kind.GET_BULK),
        (0, b"public", Kind.GET_NEXT),
        (0, b"second", Kind.GET_NEXT),
    ]


def test_who_knows_no_getbulk_and_no_v1_is_read_all_the_same(udp_device: Start) -> None:
    host, port = udp_device(lambda request: None if Kind.GET_BULK in request[:30] else an_answer(request))
    assert not devices(retries=1, versions=("2c",)).read(host, port).is_printer


def test_a_device_that_answers_everything_with_a_number_is_read_without_harm(udp_device: Start) -> None:
    host, port = udp_device(an_answer)
    reading = devices().read(host, port)
    assert not reading.is_printer
    assert reading.meters == ()


def test_a_name_that_does_not_resolve_is_said() -> None:
    with pytest.raises(DeviceError, match=r"the name no-such-printer\.invalid cannot be resolved"):
        devices().read("no-such-printer.invalid")


def test_a_garbage_device_costs_only_itself(udp_device: Start) -> None:
    bad = udp_device(lambda _: b"garbage")
    good = udp_device(an_answer)
    outcomes = devices().read_many([bad, good, bad])
    assert [isinstance(outcome, DeviceError) for outcome in outcomes] == [True, False, True]


def test_a_device_that_answers_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch, udp_device: Start) -> None:
    monkeypatch.setattr("meterpost.devices.finding.visit.READING_S", 0.0)
    assert READING_S == 150
    host, port = udp_device(an_answer)
    with pytest.raises(DeviceError, match="could not be read within 0 seconds"):
        devices().read(host, port)


def test_v3_garbage_is_a_device_error(udp_device: Start) -> None:
    host, port = udp_device(lambda _: b"\x30\x03\x02\x01\x03")
    settings_ = SnmpSettings(timeout_s=0.2, retries=0, versions=())
    user = SnmpUserSecret("reader", "auth-password", "priv-password")
    with pytest.raises(DeviceError):
        Devices(settings_, DiscoverySettings(), (user,), lambda: NOON).read(host, port)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (SnmpUserSecret("reader", "auth-password", "priv-password", auth="CRC"), "auth 'CRC' is not known"),
        (SnmpUserSecret("reader", "auth-password", "priv-password", priv="ROT13"), "priv 'ROT13' is not known"),
        (SnmpUserSecret("reader", "short", "priv-password"), "too short"),
    ],
)
def test_an_impossible_user_is_refused_before_the_network_is_asked(user: SnmpUserSecret, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Devices(SnmpSettings(), DiscoverySettings(), (user,), lambda: NOON)


def test_no_way_in_at_all_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="no way to ask"):
        Devices(SnmpSettings(communities=()), DiscoverySettings(), (), lambda: NOON)


any_value = (
    st.none()
    | st.integers(-(2**63), 2**64)
    | st.binary(max_size=40)
    | st.lists(st.integers(0, 2**32 - 1), max_size=5).map(tuple)
)


texts = st.sampled_from([b"SN:12345;MDL:x;", b"Total Impressions", b"123", "Toner".encode("utf-16-le"), b"\0\1\4\0\0\1\0\xff"])
rows = st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), min_size=1, max_size=3).map(tuple)


@st.composite
def mibs(draw: st.DrawFn) -> Mib:
    """Anything at all wherever a maker's profile, or the standard, has something."""
    chosen, generic = draw(st.sampled_from(list(PROFILES))), PROFILES.generic
    rules = (*chosen.serial, *generic.serial, *chosen.model, *generic.model, *chosen.maker, *chosen.firmware, *chosen.meters)
    single = {*contact.SYSTEM, *chosen.packed, *(rule.oid for rule in rules)}
    columns = {*contact._COLUMNS, *(want.column for want in contact._tables(chosen))}
    places, values = draw(st.lists(rows, min_size=1, max_size=3)), any_value | texts | st.integers(-(2**71), 2**72 - 1)
    cells = sorted(single | {column + place for column in columns for place in places})
    said = values.filter(lambda value: value is not None)  # NULL is what ends a column
    found: Mib = draw(st.dictionaries(st.sampled_from(cells), said, max_size=60))
    kind = chosen.matches[0].prefix if chosen.matches else (1, 3)
    return found | {mib.SYS_OBJECT_ID: (*kind, 1), (*mib.HR_DEVICE_TYPE, *places[0]): mib.HR_DEVICE_PRINTER}


@given(mibs(), st.sampled_from(["1", "2c"]))
@settings(max_examples=150, deadline=None)
def test_no_value_of_a_wrong_type_becomes_a_reading(found: Mib, version: str) -> None:
    reading = read(found, version)
    assert reading.is_printer
    assert all(type(meter.value) is int and meter.value >= 0 for meter in reading.meters)
    assert len({meter.name for meter in reading.meters}) == len(reading.meters)
    assert all(supply.percent is None or 0 <= supply.percent <= 100 for supply in reading.supplies)
    said = {name: value for name, value in found.items() if not isinstance(value, bytes)}
    silent = read(said, version)
    named = (*(supply.description for supply in silent.supplies), *(alert.description for alert in silent.alerts))
    assert not any((silent.serial, silent.model, silent.name, silent.location, silent.firmware, silent.sys_descr, *named))
    assert reading.to_json()


@given(st.dictionaries(st.sampled_from(sorted(a_printer())), any_value))
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_the_mib_a_reading_comes_out(changes: Mib) -> None:
    reading = read(a_printer() | changes | {(*mib.HR_DEVICE_TYPE, 1): mib.HR_DEVICE_PRINTER})
    assert all(meter.value >= 0 for meter in reading.meters)
    assert all(supply.percent is None or 0 <= supply.percent <= 100 for supply in reading.supplies)
    assert reading.to_json()
