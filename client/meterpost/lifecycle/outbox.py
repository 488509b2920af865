"""Messages leave from the front, one at a time, each with the same content until the server has answered it.

Only the front can ever have left, and the one it overtakes, so whatever waits behind them may still change."""

from meterpost.lifecycle import billing, enrolment, syncing
from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import Outgoing, renews
from meterpost.lifecycle.tables import BLAMED, REFUSALS, Remedy
from meterpost.lifecycle.turn import Turn


def started(turn: Turn, number: int) -> None:
    if front := turn.front(number):
        turn.change(front, attempts=front.attempts + 1, not_before=None)


def failed(turn: Turn, number: int, reason: str) -> None:
    """Whether the server has it is unknown: the same message goes again."""
    if front := turn.front(number):
        turn.notice(NoticeKind.COMMUNICATION_ERROR, "", reason)
        _later(turn, front)


def replied(turn: Turn, number: int, reply: m.Reply) -> None:
    """A reply that does not answer the message is a failure, and nothing in it is believed."""
    front = turn.front(number)
    if front is None:
        return
    position = turn.outbox.index(front)
    del turn.outbox[position]
    message = front.message
    match message, reply:
        case m.RegisterProxy(), m.RegisterProxyResponse() if reply.client == message.client:
            enrolment.proxy_registered(turn, reply)
        case m.RegisterProxyDevices(), m.RegisterProxyDevicesResponse():
            enrolment.devices_registered(turn, message, reply)
        case m.SyncProxy(), m.SyncProxyResponse():
            syncing.answered(turn, reply)
        case m.SyncProxyStatus(), m.SyncProxyStatusResponse():
            syncing.statuses_taken(turn, message, reply)
        case m.BillingTransaction(), m.BillingTransactionResponse():
            billing.acknowledged(turn, message, reply)
        case _:
            turn.outbox.insert(position, front)
            turn.unexpected("", f"a {type(reply).__name__} does not answer this {type(message).__name__}; it is sent again")
            _later(turn, front)


def refused(turn: Turn, event: ev.SendRefused) -> None:
    """The server has not done what the message asks, so nothing may stay behind that pretends it had."""
    front = turn.front(event.number)
    if front is None:
        return
    rule = REFUSALS.get(event.code, BLAMED)
    turn.notice(rule.kind, "", f"{event.reason}; {rule.meaning}" if rule.meaning else event.reason)
    registers = isinstance(front.message, m.RegisterProxy) and not renews(turn.proxy, front.message)
    if rule.remedy is Remedy.AGAIN:
        _later(turn, front)
    elif rule.remedy is Remedy.FORGET or registers:
        # Without a registered client nothing that waits can succeed.
        waiting, turn.outbox[:] = turn.outbox[:], []
        enrolment.forgotten(turn)
        for outgoing in waiting:
            _undo(turn, outgoing.message)
    else:
        turn.outbox.remove(front)
        _undo(turn, front.message)


def _later(turn: Turn, front: Outgoing) -> None:
    """It stays and pauses. But a renewal must not stand in the way of what it overtook: it goes, and comes with the next
    sync."""
    if renews(turn.proxy, front.message):
        turn.outbox.remove(front)
    else:
        turn.try_later(front)


def _undo(turn: Turn, message: m.Request) -> None:
    """What is not here needs nothing: devices of a refused registration are still selected, a sync is asked again."""
    match message:
        case m.SyncProxyStatus():
            syncing.statuses_refused(turn, message)
        case m.BillingTransaction():
            billing.refused(turn, message)
