"""Where the site stands: the client, its printers, what waits and what is next."""

from argparse import Namespace
from datetime import datetime
from typing import Any

from tzlocal import get_localzone

from meterpost.agent import ENROLLED, Status, wall_clock
from meterpost.agent.plan import next_read, next_sync
from meterpost.cli import opening, show
from meterpost.cli.text import printer
from meterpost.lifecycle.state import BillingRequest, Device, DeviceState, Outgoing, ProxyState, RequestState
from meterpost.model import JobName, instant
from meterpost_wsdl.budgets import Budget, budgets


def status(args: Namespace) -> int:
    """Shows the site as it was last saved; talks to nobody."""
    with opening.agent(args) as agent:
        now = agent.status()
    if args.json:
        show.as_json(_json(now))
    else:
        _print(args, now)
    return 0


def enrolment(state: DeviceState) -> str:
    """The vendor's word for a device's place in its life."""
    return "Enrolled" if state in ENROLLED else "Not Enrolled"


def _next_sync(status: Status) -> datetime | None:
    """When `meterpost run` would sync; None before registration and while communication is off."""
    site = status.site
    if site.paused or site.proxy.state is ProxyState.NEW:
        return None
    return next_sync(site.client, status.schedule, status.last_success[JobName.SYNC], None, wall_clock(), get_localzone())


def _next_read(status: Status) -> datetime:
    return next_read(status.schedule, status.last_success[JobName.READ], wall_clock())


def _open_requests(status: Status) -> list[BillingRequest]:
    return [request for request in status.site.requests.values() if request.state is RequestState.OPEN]


def _last_readings(status: Status) -> dict[str, datetime]:
    return {reading.serial: reading.taken_at for reading in status.latest}


def _budget_of(outgoing: Outgoing) -> Budget:
    return next(budget for budget in budgets().values() if budget.element == type(outgoing.message).__name__)


def _devices_in(outgoing: Outgoing) -> int:
    return len(getattr(outgoing.message, "devices", ()))


def _json(status: Status) -> dict[str, Any]:
    site, readings = status.site, _last_readings(status)
    return {
        "client": site.client,
        "registration": site.proxy.state,
        "effective": _instant(site.proxy.effective),
        "paused": site.paused,
        "daily_time": status.schedule.daily_time,
        "last_read": _instant(status.last_success[JobName.READ]),
        "next_read": _instant(_next_read(status)),
        "last_sync": _instant(status.last_success[JobName.SYNC]),
        "next_sync": _instant(_next_sync(status)),
        "certificates_end": _instant(status.certificates_end),
        "devices": [_device_json(device, readings.get(serial)) for serial, device in site.devices.items()],
        "open_requests": [
            {
                "id": request.id,
                "serial": request.serial,
                "cycle": request.cycle,
                "period_from": request.period_from.isoformat(),
                "period_to": request.period_to.isoformat(),
                "due": request.due.isoformat(),
                "received": instant(request.received),
            }
            for request in _open_requests(status)
        ],
        "waiting": [
            {
                "number": outgoing.number,
                "transaction": _budget_of(outgoing).id,
                "devices": _devices_in(outgoing),
                "queued": instant(outgoing.queued),
                "attempts": outgoing.attempts,
                "not_before": _instant(outgoing.not_before),
            }
            for outgoing in site.outbox
        ],
    }


def _device_json(device: Device, last_reading: datetime | None) -> dict[str, Any]:
    return {
        "serial": device.serial,
        "manufacturer": device.maker,
        "model": device.model,
        "name": device.asset or "",
        "address": device.address,
        "port": device.port,
        "enrolment": enrolment(device.state),
        "state": device.state,
        "since": instant(device.since),
        "until": device.until.isoformat() if device.until else None,
        "reason": device.reason,
        "last_reading": _instant(last_reading),
    }


def _instant(when: datetime | None) -> str | None:
    return instant(when) if when else None


def _print(args: Namespace, status: Status) -> None:
    out, site, readings = show.console(args), status.site, _last_readings(status)
    out.print(
        show.pairs(
            (
                ("Client", site.client),
                ("Registration", f"{site.proxy.state}{_effective(site.proxy.effective)}"),
                ("Communication", "off (meterpost resume turns it on)" if site.paused else "on"),
                ("Daily Transmission Time", status.schedule.daily_time),
                ("Last sync", status.last_success[JobName.SYNC]),
                ("Next sync", _next_sync(status)),
                ("Last read", status.last_success[JobName.READ]),
                ("Next read", _next_read(status)),
                *_certificates(status),
            )
        )
    )
    out.print()
    if site.devices:
        columns = ("=Serial", "Printer", "=Enrolment", "State", "=Last reading")
        out.print(show.table("Printers", columns, (_device_row(d, readings) for d in site.devices.values())))
    else:
        out.print("No printers yet: 'meterpost discover' looks for them.")
    if requests := _open_requests(status):
        rows = ((r.serial, r.id, r.cycle, f"{r.period_from} to {r.period_to}", str(r.due)) for r in requests)
        out.print()
        out.print(show.table("Open billing requests", ("=Serial", "Request", "Cycle", "Period", "Due"), rows))
    if site.outbox:
        waiting = (
            (f"{_budget_of(o).id} {_budget_of(o).transaction}", _devices_in(o) or None, o.queued, o.attempts, o.not_before)
            for o in site.outbox
        )
        out.print()
        out.print(show.table("Messages waiting", ("Message", ">Devices", "Since", ">Tries", "Not before"), waiting))


def _certificates(status: Status) -> tuple[tuple[str, str], ...]:
    """A line where one ends soon."""
    if status.ends_soon is None:
        return ()
    return (("Certificates", f"one ends {show.moment(status.ends_soon)}; see 'meterpost keys'"),)


def _device_row(device: Device, readings: dict[str, datetime]) -> tuple[show.Cell, ...]:
    state = device.state.replace("-", " ")
    if device.until:
        state += f" {device.until}"
    if device.reason:
        state += f": {device.reason}"
    named = printer(device.maker, device.model)
    return device.serial, named, enrolment(device.state), state, readings.get(device.serial)


def _effective(when: datetime | None) -> str:
    return f", in effect from {show.moment(when)}" if when else ""
