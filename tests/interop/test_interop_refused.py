"""What stacks of other people's do by themselves and our server does not take, with the reason and the remedy: refused.toml."""

from collections.abc import Callable
from pathlib import Path

import pytest
from interop_claims import Refused, refused
from interop_meeting import CLIENT, Pairs, connect
from interop_peers import Fault, Peer

from meterpost.wsse import FAULTS, Reason
from meterpost_stub import StubServer


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.stack}-{row.policy}-{row.reason}") for row in refused()])
def test_refused_with_the_reason(row: Refused, peer: Callable[[str], Peer], stub: StubServer, pairs: Pairs, tmp_path: Path):
    theirs = peer(row.stack)
    connect(theirs, row, stub, pairs, tmp_path)
    with pytest.raises(Fault) as answer:
        theirs.call("SyncProxy", client=CLIENT, version="1")
    reason = Reason(row.reason)
    assert reason in stub.journal()[-1].outcome
    assert answer.value.code == FAULTS[reason][0].partition(":")[2]
    assert row.remedy
