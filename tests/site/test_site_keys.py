"""Keys at a customer's site, from the first to the last: made, renewed, rolled over, lost, stolen, brought along, forged.

The computer's clock and the server's are the test's, and so years pass; TLS lives by the real time."""

import contextlib
import gzip
import io
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from site_lab import Run, Site, http, saying

from meterpost.agent import rooms
from meterpost.cli.main import main
from meterpost.keys import KeyState, Own, making, states
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.state import ProxyState
from meterpost.model import Credentials, KeyPair
from meterpost.soap import Codec
from meterpost.wsse import NONCE, POLICIES, Identity, seal
from meterpost_stub import StubServer
from meterpost_stub.http import Guard
from meterpost_stub.printers import BUILT_IN, Fleet
from meterpost_stub.serve import StubOptions

YEAR = timedelta(days=365)
KEY_REFUSED = "'meterpost keys renew --released'"
"""What a client is told to do about it whose key the server does not have in force."""


@dataclass
class Clock:
    """The time of the computer and of the server."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self, _: object = None) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rooms, "datetime", type("Watch", (), {"now": clock}))
    return clock


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet([BUILT_IN / "brother-hl-l6400dw.snmprec"], network="127.20.78.0/24", port=0) as fleet:
        yield fleet


@pytest.fixture
def stub(clock: Clock) -> Iterator[StubServer]:
    with StubServer(StubOptions(now=clock, registration_delay=timedelta())) as stub:
        yield stub


@pytest.fixture
def site(tmp_path: Path, stub: StubServer, fleet: Fleet) -> Site:
    site = Site(tmp_path, stub, fleet)
    site.configure(security={"policy": "signed"}, server={"read_timeout_s": 20})
    return site


# --- in the words of the domain --------------------------------------------------------------------------------


def register(site: Site) -> None:
    """The printer is found and registered, signed up, turned on."""
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    site.stub.sign_up()
    site.done("sync")


def said(report: Any) -> list[str]:
    return [message["transaction"] for message in report["messages"]]


def client_of(site: Site) -> str:
    return site.state().client


def held(site: Site) -> dict[KeyState, list[Own]]:
    """The keys in the client's folder."""
    with site.agent() as agent:
        holding, now = agent.keys.holding(), agent.now()
    found: dict[KeyState, list[Own]] = {}
    for own in holding.own:
        found.setdefault(states(holding, now)[own.name], []).append(own)
    return found


def the(site: Site, state: KeyState) -> Own:
    """The one key in this state."""
    (own,) = held(site)[state]
    return own


def serial(certificate: bytes) -> int:
    return x509.load_pem_x509_certificate(certificate).serial_number


def named(message: bytes) -> int:
    """Which certificate a signed message names."""
    (found,) = re.findall(rb"X509SerialNumber>(\d+)<", plain(message))
    return int(found)


def plain(message: bytes) -> bytes:
    return gzip.decompress(message) if message.startswith(b"\x1f\x8b") else message


def signed_with(site: Site) -> tuple[int, int]:
    """The certificates the last request and its reply were signed with."""
    last = site.stub.journal()[-1]
    return named(last.request), named(last.response)


def certificate_of(own: Own) -> int:
    assert own.certificate
    return serial(own.certificate.pem)


def pair_of(site: Site, own: Own) -> KeyPair:
    assert own.certificate
    return KeyPair(Path(own.where).read_bytes(), own.certificate.pem)


def spoken(site: Site, clock: Clock, key: KeyPair | None, message: m.Request | None = None) -> tuple[int, str]:
    """What the server answers to somebody who has this key, or only the password, and speaks as the client does."""
    message = message or m.SyncProxy(client_of(site), "1")
    policy = POLICIES["compact-signed" if key else "digest-2002"]
    identity = Identity(Credentials(site.stub.username, site.stub.password), key)
    return site.posted(seal(Codec().encode(message), policy, identity, clock.now, os.urandom(NONCE)))


def renew(site: Site) -> None:
    """After the vendor released the keys. What waited for its next try goes along."""
    report = site.done("keys", "renew", "--released")
    assert said(report)[0] == "T1"
    assert report["waiting"] == 0
    assert the(site, KeyState.ACTIVE)


def at_server(site: Site) -> list[str]:
    """How the client's keys stand at the server."""
    return [key["state"] for key in site.stub.keys()["clients"]]


