"""One suite for all SNMP ports: a MIB in memory, a recording, and real agents on loopback in v1, v2c and v3."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from meterpost import recording
from meterpost.devices.snmp.credentials import AUTH, PRIV, Credential, SnmpUserSecret
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import Agent, ErrorStatus
from meterpost.devices.snmp.reference import AUTH_PROTOCOLS, PRIV_PROTOCOLS, Network
from meterpost.devices.snmp.replay import RecordedAgent
from meterpost.devices.snmp.session import Session
from meterpost.recording import Oid, Tag, Variable, oid
from meterpost_stub.printers.fleet import Fleet
from meterpost_stub.printers.usm import AgentUser

T = TypeVar("T")
Use = Callable[[Agent], Awaitable[T]]

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
    *(Variable((*COUNTERS, 1, row), Tag.COUNTER32, 2**32 - row) for row in range(1, 31)),
    *(Variable((*LABELS, 1, row), Tag.OCTETS, b"Toner %d" % row) for row in (1, 2, 7)),
)
VALUES = {variable.oid: variable.value for variable in MIB}
USERS = tuple(
    AgentUser(f"{auth}-{priv}", "auth-password", "priv-password", auth, priv)
    for auth, priv in (("MD5", "DES"), ("SHA", "AES"), ("SHA512", "AES256"))
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


def over_the_network(fleet: Fleet, credential: Credential, use: Use[T], timeout_s: float = 5.0) -> T:
    async def run() -> T:
        network = Network(timeout_s)
        try:
            agent = await network.agent(fleet.printers[0].address, fleet.printers[0].port, credential, tries=1)
            try:
                return await use(agent)
            finally:
                await agent.close()
        finally:
            await network.close()

    return asyncio.run(run())


def as_user(user: AgentUser) -> Credential:
    return Credential(
        "3", user=SnmpUserSecret(user.name, user.auth_password, user.priv_password, auth=user.auth, priv=user.priv)
    )


PORTS = [
    "memory 1",
    "memory 2c",
    "recorded 1",
    "recorded 2c",
    "network 1",
    "network 2c",
    *(f"network 3 {u.name}" for u in USERS),
]


@pytest.fixture(params=PORTS)
def port(request: pytest.FixtureRequest, recorded: Path, fleet: Fleet) -> Callable[[Use[T]], T]:
    """Runs something with an agent over MIB."""
    kind, version, *user = request.param.split()
    if kind == "memory":
        return lambda use: asyncio.run(use(MemoryAgent(VALUES, version)))
    if kind == "recorded":
        return lambda use: asyncio.run(use(RecordedAgent(recorded, version)))
    users = {known.name: as_user(known) for known in USERS}
    credential = users[user[0]] if user else Credential(version, "second")
    return lambda use: over_the_network(fleet, credential, use)


def test_get_brings_every_type_of_value(port: Callable[..., object]) -> None:
    names = [variable.oid for variable in MIB[:8]]

    async def get(agent: Agent) -> dict[Oid, object]:
        answer = await agent.get(names)
        assert (answer.status, answer.index) == (ErrorStatus.NO_ERROR, 0)
        return dict(answer.bindings)

    assert port(get) == {name: VALUES[name] for name in names}


def test_a_missing_name_is_said(port: Callable[..., object]) -> None:
    names = ((*SYSTEM, 1, 0), (*SYSTEM, 99, 0))

    async def get(agent: Agent) -> None:
        answer = await agent.get(names)
        if agent.has_bulk:  # v2c and v3: an exception in its place
            assert answer.bindings == ((names[0], b"ACME Laser"), (names[1], None))
        else:  # v1: the whole PDU is lost (RFC 1157, 4.1.2)
            assert (answer.status, answer.index) == (ErrorStatus.NO_SUCH_NAME, 2)

    port(get)


def test_get_next_moves_every_name_on_in_its_place(port: Callable[..., object]) -> None:
    async def get_next(agent: Agent) -> None:
        answer = await agent.get_next([LABELS, SYSTEM, (*LABELS, 1, 2)])
        assert answer.bindings == (
            ((*LABELS, 1, 1), b"Toner 1"),
            ((*SYSTEM, 1, 0), b"ACME Laser"),
            ((*LABELS, 1, 7), b"Toner 7"),
        )

    port(get_next)


def test_the_end_of_the_mib_is_said(port: Callable[..., object]) -> None:
    async def get_next(agent: Agent) -> None:
        answer = await agent.get_next([SYSTEM, (*LABELS, 1, 7)])
        if agent.has_bulk:
            assert answer.bindings[1][1] is None
        else:
            assert (answer.status, answer.index) == (ErrorStatus.NO_SUCH_NAME, 2)

    port(get_next)


def test_get_bulk_brings_rows_side_by_side(port: Callable[..., object]) -> None:
    async def get_bulk(agent: Agent) -> None:
        if not agent.has_bulk:
            return
        answer = await agent.get_bulk([COUNTERS, LABELS], 3)
        assert answer.bindings == tuple(
            (name, VALUES[name])
            for counter, label in ((1, 1), (2, 2), (3, 7))
            for name in ((*COUNTERS, 1, counter), (*LABELS, 1, label))
        )

    port(get_bulk)


def test_a_session_finds_the_same_through_every_port(port: Callable[..., object]) -> None:
    async def walk(agent: Agent) -> None:
        session = Session(agent)
        found = await session.columns([COUNTERS, LABELS, oid("1.3.6.1.2.1.44")])
        assert found[COUNTERS] == {(1, row): 2**32 - row for row in range(1, 31)}
        assert found[LABELS] == {(1, row): b"Toner %d" % row for row in (1, 2, 7)}
        assert found[oid("1.3.6.1.2.1.44")] == {}
        assert await session.get([(*SYSTEM, 6, 0), (*SYSTEM, 9, 0)]) == {(*SYSTEM, 6, 0): -3}

    port(walk)


def test_every_protocol_a_setting_can_name_is_known_to_the_engine() -> None:
    assert (tuple(AUTH_PROTOCOLS), tuple(PRIV_PROTOCOLS)) == (AUTH, PRIV)


def test_secrets_do_not_show() -> None:
    user = SnmpUserSecret("reader", "auth-password", "priv-password")
    shown = repr((Credential("2c", "our-community"), Credential("3", user=user)))
    assert "reader" in shown
    assert not any(secret in shown for secret in ("our-community", "auth-password", "priv-password"))
