"""The tables hold together: each row has an id of its own, says what it does and who says so, and no reason is missing."""

import re
from pathlib import Path

import pytest
from attack_case import TOLD
from attack_catalogue import CASES, GROUPS, POLICIES_USED, ROWS, SINGLES, page

from meterpost.wsse import POLICIES, Reason


def test_every_row_has_an_id_of_its_own_and_a_group() -> None:
    ids = [row.id for row in ROWS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Z]+-\d\d", one) for one in ids)
    assert {one.partition("-")[0] for one in ids} == set(GROUPS)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])
def test_a_row_is_one_sentence_and_its_source(row) -> None:
    assert row.does[0].isupper()
    assert row.does[-1] not in ".;,"
    assert row.clause
    assert row.policy in POLICIES


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in SINGLES])
def test_a_row_of_its_own_has_its_test(row) -> None:
    assert sum(f'@single("{row.id}")' in file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py")) == 1


def test_every_policy_is_attacked() -> None:
    assert set(POLICIES_USED) == set(POLICIES) - {"timestamp-2004"}  # which proves nothing, and is a reply's only


def test_every_reason_to_refuse_has_its_attack() -> None:
    assert {case.reason for case in CASES} >= set(Reason)
    assert set(TOLD) >= set(Reason)


def test_the_page_has_every_row() -> None:
    text = page()
    assert all(f"| {row.id} | {row.does} |" in text.replace("\\|", "|") for row in ROWS)
