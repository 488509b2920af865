"""What needs no forged seal, against the client: it raises, keeps its message, and changes nothing."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attack_lab as lab
import pytest
from attack_host import Host, Victim, host, http
from attacks_http import DIGEST
from attacks_replies import CASES, Answers, Reply

from meterpost.errors import MeterpostError


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Host]:
    with host(tmp_path) as hostile:
        yield hostile


def sealed(policy: str, content: str) -> bytes:
    return lab.replied(policy, content, datetime.now(UTC), None)


@pytest.mark.parametrize("reply", [pytest.param(reply, id=reply.id) for reply in CASES])
def test_nothing_comes_of_it(reply: Reply, hostile: Host, tmp_path: Path, trap: lab.Trap) -> None:
    with Victim(tmp_path, hostile, reply.policy) as victim:
        before = victim.holdings[:5]
        hostile.script = lambda _: reply.octets(Answers(sealed(reply.policy, lab.reply(datetime.now(UTC))), trap.url))
        with pytest.raises(reply.error) as caught:
            victim.agent.sync()
        assert isinstance(caught.value, MeterpostError)
        assert reply.says in str(caught.value)
        assert victim.holdings[:5] == before
        assert [type(message).__name__ for message in victim.holdings[5]] == ["SyncProxy"]
        assert not any(b"authorization" in head.lower() or b"cookie" in head.lower() for head in hostile.heads)


def test_a_second_answer_is_not_the_answer_to_the_next_question(hostile: Host, tmp_path: Path) -> None:
    """RSP-20. Two replies in one packet: the second, which turns a device on, would be read when the client asks again
    (RFC 9112, 9.3.2; CWE-444)."""
    now = datetime.now(UTC)
    quiet = f'<m:SyncProxyResponse time="{now:%Y-%m-%dT%H:%M:%SZ}"/>'
    with Victim(tmp_path, hostile, DIGEST) as victim:
        hostile.script = lambda _: http(sealed(DIGEST, quiet)) + http(sealed(DIGEST, lab.reply(now)))
        victim.agent.sync()
        devices = victim.holdings[1]
        hostile.script = lambda _: http(sealed(DIGEST, quiet))
        with contextlib.suppress(MeterpostError):  # or it hangs up and asks anew
            victim.agent.sync()
        assert victim.holdings[1] == devices
