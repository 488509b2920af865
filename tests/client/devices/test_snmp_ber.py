"""Our own codec against pysnmp's, against agents with any MIB, and against octets of any kind."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import encoder
from pysnmp.proto.api import PROTOCOL_MODULES, v2c

from meterpost.devices.snmp import ber
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Answer, ErrorStatus, Kind, Request
from meterpost.devices.snmp.reference import PysnmpCodec
from meterpost.recording import Oid, Tag, Value, Variable
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import Usm

PYSNMP = PysnmpCodec()
FOUR_OCTETS = st.integers(0x00800000, ber.MAX_NUMBER)
VERSIONS = st.sampled_from(sorted(ber.VERSIONS))
UNSIGNED = {Tag.COUNTER32: 32, Tag.GAUGE32: 32, Tag.TIMETICKS: 32, Tag.COUNTER64: 64}

arcs = st.integers(0, 4) | st.integers(0, 2**32 - 1)
heads = st.tuples(st.integers(0, 1), st.integers(0, 39)) | st.tuples(st.just(2), st.integers(0, 1000))
oids = st.builds(lambda head, rest: (*head, *rest), heads, st.lists(arcs, max_size=9))
crowded = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda rest: (1, 3, *rest))  # names that meet each other


def variables(names: st.SearchStrategy[Oid]) -> st.SearchStrategy[Variable]:
    kinds: list[st.SearchStrategy[tuple[Tag, Value]]] = [
        st.tuples(st.just(Tag.INTEGER), st.integers(-(2**31), 2**31 - 1)),
        st.tuples(st.sampled_from([Tag.OCTETS, Tag.OPAQUE]), st.binary(max_size=30)),
        st.tuples(st.just(Tag.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
        st.tuples(st.just(Tag.OID), oids),
        *(st.tuples(st.just(tag), st.integers(0, 2**bits - 1)) for tag, bits in UNSIGNED.items()),
    ]
    return st.builds(lambda name, kind: Variable(name, *kind), names, st.one_of(kinds))


def requests(names: st.SearchStrategy[Oid]) -> st.SearchStrategy[Request]:
    several = st.lists(names, min_size=1, max_size=5).map(tuple)
    plain = st.builds(Request, st.sampled_from([Kind.GET, Kind.GET_NEXT]), several)
    return plain | st.builds(Request, st.just(Kind.GET_BULK), several, st.integers(0, 5), st.integers(0, 8))


def a_response(answer: Answer, number: int, version: str) -> bytes:
    """What pysnmp makes of `answer`; its values are pysnmp's."""
    protocol: ModuleType = PROTOCOL_MODULES[ber.VERSIONS[version]]
    pdu = protocol.GetResponsePDU()
    protocol.apiPDU.set_defaults(pdu)
    protocol.apiPDU.set_request_id(pdu, number)
    protocol.apiPDU.set_error_status(pdu, answer.status)
    protocol.apiPDU.set_error_index(pdu, answer.index)
    protocol.apiPDU.set_varbinds(pdu, answer.bindings)
    message = protocol.Message()
    protocol.apiMessage.set_defaults(message)
    protocol.apiMessage.set_pdu(message, pdu)
    return bytes(encoder.encode(message))


# --- the same octets as the reference -----------------------------------------------------------------------------


@given(requests(oids), VERSIONS, st.text("abcXYZ019-_", max_size=140), FOUR_OCTETS)
def test_requests_are_pysnmps_octet_for_octet(request_: Request, version: str, community: str, number: int) -> None:
    if request_.kind is Kind.GET_BULK:
        version = "2c"
    assert ber.encode(request_, version, community, number) == PYSNMP.encode(request_, version, community, number)


@pytest.mark.parametrize("repetitions", [0, 1, 127, 128, 255, 256, 32767, 32768])
def test_numbers_of_every_size_are_pysnmps(repetitions: int) -> None:
    request = Request(Kind.GET_BULK, ((1, 3, 6, 1),) * 200, 130, repetitions)
    assert ber.encode(request, "2c", "public", 0x01020304) == PYSNMP.encode(request, "2c", "public", 0x01020304)


def test_a_small_number_takes_four_octets_all_the_same() -> None:
    request = Request(Kind.GET, ((1, 3, 6, 1),))
    sizes = {len(ber.encode(request, "2c", "public", number)) for number in (0, 1, 255, 65536, ber.MAX_NUMBER)}
    assert len(sizes) == 1


