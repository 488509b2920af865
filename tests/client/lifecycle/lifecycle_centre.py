"""A small communication server for the laws: it counts, and remembers who said what. It shares nothing with the client
but the messages. Every breach of a promise made to the server is an assertion here."""

from dataclasses import dataclass, field
from datetime import date, datetime

from meterpost.lifecycle import messages as m

REGISTERED, SIGNED_UP, ON, ENDED = "registered", "signed up", "on", "ended"


@dataclass
class Life:
    """One life of a device at the server, with the numbers of the messages that were counted for it."""

    stage: str = REGISTERED
    registrations: set[int] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    off: bool = False


@dataclass
class Asked:
    """A billing request: `answers` is the message number that was counted for each part."""

    bill: m.Bill
    life: int
    of: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    meters: list[str] = field(default_factory=list)
    closed: bool = False

    @property
    def answered(self) -> bool:
        return self.of > 0 and len(self.answers) == self.of


class Centre:
    """`results` is what the vendor's books say of a serial that is not simply accepted."""

    def __init__(self, results: dict[str, m.Registration]) -> None:
        self.results = results
        self.proxy: dict[int, str | None] = {}  # the key that each registration of the client carried
        self.certificates: dict[str, m.Certificate] = {}  # by the key they are for
        self.lives: dict[str, list[Life]] = {}
        self.asked: dict[str, Asked] = {}
        self.seen: dict[int, m.Request] = {}
        self.passed_over: set[str] = set()  # serials the next replies do not mention, and that are not counted then
        self.named_on: set[str] = set()

    # --- the vendor's people -------------------------------------------------------------------------------

    def life(self, serial: str) -> Life | None:
        lives = self.lives.get(serial)
        return lives[-1] if lives and lives[-1].stage != ENDED else None

    def in_stage(self, *stages: str) -> list[str]:
        return sorted(s for s in self.lives if (life := self.life(s)) and life.stage in stages and not life.off)

    def sign_up(self, serial: str) -> None:
        life = self.life(serial)
        assert life
        life.stage = SIGNED_UP

    def bill(self, serial: str, day: date) -> None:
        id = f"{serial}.{len(self.asked)}"
        self.asked[id] = Asked(m.Bill(serial, id, day, day, m.Cycle.MONTHLY, day), len(self.lives[serial]))

    # --- the service ---------------------------------------------------------------------------------------

    def answer(self, number: int, message: m.Request, now: datetime) -> m.Reply:
        """Executes `message`. `number` is its place in the client's outbox, which a real server does not see."""
        assert self.seen.setdefault(number, message) == message, "a message was changed between two attempts"
        if not isinstance(message, m.RegisterProxy):
            assert self.proxy, "a client that is not registered speaks"
        match message:
            case m.RegisterProxy():
                if not self.proxy or message.name:
                    assert message.name, "a client registers without saying who it is"
                    self.proxy[number] = message.key
                    assert len(set(self.proxy.values())) == len(self.proxy), "the client was registered twice"
                if message.key is None:
                    return m.RegisterProxyResponse(message.client, now)
                fresh = m.Certificate(m.Holder.CLIENT, f"{message.key} {len(self.certificates)}")
                return m.RegisterProxyResponse(message.client, now, (self.certificates.setdefault(message.key, fresh),))
            case m.RegisterProxyDevices():
                named = [device.serial for device in message.devices if device.serial not in self.passed_over]
                return m.RegisterProxyDevicesResponse(now, tuple(self._register(serial, number, now) for serial in named))
            case m.SyncProxy():
                return self._commands(now)
            case m.SyncProxyStatus():
                named_statuses = [status for status in message.devices if status.serial not in self.passed_over]
                return m.SyncProxyStatusResponse(tuple(self._status(status, number) for status in named_statuses))
            case m.BillingTransaction():
                assert len({(reads.serial, reads.id) for reads in message.devices}) == len(message.devices)
                named_reads = [reads for reads in message.devices if reads.serial not in self.passed_over]
                return m.BillingTransactionResponse(tuple(self._reads(reads, number) for reads in named_reads))

    def _register(self, serial: str, number: int, now: datetime) -> m.RegisteredDevice:
        result = self.results.get(serial, m.Registration.ACCEPTED)
        if result is m.Registration.INELIGIBLE:
            return m.RegisteredDevice(serial, result, None, "too old")
        life = self.life(serial)
        if life is None:
            life = Life()
            self.lives.setdefault(serial, []).append(life)
        life.registrations.add(number)
        assert len(life.registrations) == 1, f"{serial} was registered twice in one life"
        return m.RegisteredDevice(serial, result, now.date() if result is m.Registration.UNKNOWN else None)

    def _commands(self, now: datetime) -> m.SyncProxyResponse:
        """Derived from the facts each time: everything is repeated until it was answered."""
        alive = {serial: life for serial in self.lives if (life := self.life(serial))}
        on = tuple(m.TurnOn(serial) for serial, life in alive.items() if life.stage == SIGNED_UP and not life.off)
        off = tuple(m.TurnOff(serial) for serial, life in alive.items() if life.off)
        bills = tuple(asked.bill for asked in self.asked.values() if not asked.answered and not asked.closed)
        self.named_on.update(command.serial for command in on)
        return m.SyncProxyResponse(now, None, on, off, bills)

    def _status(self, status: m.DeviceStatus, number: int) -> m.StatusReceipt:
        life = self.life(status.serial)
        if status.state is not m.ServiceState.ON:
            if life is None:
                return m.StatusReceipt(status.serial, m.Receipt.UNKNOWN)
            life.stage = ENDED
            for asked in self.asked.values():
                asked.closed = asked.closed or asked.bill.serial == status.serial
            return m.StatusReceipt(status.serial, m.Receipt.ACCEPTED)
        assert status.serial in self.named_on, "a device is on that nobody told to turn on"
        assert life, "a device is on after its life ended"
        again = life.stage == ON
        life.stage = ON
        life.statuses.add(number)
        assert len(life.statuses) == 1, f"{status.serial} was turned on twice in one life"
        return m.StatusReceipt(status.serial, m.Receipt.DUPLICATE if again else m.Receipt.ACCEPTED)

    def _reads(self, reads: m.DeviceReads, number: int) -> m.BillingReceipt:
        asked = self.asked.get(reads.id)
        assert asked, "something was answered that was not asked"
        assert asked.bill.serial == reads.serial, "a request was answered for another device"
        counted = asked.answers.get(reads.part)
        assert counted in (None, number), f"part {reads.part} of {reads.id} was answered twice"
        if counted or asked.closed:
            result = m.Receipt.DUPLICATE if counted else m.Receipt.UNKNOWN
            return m.BillingReceipt(reads.serial, reads.id, reads.part, result)
        assert asked.of in (0, reads.of), "the parts do not belong together"
        asked.of = reads.of
        asked.answers[reads.part] = number
        asked.meters.extend(value.name for value in reads.meters)
        return m.BillingReceipt(reads.serial, reads.id, reads.part, m.Receipt.ACCEPTED)
