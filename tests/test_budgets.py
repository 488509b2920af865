"""Every policy's messages against the documented lines: each field at its limit, hostile contents, heads and content-coding
as client and stub send them, and every x up to the 10 000 devices that one message may name.

A budget is a line, so two things are shown for each transaction: the message of any x is under the ceiling, and so are its
two parts, the fixed one and what one more device adds. Of a signed message for at least one device the fixed part is that
with one. Where a policy does not keep to a formula, `OVER` says by how much; to be better is as wrong as to be worse.

Sealing 13 MB takes a second, so 1000 devices are tried with one content for each policy, the longest: noise where it is
compressed, plain text (all are as long) where it is not; and 10 000 with those of `LARGEST`, for the others differ from them by
constants. With all other contents x ends at 100 where something is signed.
"""

from itertools import pairwise

import pytest

from figures import USED, Figure, cases, kinds, measure
from longest import CONTENTS, MESSAGES, Filler, transaction
from meterpost import wsse
from meterpost.errors import SettingsError
from meterpost.soap.envelope import envelope
from meterpost_wsdl import names, xmlio
from meterpost_wsdl.budgets import Budget, find

SIZES = (0, 1, 2, 3, 5, 10, 100, 1000, 10_000)

OVER: dict[tuple[str, str], dict[str, int]] = {
    ("compact-signed", "rsa2048"): {"T1": 212, "T3": 163, "T4": 192, "T5": 182, "T6": 192},
    ("signed+encrypted", "p256"): {"T1": 77, "T3": 17, "T5": 44},
    ("signed+encrypted", "rsa2048"): {"T1": 286, "T2": 25, "T3": 228, "T4": 53, "T5": 253, "T6": 53},
}
"""Octets by which the longest message exceeds its formula, by policy and key, at the reference server."""

OVER_FAR: dict[tuple[str, str], dict[str, int]] = {
    ("digest+signed", "rsa2048"): {"T1": 40, "T3": 47, "T4": 194, "T5": 4, "T6": 194},
    ("compact-signed", "p256"): {"T1": 1, "T4": 153, "T6": 153},
    ("compact-signed", "rsa2048"): {"T1": 271, "T2": 10, "T3": 222, "T4": 407, "T5": 241, "T6": 407},
    ("signed+encrypted", "p256"): {"T1": 136, "T1 renewal": 53, "T3": 76, "T4": 61, "T5": 103, "T6": 61},
    ("signed+encrypted", "rsa2048"): {"T1": 345, "T2": 84, "T3": 287, "T4": 268, "T5": 312, "T6": 268},
}
"""The same at an address of 77 octets (host, port and path), and with the response head of an ordinary web server."""

TOO_LONG_TO_ENCRYPT = (("T6", 10_000), ("T7", 10_000))
"""Never sent: libxml2 reads no text of more than 10 000 000 octets."""

LARGEST = ("digest-2002", "digest-2004", "digest+signed", "compact-signed", "signed+encrypted")

ROWS = [(policy, kind, case) for case in MESSAGES for policy in USED for kind in kinds(policy) if case in cases(policy, kind)]


def tried(budget: Budget, content: str, policy: str, kind: str) -> list[int]:
    """The numbers of devices, in order."""
    row = wsse.POLICIES[policy]
    if content == ("noise" if row.compressed else "plain"):
        most = 10_000 if policy in LARGEST and kind != "rsa2048" else 1000
    else:
        most = 100 if row.covers else 1000
    return [x for x in SIZES if budget.minimum_devices <= x <= (most if budget.per_device else 0)]


def measured(case: str, policy: str, kind: str) -> dict[str, dict[int, Figure]]:
    budget, encrypted = find(transaction(case)), wsse.POLICIES[policy].encrypted
    return {
        content: {
            x: measure(case, x, content, policy, kind)
            for x in tried(budget, content, policy, kind)
            if not (encrypted and (case, x) in TOO_LONG_TO_ENCRYPT)
        }
        for content in CONTENTS
    }


@pytest.mark.parametrize(("policy", "kind", "case"), ROWS)
def test_under_the_line(policy: str, kind: str, case: str) -> None:
    budget = find(transaction(case))
    figures = measured(case, policy, kind)
    sizes = [(x, figure) for of in figures.values() for x, figure in of.items()]
    over = max(0, *(figure.sent - budget.limit(x) for x, figure in sizes))
    assert over == OVER.get((policy, kind), {}).get(case, 0)
    assert max(0, *(figure.sent_far - budget.limit(x) for x, figure in sizes)) == OVER_FAR.get((policy, kind), {}).get(case, 0)
    least = 0 if not wsse.POLICIES[policy].covers else budget.minimum_devices
    for of in figures.values():
        slope = _slope({x: figure.sent for x, figure in of.items()})
        assert slope <= budget.per_device
        first = min(of)
        assert of[first].sent - (first - least) * slope <= budget.fixed + least * budget.per_device + over


def _slope(sizes: dict[int, int]) -> float:
    """What a further device adds: the most between any two sizes beside each other, from the second device on."""
    several = [x for x in sizes if x > 0]
    return max((sizes[b] - sizes[a]) / (b - a) for a, b in pairwise(several)) if several else 0


@pytest.mark.parametrize(("case", "devices"), TOO_LONG_TO_ENCRYPT)
def test_too_long_to_encrypt(case: str, devices: int) -> None:
    with pytest.raises(SettingsError, match="cannot be encrypted"):
        measure(case, devices, "plain", "signed+encrypted", "p256")


@pytest.mark.parametrize("content", CONTENTS)
def test_the_test_messages_are_of_the_contract_and_as_long_as_they_may_be(content: str) -> None:
    for case in MESSAGES:
        octets = envelope(MESSAGES[case](Filler(content), 3))
        assert names.violation(xmlio.parse(octets)[0][0]) == ""
        assert len(octets) == len(envelope(MESSAGES[case](Filler("plain"), 3)))
