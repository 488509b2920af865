"""Exactly these bytes: the golden messages of the contract, per transaction and dialect."""

from datetime import timedelta
from importlib.resources import files

import pytest
from golden_cases import CREDENTIALS, MESSAGES, NOW, POLICIES, file_name, octets

from meterpost import wsse
from meterpost.soap import Codec, check, transaction_of
from meterpost_wsdl import names, xmlio

CASES = [(case, policy) for case in MESSAGES for policy in POLICIES]
HEADS = {"T4": 332, "T6": 332}
"""A full ordinary response head; a request's has at most 218 octets."""


def golden(case: str, policy: str) -> bytes:
    return (files("meterpost_wsdl") / "golden" / file_name(case, policy)).read_bytes()


@pytest.mark.parametrize(("case", "policy"), CASES)
def test_exactly_these_bytes(case: str, policy: str) -> None:
    assert octets(case, policy) == golden(case, policy)


@pytest.mark.parametrize(("case", "policy"), CASES)
def test_a_golden_message_is_of_the_contract_and_its_seal_holds(case: str, policy: str) -> None:
    root = xmlio.parse(golden(case, policy))
    (payload,) = root.find(f"{{{names.SOAP}}}Body")
    assert names.violation(payload) == ""
    verdict = wsse.open_envelope(
        root,
        wsse.Acceptance((policy,)),
        wsse.Trust({CREDENTIALS.username: CREDENTIALS.password}.get),
        wsse.MemoryReplayCache(),
        NOW + timedelta(seconds=1),
    )
    assert verdict.ok, verdict.reasons


@pytest.mark.parametrize(("case", "policy"), [(case, policy) for case, policy in CASES if transaction_of(MESSAGES[case])[0]])
def test_a_golden_message_is_under_its_line(case: str, policy: str) -> None:
    transaction, devices = transaction_of(MESSAGES[case])
    assert check(transaction, devices, len(golden(case, policy)) + HEADS.get(transaction, 218)).held


def test_no_golden_message_is_left_over() -> None:
    there = {entry.name for entry in (files("meterpost_wsdl") / "golden").iterdir() if entry.name.endswith(".xml")}
    assert there == {file_name(case, policy) for case, policy in CASES}


def test_what_zeep_reads_in_a_golden_reply_is_what_was_said() -> None:
    codec = Codec()
    for case, request in (
        ("T4", "T3"),
        ("T6", "T3"),
        ("T7-reply", "T7"),
        ("T2-reply", "T2"),
        ("T5-reply", "T5"),
        ("T1-reply", "T1"),
    ):
        assert codec.decode(xmlio.parse(golden(case, "digest-2004")), MESSAGES[request]) == MESSAGES[case]
