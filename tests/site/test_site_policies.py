"""A customer's whole life under each policy: registered, turned on, billed, with keys made on the way."""

import pytest
from site_lab import Site

from meterpost.wsse import POLICIES, Acceptance
from meterpost_stub import StubServer
from meterpost_stub.printers import Fleet
from meterpost_stub.serve import StubOptions

USED = [name for name in POLICIES if name != "timestamp-2004"]


@pytest.mark.parametrize("policy", USED)
def test_a_life_under(policy: str, tmp_path, fleet: Fleet) -> None:
    """The server accepts this policy and no other but for enrolment, and refuses whatever is over its formula."""
    with StubServer(StubOptions(accept=Acceptance((policy,)))) as stub:
        site = Site(tmp_path, stub, fleet)
        site.configure(security={"policy": policy})
        site.enrol()
        site.month()
        site.done("sync")
        assert len(site.answered()) == 3
        entries = stub.journal()
        assert {entry.outcome for entry in entries} == {"ok"}
        assert {entry.transaction for entry in entries} == {"T1", "T2", "T3", "T5", "T7"}
        for entry in entries:
            coded = b"Content-Encoding: gzip" in entry.request_head
            assert coded == (POLICIES[policy].compressed and not (entry.transaction == "T1" and POLICIES[policy].enrols_with))
            assert stub.password.encode() not in entry.request + entry.response
        for file in tmp_path.iterdir():
            assert file.name == "password" or file.is_dir() or stub.password.encode() not in file.read_bytes(), file.name
