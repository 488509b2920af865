"""A crowd: it says what an agent of each printer's own would say, on real sockets, and every printer is another device."""

import json
import signal
import socket
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c
from pysnmp.proto.rfc1901 import Message
from snmp_manager import V1, V2C, Manager, request, understood
from test_printers_v3 import ask

from meterpost.errors import SettingsError
from meterpost.recording import load, oid
from meterpost_stub.cli import main
from meterpost_stub.printers import BUILT_IN, SimulatedPrinter, recordings_in
from meterpost_stub.printers.agent import Agent
from meterpost_stub.printers.crowd import SERIALS, Crowd, FleetError, Manner, own
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.usm import Usm

DESCR, NAME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.5.0"
SERIAL, MAC, LIFE = "1.3.6.1.2.1.43.5.1.1.17.1", "1.3.6.1.2.1.2.2.1.6.1", "1.3.6.1.2.1.43.10.2.1.4.1.1"
PATHS = recordings_in(BUILT_IN)
RECORDED = [load(path) for path in PATHS]
NAMES = sorted({variable.oid for variables in RECORDED for variable in variables})
MANY = Crowd(PATHS, Manner(4000))


def alone(n):
    """The agent printer `n` would have for itself."""
    return Agent(Mib(own(RECORDED[n % len(RECORDED)], n)), ("public",), Usm(b"", (), 0))


def numbered(octets, request_id):
    message, _ = decoder.decode(octets, asn1Spec=Message())
    v2c.apiPDU.set_request_id(message[2].getComponent(), request_id)
    return encoder.encode(message)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 3999),
    kind=st.sampled_from([v2c.GetRequestPDU, v2c.GetNextRequestPDU, v2c.GetBulkRequestPDU, v2c.SetRequestPDU]),
    names=st.lists(st.sampled_from(NAMES).flatmap(lambda name: st.sampled_from([name, name[:-1], name[:-2]])), max_size=4),
    version=st.sampled_from([V1, V2C]),
    community=st.sampled_from(["public", "guess", ""]),
    ids=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=3),
)
def test_the_answer_is_the_one_of_an_agent_of_its_own(n, kind, names, version, community, ids):
    """Whatever is asked, whoever asked the same before, and however long the request-ids are."""
    asked = request(kind, *names, version=version, community=community, bulk=(1, 3))
    for request_id in ids:
        octets = numbered(asked, request_id)
        assert MANY.answer(n, octets) == alone(n).answer(octets)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_octets_that_are_no_request_are_answered_as_by_an_agent(data):
    asked = bytearray(numbered(request(v2c.GetRequestPDU, DESCR), 77777))
    for _ in range(data.draw(st.integers(1, 3))):
        asked[data.draw(st.integers(0, len(asked) - 1))] = data.draw(st.integers(0, 255))
    octets = bytes(asked[: data.draw(st.integers(0, len(asked)))]) if data.draw(st.booleans()) else bytes(asked)
    mine, theirs = MANY.answer(5, octets), alone(5).answer(octets)
    assert (mine and understood(mine)) == (theirs and understood(theirs))


@pytest.mark.parametrize("place", [16, 17], ids=["length", "leading zero"])
def test_a_request_id_in_another_spelling_comes_back_as_an_agent_writes_it(place):
    asked = bytearray(numbered(request(v2c.GetRequestPDU, DESCR), 77777))
    asked[place] = {16: 2, 17: 0}[place]
    mine, theirs = MANY.answer(5, bytes(asked)), alone(5).answer(bytes(asked))
    assert mine == theirs


def test_what_the_memo_cuts_out_must_be_a_message_and_a_request_id():
    octets = numbered(request(v2c.GetRequestPDU, DESCR), 77777)
    at = octets.index(b"\x02\x03\x01\x2f\xd1")
    for wrong in (b"\x31" + octets[1:], octets[:at] + b"\x04" + octets[at + 1 :]):
        assert MANY.answer(5, wrong) is None is alone(5).answer(wrong)


def test_longer_forms_of_length_are_understood():
    """BER does not ask for the shortest (X.690, 8.1.3.5), and net-snmp has sent these."""
    short = request(v2c.GetRequestPDU, DESCR, LIFE)
    long = b"\x30\x82" + (len(short) - 2).to_bytes(2, "big") + short[2:]
    assert MANY.answer(7, long) == MANY.answer(7, short) == alone(7).answer(short)


def test_answers_of_every_size_are_those_of_an_agent():
    for repetitions in range(1, 50, 2):
        asked = numbered(request(v2c.GetBulkRequestPDU, "1.3.6.1.2.1.43", bulk=(0, repetitions)), 2**31 - 1)
        assert MANY.answer(9, asked) == alone(9).answer(asked)


