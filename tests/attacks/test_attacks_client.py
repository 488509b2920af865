"""Every attack against the client from a hostile server over real TLS: it believes nothing, does nothing, keeps nothing,
says why in its journal, and serves its people again as soon as the server is honest."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import attack_lab as lab
import pytest
from attack_case import Case, Side, Soap
from attack_catalogue import CASES
from attack_host import Host, Victim, host, http

from meterpost.errors import AuthenticationError, MeterpostError, PeerError
from meterpost.lifecycle.messages import SyncProxy
from meterpost.wsse import POLICIES

Victims = Any  # a cached function from a policy to its victim
HERE = tuple(case for case in CASES if Side.CLIENT in case.sides and case.sockets)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host(tmp_path_factory.mktemp("hostile")) as hostile:
        yield hostile


@pytest.fixture(scope="module")
def victims(hostile: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    """One for each policy, and a new one where the last did not survive."""
    with contextlib.ExitStack() as stack:
        yield cache(lambda policy: stack.enter_context(Victim(tmp_path_factory.mktemp(policy), hostile, policy)))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in HERE])
def test_refused_by_the_client(case: Case, hostile: Host, victims: Victims, trap: lab.Trap) -> None:
    """One client of each policy lives through all of it."""
    try:
        deceive(case, hostile, victims(case.policy), trap)
    except BaseException:
        victims.cache_clear()
        raise


def deceive(case: Case, hostile: Host, victim: Victim, trap: lab.Trap) -> None:
    """The attack, and an honest answer after it."""
    heard: list[bytes] = []

    def genuine(envelope: bytes) -> bytes:
        now = datetime.now(UTC)
        if case.stray:
            return lab.strayed(case.policy, lab.reply(now), now)
        key = lab.content_key(case.policy, envelope, now)
        return lab.replied(case.sealed_with or POLICIES[case.policy].reply, lab.reply(now), now, key)

    def told(envelope: bytes) -> bytes:
        heard.append(genuine(envelope))
        return http(heard[0])

    def attacked(envelope: bytes) -> bytes:
        message = heard[0] if heard else genuine(envelope)
        return http(case.attack(message, lab.loot(case, datetime.now(UTC), envelope, trap.url)))

    if case.heard:
        hostile.script = told
        victim.agent.exchanges.send(SyncProxy(lab.CLIENT, "1"))
    if case.restarted:
        victim.restart()
    proxy, devices, requests, remote, last_sync, _ = victim.holdings
    hostile.script = attacked
    with pytest.raises(MeterpostError) as caught:
        victim.agent.sync()
    opened = case.reason is not None and case.verdict is not Soap.VERSION_MISMATCH  # before that, it is no reply at all
    assert isinstance(caught.value, AuthenticationError if opened else PeerError), repr(caught.value)
    why = str(case.reason) if opened else ""
    assert why in str(caught.value)
    assert victim.holdings[:5] == (proxy, devices, requests, remote, last_sync)
    assert [type(message).__name__ for message in victim.holdings[5]] == ["SyncProxy"]
    (line,) = victim.agent.journal(limit=1)
    assert line.outcome.startswith("failed: ")
    assert why in line.outcome
    hostile.script = lambda envelope: quiet(case.policy, envelope)
    victim.agent.sync()
    assert victim.holdings[5] == ()


def quiet(policy: str, envelope: bytes) -> bytes:
    """An honest server that has nothing to say."""
    now = datetime.now(UTC)
    content = f'<m:SyncProxyResponse time="{now:%Y-%m-%dT%H:%M:%SZ}"/>'
    return http(lab.replied(POLICIES[policy].reply, content, now, lab.content_key(policy, envelope, now), envelope))
