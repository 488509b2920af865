"""One suite for all SNMP ports: a MIB in memory, a recording, and a real agent on loopback through every engine and version."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from meterpost import recording
from meterpost.devices.snmp.credentials import AUTH, PRIV, Credential, SnmpUserSecret
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.network import Network
from meterpost.devices.snmp.port import Agent, Answer, ErrorStatus, Kind, Request, Talk, Unanswered
from meterpost.devices.snmp.reference import AUTH_PROTOCOLS, PRIV_PROTOCOLS
from meterpost.devices.snmp.replay import RecordedAgent
from meterpost.devices.snmp.session import Abilities, Session, Want
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Tag, Variable, oid
from meterpost_stub.printers.fleet import Fleet
from meterpost_stub.printers.usm import AgentUser

T = TypeVar("T")
Port = Callable[[Talk[T]], T]
"""Holds a talk with an agent over MIB."""

SYSTEM = oid("1.3.6.1.2.1.1")
COUNTERS = oid("1.3.6.1.2.1.43.10.2.1.4")
LABELS = oid("1.3.6.1.2.1.43.11.1.1.6")
MIB = (
    Variable((*SYSTEM, 1, 0), Tag.OCTETS, b"ACME Laser"),
    Variable((*SYSTEM, 2, 0), Tag.OID, oid("1.3.6.1.4.1.32473.1")),
    Variable((*SYSTEM, 3, 0), Tag.TIMETICKS, 4711),
    Variable((*SYSTEM, 4, 0), Tag.OCTETS, bytes(range(256))),
    Variable((*SYSTEM, 5, 0), Tag.IP_ADDRESS, bytes((10, 1, 2, 3))),
    Variable((*SYSTEM, 6, 0), Tag.INTEGER, -3),
    Variable((*SYSTEM, 7, 0), Tag.GAUGE32, 2**32 - 1),
    Variable((*SYSTEM, 8, 0), Tag.OCTETS, b""),
    *(Variable((*COUNTERS, 1, row), Tag.COUNTER32, 2**32 - row) for row in range(1, 31)),
    *(Variable((*LABELS, 1, row), Tag.OCTETS, b"Toner %d" % row) for row in (1, 2, 7)),
)
VALUES = {variable.oid: variable.value for variable in MIB}
USERS = tuple(
    AgentUser(f"{auth}-{priv}", "auth-password", "priv-password", auth, priv)
    for auth, priv in (("MD5", "DES"), ("SHA", "AES"), ("SHA", "AES256"), ("SHA224", "AES192"), ("SHA512", "AES256"))
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "acme.snmprec"
    path.write_text(recording.dump(MIB))
    return path


@pytest.fixture(scope="module")
def fleet(recorded: Path) -> Iterator[Fleet]:
    with Fleet([recorded], network="127.20.30.0/24", port=0, communities=("public", "second"), users=USERS) as started:
        yield started


class Engines:
    """Networks of every engine in one event loop: to make one of pysnmp's takes longer than all of a test."""

    def __init__(self, fleet: Fleet) -> None:
        self.printer = fleet.printers[0]
        self._runner = asyncio.Runner()
        self._networks: dict[tuple[str, float], Network] = {}

    def hold(self, engine: str, credential: Credential, talk: Talk[T], timeout_s: float = 5.0) -> T:
        async def run() -> T:
            if (engine, timeout_s) not in self._networks:
                self._networks[engine, timeout_s] = Network(timeout_s, engine)
            agent: Agent = await self._networks[engine, timeout_s].agent(
                self.printer.address, self.printer.port, credential, tries=1
            )
            try:
                return await agent.hold(talk)
            finally:
                await agent.close()

        return self._runner.run(run())

    def close(self) -> None:
        for network in self._networks.values():
            self._runner.run(network.close())
        self._runner.close()


@pytest.fixture(scope="module")
def engines(fleet: Fleet) -> Iterator[Engines]:
    opened = Engines(fleet)
    yield opened
    opened.close()


def as_user(user: AgentUser, **changes: str) -> Credential:
    secrets = {"name": user.name, "auth_password": user.auth_password, "priv_password": user.priv_password}
    return Credential("3", user=SnmpUserSecret(**{**secrets, "auth": user.auth, "priv": user.priv, **changes}))


