"""The life cycle as data: what can happen to the proxy, to a device and to a billing request, and what becomes of it.

Rule 1: the state of a proxy, a device or a request changes by a row of these tables and in no other way;
`turn.py` is the only reader that changes anything.
Rule 2: what is not in a table does not happen. It changes nothing and is reported to the administrator.

A row that leads to its own state is an event that is in order there and means nothing new.
`diagram.py` draws these tables for the documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum, auto

from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.messages import Registration, ServiceState
from meterpost.lifecycle.state import DeviceState, ProxyState, RequestState


class ProxyEvent(StrEnum):
    ORDERED = "registration ordered"
    KEY_DUE = "key needs a certificate"
    REGISTERED = "registration answered"
    FORGOTTEN = "registration refused, or the server no longer knows the client"


class DeviceEvent(StrEnum):
    MET = "met by discovery"
    CHOSEN = "chosen"
    TAKEN_BACK = "withdrawn or replaced before the server heard of it"
    ACCEPTED = "registration accepted"
    NOT_YET_KNOWN = "registered, not yet in the vendor's books"
    ASSIGNED = "registered, assigned to somebody else"
    INELIGIBLE = "registration answered as ineligible"
    DAY_CAME = "the day came from which the vendor knows it"
    TURN_ON = "turn on"
    STATUS_TAKEN = "status 'on' acknowledged"
    STATUS_LOST = "status 'on' not taken"
    BILLED = "billing request"
    SETTLED = "all reads acknowledged"
    NOTHING_DUE = "billing requests gone unanswered"
    TURN_OFF = "turn off"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    FORGOTTEN = "the server no longer knows the client"


class RequestEvent(StrEnum):
    ASKED = "asked"
    READ = "device read"
    ACKNOWLEDGED = "all parts acknowledged"
    NOT_KNOWN = "the server does not know it"
    RETURNED = "the answer was refused"
    LIFE_ENDED = "the device's life ended"


PROXY: Mapping[ProxyState | None, Mapping[ProxyEvent, ProxyState]] = {
    ProxyState.NEW: {ProxyEvent.ORDERED: ProxyState.REGISTERING},
    ProxyState.REGISTERING: {
        ProxyEvent.ORDERED: ProxyState.REGISTERING,
        ProxyEvent.KEY_DUE: ProxyState.REGISTERING,
        ProxyEvent.REGISTERED: ProxyState.REGISTERED,
        ProxyEvent.FORGOTTEN: ProxyState.NEW,
    },
    ProxyState.REGISTERED: {
        ProxyEvent.ORDERED: ProxyState.REGISTERED,
        ProxyEvent.KEY_DUE: ProxyState.REGISTERED,
        ProxyEvent.REGISTERED: ProxyState.REGISTERED,
        ProxyEvent.FORGOTTEN: ProxyState.NEW,
    },
}

_ENDS = {
    DeviceEvent.TURN_OFF: DeviceState.OFF,
    DeviceEvent.WITHDRAWN: DeviceState.WITHDRAWN,
    DeviceEvent.REPLACED: DeviceState.REPLACED,
    DeviceEvent.FORGOTTEN: DeviceState.SELECTED,  # for its next life
}

DEVICE: Mapping[DeviceState | None, Mapping[DeviceEvent, DeviceState]] = {
    None: {DeviceEvent.MET: DeviceState.SEEN},
    DeviceState.SEEN: {
        DeviceEvent.CHOSEN: DeviceState.SELECTED,
        DeviceEvent.TAKEN_BACK: DeviceState.SEEN,
    },
    DeviceState.SELECTED: {
        DeviceEvent.CHOSEN: DeviceState.SELECTED,
        DeviceEvent.TAKEN_BACK: DeviceState.SEEN,
        DeviceEvent.ACCEPTED: DeviceState.REGISTERED,
        DeviceEvent.NOT_YET_KNOWN: DeviceState.UNKNOWN_UNTIL,
        DeviceEvent.ASSIGNED: DeviceState.ASSIGNED_ELSEWHERE,
        DeviceEvent.INELIGIBLE: DeviceState.INELIGIBLE,
        DeviceEvent.WITHDRAWN: DeviceState.WITHDRAWN,
        DeviceEvent.REPLACED: DeviceState.REPLACED,
    },
    DeviceState.REGISTERED: {
        DeviceEvent.CHOSEN: DeviceState.REGISTERED,
        DeviceEvent.TURN_ON: DeviceState.TURNED_ON,
        **_ENDS,
    },
    DeviceState.UNKNOWN_UNTIL: {
        DeviceEvent.CHOSEN: DeviceState.UNKNOWN_UNTIL,
        DeviceEvent.DAY_CAME: DeviceState.REGISTERED,
        DeviceEvent.TURN_ON: DeviceState.TURNED_ON,
        **_ENDS,
    },
    DeviceState.ASSIGNED_ELSEWHERE: {
        DeviceEvent.CHOSEN: DeviceState.ASSIGNED_ELSEWHERE,
        DeviceEvent.TURN_ON: DeviceState.TURNED_ON,
        **_ENDS,
    },
    DeviceState.INELIGIBLE: {
        DeviceEvent.CHOSEN: DeviceState.INELIGIBLE,
        DeviceEvent.WITHDRAWN: DeviceState.WITHDRAWN,
        DeviceEvent.REPLACED: DeviceState.REPLACED,
    },
    DeviceState.TURNED_ON: {
        DeviceEvent.CHOSEN: DeviceState.TURNED_ON,
        DeviceEvent.TURN_ON: DeviceState.TURNED_ON,
        DeviceEvent.STATUS_TAKEN: DeviceState.CONFIRMED,
        DeviceEvent.STATUS_LOST: DeviceState.REGISTERED,
        DeviceEvent.BILLED: DeviceState.BILLING_DUE,
        **_ENDS,
    },
    DeviceState.CONFIRMED: {
        DeviceEvent.CHOSEN: DeviceState.CONFIRMED,
        DeviceEvent.TURN_ON: DeviceState.CONFIRMED,
        DeviceEvent.BILLED: DeviceState.BILLING_DUE,
        **_ENDS,
    },
    DeviceState.BILLING_DUE: {
        DeviceEvent.CHOSEN: DeviceState.BILLING_DUE,
        DeviceEvent.TURN_ON: DeviceState.BILLING_DUE,
        DeviceEvent.STATUS_TAKEN: DeviceState.BILLING_DUE,
        DeviceEvent.STATUS_LOST: DeviceState.REGISTERED,
        DeviceEvent.BILLED: DeviceState.BILLING_DUE,
        DeviceEvent.SETTLED: DeviceState.REPORTED,
        DeviceEvent.NOTHING_DUE: DeviceState.CONFIRMED,
        **_ENDS,
    },
    DeviceState.REPORTED: {
        DeviceEvent.CHOSEN: DeviceState.REPORTED,
        DeviceEvent.TURN_ON: DeviceState.REPORTED,
        DeviceEvent.BILLED: DeviceState.BILLING_DUE,
        **_ENDS,
    },
    DeviceState.OFF: {DeviceEvent.CHOSEN: DeviceState.SELECTED},
    DeviceState.REPLACED: {DeviceEvent.CHOSEN: DeviceState.SELECTED},
    DeviceState.WITHDRAWN: {DeviceEvent.CHOSEN: DeviceState.SELECTED},
}

REQUEST: Mapping[RequestState | None, Mapping[RequestEvent, RequestState]] = {
    None: {RequestEvent.ASKED: RequestState.OPEN},
    RequestState.OPEN: {
        RequestEvent.ASKED: RequestState.OPEN,
        RequestEvent.READ: RequestState.ANSWERED,
        RequestEvent.LIFE_ENDED: RequestState.REJECTED,
    },
    RequestState.ANSWERED: {
        RequestEvent.ASKED: RequestState.ANSWERED,
        RequestEvent.ACKNOWLEDGED: RequestState.ACKNOWLEDGED,
        RequestEvent.NOT_KNOWN: RequestState.REJECTED,
        RequestEvent.RETURNED: RequestState.OPEN,
        RequestEvent.LIFE_ENDED: RequestState.REJECTED,
    },
    RequestState.ACKNOWLEDGED: {RequestEvent.ASKED: RequestState.ACKNOWLEDGED},
    # Only one that no answer of ours stands for (`parts` is 0) is opened again.
    RequestState.REJECTED: {RequestEvent.ASKED: RequestState.OPEN},
}

ENDED = frozenset({DeviceState.OFF, DeviceState.REPLACED, DeviceState.WITHDRAWN})
"""The device's life is over; choosing it again starts the next."""

