"""The unattended agent: reads, syncs and repeats by itself, for years. The only importer of apscheduler.

Jobs live in memory and are planned anew after each turn from the settings and from what the ledger says succeeded;
so a changed setting counts from the next run, and nothing is lost with a scheduler's own store.
Every job opens the agent afresh and runs in the same single worker: two never overlap.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from tzlocal import get_localzone

from meterpost.agent.agent import Agent, wall_clock
from meterpost.agent.plan import next_read, next_sync
from meterpost.agent.reports import SyncReport
from meterpost.errors import Busy, MeterpostError
from meterpost.lifecycle.state import ProxyState
from meterpost.model import JobName

log = logging.getLogger(__name__)

HEARTBEAT = timedelta(seconds=60)
"""How often the plan is looked at again: a clock that jumped forward is noticed within this."""
BUSY = timedelta(seconds=30)
"""How long to wait when a person's command holds the store."""
SEND = "send"


class Unattended:
    """`meterpost run`. `agent` makes a configured agent; it is called for each job."""

    def __init__(
        self, agent: Callable[[], Agent], clock: Callable[[], datetime] = wall_clock, zone: tzinfo | None = None
    ) -> None:
        self._agent = agent
        self._clock = clock
        self._zone = zone or get_localzone()
        self._tried: dict[str, datetime] = {}
        self._worker = ThreadPoolExecutor(1)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": self._worker},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set; a job that is under way is finished first."""
        self._scheduler.add_job(
            self.plan, "interval", seconds=HEARTBEAT.total_seconds(), id="heartbeat", next_run_time=self._clock()
        )
        self._scheduler.start()
        log.info("running; stop with SIGTERM")
        try:
            stop.wait()
        finally:
            log.info("stopping")
            # In this order: a job ends by planning the next, for which it needs a lock that a waiting scheduler holds.
            self._scheduler.shutdown(wait=False)
            self._worker.shutdown(wait=True)
            log.info("stopped")

    def plan(self) -> dict[str, datetime]:
        """Plans each job from what the ledger says now; returns the times."""
        try:
            due = self.due()
        except MeterpostError as error:
            _log(error, "planning")
            return {}
        for name, when in due.items():
            self._scheduler.add_job(self.turn, "date", run_date=when, args=[name], id=name, replace_existing=True)
        return due

    def due(self) -> dict[str, datetime]:
        """When each job is due, by name."""
        now = self._clock()
        with self._agent() as agent:
            status = agent.status()
            wakeup = agent.next_wakeup()
        due = {
            JobName.READ.value: self._not_again(
                next_read(status.schedule, status.last_success[JobName.READ], now), JobName.READ
            )
        }
        if status.site.proxy.state is not ProxyState.NEW and not status.site.paused:
            due[JobName.SYNC.value] = next_sync(
                status.site.client,
                status.schedule,
                status.last_success[JobName.SYNC],
                self._tried.get(JobName.SYNC),
                now,
                self._zone,
            )
            if wakeup is not None:
                due[SEND] = self._not_again(max(wakeup, now), SEND)
        return due

    def turn(self, name: str) -> None:
        """One job's turn; whatever happens, the next is planned."""
        self._tried[name] = self._clock()
        try:
            with self._agent() as agent:
                if name == JobName.READ:
                    reports = agent.read_enrolled()
                    log.info(
                        "read %d printers, %d not", sum(not r.failure for r in reports), sum(bool(r.failure) for r in reports)
                    )
                else:
                    _tell(name, agent.sync() if name == JobName.SYNC else agent.flush())
        except Busy as error:
            log.info("%s: %s", name, error)
            self._tried.pop(name)
        except MeterpostError as error:
            _log(error, name)
        self.plan()

    def _not_again(self, when: datetime, name: str) -> datetime:
        """A job that failed just now waits a heartbeat before its next try."""
        tried = self._tried.get(name)
        return when if tried is None else max(when, tried + HEARTBEAT)


def _tell(name: str, report: SyncReport) -> None:
    said = ", ".join(f"{transaction} for {devices}" if devices else transaction for transaction, devices in report.messages)
    log.info("%s: sent %s; %d waiting, %d billing requests open", name, said or "nothing", report.waiting, report.open_requests)
    for notice in report.notices:
        log.warning("%s %s: %s", notice.kind, notice.serial, notice.text)
    for read in report.reads:
        if read.failure:
            log.warning("%s at %s not read: %s", read.serial, read.address, read.failure)


def _log(error: MeterpostError, doing: str) -> None:
    log.error("%s: %s (%s). %s", doing, error, error.side, error.advice)