def billed(site: Site) -> None:
    """The site works: a month is billed, and what else is open."""
    before = len(site.answered())
    site.month()
    for _ in range(24):  # a request for each month, one at a time
        if "T7" not in said(site.done("sync")):
            break
    assert len(site.answered()) > before
    assert site.open() == []
    assert site.state().outbox == ()
    parts = [(part["serial"], part["id"], part["part"]) for part in site.stub.readings()]
    assert len(parts) == len(set(parts))


# --- made at registration --------------------------------------------------------------------------------------


def test_a_key_is_made_at_registration_and_signs_from_then_on(site: Site) -> None:
    register(site)
    own = the(site, KeyState.ACTIVE)
    first, *others = site.stub.journal()
    assert b"Signature" not in first.request
    assert {named(entry.request) for entry in others} == {certificate_of(own)}
    (known,) = site.stub.keys()["clients"]
    assert (known["client"], known["state"], int(known["serial"])) == (client_of(site), "active", certificate_of(own))
    folder = site.folder / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    private = Path(own.where).read_bytes().splitlines()[1]
    assert all(private not in entry.request + entry.response for entry in site.stub.journal())
    billed(site)


# --- renewed ---------------------------------------------------------------------------------------------------


def test_the_daily_sync_renews_before_the_certificate_ends_and_both_keys_count_meanwhile(site: Site, clock: Clock) -> None:
    register(site)
    old = the(site, KeyState.ACTIVE)
    clock.advance(days=334)
    assert "T1" not in said(site.done("sync"))
    clock.advance(days=6)
    assert said(site.done("sync"))[:2] == ["T1", "T3"]
    new = the(site, KeyState.ACTIVE)
    assert the(site, KeyState.SUPERSEDED) == old
    assert signed_with(site)[0] == certificate_of(new)
    assert at_server(site) == ["active", "active"]

    assert spoken(site, clock, pair_of(site, old))[0] == 200
    assert spoken(site, clock, pair_of(site, new))[0] == 200

    clock.advance(days=31)
    assert "T1" not in said(site.done("sync"))
    assert held(site) == {KeyState.ACTIVE: [new]}, "what has ended is cleared away"
    assert at_server(site) == ["ended", "active"]


def test_certificates_of_a_few_weeks_are_renewed_when_two_thirds_are_over(site: Site, clock: Clock) -> None:
    """A day of each is gone when it is issued: the clocks of others may be behind."""
    site.stub.set_key_days(20)
    register(site)
    renewed = []
    for day in range(1, 41):
        clock.advance(days=1)
        if "T1" in said(site.done("sync")):
            renewed.append(day)
    assert renewed == [13, 26, 39]
    assert site.run("status").json["certificates_end"]
    assert site.run("keys").code == 0


def test_the_servers_next_certificate_is_there_when_it_is_asked_for(tmp_path: Path, clock: Clock, fleet: Fleet) -> None:
    with StubServer(StubOptions(now=clock, registration_delay=timedelta(), server_key_days=20)) as stub:
        site = Site(tmp_path, stub, fleet)
        site.configure(security={"policy": "signed"})
        register(site)
        asked = []
        for day in range(1, 41):
            clock.advance(days=1)
            if "T1" in said(site.done("sync")):
                asked.append(day)
        assert asked == [13, 26, 39]


def test_keys_renewed_in_one_second_count_in_their_order(site: Site) -> None:
    register(site)
    seen = [the(site, KeyState.ACTIVE).name]
    for _ in range(3):
        site.done("keys", "renew")
        seen.append(the(site, KeyState.ACTIVE).name)
        site.done("sync")
        assert signed_with(site)[0] == certificate_of(the(site, KeyState.ACTIVE))
    assert len(set(seen)) == 4


def test_an_old_key_counts_for_a_month_after_the_new_one_was_used(site: Site, clock: Clock) -> None:
    register(site)
    old = the(site, KeyState.ACTIVE)
    clock.advance(hours=1)
    site.done("keys", "renew")
    site.done("sync")
    assert the(site, KeyState.SUPERSEDED) == old
    pair = pair_of(site, old)
    clock.advance(days=29)
    assert spoken(site, clock, pair)[0] == 200
    clock.advance(days=2)
    assert spoken(site, clock, pair)[0] == 500
    assert "key-revoked" in site.stub.journal()[-1].outcome, "whoever holds it is told what is the matter"
    billed(site)


