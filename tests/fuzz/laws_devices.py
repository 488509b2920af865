"""Laws of what reads printers: datagrams, recordings, IPP answers, pages, and the words in them."""

import json
from contextlib import suppress
from datetime import UTC, datetime

from fuzz_kit import as_file, told

from meterpost import pwg, recording
from meterpost.devices.finding import gateway
from meterpost.devices.ipp import codec as ipp_codec
from meterpost.devices.ipp import reading as ipp_reading
from meterpost.devices.reading import contact, kinds, packed, profile, remembered, values
from meterpost.devices.reading.contact import first_contact
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.redaction import redacted
from meterpost.devices.snmp import ber, hello, sound
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus, Request, Unanswered, hold_at_once
from meterpost.devices.snmp.session import Abilities, Facts, Session
from meterpost.devices.solidink import page
from meterpost.devices.solidink.enriching import enrich
from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading
from meterpost.recording import Oid, Value, dotted

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROFILES = profile.load()
_LONGEST_TEXT = 4096
_MOST_REQUESTS = 2000
_MOST_BITS = 80  # a sum of many counters of 64


def sound_reading(reading: Reading) -> None:
    """What every reading is, whatever the device said: text that can be shown, numbers that can be kept, JSON."""
    document = json.loads(json.dumps(reading.to_json()))
    texts = [text for text in _texts_in(document) if text != reading.address]
    assert all(text.isprintable() and len(text) <= _LONGEST_TEXT for text in texts), texts
    assert all(meter.value >= 0 and pwg.counter(meter.name) is not None for meter in reading.meters)
    assert len({meter.name for meter in reading.meters}) == len(reading.meters)
    assert all(supply.percent is None or 0 <= supply.percent <= 100 for supply in reading.supplies)
    assert all(number.bit_length() <= _MOST_BITS for number in _numbers_in(document))


def _texts_in(document: object) -> list[str]:
    if isinstance(document, str):
        return [document]
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [text for part in inner for text in _texts_in(part)]


def _numbers_in(document: object) -> list[int]:
    if isinstance(document, int):
        return [document]
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [number for part in inner for number in _numbers_in(part)]


# --- SNMP ---------------------------------------------------------------------------------------------------


def datagram(octets: bytes) -> None:
    """A response is read or is Garbled; what was read, written again as we write, reads the same."""
    hello.is_v3(octets)
    for look in (sound.check, lambda message: sound.reason(message, (0x30, 0, len(message)))):
        with suppress(ber.Garbled, IndexError):  # the engine takes both for garbage
            look(octets)
    try:
        number, answer = ber.decode(octets)
    except ber.Garbled:
        return
    assert len(answer.bindings) == len(answer.tags) <= len(octets) // 4
    assert all(0 < len(name) <= 128 and max(name) <= 0xFFFFFFFF for name, _ in answer.bindings)
    if 0 <= number <= ber.MAX_NUMBER and answer.bindings:
        names = tuple(name for name, _ in answer.bindings)
        assert ber.decode(response(number, [(name, None) for name in names]))[1].bindings == tuple(
            (name, None) for name in names
        )


def response(number: int, bindings: list[tuple[Oid, Value]], status: int = 0, index: int = 0) -> bytes:
    """A v2c response as an agent writes it."""
    written = b"".join(ber.tagged(0x30, ber.tagged(6, ber._oid(name)) + _written(value)) for name, value in bindings)
    pdu = b"\x02\x04" + number.to_bytes(4, "big") + bytes((2, 1, status, 2, 1, index)) + ber.tagged(0x30, written)
    return ber.tagged(0x30, b"\x02\x01\x01\x04\x06public" + ber.tagged(0xA2, pdu))