def test_an_answer_fits_a_frame_whoever_asks(tmp_path):
    """The memo is filled with the longest request-id: another's is never larger than the same with a shorter one."""
    path = tmp_path / "long.snmprec"
    path.write_text("".join(f"1.3.6.1.4.1.{size}.0|4|{'x' * size}\n" for size in range(1410, 1440)))
    crowd, sizes = Crowd([path], Manner(1)), set()
    for size in range(1410, 1440):
        asked = request(v2c.GetRequestPDU, f"1.3.6.1.4.1.{size}.0")
        sizes |= {len(crowd.answer(0, numbered(asked, request_id))) for request_id in (1, 2**31 - 1)}
    assert max(sizes) == 1472


@pytest.mark.parametrize("place", range(len(PATHS)), ids=[path.stem for path in PATHS])
def test_printers_of_one_recording_are_different_devices(place):
    """In serial number, name and MAC address, and in nothing else that is not made of them."""
    one, other = (place + len(PATHS) * k for k in (1, 200))
    serial = next(variable for variable in RECORDED[place] if variable.oid[:-1] in SERIALS)
    asked = request(v2c.GetRequestPDU, serial.oid, NAME, MAC, LIFE)
    assert MANY.answer(one, asked) == alone(one).answer(asked)
    first, second = (understood(MANY.answer(n, asked)).values for n in (one, other))
    assert [value[-5:] for value in first[:3]] == [b"%05X" % one] * 3
    assert [value[-5:] for value in second[:3]] == [b"%05X" % other] * 3
    assert first[0] == serial.value[:-5] + b"%05X" % one
    assert first[3] == second[3]
    assert not [v.oid for v in own(RECORDED[place], one) if isinstance(v.value, bytes) and serial.value in v.value]


def test_a_printer_without_a_serial_number_gets_none(tmp_path):
    path = tmp_path / "bare.snmprec"
    path.write_text(f"{NAME}|4|\n{MAC}|4x|\n{SERIAL}|4x|2020\n1.3.6.1.2.1.43.5.1.1.17.2|4|7\n{LIFE}|4|77 pages\n")
    values = {variable.oid: variable.value for variable in own(load(path), 10)}
    assert [values[oid(name)] for name in (NAME, MAC, SERIAL, "1.3.6.1.2.1.43.5.1.1.17.2")] == [b"", b"", b"  ", b"0000A"]
    assert values[oid(LIFE)] == b"77 pages"


def test_a_serial_number_within_a_text_is_replaced_too(tmp_path):
    path = tmp_path / "named.snmprec"
    path.write_text(
        f"{DESCR}|4|JETDIRECT,SN:CN12345678;S/N AAA000\n{SERIAL}|4|AB-1234567 \n{LIFE}|4|MFG:X;SERN:Z987654321;AB-1234567;\n"
    )
    values = [variable.value for variable in own(load(path), 31)]
    assert values == [b"JETDIRECT,SN:CN1230001F;S/N A0001F", b"AB-120001F ", b"MFG:X;SERN:Z98760001F;AB-120001F;"]


def test_what_is_remembered_has_an_end(monkeypatch):
    """Ever new questions do not fill the memory, and are answered."""
    monkeypatch.setattr("meterpost_stub.printers.crowd.MEMO_OCTETS", 5000)
    crowd = Crowd(PATHS[:1], Manner(2))
    for number in range(100):
        assert crowd.answer(1, request(v2c.GetRequestPDU, f"1.3.6.1.{number}.0"))
    assert sum(len(recording.memo) for recording in crowd._recordings) < 10


@pytest.fixture
def crowd_of(running):
    """Starts a crowd on a free port."""
    return lambda manner, **options: running.enter_context(
        Crowd(PATHS, manner, **{"network": "127.90.0.0/16", "port": 0, **options})
    )


@pytest.fixture
def asking(running):
    """A manager that is to hear from exactly this address of the crowd."""

    def to(crowd, address):
        return running.enter_context(Manager(SimulatedPrinter("", address, crowd.port, None, None), timeout=5))

    return to


def test_every_printer_answers_from_its_own_address(crowd_of, asking):
    """The managers' sockets are connected: they take an answer from nowhere else."""
    crowd = crowd_of(Manner(1000))
    managers = [asking(crowd, address) for address in crowd.alive[::100]]
    asked = [request(v2c.GetRequestPDU, NAME) for _ in managers]
    for manager, octets in zip(managers, asked, strict=True):
        manager.send(octets)
    assert crowd.turn(0) is None
    for n, manager in zip(range(0, 1000, 100), managers, strict=True):
        assert manager.receive().values[0].endswith(b"%05X" % n)
    counts = crowd.behave(crowd.manner)
    assert (counts.requests, counts.answers, counts.unheard) == (10, 10, 0)
    assert counts.request_octets == sum(map(len, asked))


def test_only_loopback_is_listened_to(crowd_of):
    crowd = crowd_of(Manner(1))
    device = socket.SO_BINDTODEVICE
    with socket.socket(fileno=socket.dup(crowd.fileno())) as same:
        assert same.getsockopt(socket.SOL_SOCKET, device, 16).rstrip(b"\0") == b"lo"


