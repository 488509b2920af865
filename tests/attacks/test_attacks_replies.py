"""What needs no forged seal, against the client: it raises, keeps its message, and changes nothing."""

import contextlib
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attack_lab as lab
import pytest
from attack_catalogue import single
from attack_host import Host, Victim, host, http
from attacks_http import DIGEST
from attacks_replies import CASES, NOT_REGISTERED, Answers, Reply

from meterpost.errors import MeterpostError
from meterpost.wsse import POLICIES


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Host]:
    with host(tmp_path) as hostile:
        yield hostile


def answered(policy: str, content: str, question: bytes) -> bytes:
    """What the honest server would answer."""
    now = datetime.now(UTC)
    return lab.replied(policy, content, now, lab.content_key(policy, question, now), question)


def unpacked(octets: bytes) -> bytes:
    """What somebody finds in a line of the journal."""
    _, _, body = octets.partition(b"\r\n\r\n")
    with contextlib.suppress(zlib.error):
        return octets + zlib.decompressobj(31).decompress(body)
    return octets


@pytest.mark.parametrize("reply", [pytest.param(reply, id=reply.id) for reply in CASES])
def test_nothing_comes_of_it(reply: Reply, hostile: Host, tmp_path: Path, trap: lab.Trap) -> None:
    with Victim(tmp_path, hostile, reply.policy) as victim:
        before = victim.holdings[:5]

        def script(question: bytes) -> bytes:
            now = datetime.now(UTC)
            stray = lab.strayed(reply.policy, NOT_REGISTERED, now) if POLICIES[reply.policy].covers else b""
            return reply.octets(Answers(answered(reply.policy, lab.reply(now), question), stray, trap.url))

        hostile.script = script
        with pytest.raises(reply.error) as caught:
            victim.agent.sync()
        assert isinstance(caught.value, MeterpostError)
        assert reply.says in str(caught.value)
        assert victim.holdings[:5] == before
        assert [type(message).__name__ for message in victim.holdings[5]] == ["SyncProxy"]
        (line,) = victim.agent.journal(limit=1)
        assert lab.ACCOUNT.password.encode() not in unpacked(line.request) + unpacked(line.response)
        assert not any(b"authorization" in head.lower() or b"cookie" in head.lower() for head in hostile.heads)


@single("RSP-20")
def test_a_second_answer_is_not_the_answer_to_the_next_question(hostile: Host, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    quiet = f'<m:SyncProxyResponse time="{now:%Y-%m-%dT%H:%M:%SZ}"/>'
    with Victim(tmp_path, hostile, DIGEST) as victim:
        hostile.script = lambda asked: http(answered(DIGEST, quiet, asked)) + http(answered(DIGEST, lab.reply(now), asked))
        victim.agent.sync()
        devices = victim.holdings[1]
        hostile.script = lambda asked: http(answered(DIGEST, quiet, asked))
        with contextlib.suppress(MeterpostError):  # or it hangs up and asks anew
            victim.agent.sync()
        assert victim.holdings[1] == devices