def test_the_server_takes_a_new_key_only_with_clients_that_were_told_of_it(site: Site, clock: Clock) -> None:
    register(site)
    first = signed_with(site)[1]
    site.stub.roll_over()
    site.done("sync")
    assert signed_with(site)[1] == first
    clock.advance(days=200)
    site.done("sync")
    assert signed_with(site)[1] == first
    clock.advance(days=140)
    assert "T1" in said(site.done("sync"))
    site.done("sync")
    second = signed_with(site)[1]
    assert second != first
    clock.advance(days=60)
    site.done("sync")
    assert signed_with(site)[1] == second, "the first has ended meanwhile"


@pytest.mark.parametrize("policy", ["compact-signed", "signed+encrypted"])
def test_a_computer_that_was_off_for_longer_than_its_certificate_goes_on_by_itself(
    site: Site, clock: Clock, policy: str
) -> None:
    site.configure(security={"policy": policy})
    register(site)
    old = the(site, KeyState.ACTIVE)
    clock.advance(days=400)
    run = site.run("keys")
    assert run.code == 1
    assert "ended" in run.out or "expired" in run.out
    site.month()
    assert said(site.done("sync"))[:3] == ["T1", "T3", "T7"]
    assert b"Signature" not in plain(site.stub.journal()[-3].request)
    assert the(site, KeyState.ACTIVE) != old
    assert len(site.answered()) == 1


# --- lost ------------------------------------------------------------------------------------------------------


def test_the_server_took_another_key_while_the_computer_was_off(site: Site, clock: Clock) -> None:
    """Between asking for the server's next certificate and the end of the last one it knew: nobody's word is left."""
    register(site)
    start = clock.now
    for day in (280, 340, 600, 650):
        clock.now = start + timedelta(days=day)
        run = site.run("sync")
        assert run.code == (9 if day == 650 else 0), run.err
    assert "key-unknown" in run.trouble["error"]
    assert KEY_REFUSED in run.trouble["advice"]
    site.stub.release(client_of(site))
    renew(site)
    billed(site)


def test_a_key_the_vendor_released_without_a_word(site: Site) -> None:
    register(site)
    site.stub.release(client_of(site))
    run = site.run("sync")
    assert run.code == 9
    assert KEY_REFUSED in run.trouble["advice"]
    renew(site)
    billed(site)


def test_what_waited_for_the_new_key_goes_in_the_same_run(site: Site) -> None:
    register(site)
    site.month()
    site.stub.release(client_of(site))
    assert site.run("sync").code == 9
    assert len(site.state().outbox) == 1
    report = site.done("keys", "renew", "--released")
    assert said(report) == ["T1", "T3", "T7"]
    assert (report["waiting"], report["open_requests"]) == (0, 0)
    assert len(site.answered()) == 1


def test_what_waits_is_said_with_the_reason(site: Site, clock: Clock) -> None:
    register(site)
    site.done("pause")
    code, text = told(site, "keys", "renew")
    assert (code, "Messages waiting: 1 (communication is off: 'meterpost resume')." in text) == (1, True)
    site.done("resume")
    site.done("sync")
    site.stub.revoke(client_of(site))
    assert site.run("sync").code == 10
    code, text = told(site, "keys", "renew")
    (waiting,) = site.state().outbox
    assert waiting.not_before
    assert code == 1
    assert f"Messages waiting: 1 (next try {waiting.not_before.astimezone():%Y-%m-%d %H:%M})." in text
    assert "not accepted" in text
    assert "nothing is lost" in text
    assert "cancelled" not in text