def test_a_name_of_one_arc_is_sent_as_two() -> None:
    assert ber.encode(Request(Kind.GET_NEXT, ((1,),)), "2c", "", 1) == ber.encode(
        Request(Kind.GET_NEXT, ((1, 0),)), "2c", "", 1
    )


values = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(v2c.Integer32),
    st.binary(max_size=300).map(v2c.OctetString),
    st.binary(max_size=9).map(v2c.Opaque),
    st.binary(min_size=4, max_size=4).map(v2c.IpAddress),
    oids.map(v2c.ObjectIdentifier),
    *(st.integers(0, 2**32 - 1).map(kind) for kind in (v2c.Counter32, v2c.Gauge32, v2c.TimeTicks)),
    st.integers(0, 2**64 - 1).map(v2c.Counter64),
    st.sampled_from([v2c.Null(""), v2c.NoSuchObject(""), v2c.NoSuchInstance(""), v2c.EndOfMibView("")]),
)
answers = (
    st.lists(st.tuples(oids, values), max_size=6)
    .map(tuple)
    .flatmap(lambda bindings: st.builds(Answer, st.just(bindings), st.integers(0, 18), st.integers(0, len(bindings))))
)


@given(answers, st.integers(-(2**31), 2**31 - 1))
def test_responses_are_read_as_pysnmp_reads_them(answer: Answer, number: int) -> None:
    message = a_response(answer, number, "2c")
    read = ber.decode(message)
    assert read == PYSNMP.decode(message)
    assert read[0] == number
    assert (read[1].status, read[1].index) == (answer.status, answer.index)
    assert [name for name, _ in read[1].bindings] == [name for name, _ in answer.bindings]


def test_a_counter_without_its_leading_zero_is_not_negative() -> None:
    message = a_response(Answer((((1, 3, 6), v2c.Counter32(2**31)),)), 7, "2c")
    whole, bare = bytes((0x41, 5, 0, 0x80, 0, 0, 0)), bytes((0x41, 4, 0x80, 0, 0, 0))
    assert whole in message
    shorter = bytearray(message.replace(whole, bare))
    sizes = [at for at in range(len(message) - 8) if shorter[at] in (0x30, 0xA2) and at + 2 + message[at + 1] == len(message)]
    for at in sizes:
        shorter[at + 1] -= 1
    assert len(sizes) == len(("message", "pdu", "bindings", "binding"))
    assert ber.decode(bytes(shorter)) == ber.decode(message) == (7, Answer((((1, 3, 6), 2**31),)))


# --- any agent, any request ----------------------------------------------------------------------------------------


@given(st.lists(variables(crowded), max_size=12), requests(crowded), VERSIONS, st.integers(0, ber.MAX_NUMBER))
def test_over_the_octets_an_agent_answers_as_one_in_memory(
    mib: list[Variable], request_: Request, version: str, number: int
) -> None:
    if version == "1":  # which has neither
        mib = [variable for variable in mib if variable.tag is not Tag.COUNTER64]
        if request_.kind is Kind.GET_BULK:
            request_ = Request(Kind.GET_NEXT, request_.names)
    agent = Agent(Mib(mib), ("public",), Usm(b"", (), 0))
    octets = agent.answer(ber.encode(request_, version, "public", number))
    assert octets is not None
    in_memory = MemoryAgent({variable.oid: variable.value for variable in mib}, version)
    assert ber.decode(octets) == (number, in_memory.answer(request_))


# --- any octets ----------------------------------------------------------------------------------------------------


def read_or_garbled(octets: bytes) -> bool:
    """Whether `octets` were read; what was read is of the right types."""
    try:
        number, answer = ber.decode(octets)
    except ber.Garbled:
        return False
    assert all(isinstance(plain, int) for plain in (number, answer.status, answer.index))
    for name, value in answer.bindings:
        assert len(name) > 1
        assert all(0 <= arc <= 2**32 - 1 for arc in name[1:])
        assert value is None or isinstance(value, int | bytes | tuple)
    return True


@given(st.binary(max_size=200))
def test_any_octets_at_all_are_garbled_or_an_answer(octets: bytes) -> None:
    read_or_garbled(octets)


@given(answers, st.data())
def test_an_answer_with_wrong_octets_is_garbled_or_an_answer(answer: Answer, data: st.DataObject) -> None:
    octets = bytearray(a_response(answer, 1, "2c"))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    read_or_garbled(bytes(octets))


SAMPLE = a_response(
    Answer((((1, 3, 6, 1, 4, 1, 2**32 - 1), v2c.OctetString(bytes(150))), ((1, 3), v2c.Counter64(2**64 - 1)))), 9, "2c"
)


