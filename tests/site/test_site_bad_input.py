"""Everything that can come instead of what should: what the person sees, the exit code, and that nothing is lost.

Each case meets a site with a bill to send. After the trouble the same command, with the trouble gone, ends as if it
had never been: each device billed once, none half registered.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from site_lab import Site, http, saying, unharmed

from meterpost.lifecycle.state import DeviceState

SOAP12 = b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>'
DTD = b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'


@dataclass(frozen=True)
class Trouble:
    """`answer`: what a server with the right certificate says. The rest is what the person gets."""

    name: str
    answer: bytes
    code: int
    side: str
    says: str
    advice: str
    close_early: bool = False


TROUBLES = (
    Trouble("malformed XML", http(b"<a><b></a>"), 8, "communication server", "not well-formed", "Check server.url"),
    Trouble("SOAP 1.2", http(SOAP12), 8, "communication server", "not a SOAP 1.1 envelope", "Check server.url"),
    Trouble("DTD", http(DTD), 8, "communication server", "document type declaration", "Check server.url"),
    Trouble("50 MB", http(b" " * 50_000_000), 8, "communication server", "larger than 32 MiB", "server's address"),
    Trouble(
        "truncated",
        http(b"<s:Envelope", length=5000),
        6,
        "network",
        "broke before its reply was complete",
        "kept and sent again",
        close_early=True,
    ),
    Trouble("captive portal", http(b"<html>Welcome", kind="text/html"), 8, "communication server", "a web page", "log-in page"),
    Trouble("redirect", http(b"", "302 Found"), 8, "communication server", "redirects", "server.url"),
    Trouble(
        "garbage",
        b"\x00\x01\x02 not http at all\r\n\r\n",
        8,
        "communication server",
        "something that is not HTTP",
        "Check server.url",
    ),
    Trouble("empty 200", http(b""), 8, "communication server", "an empty reply", "Check server.url"),
    Trouble(
        "a reply nobody sealed",
        http(
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:meterpost:1"><s:Body>'
            b'<m:SyncProxyResponse time="2026-01-01T00:00:00Z"/></s:Body></s:Envelope>'
        ),
        9,
        "configuration",
        "does not prove",
        "which policy",
    ),
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_what_a_server_may_say(site: Site, tmp_path: Path, trouble: Trouble) -> None:
    site.enrol()
    site.month()
    with saying(tmp_path / "other", trouble.answer, trouble.close_early) as (url, ca_file, _):
        site.configure(server={"url": url, "ca_file": str(ca_file)})
        run = site.run("sync")
    assert run.code == trouble.code, run.err
    assert run.trouble["side"] == trouble.side
    assert trouble.says in run.trouble["error"]
    assert trouble.advice in run.trouble["advice"]
    assert len(site.state().outbox) == 1  # the message is kept
    unharmed(site)


@contextmanager
def _wrong_password(site: Site) -> Iterator[None]:
    site.password_of_account = "not the password"
    site.configure()
    yield
    site.password_of_account = ""


@contextmanager
def _clock_off(site: Site) -> Iterator[None]:
    site.stub.set_security_offset(seconds=7200)
    yield
    site.stub.set_security_offset(seconds=0)


@contextmanager
def _somebody_elses_certificate(site: Site) -> Iterator[None]:
    with saying(site.folder / "other", b"") as (url, _, received):
        site.configure(server={"url": url})
        yield
        assert received == []  # the handshake failed: not one octet of a message left


@contextmanager
def _unreachable(site: Site) -> Iterator[None]:
    site.configure(server={"url": "https://127.0.0.1:1/mp"})
    yield


@contextmanager
def _http_proxy_down(site: Site) -> Iterator[None]:
    site.configure(server={"http_proxy": "http://127.0.0.1:1"})
    yield


@pytest.mark.parametrize(
    ("trouble", "code", "side", "says", "advice"),
    [
        (_wrong_password, 9, "configuration", "FailedAuthentication", "account.username and the password"),
        (_clock_off, 9, "configuration", "too old", "time zone of this computer"),
        (_somebody_elses_certificate, 7, "network", "a CA this machine does not know", "server.ca_file"),
        (_unreachable, 6, "network", "the communication server 127.0.0.1:1 refuses", "server.url"),
        (_http_proxy_down, 6, "network", "the HTTP proxy 127.0.0.1:1 refuses", "server.http_proxy"),
    ],
    ids=["wrong password", "clock off", "somebody else's certificate", "unreachable", "HTTP proxy down"],
)
def test_what_may_be_wrong_around_it(site: Site, trouble: Callable, code: int, side: str, says: str, advice: str) -> None:
    site.enrol()
    site.month()
    with trouble(site):
        run = site.run("sync")
    assert (run.code, run.trouble["side"]) == (code, side), run.err
    assert says in run.trouble["error"]
    assert advice in run.trouble["advice"]
    assert site.stub.password not in run.err
    unharmed(site)


def test_a_registration_that_fails_leaves_nothing_half_registered(site: Site, tmp_path: Path) -> None:
    site.done("discover", "--yes")
    with saying(tmp_path / "other", http(b"<html>", kind="text/html")) as (url, ca_file, _):
        site.configure(server={"url": url, "ca_file": str(ca_file)})
        assert site.run("enrol", "--all").code == 8
    assert site.stub.state()["proxies"] == []
    site.configure()
    site.done("enrol", "--all")
    assert {device.state for device in site.state().devices.values()} == {DeviceState.REGISTERED}
    state = site.stub.state()
    assert (len(state["proxies"]), len(state["devices"])) == (1, 3)
    assert [entry.transaction for entry in site.stub.journal()] == ["T1", "T2"]


def test_the_server_forgot_us(site: Site) -> None:
    site.enrol()
    site.stub.reset()
    run = site.run("sync")
    assert run.code == 10
    assert "wizard" in run.trouble["advice"]


def test_snmp_garbage_costs_only_that_printer(site: Site) -> None:
    import socket
    import threading

    garbage = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    garbage.bind(("127.20.78.1", 0))

    def babble() -> None:
        while True:
            try:
                _, sender = garbage.recvfrom(65535)
                garbage.sendto(b"\x30\x82\xff\xff garbage", sender)
            except OSError:
                return

    threading.Thread(target=babble, daemon=True).start()
    try:
        host, port = garbage.getsockname()
        found = site.done("discover", "--yes", f"{host}:{port}", *(f"{p.address}:{p.port}" for p in site.fleet.printers))
        assert len(found) == 3
        run = site.run("read", f"{host}:{port}")
        assert (run.code, run.trouble["side"]) == (5, "printer"), run.err
        assert "answered, but not in SNMP" in run.trouble["error"]
        assert "another service" in run.trouble["advice"]
    finally:
        garbage.close()