def told(site: Site, *arguments: str) -> tuple[int, str]:
    """What a person reads."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*arguments, "--config", str(site.config)])
    return code, " ".join(out.getvalue().split())


def test_a_key_that_is_gone_is_replaced_once_the_vendor_released_it(site: Site) -> None:
    register(site)
    shutil.rmtree(site.folder / "keys")
    site.month()
    run = site.run("sync")
    assert run.code != 0
    assert KEY_REFUSED in run.out + run.err
    run = site.run("keys", "renew", "--released")
    assert run.code != 0
    assert KEY_REFUSED in run.out + run.err
    assert site.answered() == []
    site.stub.release(client_of(site))
    renew(site)
    site.done("sync")
    assert len(site.answered()) == 1
    billed(site)


def test_a_crash_before_the_answer_costs_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is killed when the server has certified its key and has not answered yet."""
    site.done("discover", "--yes")
    started: list[subprocess.Popen[bytes]] = []
    answer = Guard.answer

    def then_killed(guard: Guard, request: Any) -> Any:
        answered = answer(guard, request)
        if started:
            started[0].send_signal(signal.SIGKILL)
            started[0].wait()
        return answered

    # ... the server is told of the method when it starts
    monkeypatch.setattr(Guard, "answer", then_killed)
    with StubServer(StubOptions(registration_delay=timedelta())) as stub:
        site.stub = stub
        site.configure(security={"policy": "signed"})
        command = [sys.executable, "-m", "meterpost.cli.main", "enrol", "--all", "--config", str(site.config)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        assert started[0].wait(60) == -signal.SIGKILL
        started.clear()
        assert the(site, KeyState.PENDING)
        (issued,) = stub.keys()["clients"]
        site.done("enrol", "--all")
        assert certificate_of(the(site, KeyState.ACTIVE)) == int(issued["serial"])
        assert len(stub.keys()["clients"]) == 1
        stub.sign_up()
        site.done("sync")
        billed(site)


# --- off -------------------------------------------------------------------------------------------------------


def test_a_client_that_is_turned_off_loses_nothing_and_goes_on_when_it_is_on_again(site: Site) -> None:
    register(site)
    site.month()
    site.stub.revoke(client_of(site))
    for _ in range(2):
        run = site.run("sync")
        assert run.code == 10
        assert "turned off by the vendor" in run.trouble["error"]
        assert "goes on by itself" in run.trouble["advice"]
    assert site.state().proxy.state is ProxyState.REGISTERED
    assert len(site.state().outbox) == 1
    assert the(site, KeyState.ACTIVE)
    site.stub.unrevoke(client_of(site))
    site.done("sync")
    assert len(site.answered()) == 1
    billed(site)


# --- brought along ---------------------------------------------------------------------------------------------


def brought(kind: str) -> tuple[Any, x509.Certificate]:
    """A pair of the administrator's: his own authority vouches for it, the vendor is given the certificate."""
    key: Any = ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Meters, Main Street")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 4711, now - timedelta(days=1), now + YEAR)
    return key, builder.sign(key, SHA256())


def write(file: Path, data: bytes) -> Path:
    file.touch(mode=0o600)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("form", ["PEM", "PKCS #12"])
@pytest.mark.parametrize("kind", ["P-256", "RSA"])
def test_an_administrators_own_pair(site: Site, kind: str, form: str) -> None:
    key, certificate = brought(kind)
    pem = certificate.public_bytes(Encoding.PEM)
    security: dict[str, Any] = {"policy": "digest+signed", "server_certificates": str(site.stub.server_certificates)}
    if form == "PEM":
        write(site.folder / "own.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        write(site.folder / "own.crt", pem)
        security |= {"certificate": "own.crt", "key": "own.key"}
    else:
        bundle = pkcs12.serialize_key_and_certificates(b"own", key, certificate, None, BestAvailableEncryption(b"sesame"))
        write(site.folder / "own.p12", bundle)
        write(site.folder / "own.word", b"sesame")
        security |= {"certificate": "own.p12", "key_password": {"file": "own.word"}}
    site.configure(security=security | {"server_certificates": ""})
    site.done("discover", "--yes")
    run = site.run("enrol", "--all")
    assert (run.code, "security.server_certificates" in run.trouble["advice"]) == (2, True)
    site.configure(security=security)
    run = site.run("enrol", "--all")
    assert run.code == 9
    assert "certificate" in run.trouble["error"]
    site.stub.trust("site", pem)
    site.done("enrol", "--all")
    site.stub.sign_up()
    site.done("sync")
    assert {named(entry.request) for entry in site.stub.journal()[-2:]} == {4711}
    billed(site)
    assert held(site) == {}
    assert site.run("keys", "renew").code == 2


# --- changed ---------------------------------------------------------------------------------------------------


def test_a_policy_without_keys_has_none_to_renew(site: Site) -> None:
    """One that was made all the same would lock the client out: the server asks for its signature from then on."""
    site.configure(security={"policy": "digest-2004"})
    register(site)
    for arguments in (("keys", "renew"), ("keys", "renew", "--released")):
        run = site.run(*arguments)
        assert run.code == 2
        assert "digest-2004 signs with no key" in run.trouble["error"]
    billed(site)
    assert at_server(site) == []


def test_another_policy_enrols_a_key_by_itself_and_the_way_back_is_the_vendors(site: Site) -> None:
    site.configure(security={"policy": "digest-2004"})
    register(site)
    assert site.stub.keys()["clients"] == []
    site.configure(security={"policy": "digest+signed"})
    assert said(site.done("sync")) == ["T1", "T3"]
    assert at_server(site) == ["active"]
    billed(site)
    site.configure(security={"policy": "digest-2004"})
    site.month()
    run = site.run("sync")
    assert run.code == 10
    assert "sign with it, or have it released" in run.trouble["error"]
    assert "release" in run.trouble["advice"]
    assert len(site.answered()) == 1
    site.stub.release(client_of(site))
    site.done("sync")
    assert len(site.answered()) == 2
    billed(site)


# --- attacked --------------------------------------------------------------------------------------------------

FAULT = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>
<faultstring>{code}</faultstring><detail><m:Refusal xmlns:m="urn:meterpost:1" code="{code}" reason="so"/></detail>
</s:Fault></s:Body></s:Envelope>"""


def unmoved(site: Site, run: Run, code: int) -> None:
    """The lie was told as a failure, and changed nothing: with the true server everything goes on."""
    assert run.code == code
    state = site.state()
    assert state.proxy.state is ProxyState.REGISTERED
    assert all(device.life == 1 for device in state.devices.values())
    assert the(site, KeyState.ACTIVE)
    site.configure(security={"policy": "signed"})
    billed(site)


@contextlib.contextmanager
def between(site: Site, answer: bytes) -> Iterator[list[bytes]]:
    """Somebody whose certificate this computer believes answers instead of the server."""
    with saying(site.folder / "between", answer) as (url, ca_file, received):
        table = site.config.read_text("utf-8").replace(site.stub.soap_url, url).replace(str(site.stub.ca_file), str(ca_file))
        site.config.write_text(table, "utf-8")
        yield received


@pytest.mark.parametrize("code", ["not-registered", "revoked"])
def test_a_fault_without_a_signature_changes_nothing(site: Site, code: str) -> None:
    register(site)
    with between(site, http(FAULT.format(code=code).encode(), "500 Internal Server Error")) as received:
        run = site.run("sync")
    assert len(received) == 1
    assert "not sealed as it should be" in run.trouble["error"]
    unmoved(site, run, 8)


@pytest.mark.parametrize("lies_about_its_name", [False, True])
def test_a_reply_that_somebody_else_signed_is_no_reply(site: Site, clock: Clock, lies_about_its_name: bool) -> None:
    """Under its own name, and under that of the server's certificate."""
    register(site)
    key = ec.generate_private_key(ec.SECP256R1())
    with site.agent() as agent:
        true = x509.load_pem_x509_certificate(agent.keys.server_certificates()[0])
    number = true.serial_number if lies_about_its_name else 4711
    since, until = true.not_valid_before_utc, true.not_valid_after_utc
    forged = x509.CertificateBuilder(true.issuer, true.subject, key.public_key(), number, since, until).sign(key, SHA256())
    pair = KeyPair(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), forged.public_bytes(Encoding.PEM))
    off = tuple(m.TurnOff(serial, "so") for serial in site.state().devices)
    reply = Codec().encode(m.SyncProxyResponse(clock.now, off=off))
    sealed = seal(reply, POLICIES["signed"], Identity(key=pair), clock.now, os.urandom(NONCE))
    with between(site, http(sealed)):
        run = site.run("sync")
    assert "does not prove that it comes from the server" in run.trouble["error"]
    unmoved(site, run, 9)


def test_the_password_alone_gets_nothing_once_the_client_has_a_key(site: Site, clock: Clock) -> None:
    register(site)
    site.month()
    client, device = client_of(site), next(iter(site.state().devices.values()))
    other = making.make()
    printer = site.fleet.printers[0]
    site.fleet.switch_off(printer.address)
    site.run("sync")  # the server has asked, and nobody has answered
    site.fleet.switch_on(printer.address)
    (bill,) = site.state().requests
    read = m.DeviceReads(device.serial, bill, clock.now.replace(microsecond=0), 1, 1, (m.MeterValue("impressions", 9),), ())
    before = site.stub.state()
    for message in (
        m.SyncProxy(client, "1"),
        m.RegisterProxy(client, "thief", "os", "1", *making.offer(other, client)),
        m.RegisterProxyDevices(client, (m.DeviceToRegister("THIEF", "a", "b", None),)),
        m.SyncProxyStatus(client, (m.DeviceStatus(device.serial, m.ServiceState.WITHDRAWN, clock.now),)),
        m.BillingTransaction(client, (read,)),
    ):
        status, fault = spoken(site, clock, None, message)
        assert (status, "key-refused" in fault) == (500, True)
    assert site.stub.state() == before
    assert at_server(site) == ["active"]
    billed(site)