ON_THE_BOOKS = frozenset(state for state, row in DEVICE.items() if DeviceEvent.TURN_OFF in row)
"""The server has registered the device for the life it is in."""

PENDING = frozenset({RequestState.OPEN, RequestState.ANSWERED})
"""The server still waits for (a part of) the answer."""

REGISTRATION: Mapping[Registration, DeviceEvent] = {
    Registration.ACCEPTED: DeviceEvent.ACCEPTED,
    Registration.UNKNOWN: DeviceEvent.NOT_YET_KNOWN,
    Registration.ASSIGNED: DeviceEvent.ASSIGNED,
    Registration.INELIGIBLE: DeviceEvent.INELIGIBLE,
}

FAREWELL: Mapping[DeviceState, ServiceState] = {
    DeviceState.OFF: ServiceState.OFF,
    DeviceState.REPLACED: ServiceState.REPLACED,
    DeviceState.WITHDRAWN: ServiceState.WITHDRAWN,
}
"""The status that tells the server of a life's end."""


class Remedy(Enum):
    """What is done about a refused message."""

    AGAIN = auto()  # the same message later
    UNDO = auto()  # it leaves the outbox and what it would have done is taken back
    FORGET = auto()  # the server has nothing of ours: the registration starts anew when it is ordered


@dataclass(frozen=True, slots=True)
class Refusal:
    """The remedy, and what the administrator is told besides the server's own words."""

    remedy: Remedy
    kind: NoticeKind = NoticeKind.COMMUNICATION_ERROR
    meaning: str = ""


