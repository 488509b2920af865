"""A billing request is asked, answered with a reading, and acknowledged: once, and never lost on the way."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meterpost.errors import OverBudget
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.events import NoticeKind, ReadNow
from meterpost.lifecycle.state import BillingRequest, DeviceState, RequestState
from meterpost.lifecycle.tables import KEEP_SETTLED, LONGEST_PAUSE, ON_THE_BOOKS, PENDING, REQUEST, DeviceEvent, RequestEvent
from meterpost.lifecycle.turn import Turn, batches
from meterpost.model import Reading


def asked(turn: Turn, bills: Sequence[m.Bill]) -> None:
    """A new request becomes open; one for a device that is not on is refused, and not remembered. A request that was
    rejected with its device's life, and never answered, may be asked again in the next life."""
    for bill in bills:
        known = turn.requests.get(bill.id)
        if known and known.serial != bill.serial:
            turn.unexpected(bill.serial, f"billing request {bill.id} is another device's; it is not answered")
            continue
        if known and (known.state is not RequestState.REJECTED or known.parts):
            continue
        if turn.move(bill.serial, DeviceEvent.BILLED):
            turn.requests[bill.id] = BillingRequest(
                id=bill.id,
                serial=bill.serial,
                period_from=bill.period_from,
                period_to=bill.period_to,
                cycle=bill.cycle,
                due=bill.due,
                meters=bill.meters,
                received=turn.at,
                state=REQUEST[known.state if known else None][RequestEvent.ASKED],
            )


def resume(turn: Turn, serials: Iterable[str]) -> None:
    """Devices that were turned on again, after their status `on` was lost, are due for what was asked before."""
    for serial in sorted(turn.pending().intersection(serials)):
        if turn.state_of(serial) is DeviceState.TURNED_ON:
            turn.move(serial, DeviceEvent.BILLED)


def want_readings(turn: Turn) -> None:
    """Asks for a reading of every device with an open request."""
    serials = {request.serial for request in turn.requests.values() if request.state is RequestState.OPEN}
    if serials:
        turn.effects.append(ReadNow(tuple(sorted(serials))))


def read(turn: Turn, readings: Sequence[Reading]) -> None:
    """Answers every open request of these devices: the first parts of all in one message, further parts in further ones."""
    newest = {reading.serial: reading for reading in sorted(readings, key=lambda reading: reading.taken_at)}
    rounds: defaultdict[int, list[m.DeviceReads]] = defaultdict(list)
    for request in sorted(turn.requests.values(), key=lambda request: (request.serial, request.id)):
        reading = newest.get(request.serial)
        if reading is None or request.state is not RequestState.OPEN:
            continue
        try:
            parts = turn.pack(request.id, reading.taken_at.replace(microsecond=0), reading, request.meters)
        except OverBudget as error:  # one printer's nonsense does not hold back the others' answers
            turn.unexpected(request.serial, f"billing request {request.id} stays open: {error}")
            continue
        for part in parts:
            rounds[part.part].append(part)
        turn.move_request(request, RequestEvent.READ, parts=len(parts), parts_acknowledged=frozenset())
    for _, reads in sorted(rounds.items()):
        for batch in batches(reads):
            turn.queue(m.BillingTransaction(turn.client, batch))


def acknowledged(turn: Turn, message: m.BillingTransaction, reply: m.BillingTransactionResponse) -> None:
    """Counted now or counted before, the server has the part. Whether it has what its reply passes over is unknown,
    as when a reply is lost: the same reads are sent again."""
    results = turn.reconcile(
        ((reads.serial, reads.id, reads.part) for reads in message.devices),
        (((receipt.serial, receipt.id, receipt.part), receipt.result) for receipt in reply.devices),
    )
    done: set[str] = set()
    unknown: set[str] = set()
    missing: list[m.DeviceReads] = []
    for reads, request in _answered(turn, message):
        match results.get((reads.serial, reads.id, reads.part)):
            case None if turn.state_of(reads.serial) in ON_THE_BOOKS:
                missing.append(reads)
            case None:
                turn.move_request(request, RequestEvent.LIFE_ENDED)
            case m.Receipt.UNKNOWN:
                unknown.add(reads.id)
                turn.move_request(request, RequestEvent.NOT_KNOWN)
                turn.notice(NoticeKind.NOT_ACCEPTED, reads.serial, f"the server does not know billing request {reads.id}")
            case _:
                if _part_acknowledged(turn, request, reads.part):
                    done.add(reads.serial)
    _recall(turn, unknown)
    _repeat(turn, missing)
    _settle(turn, {reads.serial for reads in message.devices}, done)


