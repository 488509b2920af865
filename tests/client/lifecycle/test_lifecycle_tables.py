"""The tables are whole, and the page that is drawn from them says all of them."""

import re
from enum import StrEnum

import pytest
from lxml import etree

from meterpost.lifecycle import diagram, tables
from meterpost.lifecycle.messages import Registration
from meterpost.lifecycle.state import DeviceState, ProxyState, RequestState
from meterpost_wsdl import names

TABLES = [
    pytest.param(tables.PROXY, ProxyState, tables.ProxyEvent, ProxyState.NEW, id="proxy"),
    pytest.param(tables.DEVICE, DeviceState, tables.DeviceEvent, None, id="device"),
    pytest.param(tables.REQUEST, RequestState, tables.RequestEvent, None, id="request"),
]


@pytest.mark.parametrize(("table", "states", "events", "start"), TABLES)
def test_every_state_has_a_row_can_be_reached_and_every_event_is_used(table, states, events, start) -> None:
    assert set(table) - {None} == set(states)
    reached, edge = {start}, [start]
    while edge:
        fresh = set(table[edge.pop()].values()) - reached
        reached |= fresh
        edge.extend(fresh)
    assert reached - {None} == set(states)
    assert {event for row in table.values() for event in row} == set(events)


@pytest.mark.parametrize(("table", "states", "events", "start"), TABLES)
def test_the_drawing_has_every_row_in_words_mermaid_takes(table, states, events, start) -> None:
    drawn, listed = diagram.mermaid(table), diagram.markdown(table)
    for before, row in table.items():
        for event, after in row.items():
            assert f"| {before or '(none)'} | {event} | {after} |" in listed
            arrow = f"{'[*]' if before is None else before.replace('-', '_')} --> {after.replace('-', '_')}: {event}"
            assert (arrow in drawn) == (before is not after)
    assert drawn.count("[*] -->") == 1
    labels = re.findall(r"--> \w+: (.*)", drawn)
    assert labels
    assert not [label for label in labels if re.search("[:;]", label)]


def test_the_page_holds_three_diagrams() -> None:
    assert diagram.page().count("```mermaid\nstateDiagram-v2") == 3


def test_every_answer_to_a_registration_moves_a_selected_device() -> None:
    assert set(tables.REGISTRATION) == set(Registration)
    assert set(tables.REGISTRATION.values()) <= set(tables.DEVICE[DeviceState.SELECTED])


def test_an_ended_life_is_told_and_leads_only_into_the_next() -> None:
    assert set(tables.FAREWELL) == tables.ENDED
    for state in tables.ENDED:
        assert tables.DEVICE[state] == {tables.DeviceEvent.CHOSEN: DeviceState.SELECTED}


def test_every_refusal_code_of_the_contract_has_a_remedy() -> None:
    schema = etree.fromstring(names.contract("meterpost.xsd"))
    codes = schema.xpath(
        "//xs:simpleType[@name='RefusalCode']//xs:enumeration/@value", namespaces={"xs": "http://www.w3.org/2001/XMLSchema"}
    )
    assert set(codes) == set(tables.REFUSALS)


def test_texts_are_unique_within_a_table() -> None:
    for events in (tables.ProxyEvent, tables.DeviceEvent, tables.RequestEvent):
        assert issubclass(events, StrEnum)
        assert len({event.value for event in events}) == len(events.__members__)
