"""Recorded messages are served again, to the server and to the client: neither does a thing twice."""

from pathlib import Path

import pytest
from site_lab import Site, saying, unharmed

from meterpost_stub.store import Entry


def kept_by_the_server(site: Site) -> list[object]:
    """All that a request could have changed."""
    state = site.stub.state()
    return [state["proxies"], state["devices"], state["billing_requests"], site.stub.readings()]


def test_a_recorded_request_is_refused_and_counts_nothing_twice(site: Site) -> None:
    site.enrol()
    site.month()
    site.done("sync")
    recorded, before = site.stub.journal(), kept_by_the_server(site)
    assert {entry.transaction for entry in recorded} == {"T1", "T2", "T3", "T5", "T7"}
    for entry in recorded:
        status, fault = site.posted(entry.request)
        assert status == 500
        assert "FailedAuthentication</faultcode>" in fault
        assert "The message's token or signature was used before." in fault
        assert "FailedAuthentication" in site.stub.journal()[-1].outcome
    assert kept_by_the_server(site) == before
    unharmed(site)


def test_a_recorded_registration_does_not_come_back_after_a_reset(site: Site) -> None:
    site.enrol()
    recorded = site.stub.journal()
    site.stub.reset()
    for entry in recorded:
        assert site.posted(entry.request)[0] == 500
    assert kept_by_the_server(site) == [[], [], [], []]


def served_again(turn_on: Entry) -> bytes:
    """The server's own words of another day: devices are to be turned on."""
    return turn_on.response


def reflected(turn_on: Entry) -> bytes:
    """The client's own header, which proves that its writer knows the password, before a body of somebody's making."""
    header, _, _ = turn_on.request.partition(b"<s:Body>")
    _, body, rest = turn_on.response.partition(b"<s:Body>")
    return header + body + rest


@pytest.mark.parametrize("forged", [served_again, reflected])
def test_a_recorded_reply_is_not_believed(site: Site, tmp_path: Path, forged) -> None:
    site.enrol()
    (turn_on,) = (entry for entry in site.stub.journal() if (entry.answer, entry.answer_devices) == ("T4", 3))
    site.month()
    before = site.state()
    reply = forged(turn_on)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(reply)}\r\n\r\n".encode()
    with saying(tmp_path / "thief", head + reply) as (url, ca_file, received):
        site.configure(server={"url": url, "ca_file": str(ca_file)})
        run = site.run("sync")
    assert len(received) == 1
    assert (run.code, run.trouble["side"]) == (9, "configuration"), run.err
    assert "does not prove that it comes from the server: replayed" in run.trouble["error"]
    assert "somebody may be between this computer and the server" in run.trouble["advice"]
    after = site.state()
    assert (after.devices, after.requests, after.last_sync) == (before.devices, before.requests, before.last_sync)
    assert len(after.outbox) == 1  # the question is kept
    assert "replayed" in site.done("journal", "--limit", "1")[0]["outcome"]
    unharmed(site)
