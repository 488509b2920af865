"""The client's messages against the documented lines: every field at its limit, hostile contents, both dialects, and
every x up to the 10 000 devices that one message may name.

A budget is a line, so two things are shown for each transaction: the message of any x is under the ceiling, and so
are its two parts, the fixed one and what one more device adds.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path

import pytest

from meterpost import wsse
from meterpost.lifecycle import messages as m
from meterpost.model import Credentials
from meterpost.settings import ServerSettings
from meterpost.soap import check
from meterpost.soap.envelope import envelope
from meterpost.transport import HttpsTransport, Outbound
from meterpost_wsdl import names, xmlio
from meterpost_wsdl.budgets import find

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
SIZES = (0, 1, 2, 3, 5, 10, 100, 1000, 10_000)
CONTENTS = {"plain": "x", "ampersands": "&", "quotes": '"', "CJK": "字", "emoji": "🖨"}
URL = "https://communication-server.services.printer-vendor.example:8443/smart/esolutions/ws"
"""A long address of an ordinary kind; it stands in every head."""


@lru_cache(4096)
def full(character: str, limit: int, number: int = 0) -> str:
    """Text that fills `limit` octets after escaping, unlike that of another `number`."""
    tail = f"{number:05d}" if number else ""
    room = limit - len(tail)
    size = xmlio.octets(character)
    return character * (room // size) + "x" * (room % size) + tail


def reads(c: str, i: int) -> m.DeviceReads:
    """As many meters and supplies as one Device element can take (`soap.pack` fills no further; see its own tests)."""
    meters = tuple(m.MeterValue(full(c, 40), 9_999_999_999) for _ in range(10))
    supplies = tuple(m.SupplyUsage(full(c, 40), 9_999_999_999, 9_999_999_999, 99) for _ in range(5))
    return m.DeviceReads(full(c, 32, i), full("x", 36, i), NOW, 99, 99, meters, supplies)


MESSAGES: dict[str, Callable[[str, int], m.Message]] = {
    "T1": lambda c, x: m.RegisterProxy(CLIENT, full(c, 64), full(c, 64), full(c, 16)),
    "T2": lambda c, x: m.RegisterProxyDevices(
        CLIENT, tuple(m.DeviceToRegister(full(c, 32, i), full(c, 32), full(c, 64), full(c, 64)) for i in range(1, x + 1))
    ),
    "T3": lambda c, x: m.SyncProxy(CLIENT, full(c, 16)),
    "T4": lambda c, x: m.SyncProxyResponse(
        NOW,
        m.RemoteSettings("23:59", 720, 1440),
        tuple(m.TurnOn(full(c, 32, i)) for i in range(1, x + 1)),
        tuple(m.TurnOff(full(c, 32, i), full(c, 64)) for i in range(1, x + 1)),
    ),
    "T5": lambda c, x: m.SyncProxyStatus(
        CLIENT, tuple(m.DeviceStatus(full(c, 32, i), m.ServiceState.WITHDRAWN, NOW) for i in range(1, x + 1))
    ),
    "T6": lambda c, x: m.SyncProxyResponse(
        NOW,
        m.RemoteSettings("23:59", 720, 1440),
        tuple(m.TurnOn(full(c, 32, i)) for i in range(1, x + 1)),
        (),
        tuple(
            m.Bill(
                full(c, 32, i),
                full("x", 36, i),
                date(2026, 1, 1),
                date(2026, 7, 1),
                m.Cycle.SEMI_ANNUALLY,
                date(2026, 7, 9),
                (full(c, 40),) * 20,
            )
            for i in range(1, x + 1)
        ),
    ),
    "T7": lambda c, x: m.BillingTransaction(CLIENT, tuple(reads(c, i) for i in range(1, x + 1))),
}
RESPONSE_HEAD = 332
"""A full ordinary response head (status line, Date, Server, caching and connection headers), which a server may put before
T4 and T6; the stub's own is shorter and measured in its tests."""


@cache
def transport() -> HttpsTransport:
    return HttpsTransport(ServerSettings(url=URL, http_proxy="none"), Path())


@lru_cache(len(SIZES))
def unsealed(transaction: str, devices: int, character: str) -> tuple[str, bytes]:
    """The operation and the envelope, kept for the next dialect."""
    message = MESSAGES[transaction](character, devices)
    return type(message).__name__, envelope(message)


def octets(transaction: str, devices: int, character: str, policy: str) -> int:
    """The HTTP message's octets: head as the transport writes it, sealed body."""
    credentials = Credentials(full(character, 64), "secret")
    operation, data = unsealed(transaction, devices, character)
    sealed = wsse.seal(data, wsse.POLICIES[policy], wsse.Identity(credentials), NOW, bytes(16))
    message = Outbound.of(names.action(operation), sealed)
    if transaction in ("T4", "T6"):
        return RESPONSE_HEAD + len(message.body)
    return len(transport().head(message)) + len(message.body)


@pytest.mark.parametrize("policy", ["digest-2002", "digest-2004"])
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("transaction", MESSAGES)
def test_under_the_line(transaction: str, content: str, policy: str) -> None:
    budget = find(transaction)
    numbers = [x for x in SIZES if x >= budget.minimum_devices and (budget.per_device or x == 0)]
    sizes = {x: octets(transaction, x, CONTENTS[content], policy) for x in numbers}
    for x, size in sizes.items():
        verdict = check(transaction, x, size)
        assert verdict.held, f"x = {x}: {size} > {verdict.limit}"
    slope = sizes[2] - sizes[1] if budget.per_device else 0
    assert slope <= budget.per_device
    assert sizes[min(numbers)] - min(numbers) * slope <= budget.fixed


def test_the_test_messages_are_of_the_contract() -> None:
    for content in CONTENTS.values():
        for build in MESSAGES.values():
            assert names.violation(xmlio.parse(envelope(build(content, 3)))[0][0]) == ""
