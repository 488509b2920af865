"""Into the vendor's books and out again: devices are met, chosen, registered, withdrawn and replaced."""

from collections.abc import Sequence
from dataclasses import replace

from meterpost.lifecycle import billing
from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import Device, DeviceState, Outgoing, ProxyState, front
from meterpost.lifecycle.tables import (
    ENDED,
    FAREWELL,
    ON_THE_BOOKS,
    REGISTRATION,
    DeviceEvent,
    ProxyEvent,
)
from meterpost.lifecycle.turn import Turn, batches

# --- what the operator does --------------------------------------------------------------------------------


def seen(turn: Turn, event: ev.Seen) -> None:
    """A new device is remembered. One that is enrolled is followed to its address, and otherwise stays as it was chosen."""
    known = turn.devices.get(event.serial)
    if known is None:
        turn.meet(
            Device(
                serial=event.serial,
                state=DeviceState.SEEN,
                since=turn.at,
                maker=event.maker,
                model=event.model,
                asset=event.asset,
                address=event.address,
                port=event.port,
            )
        )
        return
    found = replace(known, address=event.address, port=event.port)
    if known.state is DeviceState.SEEN or known.state in ENDED:
        found = replace(found, maker=event.maker, model=event.model, asset=event.asset)
    turn.devices[event.serial] = found


def selected(turn: Turn, serials: Sequence[str]) -> None:
    """Choosing a device whose life has ended starts its next one."""
    for serial in serials:
        device = turn.devices.get(serial)
        if turn.move(serial, DeviceEvent.CHOSEN) and device and device.state in ENDED:
            _next_life(turn, serial)


def ordered(turn: Turn, event: ev.RegistrationOrdered) -> None:
    """Queues what is not registered and not on its way: the proxy, then all selected devices."""
    turn.try_now()
    was_new = turn.proxy.state is ProxyState.NEW
    turn.move_proxy(ProxyEvent.ORDERED)
    if was_new:
        turn.queue(m.RegisterProxy(turn.client, event.name, event.os, event.version, event.key, event.proof))
    elif event.key and event.proof:
        key_due(turn, event.version, event.key, event.proof)
    underway = _registrations(turn)
    waiting = [
        m.DeviceToRegister(device.serial, device.maker, device.model, device.asset)
        for serial, device in sorted(turn.devices.items())
        if device.state is DeviceState.SELECTED and serial not in underway
    ]
    for batch in batches(waiting):
        turn.queue(m.RegisterProxyDevices(turn.client, batch))


def key_due(turn: Turn, version: str, key: str, proof: str) -> None:
    """Asks for a certificate, unless that waits already. A registration that was not answered yet takes the key along."""
    waiting = front(turn.outbox)
    before = waiting.message if waiting else None
    if not turn.move_proxy(ProxyEvent.KEY_DUE) or (isinstance(before, m.RegisterProxy) and before.key == key):
        return
    name, os = "", ""
    if waiting and isinstance(before, m.RegisterProxy):
        turn.outbox.remove(waiting)
        name, os = before.name, before.os
    turn.queue(m.RegisterProxy(turn.client, name, os, version, key, proof))


def withdrawn(turn: Turn, serial: str) -> None:
    _leave(turn, serial, DeviceEvent.WITHDRAWN)


def replaced(turn: Turn, old: str, new: str) -> None:
    """Both halves or neither: an old device is not given up for one that cannot be chosen."""
    if old == new or not turn.fits(new, DeviceEvent.CHOSEN):
        turn.unexpected(new, "it cannot replace another device: it was never seen, or it is the same")
    elif _leave(turn, old, DeviceEvent.REPLACED):
        selected(turn, (new,))


# --- what the server makes of it ---------------------------------------------------------------------------


def proxy_registered(turn: Turn, reply: m.RegisterProxyResponse) -> None:
    """An answer that only renews a key says nothing new of when the registration counts. What could not be said without
    the key need not wait longer."""
    first = turn.proxy.state is ProxyState.REGISTERING
    turn.move_proxy(ProxyEvent.REGISTERED, **({"effective": reply.effective} if first else {}))
    if reply.certificates:
        turn.effects.append(ev.Certified(reply.certificates))
        turn.try_now()