def refused(turn: Turn, message: m.BillingTransaction) -> None:
    """The answers in a refused message are taken back, and their requests wait for the next reading; but of an answer
    that the server holds in part, the same reading's other parts have to follow."""
    taken_back: set[str] = set()
    missing: list[m.DeviceReads] = []
    for reads, request in _answered(turn, message):
        alive = turn.state_of(reads.serial) in ON_THE_BOOKS
        if alive and request.parts_acknowledged:
            missing.append(reads)
            continue
        taken_back.add(reads.id)
        event = RequestEvent.RETURNED if alive else RequestEvent.LIFE_ENDED
        turn.move_request(request, event, parts=0, parts_acknowledged=frozenset())
    _recall(turn, taken_back)
    _repeat(turn, missing)


def close(turn: Turn) -> None:
    """A device whose life is over is not read any more for what was asked in it."""
    for request in list(turn.requests.values()):
        if request.state is RequestState.OPEN and turn.state_of(request.serial) not in ON_THE_BOOKS:
            turn.move_request(request, RequestEvent.LIFE_ENDED)


def forget_settled(turn: Turn, mentioned: set[str]) -> None:
    """Drops settled requests that are old and that the server did not mention just now."""
    for request in list(turn.requests.values()):
        old = turn.at - request.received > KEEP_SETTLED
        if old and request.state not in PENDING and request.id not in mentioned:
            del turn.requests[request.id]


def _answered(turn: Turn, message: m.BillingTransaction) -> Iterator[tuple[m.DeviceReads, BillingRequest]]:
    """The parts in the message whose request still waits for its receipt, as it is when its part has its turn."""
    for reads in message.devices:
        request = turn.requests.get(reads.id)
        if request is not None and request.state is RequestState.ANSWERED:
            yield reads, request


def _part_acknowledged(turn: Turn, request: BillingRequest, part: int) -> bool:
    """Notes the part; True when it was the last."""
    have = request.parts_acknowledged | {part}
    if len(have) < request.parts:
        turn.requests[request.id] = replace(request, parts_acknowledged=have)
        return False
    turn.move_request(request, RequestEvent.ACKNOWLEDGED, parts_acknowledged=have)
    return True


def _repeat(turn: Turn, missing: Sequence[m.DeviceReads]) -> None:
    """Queues these very parts again, behind a pause: the server has just shown that it will not have them now."""
    for batch in batches(missing):
        turn.queue(m.BillingTransaction(turn.client, batch), LONGEST_PAUSE)


def _recall(turn: Turn, requests: set[str]) -> None:
    """Takes further parts of these answers out of the messages that wait: only the front has ever left, and it is gone."""
    kept = []
    for outgoing in turn.outbox:
        if isinstance(outgoing.message, m.BillingTransaction):
            reads = tuple(part for part in outgoing.message.devices if part.id not in requests)
            if not reads:
                continue
            outgoing = replace(outgoing, message=replace(outgoing.message, devices=reads))
        kept.append(outgoing)
    turn.outbox[:] = kept


def _settle(turn: Turn, serials: set[str], done: set[str]) -> None:
    """Devices that no request waits for any more have reported, or have nothing due."""
    for serial in sorted(serials - turn.pending()):
        if turn.state_of(serial) is not DeviceState.BILLING_DUE:
            continue  # its life ended meanwhile, or its status was not taken
        if serial in done:
            turn.move(serial, DeviceEvent.SETTLED)
            turn.notice(NoticeKind.READS_REPORTED, serial, "the server has the reads it asked for")
        else:
            turn.move(serial, DeviceEvent.NOTHING_DUE)
