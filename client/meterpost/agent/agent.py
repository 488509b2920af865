"""The agent: the only place where the rooms meet. Each public method is one verb of the product. Those that change
something hold the store's writer lock for as long as they run, and write down every step before the next; those that
only look need no lock."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from meterpost import __version__, devices, settings, soap
from meterpost.agent.printers import Printers
from meterpost.agent.reports import Connection, Preview, Status, SyncReport
from meterpost.agent.rooms import wall_clock
from meterpost.agent.trusted import Voucher, first_end, vouchers
from meterpost.agent.turns import new_site
from meterpost.agent.work import Work
from meterpost.devices import ProfileCheck
from meterpost.errors import AuthenticationError, DeviceError, Refused, SettingsError
from meterpost.keys import About, Due, Step
from meterpost.lifecycle import Session
from meterpost.lifecycle import events as ev
from meterpost.lifecycle.messages import DeviceStatus, ServiceState, SyncProxy, SyncProxyStatus
from meterpost.lifecycle.state import ProxyState, SiteState
from meterpost.model import Exchange, JobName
from meterpost.settings import ScheduleSettings
from meterpost_wsdl import xmlio
from meterpost_wsdl.names import OCTETS


class Agent(Printers):
    """One configured client."""

    # --- choosing and registering --------------------------------------------------------------------------

    def select(self, serials: Sequence[str]) -> None:
        """Chooses seen devices for enrolment. Raises SettingsError for a serial never seen, or too long for the contract."""
        with self._work("enrol") as work:
            _check_serials(serials, work.state)
            work.feed(ev.Selected(tuple(serials)))

    def preview(self, serials: Sequence[str] = (), replaced: Sequence[tuple[str, str]] = ()) -> tuple[Preview, ...]:
        """The very messages `register` would send if `serials` were selected too, and in each pair of `replaced` the
        first by the second. Changes nothing, sends nothing. Raises what `select` raises."""
        site = self.ledger.load_site() or new_site()
        _check_serials(serials, site)
        session, now = Session(site, soap.pack), self._clock()
        for old, new in replaced:
            session.feed(ev.Replaced(old, new), now)
        session.feed(ev.Selected(tuple(serials)), now)
        session.feed(_registration(self.keys.stand_in(self._key_due(), site.client)), now)
        exchanges = self.exchanges
        composed = [exchanges.compose(outgoing.message) for outgoing in session.state.outbox]
        return tuple(Preview(verdict, head, outbound.body) for head, outbound, verdict in composed)

    def register(self) -> SyncReport:
        """Registers this client, where it is new, and all selected devices."""
        with self._work("enrol") as work:
            work.feed(_registration(self.keys.offer(self._key_due(), work.state.client)))
            work.send_all()
            return work.report()

    def withdraw(self, serial: str) -> SyncReport:
        """Takes a device out, and tells the server. Raises SettingsError for a serial never seen."""
        with self._work("withdraw") as work:
            _check_seen((serial,), work.state)
            work.feed(ev.Withdrawn(serial))
            work.send_all()
            return work.report()

    def replace_device(self, old: str, new: str) -> SyncReport:
        """Device `old` was replaced by `new`, which is then selected; `register` tells the server. A notice in the
        report says why they were left as they are. Raises what `select` raises."""
        with self._work("replace") as work:
            _check_serials((old, new), work.state)
            work.feed(ev.Replaced(old, new))
            return work.report()

    # --- talking to the server -----------------------------------------------------------------------------

    def sync(self) -> SyncReport:
        """Asks the server what is to be done and does it: turns on, confirms, reads what is billed, answers.
        Ends when nothing is left that can be done now. Raises the error of the first message that failed, after
        everything that happened before it was kept."""
        return self._converse("sync", ev.SyncDue(__version__))

    def flush(self) -> SyncReport:
        """Sends what is due in the outbox and does what the answers ask for, without asking for anything new; but without
        a key that counts nothing could be sent."""
        return self._converse("send", ev.TimePassed(__version__))

    def _converse(self, who: str, event: ev.Event) -> SyncReport:
        with self._work(who) as work:
            work.feed(event)
            registered = self.needs_key and work.state.proxy.state is not ProxyState.NEW
            if registered and (isinstance(event, ev.SyncDue) or self.keys.identity(self._clock()) is None):
                self._renew(work, self._key_due())
            return _to_its_end(work)

    def test_connection(self) -> Connection:
        """Asks the server with the configured account, through the configured HTTP proxy. The sync response, if there
        is one, is not acted upon: the server repeats it. Raises what `Exchanges.send` raises, and SettingsError while
        communication is off."""
        registered = account = True
        keyless = self.needs_key and self.keys.identity(self._clock()) is None
        with self._work("test") as work:
            if work.state.paused:
                raise SettingsError("communication is off, and so is this test", "'meterpost resume' turns it on.")
            try:
                self.exchanges.send(SyncProxy(work.state.client, __version__), keyless=keyless)
            except (Refused, AuthenticationError) as error:
                account = error.code == "not-registered"
                if not (account or (keyless and error.code == "UnsupportedSecurityToken")):
                    raise
                registered = False
            (last,) = self.ledger.exchanges(limit=1)
        return Connection(registered, account, self.certificate, last.request_sizes.wire, last.response_sizes.wire)

    def pause(self) -> None:
        """Turns communication off: nothing is sent until `resume`."""
        with self._work("pause") as work:
            work.feed(ev.Paused())

    def resume(self) -> None:
        """Turns communication on again; what waits may leave at once."""
        with self._work("resume") as work:
            work.feed(ev.Resumed())

    def check(self) -> None:
        """Raises SettingsError for a configuration that can neither send nor read: something is not set, a file or a
        secret is not there, a name means nothing; OverBudget where its policy leaves no room for a sync request, or for the
        status of one device. Sends nothing."""
        client = (self.ledger.load_site() or new_site()).client
        status = DeviceStatus("0123456789", ServiceState.ON, self._clock())
        for message in (SyncProxy(client, __version__), SyncProxyStatus(client, (status,))):
            _, _, verdict = self.exchanges.compose(message)
            verdict.demand()
        _ = self.devices

    # --- keys ----------------------------------------------------------------------------------------------

    def renew_key(self, released: bool = False) -> SyncReport:
        """Makes a new key and asks for its certificate, however long the present one lasts; one that waits already is
        asked for again. What waited in the outbox for a key that counts is sent then. `released`: the vendor has forgotten
        this client's keys, so they are given up first, and the password vouches for the new one. Raises SettingsError where
        there is nothing to renew: without a policy that signs, a key would only lock the client out, for the server then asks
        for its signature."""
        with self._work("renew") as work:
            if not self.needs_key:
                raise SettingsError(
                    f"security.policy {self.settings.security.policy} signs with no key, and so there is none to renew",
                    "Go on without one; under a security.policy that signs, the next sync makes one by itself.",
                )
            if work.state.proxy.state is ProxyState.NEW:
                raise SettingsError("this client is not registered yet", "Its key is made when it is: 'meterpost enrol'.")
            if released:
                self.keys.give_up()
            what = self.keys.due(self._clock(), force=True)
            if what.step is Step.NOTHING:
                raise SettingsError(f"nothing is renewed: {what.why}", "'meterpost keys' shows all of them.")
            self._renew(work, what)
            return _to_its_end(work)

    def import_key(self, file: Path, key: Path | None = None, password: str | None = None) -> About:
        """Copies the administrator's own pair (PEM or PKCS #12) into the store, and signs with it from now on. Returns its
        certificate. Raises SettingsError that says what is wrong with it."""
        with self._work("import"):
            return self.keys.bring(file, key, password, self._clock())

    def trusted(self) -> tuple[Voucher, ...]:
        """Everything that trusts or is trusted, and until when."""
        return vouchers(self.settings, self.keys, self._clock())

    def _key_due(self) -> Due:
        """What is due of keys, where the policy needs one."""
        return self.keys.due(self._clock()) if self.needs_key else Due(Step.NOTHING)

    def _renew(self, work: Work, what: Due) -> None:
        self.keys.tidy(self._clock())
        if offer := self.keys.offer(what, work.state.client):
            work.feed(ev.KeyDue(__version__, *offer))

    # --- looking back --------------------------------------------------------------------------------------

    def status(self) -> Status:
        """Where the site stands, as last saved."""
        site = self.ledger.load_site() or SiteState(client="")
        last_success = {JobName.READ: self.ledger.last_success(JobName.READ), JobName.SYNC: site.last_sync}
        found, now = self.trusted() if self.needs_key else (), self._clock()
        ends = first_end(found), first_end(voucher for voucher in found if voucher.ends_soon(now))
        return Status(site, self.schedule(site), last_success, self.ledger.latest_readings(), *ends)

    def schedule(self, site: SiteState | None = None) -> ScheduleSettings:
        """The schedule in force: the file's, where the server has not set another."""
        remote = (site or self.status().site).settings
        own = self.settings.schedule
        return replace(
            own,
            daily_time=remote.sync_at or own.daily_time,
            jitter_minutes=own.jitter_minutes if remote.jitter is None else remote.jitter,
            read_every_minutes=remote.read_every or own.read_every_minutes,
        )

    def journal(self, limit: int = 50, number: int | None = None) -> tuple[Exchange, ...]:
        """The last `limit` exchanges, oldest first; or just the one called `number`, if it is still kept."""
        return self.ledger.exchanges(limit, number)