def devices_registered(turn: Turn, message: m.RegisterProxyDevices, reply: m.RegisterProxyDevicesResponse) -> None:
    """A device the reply lacks stays selected, for the next order."""
    turn.proxy = replace(turn.proxy, effective=reply.effective)
    left = turn.farewells()  # withdrawn while the message was under way: the reply speaks of a life that is over
    results = turn.reconcile(((device.serial,) for device in message.devices), (((d.serial,), d) for d in reply.devices))
    for result in results.values():
        if result.serial in left:
            continue
        moved = turn.move(result.serial, REGISTRATION[result.result], until=result.until, reason=result.reason or "")
        if moved and result.result is not m.Registration.ACCEPTED:
            until = f" until {result.until}" if result.until else ""
            because = f": {result.reason}" if result.reason else ""
            turn.notice(NoticeKind.NOT_ACCEPTED, result.serial, f"the vendor answers {result.result}{until}{because}")


def forgotten(turn: Turn) -> None:
    """The server has nothing of ours: whoever was in its books is selected again and waits for the next order."""
    turn.move_proxy(ProxyEvent.FORGOTTEN, effective=None)
    for serial, device in list(turn.devices.items()):
        if device.state in ON_THE_BOOKS:
            turn.move(serial, DeviceEvent.FORGOTTEN)
            _next_life(turn, serial)
    billing.close(turn)


# --- the end of a life -------------------------------------------------------------------------------------


def turned_off(turn: Turn, command: m.TurnOff) -> bool:
    """The server ends the device's life; False when it has none to end."""
    ended = turn.move(command.serial, DeviceEvent.TURN_OFF, reason=command.reason or "")
    if ended:
        because = f": {command.reason}" if command.reason else ""
        turn.notice(NoticeKind.ENROLMENT_CANCELLED, command.serial, f"the vendor turned the service off{because}")
    return ended


def _leave(turn: Turn, serial: str, event: DeviceEvent) -> bool:
    """Takes the device out by the operator's will, and tells the server if it may have heard of it."""
    registration = _registrations(turn).get(serial)
    unheard = turn.state_of(serial) in (DeviceState.SEEN, DeviceState.SELECTED)
    if unheard and not (registration and registration.attempts):
        if registration:
            _take_out(turn, registration, serial)
        return turn.move(serial, DeviceEvent.TAKEN_BACK)
    ineligible = turn.state_of(serial) is DeviceState.INELIGIBLE  # the server never took it on
    if not turn.move(serial, event):
        return False
    billing.close(turn)
    if not ineligible:
        farewell = FAREWELL[turn.devices[serial].state]
        turn.queue(m.SyncProxyStatus(turn.client, (m.DeviceStatus(serial, farewell, turn.second),)))
    return True


def _next_life(turn: Turn, serial: str) -> None:
    device = turn.devices[serial]
    turn.devices[serial] = replace(device, life=device.life + 1, until=None, reason="")


def _registrations(turn: Turn) -> dict[str, Outgoing]:
    """Which message in the outbox registers a device for the life it is in, by serial. A farewell behind a
    registration ends the life it was for."""
    found: dict[str, Outgoing] = {}
    for outgoing in turn.outbox:
        match outgoing.message:
            case m.RegisterProxyDevices(devices=devices):
                found.update((device.serial, outgoing) for device in devices)
            case m.SyncProxyStatus(devices=statuses):
                for status in statuses:
                    found.pop(status.serial, None)
    return found


def _take_out(turn: Turn, outgoing: Outgoing, serial: str) -> None:
    """Takes the device out of a registration that never left; an empty one goes altogether."""
    assert isinstance(outgoing.message, m.RegisterProxyDevices)
    rest = tuple(device for device in outgoing.message.devices if device.serial != serial)
    position = turn.outbox.index(outgoing)
    turn.outbox[position : position + 1] = [replace(outgoing, message=replace(outgoing.message, devices=rest))] if rest else []
