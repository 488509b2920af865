"""The daily question, the commands in its answer, and the statuses that say they were carried out."""

from dataclasses import fields, replace
from datetime import UTC

from meterpost.lifecycle import billing, enrolment
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind, SettingsReceived
from meterpost.lifecycle.state import DeviceState, ProxyState
from meterpost.lifecycle.tables import FAREWELL, SYNC_AFTER_EFFECTIVE, DeviceEvent
from meterpost.lifecycle.turn import Turn, batches


def due(turn: Turn, version: str) -> None:
    """Somebody, or the daily hour, asks for it: what waits does not wait out its pause."""
    turn.try_now()
    _ask(turn, version)


def time_passed(turn: Turn, version: str) -> None:
    """Days and hours that have come. The server's calendar decides, not ours: nothing waits for these."""
    today = turn.at.astimezone(UTC).date()
    for serial, device in list(turn.devices.items()):
        if device.state is DeviceState.UNKNOWN_UNTIL and device.until and device.until <= today:
            turn.move(serial, DeviceEvent.DAY_CAME, until=None)
    effective = turn.proxy.effective
    if effective and effective + SYNC_AFTER_EFFECTIVE <= turn.at:
        turn.proxy = replace(turn.proxy, effective=None)
        if version:
            _ask(turn, version)


def answered(turn: Turn, reply: m.SyncProxyResponse) -> None:
    """Carries out the commands: settings, on, off, bill."""
    turn.last_sync = turn.at
    if reply.settings:
        told = {f.name: value for f in fields(reply.settings) if (value := getattr(reply.settings, f.name)) is not None}
        turn.settings = replace(turn.settings, **told)
        turn.effects.append(SettingsReceived(turn.settings))
    statuses = {on.serial: m.ServiceState.ON for on in reply.on if _turned_on(turn, on.serial)}
    statuses |= {off.serial: m.ServiceState.OFF for off in reply.off if enrolment.turned_off(turn, off)}
    billing.close(turn)
    billing.asked(turn, reply.bills)
    billing.resume(turn, statuses)
    named = {on.serial for on in reply.on} | {off.serial for off in reply.off} | {bill.serial for bill in reply.bills}
    statuses |= _told_again(turn, named - statuses.keys())
    for batch in batches(sorted(statuses.items())):
        turn.queue(m.SyncProxyStatus(turn.client, tuple(m.DeviceStatus(serial, state, turn.second) for serial, state in batch)))
    billing.forget_settled(turn, {bill.id for bill in reply.bills})
    billing.want_readings(turn)


def statuses_taken(turn: Turn, message: m.SyncProxyStatus, reply: m.SyncProxyStatusResponse) -> None:
    """A status `on` that the server did not take is taken back: it says `turn on` again until it has one."""
    results = turn.reconcile(((status.serial,) for status in message.devices), (((r.serial,), r.result) for r in reply.devices))
    for status in message.devices:
        if status.state is not m.ServiceState.ON:
            continue  # a life that is over; see _told_again
        result = results.get((status.serial,))
        if result in (m.Receipt.ACCEPTED, m.Receipt.DUPLICATE):
            _confirm(turn, status.serial, DeviceEvent.STATUS_TAKEN)
            continue
        _confirm(turn, status.serial, DeviceEvent.STATUS_LOST)
        if result is m.Receipt.UNKNOWN:
            turn.notice(NoticeKind.NOT_ACCEPTED, status.serial, "the server told it to turn on, and now does not know it")


def statuses_refused(turn: Turn, message: m.SyncProxyStatus) -> None:
    for status in message.devices:
        if status.state is m.ServiceState.ON:
            _confirm(turn, status.serial, DeviceEvent.STATUS_LOST)


def _ask(turn: Turn, version: str) -> None:
    """Queues the sync request, where there is a client to speak of and none waits already."""
    waits = any(isinstance(outgoing.message, m.SyncProxy) for outgoing in turn.outbox)
    if turn.proxy.state is not ProxyState.NEW and not waits:
        turn.queue(m.SyncProxy(turn.client, version))


def _turned_on(turn: Turn, serial: str) -> bool:
    """True when the device's status is to be told, once in its life; a repeated command says nothing new."""
    before = turn.state_of(serial)
    if not turn.move(serial, DeviceEvent.TURN_ON, until=None, reason="") or turn.state_of(serial) is before:
        return False
    turn.notice(NoticeKind.TURNED_ON, serial, "the vendor turned the service on")
    return True


def _confirm(turn: Turn, serial: str, event: DeviceEvent) -> None:
    """Moves the device, unless its life ended while the status was under way."""
    if turn.fits(serial, event):
        turn.move(serial, event)


def _told_again(turn: Turn, serials: set[str]) -> dict[str, m.ServiceState]:
    """A server that still speaks of a device whose life is over did not take its farewell: it is told again."""
    waiting = turn.farewells()
    return {
        serial: FAREWELL[state]
        for serial in serials - waiting
        if (state := turn.state_of(serial)) is not None and state in FAREWELL
    }
