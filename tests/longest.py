"""The longest messages there are: every field at its limit, filled with one content or another, for any number of devices."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256, sha512
from random import Random
from string import ascii_letters, digits

from meterpost.lifecycle import messages as m
from meterpost_wsdl import xmlio

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
CONTENTS = {"plain": "x", "ampersands": "&", "quotes": '"', "CJK": "字", "emoji": "🖨", "noise": ""}
"""`noise` is what no coding makes shorter: any printable character, each as likely, no text and no number twice. Longer
characters than those of ASCII are in more octets, but have fewer bits in each of them."""
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '&<>"')
_ID = f"{ascii_letters}{digits}._:-"


@lru_cache(4096)
def full(character: str, limit: int, number: int = 0) -> str:
    """Text that fills `limit` octets after escaping, unlike that of another `number`."""
    tail = f"{number:05d}" if number else ""
    room = limit - len(tail)
    size = xmlio.octets(character)
    return character * (room // size) + "x" * (room % size) + tail


@dataclass(slots=True)
class Filler:
    """What fills a message's fields. The same messages come of it each time."""

    content: str
    _random: Random = field(default_factory=lambda: Random(4711))

    def text(self, limit: int, number: int = 0) -> str:
        if self.content == "noise":
            return "".join(self._random.choices(_PRINTABLE, k=limit))
        return full(CONTENTS[self.content], limit, number)

    def id(self, number: int) -> str:
        if self.content == "noise":
            return "".join(self._random.choices(_ID, k=36))
        return full("x", 36, number)

    def value(self) -> int:
        return self._random.randrange(10**9, 10**10) if self.content == "noise" else 9_999_999_999


def _reads(c: Filler, i: int) -> m.DeviceReads:
    """As many meters and supplies as one Device element can take (`soap.pack` fills no further; see its own tests)."""
    meters = tuple(m.MeterValue(c.text(40), c.value()) for _ in range(10))
    supplies = tuple(m.SupplyUsage(c.text(40), c.value(), c.value(), 99) for _ in range(5))
    return m.DeviceReads(c.text(32, i), c.id(i), NOW, 99, 99, meters, supplies)


_SETTINGS = m.RemoteSettings("23:59", 720, 1440)
KEY = b64encode(b"\2" + sha256(b"a point").digest()).decode()
PROOF = b64encode(sha512(b"a proof").digest()).decode()
"""As long as each is, and as hard to compress. Neither is a key's."""

MESSAGES: dict[str, Callable[[Filler, int], m.Message]] = {
    "T1": lambda c, x: m.RegisterProxy(CLIENT, c.text(64), c.text(64), c.text(16)),
    "T1 with a key": lambda c, x: m.RegisterProxy(CLIENT, c.text(64), c.text(64), c.text(16), KEY, PROOF),
    "T1 renewal": lambda c, x: m.RegisterProxy(CLIENT, "", "", c.text(16), KEY),
    "T2": lambda c, x: m.RegisterProxyDevices(
        CLIENT, tuple(m.DeviceToRegister(c.text(32, i), c.text(32), c.text(64), c.text(64)) for i in range(1, x + 1))
    ),
    "T3": lambda c, x: m.SyncProxy(CLIENT, c.text(16)),
    "T4": lambda c, x: _commands(c, x),
    "T5": lambda c, x: m.SyncProxyStatus(
        CLIENT, tuple(m.DeviceStatus(c.text(32, i), m.ServiceState.WITHDRAWN, NOW) for i in range(1, x + 1))
    ),
    "T6": lambda c, x: _bills(c, x),
    "T7": lambda c, x: m.BillingTransaction(CLIENT, tuple(_reads(c, i) for i in range(1, x + 1))),
}
REPLIES = ("T4", "T6")


def transaction(case: str) -> str:
    """The formula a case is held to."""
    return case.partition(" ")[0]


def _commands(c: Filler, x: int) -> m.Message:
    serials = [c.text(32, i) for i in range(1, x + 1)]
    return m.SyncProxyResponse(
        NOW,
        _SETTINGS,
        tuple(m.TurnOn(serial) for serial in serials),
        tuple(m.TurnOff(serial, c.text(64)) for serial in serials),
    )


def _bills(c: Filler, x: int) -> m.Message:
    serials = [c.text(32, i) for i in range(1, x + 1)]
    days = date(2026, 1, 1), date(2026, 7, 1), m.Cycle.SEMI_ANNUALLY, date(2026, 7, 9)
    bills = (m.Bill(serial, c.id(i), *days, tuple(c.text(40) for _ in range(20))) for i, serial in enumerate(serials, 1))
    return m.SyncProxyResponse(NOW, _SETTINGS, tuple(m.TurnOn(serial) for serial in serials), (), tuple(bills))