def test_an_answer_cut_anywhere_is_garbled() -> None:
    assert read_or_garbled(SAMPLE)
    assert [length for length in range(len(SAMPLE)) if read_or_garbled(SAMPLE[:length])] == []


def element(tag: int, content: bytes = b"") -> bytes:
    return bytes((tag, 0x82)) + len(content).to_bytes(2, "big") + content


def message(pdu: bytes = b"", binding: bytes | None = None, tag: int = 0xA2) -> bytes:
    if binding is not None:
        pdu = b"\x02\x01\x07\x02\x01\0\x02\x01\0" + element(0x30, element(0x30, binding))
    return element(0x30, b"\x02\x01\x01\x04\0" + element(tag, pdu))


NAME = b"\x06\x02\x2b\x06"


@pytest.mark.parametrize(
    ("octets", "is_read"),
    [
        (message(binding=NAME + b"\x05\0"), True),
        (message(binding=NAME + b"\x05\0") + b"behind it", True),
        (message(binding=NAME + b"\x05\0\x05\0"), True),
        (message(binding=NAME + b"\x41\x09" + bytes(9)), True),
        (message(binding=NAME + b"\x41\x0a" + bytes(10)), False),
        (message(binding=NAME + b"\x09\x01\0"), False),
        (message(binding=NAME + b"\x30\0"), False),
        (message(binding=NAME), False),
        (message(binding=b""), False),
        (message(binding=b"\x06\0\x05\0"), False),
        (message(binding=b"\x06\x02\x2b\x86\x05\0"), False),
        (message(binding=b"\x06\x07\x2b\x90\x80\x80\x80\x80\0\x05\0"), False),
        (message(binding=element(0x06, b"\x2b" + b"\x86" * 252 + b"\x06") + b"\x05\0"), False),
        (message(binding=element(0x06, b"\x2b" + b"\x06" * 126) + b"\x05\0"), True),
        (message(binding=element(0x06, b"\x2b" + b"\x06" * 127) + b"\x05\0"), False),
        (message(binding=b"\x04\x02\x2b\x06\x05\0"), False),
        (message(binding=NAME + b"\x04\x80abc\0\0"), False),
        (message(binding=NAME + b"\x04\x85\0\0\0\0\x01a"), False),
        (message(binding=NAME + b"\x04\x84\xff\xff\xff\xff"), False),
        (message(), False),
        (message(binding=NAME + b"\x05\0", tag=0xA0), False),
        (message(binding=NAME + b"\x05\0", tag=0xA8), False),
        (message(b"\x02\x0a" + bytes(10) + b"\x02\x01\0\x02\x01\0\x30\0"), False),
        (message(b"\x02\x01\x07\x02\x01\0\x02\x01\0\x30\0"), True),
        (message(b"\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x04"), False),
    ],
)
def test_what_is_read_and_what_is_not(octets: bytes, is_read: bool) -> None:
    assert read_or_garbled(octets) is is_read


def test_a_datagram_full_of_bindings_or_one_huge_string_is_read() -> None:
    many = b"\x30\x06" + NAME + b"\x05\0"
    head = b"\x02\x01\x07\x02\x01\0\x02\x01\0"
    _, answer = ber.decode(message(head + element(0x30, many * 8000)))
    assert len(answer.bindings) == 8000
    _, answer = ber.decode(message(binding=NAME + element(0x04, bytes(65000))))
    assert answer.bindings == (((1, 3, 6), bytes(65000)),)


def test_the_names_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ber, "_NAMES_KEPT", 100)
    for last in range(1000):
        name = (1, 3, 6, 1, last)
        assert ber.decode(a_response(Answer(((name, v2c.Null("")),)), 1, "2c"))[1].bindings == ((name, None),)
        assert len(ber._names) <= 100
    kept = len(ber._names)
    for last in range(5):
        long = (1, 3, *[2**32 - 1] * 125, last)
        assert ber.decode(a_response(Answer(((long, v2c.Null("")),)), 1, "2c"))[1].bindings == ((long, None),)
    assert len(ber._names) == kept, "whoever makes up long names fills nothing with them"


def test_an_error_is_read_with_its_place() -> None:
    said = Answer((((1, 3, 6), v2c.Null("")),), ErrorStatus.GEN_ERR, 1)
    assert ber.decode(a_response(said, 5, "1")) == (5, Answer((((1, 3, 6), None),), 5, 1))