def _written(value: Value) -> bytes:
    match value:
        case None:
            return b"\x05\0"
        case int():
            return ber.tagged(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
        case bytes():
            return ber.tagged(4, value)
        case _:
            return ber.tagged(6, ber._oid(value))


class _Unreliable:
    """An agent that answers from a MIB, and does to each answer what the next octets say."""

    def __init__(self, mib: dict[Oid, Value], whims: bytes) -> None:
        self._agent, self._whims = MemoryAgent(mib), iter(whims)
        self.asked = 0

    def answer(self, request: Request) -> Answer:
        self.asked += 1
        assert self.asked < _MOST_REQUESTS, "a visit has no end"
        answer = self._agent.answer(request)
        bindings = list(answer.bindings)
        match next(self._whims, 0) % 12:
            case 1:
                raise Unanswered("silence")
            case 2:
                raise DeviceError("refused")
            case 3:
                return Answer(answer.bindings, ErrorStatus(next(self._whims, 0) % 3), next(self._whims, 0))
            case 4:
                return Answer((), 5, next(self._whims, 0))
            case 5:
                bindings = bindings[: next(self._whims, 0)]
            case 6:
                bindings.reverse()
            case 7:
                bindings = bindings[:1] * (1 + next(self._whims, 0))
            case 8:
                bindings = [(name, None) for name, _ in bindings]
            case 9:
                bindings = list(zip(request.names, (value for _, value in bindings), strict=False))
            case 10:
                turn = next(self._whims, 0)
                bindings = bindings[turn:] + bindings[:turn]
            case 11:
                odd: Value = (None, -1, 2**64 - 1, b"", b"\xff" * 300, (), (2**32 - 1,) * 128)[next(self._whims, 0) % 7]
                bindings = [(name, odd) for name, _ in bindings]
        return Answer(tuple(bindings))


def visit(octets: bytes) -> None:
    """An agent may answer whatever it likes: the visit ends, in a DeviceError or in facts that are a reading; and what is
    remembered of them comes back as it was."""
    whims, _, walk = octets.partition(b"\n")
    mib = {variable.oid: variable.value for variable in _variables(walk)}
    session = Session(Abilities(bulk=whims[:1] != b"1"))
    try:
        facts = hold_at_once(first_contact(session, PROFILES), _Unreliable(mib, whims[1:]).answer)
    except DeviceError:
        return
    _is_a_reading(facts)
    known = remembered.Remembered("S", 0, session.abilities, NOON, "generic 1", facts)
    kept = remembered.pack(known)
    assert kept is None or remembered.unpack(kept) == known


def _is_a_reading(facts: Facts) -> None:
    sound_reading(interpret(facts, PROFILES, "10.1.2.3", 161, NOON))


def memory(octets: bytes) -> None:
    """What lies in the store is read back, or is nothing."""
    known = remembered.unpack(octets)
    if known is not None:
        again = remembered.pack(known)
        assert again is None or remembered.unpack(again) == known
        if contact.is_whole(known.facts):  # else nobody would read them
            _is_a_reading(known.facts)


def router(octets: bytes) -> None:
    """Whatever a gateway says of its networks, places come of it or a DeviceError."""
    mib = {variable.oid: variable.value for variable in _variables(octets)}
    try:
        found = hold_at_once(gateway.routes(True), _Unreliable(mib, b"").answer)
    except DeviceError:
        return
    assert len(found) <= gateway.MAX_SEGMENTS


# --- recordings ---------------------------------------------------------------------------------------------


def _variables(octets: bytes) -> tuple[recording.Variable, ...]:
    try:
        return tuple(recording.parse(octets.decode("utf-8", "surrogateescape")))
    except recording.BadRecording:
        return ()


def recorded(octets: bytes) -> None:
    """A recording is variables or a BadRecording with the line; written again it is the same; it is a reading, and without
    what is private it still is one."""
    try:
        with as_file(octets) as path:
            variables = recording.load(path)
    except recording.BadRecording as error:
        told(error)
        return
    assert [variable.oid for variable in variables] == sorted({variable.oid for variable in variables})
    assert tuple(recording.parse(recording.dump(variables))) == variables
    assert all(dotted(variable.oid).encode() in octets for variable in variables)
    agent = MemoryAgent({variable.oid: variable.value for variable in variables})
    _is_a_reading(hold_at_once(first_contact(Session(Abilities(True)), PROFILES), agent.answer))
    private = redacted(variables, PROFILES, b"a key")
    assert len(private) <= len(variables)
    recording.dump(private)


def counters(octets: bytes) -> None:
    """Packed numbers are what their records say, or nothing; and records written anew are read as they were."""
    found = packed.numbers(octets)
    assert all(0 <= tag < 256 and 0 <= number < 2**32 for tag, number in found.items())
    written = b"".join(bytes((tag, 1, 4)) + number.to_bytes(4, "big") for tag, number in found.items()) + b"\xff"
    assert packed.numbers(written) == found


# --- words --------------------------------------------------------------------------------------------------


def words(octets: bytes) -> None:
    """Text of any code is text that can be shown, of bounded length; and what a device calls itself is judged."""
    for limit in (values.MAX_TEXT, values.MAX_DEVICE_ID):
        text = values.text(octets, limit)
        assert text.isprintable()
        assert len(text) <= limit
        assert text == text.strip()
        assert values.serial(text) in text
    kind = kinds.judge(text)
    assert kind.reason
    assert kinds.judge(text, (1, 3, 6, 1, 4, 1, 11)).reason
    assert PROFILES.choose((1, 3, 6, 1, 4, 1, *octets[:4]), text)
    values.mac(octets), values.detected_errors(octets)


# --- IPP and pages ------------------------------------------------------------------------------------------


def ipp(octets: bytes) -> None:
    """An answer is attributes or a BadAnswer, and attributes are a reading. What we ask reads as it was written."""
    try:
        answer = ipp_codec.decode(octets)
    except ipp_codec.BadAnswer:
        return
    for attributes in answer.of(ipp_codec.PRINTER_GROUP):
        sound_reading(ipp_reading.reading(attributes, "ipp://10.1.2.3/ipp/print", 631, NOON))
        asked = [name for name in attributes if name and name.isascii()]
        question = ipp_codec.encode((2, 0), answer.status, 1, [(ipp_codec.KEYWORD, name, (name,)) for name in asked])
        ((_, said),) = ipp_codec.decode(question).groups
        assert said == {name: [name.encode()] for name in asked}


def pages(octets: bytes) -> None:
    """A page is rows and links that stay on the server, and adds to a reading what fits it."""
    read = page.parse(octets, "http://10.1.2.3/a/b.html")
    assert all(goal.startswith("http://10.1.2.3/") and "?" not in goal for _, goal in read.links)
    assert all(len(row) > 1 and all(row) for row in read.rows)
    sound_reading(enrich(Reading("http://10.1.2.3", 80, NOON), {"/a": octets, "/b": octets[::-1]}))


# --- profiles -----------------------------------------------------------------------------------------------


def a_profile(octets: bytes) -> None:
    """A profile is a Profile or a SettingsError that names it."""
    try:
        read = profile.parse(octets.decode("utf-8", "replace"), "fuzzed")
    except SettingsError as error:
        told(error, "fuzzed", own=True)
        return
    both = profile.Profiles((*PROFILES, read))
    prefix = read.matches[0].prefix if read.matches else (1,)
    assert both.choose((*prefix, 1), "ACME Laser")