def open_agent(config: Path, clock: Callable[[], datetime] = wall_clock) -> Agent:
    """The agent of a configuration file. Raises SettingsError."""
    return Agent(settings.load(config), clock)


def check_profile(file: Path, recording: Path) -> ProfileCheck:
    """What a profile file reads of a recorded device. Raises SettingsError: both files are named by who asks."""
    try:
        return devices.check_profile(file, recording, wall_clock())
    except DeviceError as error:
        raise SettingsError(str(error), error.advice) from None


def _to_its_end(work: Work) -> SyncReport:
    """Sends and reads until nothing is left that can be done now."""
    work.send_all()
    while work.to_read and not work.state.paused:
        work.read(sorted(work.to_read))
        work.send_all()
    return work.report()


def _registration(offer: tuple[str, str] | None) -> ev.RegistrationOrdered:
    key, proof = offer or (None, None)
    return ev.RegistrationOrdered(
        platform.node() or "unnamed", f"{platform.system()} {platform.release()}".strip(), __version__, key, proof
    )


def _check_seen(serials: Sequence[str], site: SiteState) -> None:
    missing = [serial for serial in serials if serial not in site.devices]
    if missing:
        raise SettingsError(
            f"no device with serial {', '.join(missing)} was seen",
            "'meterpost status' lists those that were, 'meterpost discover' looks for others.",
        )


def _check_serials(serials: Sequence[str], site: SiteState) -> None:
    _check_seen(serials, site)
    long = [serial for serial in serials if xmlio.octets(serial) > OCTETS["serial"]]
    if long:
        raise SettingsError(
            f"the serial {long[0]!r} takes more than {OCTETS['serial']} octets on the wire",
            "The contract has no room for it, and a shortened serial would be another device's.",
        )
