"""The unattended agent: reads, syncs and repeats by itself, for years. The only importer of apscheduler.

What is due follows from what is kept, each time anew; so a changed setting counts from the next run, a restart forgets
nothing, and a job that somebody else has done meanwhile is not done again. Every job opens the agent afresh, and all
share one worker: two never overlap. No error ends it.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from tzlocal import get_localzone

from meterpost.agent.agent import Agent
from meterpost.agent.plan import next_read, next_send, next_sync
from meterpost.agent.reports import SyncReport, in_words
from meterpost.agent.rooms import wall_clock
from meterpost.errors import Busy, MeterpostError, SettingsError, StoreError
from meterpost.ledger.lock import FileLock
from meterpost.lifecycle.state import ProxyState, SiteState
from meterpost.model import JobName

log = logging.getLogger(__name__)
logging.getLogger("apscheduler").addHandler(logging.NullHandler())  # what matters is said here

READ, SYNC, SEND = JobName.READ.value, JobName.SYNC.value, "send"

HEARTBEAT = timedelta(seconds=60)
"""How often the plan is made anew: a clock that jumped, and a setting that changed, are noticed within this."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
"""Between two tries of a job that failed; doubled at each. A message that failed pauses by itself, in the outbox."""
NOTHING_ASKED = (Busy, SettingsError, StoreError)
"""Errors after which the day's sync has not even begun."""


class Unattended:
    """`meterpost run`. `agent` makes a configured agent; it is called for each job. `zone` is where the daily time counts,
    the machine's own where it is None."""

    def __init__(
        self, agent: Callable[[], Agent], clock: Callable[[], datetime] = wall_clock, zone: tzinfo | None = None
    ) -> None:
        self._agent = agent
        self._clock = clock
        self._zone = zone or get_localzone()
        self._asked: datetime | None = None  # the last sync that came as far as the outbox
        self._pauses: dict[str, tuple[datetime, timedelta]] = {}  # of jobs that failed: since when, how long
        self._troubles: dict[str, str] = {}  # what was said last of each job
        self._paused = False  # as last said
        self._stopping = False
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set; a job that is under way is finished first. Raises Busy where another process does
        the same on this store, and SettingsError or StoreError where there is none to begin with, or where the
        configuration cannot work."""
        with self._agent() as agent:
            agent.check()
            agent.ledger.load_site()  # makes the store and its folder, or says why not
            path = agent.settings.base / agent.settings.store.path
        with FileLock(path.with_name(f"{path.name}.run.lock"), f"the store {path}").hold("meterpost run"):
            self._scheduler.start()
            log.info("running; stop with SIGTERM")
            try:
                self.plan()
                # The heartbeat is the operating system's steady clock: a wall clock set back does not stop it.
                while not stop.wait(HEARTBEAT.total_seconds()):
                    self.plan()
            finally:
                self._stopping = True
                log.info("stopping")
                self._scheduler.remove_all_jobs()  # its thread stumbles over a job that falls due while it shuts down
                self._scheduler.shutdown(wait=True)
                log.info("stopped")

    def plan(self) -> None:
        """Plans each job for when it is due. Never raises. Not to be called by a job: `shutdown` waits for the jobs
        and keeps the scheduler locked meanwhile."""
        try:
            for name, when in self.due().items():
                self._scheduler.add_job(self.turn, "date", run_date=when, args=[name], id=name, replace_existing=True)
        except Exception as error:
            self._tell("plan", error)
        else:
            self._troubles.pop("plan", None)

    def due(self) -> Mapping[str, datetime]:
        """When each job is due, by name; a job that has nothing to do is not in it."""
        now = self._clock()
        with self._agent() as agent:
            site = agent.ledger.load_site() or SiteState(client="")
            schedule = agent.schedule(site)
            last_read = agent.ledger.last_success(JobName.READ)
        self._tell_paused(site.paused)
        due = {READ: next_read(schedule, last_read, now)}
        if site.proxy.state is not ProxyState.NEW and not site.paused:
            due[SYNC] = next_sync(site.client, schedule, site.last_sync, self._asked, now, self._zone)
            if send := next_send(site, now):
                due[SEND] = send
        return {name: self._after_pause(name, when, now) for name, when in due.items()}

    def turn(self, name: str) -> None:
        """Does the job, if it is still due. Never raises; whatever happens is kept, and so the next plan's business."""
        now = self._clock()
        try:
            if self._stopping or not self._is_due(name):
                return
            with self._agent() as agent:
                _JOBS[name](agent)
        except Exception as error:
            self._pause(name, error, now)
            self._tell(name, error)
            begun = not isinstance(error, NOTHING_ASKED)
        else:
            self._pauses.pop(name, None)
            self._troubles.pop(name, None)
            begun = True
        if name == SYNC and begun:
            self._asked = now

    def _is_due(self, name: str) -> bool:
        when = self.due().get(name)
        return when is not None and when <= self._clock()

    def _pause(self, name: str, error: Exception, now: datetime) -> None:
        before = self._pauses.get(name)
        doubled = before and not isinstance(error, Busy)
        self._pauses[name] = now, min(before[1] * 2, LONGEST_PAUSE) if before and doubled else FIRST_PAUSE

    def _after_pause(self, name: str, when: datetime, now: datetime) -> datetime:
        since, pause = self._pauses.get(name, (now, timedelta()))
        return max(when, since + pause) if since <= now else when  # the clock was set back

    def _tell_paused(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            log.info("communication is off; 'meterpost resume' turns it on" if paused else "communication is on")

    def _tell(self, doing: str, error: Exception) -> None:
        """One line for each trouble, however often it comes again."""
        text = in_words(error)
        if isinstance(error, MeterpostError):
            text = f"{text} ({error.side}). {error.advice}".rstrip()
        again = self._troubles.get(doing) == text
        self._troubles[doing] = text
        expected = isinstance(error, MeterpostError)
        level = logging.DEBUG if again else logging.INFO if isinstance(error, Busy) else logging.ERROR
        log.log(level, "%s: %s", doing, text, exc_info=not expected and log.isEnabledFor(logging.DEBUG))


def _read(agent: Agent) -> None:
    reports = agent.read_enrolled()
    failed = sum(bool(report.failure) for report in reports)
    log.info("read %d printers, %d not", len(reports) - failed, failed)


def _sync(agent: Agent) -> None:
    _say(SYNC, agent.sync())


def _send(agent: Agent) -> None:
    _say(SEND, agent.flush())


_JOBS: Mapping[str, Callable[[Agent], None]] = {READ: _read, SYNC: _sync, SEND: _send}


def _say(name: str, report: SyncReport) -> None:
    said = ", ".join(f"{transaction} for {devices}" if devices else transaction for transaction, devices in report.messages)
    log.info("%s: sent %s; %d waiting, %d billing requests open", name, said or "nothing", report.waiting, report.open_requests)
    for read in report.reads:
        if read.failure:
            log.warning("%s at %s not read: %s", read.serial, read.address, read.failure)