PORTS = [
    *(f"{kind} {version}" for kind in ("memory", "recorded", "wire", "pysnmp") for version in ("1", "2c")),
    "gufo 2c",
    *(f"gufo 3 {user.name}" for user in USERS),
    *(f"pysnmp 3 {user.name}" for user in USERS[1:3]),
]
MODERN = [port for port in PORTS if not port.endswith(" 1")]


@pytest.fixture(params=PORTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def is_v1(name: str) -> bool:
    return name.endswith(" 1")


@pytest.fixture
def port(name: str, recorded: Path, engines: Engines) -> Port[object]:
    kind, version, *user = name.split()
    if kind == "memory":
        return lambda talk: asyncio.run(MemoryAgent(VALUES, version).hold(talk))
    if kind == "recorded":
        return lambda talk: asyncio.run(RecordedAgent(recorded, version).hold(talk))
    users = {known.name: as_user(known) for known in USERS}
    credential = users[user[0]] if user else Credential(version, "second")
    return lambda talk: engines.hold(kind, credential, talk)


def ask(*requests: Request) -> Talk[list[Answer]]:
    answers = []
    for request in requests:
        answers.append((yield request))
    return answers


def test_get_brings_every_type_of_value(port: Port[list[Answer]]) -> None:
    names = tuple(variable.oid for variable in MIB[:9])
    (answer,) = port(ask(Request(Kind.GET, names)))
    assert answer == Answer(tuple((name, VALUES[name]) for name in names))


def test_one_name_alone_is_got(port: Port[list[Answer]]) -> None:
    (answer,) = port(ask(Request(Kind.GET, ((*SYSTEM, 6, 0),))))
    assert answer == Answer((((*SYSTEM, 6, 0), -3),))


@pytest.mark.parametrize("names", [((*SYSTEM, 1, 0), (*SYSTEM, 99, 0)), ((*SYSTEM, 98, 0), (*SYSTEM, 99, 0))])
def test_a_missing_name_is_said(port: Port[list[Answer]], is_v1: bool, names: tuple[Oid, ...]) -> None:
    (answer,) = port(ask(Request(Kind.GET, names)))
    missing = [place for place, name in enumerate(names, 1) if name not in VALUES]
    if is_v1:  # the whole PDU is lost (RFC 1157, 4.1.2)
        assert (answer.status, answer.index) == (ErrorStatus.NO_SUCH_NAME, missing[0])
    else:  # an exception in its place
        assert answer == Answer(tuple((name, VALUES.get(name)) for name in names))


def test_get_next_moves_every_name_on_in_its_place(port: Port[list[Answer]]) -> None:
    (answer,) = port(ask(Request(Kind.GET_NEXT, (LABELS, SYSTEM, (*LABELS, 1, 2)))))
    assert answer.bindings == (
        ((*LABELS, 1, 1), b"Toner 1"),
        ((*SYSTEM, 1, 0), b"ACME Laser"),
        ((*LABELS, 1, 7), b"Toner 7"),
    )


def test_the_end_of_the_mib_is_said(port: Port[list[Answer]], is_v1: bool) -> None:
    (answer,) = port(ask(Request(Kind.GET_NEXT, (SYSTEM, (*LABELS, 1, 7)))))
    if is_v1:
        assert (answer.status, answer.index) == (ErrorStatus.NO_SUCH_NAME, 2)
    else:
        assert answer.bindings == (((*SYSTEM, 1, 0), b"ACME Laser"), ((*LABELS, 1, 7), None))


BULKS = {
    "columns side by side": Request(Kind.GET_BULK, (COUNTERS, LABELS), 0, 3),
    "single objects in front": Request(Kind.GET_BULK, ((*SYSTEM, 1), (*SYSTEM, 6), COUNTERS), 2, 2),
    "single objects alone": Request(Kind.GET_BULK, ((*SYSTEM, 1), (*SYSTEM, 7, 0), (*COUNTERS, 1, 3)), 3, 0),
    "from in between": Request(Kind.GET_BULK, ((*COUNTERS, 1, 29), (*SYSTEM, 4, 0)), 0, 2),
    "one column is at the end": Request(Kind.GET_BULK, ((*LABELS, 1, 7), COUNTERS), 0, 2),
    "all are at the end": Request(Kind.GET_BULK, ((*LABELS, 1, 7), (*LABELS, 1, 8)), 0, 2),
    "a single object is at the end": Request(Kind.GET_BULK, ((*LABELS, 1, 7), COUNTERS), 1, 1),
}


@pytest.mark.parametrize("name", MODERN)
@pytest.mark.parametrize("request_", BULKS.values(), ids=BULKS)
def test_get_bulk_brings_rows_as_the_rfc_orders_them(port: Port[list[Answer]], request_: Request) -> None:
    assert port(ask(request_)) == [MemoryAgent(VALUES).answer(request_)]


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("rows", [4, 40])
def test_a_session_finds_the_same_through_every_port(port: Port[object], is_v1: bool, bulk: bool, rows: int) -> None:
    beyond = oid("1.3.6.1.2.1.44")

    def walk() -> Talk[None]:
        session = Session(Abilities(bulk and not is_v1))
        facts = yield from session.collect(
            [(*SYSTEM, 6, 0), (*SYSTEM, 9, 0)], [Want(column, rows) for column in (COUNTERS, LABELS, beyond)]
        )
        assert facts.columns[COUNTERS] == {(1, row): 2**32 - row for row in range(1, 31)}
        assert facts.columns[LABELS] == {(1, row): b"Toner %d" % row for row in (1, 2, 7)}
        assert facts.columns[beyond] == {}
        assert facts.scalars == {(*SYSTEM, 6, 0): -3}
        assert facts.cut == set()
        assert (yield from session.get([(*SYSTEM, 6, 0), (*SYSTEM, 9, 0)])) == {(*SYSTEM, 6, 0): -3}

    port(walk())


def test_what_a_talk_raises_and_returns_comes_out(port: Port[object]) -> None:
    def breaks() -> Talk[None]:
        yield Request(Kind.GET, ((*SYSTEM, 1, 0),))
        raise LookupError("on purpose")

    def says_nothing() -> Talk[str]:
        yield from ()
        return "done"

    with pytest.raises(LookupError, match="on purpose"):
        port(breaks())
    assert port(says_nothing()) == "done"


@pytest.mark.parametrize("engine", ["gufo", "pysnmp"])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "somebody"}, "does not accept the SNMPv3 user somebody: Unknown USM user"),
        ({"auth_password": "wrong-password"}, "does not accept the SNMPv3 user SHA-AES: Wrong SNMP PDU digest"),
        ({"auth": "SHA256"}, "does not accept the SNMPv3 user SHA-AES: Wrong SNMP PDU digest"),
        ({"priv_password": "wrong-password"}, "does not answer SNMP"),
        ({"priv": "DES"}, "does not answer SNMP"),
    ],
    ids=str,
)
def test_both_engines_say_the_same_of_a_wrong_user(engines: Engines, engine: str, wrong: dict[str, str], says: str) -> None:
    with pytest.raises(DeviceError, match=f"^127.20.30.1 .*{says}$") as caught:
        engines.hold(engine, as_user(USERS[1], **wrong), ask(Request(Kind.GET, ((*SYSTEM, 1, 0),))), timeout_s=0.3)
    assert isinstance(caught.value, Unanswered) == (says == "does not answer SNMP")
    assert caught.value.advice


@pytest.mark.parametrize("engine", ["wire", "pysnmp", "gufo"])
def test_every_engine_says_the_same_of_silence(engines: Engines, engine: str) -> None:
    talk = ask(Request(Kind.GET, ((*SYSTEM, 1, 0),)))
    with pytest.raises(Unanswered, match=r"^127\.20\.30\.1 port \d+ does not answer SNMP$"):
        engines.hold(engine, Credential("2c", "not-ours"), talk, timeout_s=0.05)


def test_every_protocol_a_setting_can_name_is_known_to_the_engine() -> None:
    assert (tuple(AUTH_PROTOCOLS), tuple(PRIV_PROTOCOLS)) == (AUTH, PRIV)


def test_secrets_do_not_show() -> None:
    user = SnmpUserSecret("reader", "auth-password", "priv-password")
    shown = repr((Credential("2c", "our-community"), Credential("3", user=user)))
    assert "reader" in shown
    assert not any(secret in shown for secret in ("our-community", "auth-password", "priv-password"))
