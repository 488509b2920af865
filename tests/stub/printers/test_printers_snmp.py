"""SNMP v1 and v2c as a manager sees them: RFC 1157, RFC 3416 and RFC 3584, over real sockets on loopback."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysnmp.proto.api import v2c
from snmp_manager import V1, V2C, request

from meterpost.recording import load, oid
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.pdu import MAX_MESSAGE
from meterpost_stub.printers.usm import AgentUser, Usm

DESCR, NAME, SERVICES = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.7.0"
OCTETS_IN = "1.3.6.1.2.1.31.1.1.1.6.1"
SMALL = (f"{DESCR}|4|Printer", f"{NAME}|4|Büro", f"{SERVICES}|2|-72", f"{OCTETS_IN}|70|18446744073709551615")
NO_ERROR, TOO_BIG, NO_SUCH_NAME, NOT_WRITABLE = 0, 1, 2, 17


@pytest.fixture
def printer(printer_with):
    return printer_with(*SMALL)


@pytest.fixture
def manager(printer, manager_of):
    return manager_of(printer)


@pytest.mark.parametrize("version", [V1, V2C])
def test_get_returns_the_recorded_values(manager, version):
    answer = manager.get(NAME, SERVICES, version=version)
    assert (answer.status, answer.values) == (NO_ERROR, ("Büro".encode(), -72))


def test_every_type_of_a_recording_is_spoken(printer_with, manager_of):
    printer = printer_with(
        "1.3.1.1|2|-1", "1.3.1.2|4x|00ff", "1.3.1.3|5|", "1.3.1.4|6|1.3.6.1", "1.3.1.5|64|10.0.0.1", "1.3.1.6|65|4294967295",
        "1.3.1.7|66|7", "1.3.1.8|67|8", "1.3.1.9|68x|9f78", "1.3.1.10|70|10",
    )  # fmt: skip
    answer = manager_of(printer).bulk("1.3.1", repetitions=10)
    assert answer.values == (-1, b"\0\xff", None, (1, 3, 6, 1), b"\x0a\0\0\1", 4294967295, 7, 8, b"\x9fx", 10)


def test_v1_loses_the_whole_pdu_to_one_missing_object(manager):
    answer = manager.get(DESCR, "1.3.6.1.2.1.1.9.0", version=V1)
    assert (answer.status, answer.index, answer.values) == (NO_SUCH_NAME, 2, (None, None))


def test_v2c_says_of_each_missing_object_whether_the_object_or_the_instance_is_missing(manager):
    answer = manager.get(DESCR, "1.3.6.1.2.1.1.1.1", "1.3.6.1.2.1.43.5.1.1.17.1")
    assert answer.values == (b"Printer", "NoSuchInstance", "NoSuchObject")


def test_v1_has_no_counter64(manager):
    assert manager.get(OCTETS_IN, version=V1).status == NO_SUCH_NAME
    assert manager.next(SERVICES, version=V1).status == NO_SUCH_NAME
    assert manager.next(SERVICES).values == (2**64 - 1,)


def test_getnext_ends_as_each_version_ends(manager):
    last = manager.next(OCTETS_IN)
    assert last.bindings == ((oid(OCTETS_IN), "EndOfMibView"),)
    assert manager.next(OCTETS_IN, version=V1).status == NO_SUCH_NAME


def test_getbulk_repeats_columns_and_stops_when_all_are_at_the_end(manager):
    answer = manager.bulk(DESCR, DESCR, "1.3.6.1.2.1.1.6", non_repeaters=1, repetitions=50)
    end = "EndOfMibView"
    name, services, octets = "Büro".encode(), -72, 2**64 - 1
    assert answer.values == (name, name, services, services, octets, octets, end, end, end)


def test_getbulk_without_repetitions_or_names_is_an_empty_answer(manager):
    assert manager.bulk(DESCR, repetitions=0).values == ()
    assert manager.bulk().values == ()


def test_getbulk_is_no_request_of_v1(manager):
    assert manager.ignored(request(v2c.GetBulkRequestPDU, DESCR, version=V1))


@pytest.mark.parametrize(("version", "status"), [(V1, NO_SUCH_NAME), (V2C, NOT_WRITABLE)])
def test_set_is_refused_and_changes_nothing(printer, manager, version, status):
    answer = manager.ask(v2c.SetRequestPDU, SERVICES, version=version)
    assert (answer.status, answer.index, printer.get(SERVICES)) == (status, 1, -72)


def test_a_walk_by_getnext_and_a_walk_by_getbulk_see_the_whole_recording_in_order(built_in, fleet_of, manager_of):
    path = built_in("xerox-altalink")
    manager, recorded = manager_of(fleet_of([path]).printers[0]), load(path)
    singly, name = [], (1, 3)
    while (answer := manager.next(name)).values != ("EndOfMibView",):
        singly += answer.bindings
        name = answer.bindings[0][0]
    rows, name = [], (1, 3)
    while name is not None:
        answer = manager.bulk(name, repetitions=40)
        rows += [binding for binding in answer.bindings if binding[1] != "EndOfMibView"]
        name = None if answer.values[-1] == "EndOfMibView" else rows[-1][0]
    assert singly == rows == [(variable.oid, variable.value) for variable in recorded]


def test_an_answer_never_exceeds_one_ethernet_frame(printer_with, manager_of):
    manager = manager_of(printer_with(*(f"1.3.6.1.4.1.{row}|4|{'x' * 300}" for row in range(1, 31))))
    cut = manager.bulk("1.3.6.1.4.1", repetitions=30)
    assert 0 < len(cut.bindings) < 30
    assert cut.size <= MAX_MESSAGE
    names = [f"1.3.6.1.4.1.{row}" for row in range(1, 11)]
    big, big_v1 = manager.get(*names), manager.get(*names, version=V1)
    assert (big.status, big.bindings) == (TOO_BIG, ())
    assert (big_v1.status, [name for name, _ in big_v1.bindings]) == (TOO_BIG, list(map(oid, names)))


def test_a_value_larger_than_any_answer_is_too_big_alone_and_ends_a_bulk_before_it(printer_with, manager_of):
    manager = manager_of(printer_with("1.3.1|2|1", f"1.3.2|4|{'x' * 2000}"))
    assert manager.get("1.3.2").status == TOO_BIG
    assert manager.bulk("1.3", repetitions=5).values == (1,)


def test_a_greedy_getbulk_is_capped(printer_with, manager_of):
    manager = manager_of(printer_with(*(f"1.3.{row}|2|1" for row in range(1, 501))))
    assert 100 <= len(manager.bulk("1.3", repetitions=2**31 - 1).bindings) <= 128


@pytest.mark.parametrize("version", [V1, V2C])
def test_a_wrong_community_gets_no_answer(printer_with, manager_of, version):
    manager = manager_of(printer_with(*SMALL, communities=("public", "büro")))
    assert manager.get(DESCR, version=version, community="büro".encode()).status == NO_ERROR
    for wrong in ("private", "", "Public", "public\0"):
        assert manager.ignored(request(v2c.GetRequestPDU, DESCR, version=version, community=wrong))


@pytest.mark.parametrize("kind", [v2c.ResponsePDU, v2c.InformRequestPDU, v2c.TrapPDU, v2c.ReportPDU])
def test_what_is_not_a_request_gets_no_answer(manager, kind):
    assert manager.ignored(request(kind, DESCR))


GARBAGE = {
    "nothing": b"",
    "text": b"GET / HTTP/1.1\r\n\r\n",
    "half a message": request(v2c.GetRequestPDU, DESCR)[:-5],
    "a length beyond the end": b"\x30\x84\xff\xff\xff\xff\x02\x01\x01",
    "an endless length": b"\x30\x80\x02\x01\x01",
    "another version": request(v2c.GetRequestPDU, DESCR, version=2),
    "a negative version": request(v2c.GetRequestPDU, DESCR, version=-1),
    "deep nesting": b"\x30\x80" * 700,
    "a v3 message of nothing": bytes.fromhex("3003020103"),
    "too long": request(v2c.GetRequestPDU, *[DESCR] * 200),
    "a real number": bytes.fromhex("30060201010901") + b"\x03",
}


@pytest.mark.parametrize("octets", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_ignored_and_the_agent_lives(manager, octets):
    assert manager.ignored(octets)


@pytest.fixture(scope="module")
def bare_agent():
    mib = Mib([])
    mib.set(oid(DESCR), "Printer")
    return Agent(mib, ("public",), Usm(b"\x80\0\x7e\xd9\1\x7f\0\0\1", (AgentUser("joe", "secret-1", "secret-2"),), 1))


PLACES = 199
"""Taken modulo the length of a request, which its request id changes from run to run."""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_octets_stop_an_agent(bare_agent, data):
    """A valid request with octets changed, cut or put in; what comes back is silence or a message that fits."""
    octets = bytearray(request(v2c.GetBulkRequestPDU, DESCR, version=data.draw(st.sampled_from([0, 1, 3]))))
    for place in data.draw(st.lists(st.integers(0, PLACES), max_size=4)):
        place %= len(octets)
        octets[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    answer = bare_agent.answer(bytes(octets))
    assert answer is None or 0 < len(answer) <= MAX_MESSAGE
