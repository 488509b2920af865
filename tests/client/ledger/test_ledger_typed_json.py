"""Values as JSON by their types: exact, and strict on the way back."""

import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_values import NOON, anything

from meterpost.ledger.typed_json import BadValue, dumps, loads, stamp
from meterpost.lifecycle.messages import Bill, Cycle, Message, RegisterProxy, Reply, Request, SyncProxy, SyncProxyResponse


@given(message=st.one_of(anything(Request), anything(Reply)))
def test_every_message_comes_back(message: Message) -> None:
    text = dumps(message, Message)
    assert text.isascii()
    assert loads(text, Message) == message


def test_the_form_is_plain() -> None:
    assert dumps(SyncProxy("c", "0.1.0"), Request) == '{"SyncProxy":{"client":"c","version":"0.1.0"}}'
    assert dumps(frozenset({3, 1}), frozenset[int]) == "[1,3]"
    assert dumps(NOON, datetime) == '"2026-11-20T12:00:00.000000Z"'


BILL = json.loads(dumps(Bill("S", "b-1", date(2026, 1, 1), date(2026, 1, 31), Cycle.MONTHLY, date(2026, 2, 1)), Bill))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("cycle", "weekly"),
        ("due", "2026-02-30"),
        ("due", None),
        ("due", 5),
        ("serial", 5),
        ("meters", "black"),
        ("meters", [5]),
        ("colour", "red"),
    ],
)
def test_a_part_of_another_type_is_refused(part: str, value: Any) -> None:
    assert loads(json.dumps(BILL), Bill).cycle is Cycle.MONTHLY
    with pytest.raises(BadValue):
        loads(json.dumps(BILL | {part: value}), Bill)


@pytest.mark.parametrize("missing", [name for name in BILL if name != "meters"])
def test_a_missing_part_is_refused(missing: str) -> None:
    with pytest.raises(BadValue, match="has the parts"):
        loads(json.dumps({name: value for name, value in BILL.items() if name != missing}), Bill)


def test_a_message_that_was_stored_before_a_field_was_there_has_its_default() -> None:
    stored = '{"RegisterProxy":{"client":"c","name":"host","os":"Linux","version":"0.1.0"}}'
    assert loads(stored, Request) == RegisterProxy("c", "host", "Linux", "0.1.0", key=None, proof=None)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", SyncProxy),
        ("[]", SyncProxy),
        ("{}", Request),
        ('{"Bill":{}}', Request),
        ('{"SyncProxy":{"client":"c","version":"1"},"RegisterProxy":{}}', Request),
        ("true", int),
        ("1.0", int),
        ('"2026-11-20T12:00:00"', datetime),
        ('"2026-11-20T12:00:00+01:00"', datetime),
        ("null", SyncProxyResponse),
    ],
)
def test_other_text_is_refused(text: str, hint: Any) -> None:
    with pytest.raises(BadValue):
        loads(text, hint)


def test_a_type_without_a_form_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no JSON form"):
        dumps(1.5, float)
    with pytest.raises(ValueError, match="without zone"):
        stamp(NOON.replace(tzinfo=None))