REFUSALS: Mapping[str, Refusal] = {
    "try-later": Refusal(Remedy.AGAIN),
    "not-registered": Refusal(Remedy.FORGET),
    "other-account": Refusal(Remedy.UNDO),
    "over-budget": Refusal(Remedy.UNDO),
    "key-refused": Refusal(
        Remedy.AGAIN, NoticeKind.NOT_ACCEPTED, "nothing is lost: the key is kept, messages wait, and all is tried again"
    ),
    "revoked": Refusal(
        Remedy.AGAIN, NoticeKind.NOT_ACCEPTED, "the vendor turned this client off; nothing is lost, and all is tried again"
    ),
}
"""By refusal code."""

BLAMED = Refusal(Remedy.UNDO)
"""Of any other code (a SOAP fault): it blames the message, so sending it again would only block the outbox."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
"""Between two attempts at the same message; doubled at each. Random spread is the agent's."""

SYNC_AFTER_EFFECTIVE = timedelta(minutes=5)
"""An extra sync follows the hour at which a registration takes effect by this much: the clocks may differ."""

MAX_DEVICES = 10_000
"""Device elements in one message (the schema's maxOccurs)."""

KEEP_SETTLED = timedelta(days=400)
"""How long the id of a settled billing request is remembered, so that it is not answered again: more than two of the
longest billing cycles, counted from when it was received."""