def test_dead_addresses_are_silent_and_counted(crowd_of, asking):
    crowd = crowd_of(Manner(200, alive=0.05))
    assert len(crowd.alive) == 10
    dead = next(address for address in crowd._addresses if address not in crowd.alive)
    managers = [asking(crowd, address) for address in (dead, "127.90.200.1", "127.0.0.1", crowd.alive[3])]
    for manager in managers:
        manager.send(request(v2c.GetRequestPDU, DESCR))
    crowd.turn(0)
    assert managers[-1].receive().status == 0
    for manager in managers[:-1]:
        manager.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.socket.recv(1500)
    counts = crowd.behave(crowd.manner)
    assert (counts.requests, counts.unheard, counts.answers) == (1, 3, 1)
    assert 0 < counts.unheard_octets < 3 * 60


def test_answers_wait_for_their_time(crowd_of, asking):
    crowd = crowd_of(Manner(10, delay_ms=(5, 40)))
    manager = asking(crowd, crowd.alive[0])
    for _ in range(50):
        manager.send(request(v2c.GetRequestPDU, DESCR))
    when = crowd.turn(100.0)
    assert 100.005 <= when <= 100.041
    sent = []
    for _ in range(50):
        if when is None:
            break
        sent.append(when)
        assert crowd.counts.answers < 50
        when = crowd.turn(when)
    assert crowd.counts.answers == 50
    assert len(sent) > 10
    assert 100.03 < sent[-1] <= 100.041
    manager.send(request(v2c.GetRequestPDU, DESCR))
    assert crowd.turn(200.0)
    crowd.behave(Manner(10))
    assert crowd.turn(200.0) is None


def test_equal_seeds_lose_the_same_answers(crowd_of, asking):
    lost = []
    for seed in (1, 1, 2):
        crowd = crowd_of(Manner(10, loss=0.5, seed=seed))
        manager = asking(crowd, crowd.alive[0])
        before = []
        for _ in range(40):
            manager.send(request(v2c.GetRequestPDU, DESCR))
            crowd.turn(0)
            before.append(crowd.counts.lost)
        lost.append(before)
    assert lost[0] == lost[1] != lost[2]
    assert 8 < lost[0][-1] < 32


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ({"printers": 0}, "printers"),
        ({"printers": 16**5 + 1}, "printers"),
        ({"alive": 1.1}, "shares"),
        ({"loss": float("nan")}, "shares"),
        ({"delay_ms": (40, 5)}, "milliseconds"),
        ({"delay_ms": (0, 1e6)}, "milliseconds"),
    ],
)
def test_a_manner_that_makes_no_sense_is_refused(manner, said):
    with pytest.raises(SettingsError, match=said):
        Manner(**{"printers": 10, **manner})


def test_a_crowd_stays_in_its_network(crowd_of):
    for network in ("10.0.0.0/8", "127.1.0.0/29"):
        with pytest.raises(SettingsError, match=network):
            crowd_of(Manner(7), network=network)
    crowd = crowd_of(Manner(7))
    with pytest.raises(SettingsError, match="7 printers"):
        crowd.behave(Manner(8))
    assert len(crowd.alive) == 7


def test_a_port_in_use_is_an_error_with_advice(crowd_of):
    crowd = crowd_of(Manner(1))
    with pytest.raises(FleetError, match=f"port {crowd.port} ") as error:
        crowd_of(Manner(1), port=crowd.port)
    assert "--port" in error.value.advice


def test_the_command_serves_obeys_and_ends():
    command = [sys.executable, "-m", "meterpost_stub", "crowd", "--port", "0", "--network", "127.91.0.0/16"]
    command += ["--printers", "400", "--alive", "5%", "--delay", "1-2", "--user", "joe:auth-secret:priv-secret"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:

            def order(line):
                process.stdin.write(line + "\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline())

            ready = json.loads(process.stdout.readline())
            assert (ready["count"], len(ready["addresses"]), ready["recordings"]) == (20, 20, len(PATHS))
            where = SimulatedPrinter("", ready["addresses"][-1], ready["port"], None, None)
            with Manager(where) as manager:
                assert manager.get(LIFE).status == 0
            counts = order('{"alive": 0.5, "delay_ms": [0, 0]}')
            assert (counts["requests"], counts["answers"], counts["dropped"], len(counts["addresses"])) == (1, 1, 0, 200)
            for wrong in ("{", "[]", '{"alive": "x"}', '{"printers": 401}', '{"nothing": 1}', '{"delay_ms": 5}'):
                assert list(order(wrong)) == ["error"]
            where.address = order("{}")["addresses"][-1]
            assert ask(where, DESCR)[:2] == (None, 0)  # SNMPv3
            assert order("{}")["requests"] >= 2
            process.stdin.close()  # it serves on
            with Manager(where) as manager:
                assert manager.get(LIFE).status == 0
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    "arguments", [["/nowhere"], ["--alive", "2"], ["--network", "10.0.0.0/8"], ["--user", "joe"], ["--printers", "0"]]
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, arguments):
    assert main(["crowd", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("meterpost-stub crowd: ")
