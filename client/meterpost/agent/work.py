"""One turn of work on a site: events go in, effects are carried out, and every step is saved before the next.

This is the loop around the sans-IO life cycle; it decides nothing itself."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from meterpost import soap
from meterpost.agent.exchange import Exchanges
from meterpost.agent.reports import ReadReport, SyncReport, in_words
from meterpost.devices import Devices
from meterpost.errors import DeviceError, Refused
from meterpost.keys import Keys
from meterpost.ledger import Ledger
from meterpost.lifecycle import Session
from meterpost.lifecycle import events as ev
from meterpost.lifecycle.events import NoticeKind
from meterpost.lifecycle.state import Device, RequestState, SiteState, front, renews
from meterpost.model import Judgement, Reading

log = logging.getLogger(__name__)

LEVELS = {
    NoticeKind.READS_REPORTED: logging.INFO,
    NoticeKind.TURNED_ON: logging.INFO,
    NoticeKind.COMMUNICATION_ERROR: logging.DEBUG,  # the error itself is raised
}
"""How loud a notice is in the log; any other is a warning."""


class Work:
    """The session of one verb. `to_read` are serials whose billing requests wait for a reading, and which were not
    visited in this turn: a printer is not bothered twice."""

    def __init__(
        self,
        site: SiteState,
        ledger: Ledger,
        clock: Callable[[], datetime],
        exchanges: Callable[[], Exchanges],
        devices: Callable[[], Devices],
        keys: Callable[[], Keys],
    ) -> None:
        self._session = Session(site, soap.pack)
        self._ledger = ledger
        self._clock = clock
        self._exchanges = exchanges
        self._devices = devices
        self._keys = keys
        self._sent: list[tuple[str, int]] = []
        self._reads: list[ReadReport] = []
        self._notices: list[ev.Notice] = []
        self._visited: set[str] = set()
        self.to_read: set[str] = set()

    @property
    def state(self) -> SiteState:
        return self._session.state

    def feed(self, event: ev.Event) -> None:
        """Takes the event in, saves what came of it, and notes what is asked for. Certificates are kept before the state
        that has no question for them any more: whatever happens in between, they are asked for again."""
        effects = self._session.feed(event, self._clock())
        for effect in effects:
            if isinstance(effect, ev.Certified):
                for wrong in self._keys().certified(effect.certificates):
                    self._note(ev.Notice(NoticeKind.UNEXPECTED, "", wrong))
        self._ledger.save_site(self._session.state)
        for effect in effects:
            if isinstance(effect, ev.ReadNow):
                self.to_read |= set(effect.serials) - self._visited
            elif isinstance(effect, ev.Notice):
                self._note(effect)

    def _note(self, notice: ev.Notice) -> None:
        self._notices.append(notice)
        log.log(LEVELS.get(notice.kind, logging.WARNING), "%s %s: %s", notice.kind, notice.serial, notice.text)

    def send_all(self) -> None:
        """Sends the outbox, front first, until it is empty, paused or has to wait. Raises the error of a message that
        could not be delivered: it stays in the outbox and pauses, whatever the error, so that it is never sent in a
        circle. The renewal of a key costs only itself while another key counts: it leaves the outbox, a notice tells, and the
        next one is sent."""
        exchanges = None
        while outgoing := self._session.next_message(self._clock()):
            exchanges = exchanges or self._exchanges()
            self.feed(ev.SendStarted(outgoing.number))
            renewal = renews(self.state.proxy, outgoing.message)
            try:
                reply = exchanges.send(outgoing.message)
            except Exception as error:
                if isinstance(error, Refused):
                    self.feed(ev.SendRefused(outgoing.number, error.code, str(error)))
                else:
                    self.feed(ev.SendFailed(outgoing.number, in_words(error)))
                if not renewal or self._keys().identity(self._clock()) is None:
                    raise
                continue
            self._sent.append(soap.transaction_of(outgoing.message))
            self.feed(ev.Replied(outgoing.number, reply))

    def keep(self, reading: Reading) -> Judgement:
        """Adds a reading to the ledger."""
        return self._ledger.add_reading(reading)

    def see(self, reading: Reading) -> None:
        """Discovery met this device; one without a serial cannot be billed and is not remembered."""
        if reading.serial:
            self.feed(
                ev.Seen(
                    reading.serial,
                    reading.manufacturer,
                    reading.model,
                    reading.name or None,
                    reading.address,
                    reading.port,
                )
            )

    def read(self, serials: Sequence[str]) -> tuple[ReadReport, ...]:
        """Reads these devices; what may be billed answers their open requests, in one message."""
        self._visited.update(serials)
        self.to_read -= self._visited
        if not serials:
            return ()
        wanted = [self.state.devices[serial] for serial in serials]
        endpoints = tuple(dict.fromkeys((device.address, device.port) for device in wanted))
        found = dict(zip(endpoints, self._devices().read_many(endpoints), strict=True))
        judged = {endpoint: self.keep(reading) for endpoint, reading in found.items() if isinstance(reading, Reading)}
        reports = tuple(
            _report(device, found[device.address, device.port], judged.get((device.address, device.port), Judgement()))
            for device in wanted
        )
        for report in reports:
            if report.failure:
                log.debug("%s at %s: %s", report.serial, report.address, report.failure)
                self.feed(ev.ReadFailed(report.serial, report.failure))
        if fit := tuple(report.reading for report in reports if report.reading and not report.failure):
            self.feed(ev.ReadingTaken(fit))
        self._reads.extend(reports)
        return reports

    def report(self) -> SyncReport:
        """What this turn did."""
        site = self.state
        open_requests = sum(request.state is RequestState.OPEN for request in site.requests.values())
        first = front(site.outbox)
        return SyncReport(
            tuple(self._sent),
            tuple(self._reads),
            tuple(self._notices),
            len(site.outbox),
            open_requests,
            site.paused,
            first.not_before if first else None,
        )


def _report(device: Device, result: Reading | DeviceError, judgement: Judgement) -> ReadReport:
    if isinstance(result, DeviceError):
        return ReadReport(device.serial, device.address, None, judgement, str(result))
    failure = ""
    if result.serial != device.serial:
        failure = f"another device answers at {device.address}: {result.model} with serial {result.serial or 'unknown'}"
    elif judgement.held:
        failure = f"the reading is held: {'; '.join(judgement.reasons)}"
    return ReadReport(device.serial, device.address, result, judgement, failure)
