"""Keys over TLS: a client enrols with its password, signs from then on, renews, is turned off, released. Orders, options."""

import json
import secrets
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree
from stub_site import CLIENT, Got, M, Site, compact
from test_stub_keys import Key, pem, self_signed

from meterpost.model import KeyPair
from meterpost.wsse import NONCE, POLICIES, Acceptance, Identity, MemoryReplayCache, Trust, Trusted, open_envelope, seal
from meterpost_stub import StubOptions, StubServer
from meterpost_stub.certificates import pem_of
from meterpost_stub.cli import main
from meterpost_wsdl import coding

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


class Signer(Site):
    """A client with a key. `servers` are the server's certificates it was told last; `now` is its own clock."""

    def __init__(self, stub: StubServer, policy: str = "signed", client: str = CLIENT) -> None:
        super().__init__(stub, policy, client)
        self.key = Key()
        self.certificate = b""
        self.servers: list[bytes] = []
        self.skew = timedelta()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def send(self, body: str, policy: str = "") -> Got:
        """Sealed by `policy`, with the key where that signs."""
        row = POLICIES[policy or self.policy]
        recipient = self.servers[-1] if row.encrypted else b""
        mine = KeyPair(pem_of(self.key.private), self.certificate) if row.needs_key else None
        identity = Identity(self.credentials, mine, recipient)
        envelope = seal(compact(body), row, identity, self.now, secrets.token_bytes(NONCE))
        data = coding.gzip(envelope) if row.compressed else envelope
        head = self.head(len(data))
        if row.compressed:
            head = head.replace(b"Connection:", b"Content-Encoding: gzip\r\nConnection:")
        got = self.say(head + data)
        return replace(got, body=coding.readable(got.head, got.body, 1_000_000))

    def ask(self, policy: str = "", key: Key | None = None) -> Got:
        """T1 with a key; what it is told is kept, the key from now on its own."""
        key = key or self.key
        words = f'key="{key.point}" proof="{key.proof(self.client)}"'
        got = self.send(f'<m:RegisterProxy client="{self.client}" name="" os="" version="1" {words}/>', policy)
        if got.status == 200:
            mine, *others = [(c.get("of"), pem(c.get("der"))) for c in got.reply.iter(f"{M}Certificate")]
            assert mine[0] == "client"
            assert {of for of, _ in others} == {"server"}
            self.key, self.certificate, self.servers = key, mine[1], [certificate for _, certificate in others]
        return got

    def syncs(self) -> Got:
        return self.send(f'<m:SyncProxy client="{self.client}" version="1"/>')

    def signed_by(self, got: Got) -> bytes:
        """The certificate a reply is signed with; it is one of those this client was told."""
        assert got.status == 200, got.body
        trust = Trust(keys=lambda _: [Trusted(certificate, "server") for certificate in self.servers])
        verdict = open_envelope(
            etree.fromstring(got.body), Acceptance((POLICIES[self.policy].reply,)), trust, MemoryReplayCache(), self.now
        )
        assert verdict.reason is None, verdict.reasons
        assert verdict.signer is not None
        return verdict.signer.certificate


@pytest.mark.parametrize("policy", ["signed", "signed-2002", "compact-signed"])
def test_a_client_enrols_with_its_password_and_signs_from_then_on(stub: StubServer, policy: str) -> None:
    client = Signer(stub, policy)
    assert client.ask(POLICIES[policy].enrols_with).status == 200
    assert client.signed_by(client.syncs()) == client.servers[0]
    (key,) = stub.keys()["clients"]
    assert (key["client"], key["account"], key["state"]) == (CLIENT, "site", "active")
    assert key["certificate"].encode() == client.certificate
    assert key["first_used"] is not None
    assert [own["kind"] for own in stub.keys()["server"]] == ["p256", "rsa"]
    # renewal: signed with the old key, and the reply with what the client knows
    old, older = client.key, client.certificate
    assert client.ask(key=Key()).status == 200
    assert (client.key == old, client.certificate == older) == (False, False)
    assert client.signed_by(client.syncs()) == client.servers[0]
    # without its signature, however right the password
    assert client.send(f'<m:SyncProxy client="{CLIENT}" version="1"/>', "digest-2004").refusal == "key-refused"
    assert client.ask("digest-2004", Key()).refusal == "key-refused"


def test_an_rsa_key_is_answered_with_an_rsa_key(stub: StubServer) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(65537, 2048)
    client = Signer(stub)
    client.certificate = brought(private)
    assert stub.trust(CLIENT, client.certificate)["state"] == "active"
    client.servers = [certificate.public_bytes(serialization.Encoding.PEM) for certificate in served(stub)]
    client.key = Key(private)
    got = client.send(f'<m:RegisterProxy client="{CLIENT}" name="n" os="o" version="1"/>')
    assert [pem(c.get("der")) for c in got.reply.iter(f"{M}Certificate")] == client.servers
    assert client.signed_by(got) == client.servers[1]
    assert b"rsa-sha256" in got.body


def test_roll_over_locks_nobody_out(stub: StubServer) -> None:
    """Two clients: one hears of the new key, the other goes on as before."""
    quick, slow = Signer(stub), Signer(stub, client=CLIENT.replace("c", "d"))
    for client in (quick, slow):
        assert client.ask("digest-2004").status == 200
        client.syncs()
    first = quick.servers[0]
    (new, _) = stub.roll_over()["server"]
    assert quick.signed_by(quick.ask(key=Key())) == first
    assert quick.servers[:2] == [first, new["certificate"].encode()]
    assert quick.signed_by(quick.syncs()) == new["certificate"].encode()
    assert slow.signed_by(slow.syncs()) == first
    assert slow.ask("digest-2004").status == 200
    assert slow.signed_by(slow.syncs()) == first


def test_what_is_encrypted_to_a_key_that_was_followed_is_still_read(stub: StubServer) -> None:
    client = Signer(stub, "signed+encrypted")
    assert client.ask("digest-2004").status == 200
    assert client.syncs().status == 200
    stub.roll_over()
    assert client.syncs().status == 200
    assert client.ask("signed", Key()).status == 200  # what it says is public; encrypted it would be over its budget
    assert client.syncs().status == 200


def test_turned_off_on_again_and_released(stub: StubServer) -> None:
    client = Signer(stub)
    assert client.ask("digest-2004").status == 200
    stub.revoke(CLIENT)
    assert client.syncs().refusal == client.ask().refusal == client.ask("digest-2004").refusal == "revoked"
    stub.unrevoke(CLIENT)
    assert client.syncs().status == 200
    assert stub.release(CLIENT) == {"holder": CLIENT, "released": 1}
    assert client.syncs().faultcode.endswith("}SecurityTokenUnavailable")
    assert client.ask("digest-2004", Key()).status == 200
    assert client.syncs().status == 200


def test_what_has_ended_is_refused_and_may_be_followed(stub: StubServer) -> None:
    client = Signer(stub)
    stub.set_key_days(10)
    assert client.ask("digest-2004").status == 200
    client.skew = timedelta(days=11)
    stub.set_security_offset(client.skew.total_seconds())
    assert client.syncs().faultcode.endswith("}FailedAuthentication")
    assert "key-expired" in stub.journal()[-1].outcome
    assert client.ask("digest-2004", Key()).status == 200
    assert client.signed_by(client.syncs()) == client.servers[0]


def test_enrolment_is_for_registrations_only(tmp_path: Path) -> None:
    options = StubOptions(accept=Acceptance(("signed",)), enrol=("digest-2004",), registration_delay=timedelta())
    with StubServer(options) as stub:
        client, other = Signer(stub), Site(stub)
        assert client.ask("digest-2002").faultcode.endswith("}UnsupportedSecurityToken")
        assert client.ask("digest-2004").status == 200
        assert client.syncs().status == 200
        assert other.call(f'<m:SyncProxy client="{CLIENT}" version="1"/>').faultcode.endswith("}UnsupportedSecurityToken")


def test_everything_is_kept_over_a_restart(tmp_path: Path) -> None:
    options = StubOptions(folder=tmp_path / "keys", db=tmp_path / "s.db", password="the same")
    with StubServer(options) as stub:
        client = Signer(stub)
        assert client.ask("digest-2004").status == 200
        client.syncs()
        told, authority = stub.server_certificates.read_bytes(), stub.ca_file.read_bytes()
    with StubServer(options) as stub:
        assert (stub.server_certificates.read_bytes(), stub.ca_file.read_bytes()) == (told, authority)
        client.stub = stub
        assert client.signed_by(client.syncs()) == client.servers[0]


def test_the_grace_of_an_older_key_can_be_given() -> None:
    with StubServer(StubOptions(key_grace=timedelta(0))) as stub:
        client = Signer(stub)
        assert client.ask("digest-2004").status == client.ask(key=Key()).status == client.syncs().status == 200
        assert [key["state"] for key in stub.keys()["clients"]] == ["retired", "active"]


def test_a_reset_forgets_keys_but_not_what_was_brought(tmp_path: Path) -> None:
    private = Key().private
    file = tmp_path / "client.pem"
    file.write_bytes(brought(private))
    with StubServer(StubOptions(trusted=((CLIENT, file),), key_days=20, server_key_days=30)) as stub:
        client = Signer(stub, client=CLIENT.replace("c", "d"))
        assert client.ask("digest-2004").status == 200
        days = [(until(certificate) - datetime.now(UTC)).days + 1 for certificate in (client.certificate, *client.servers)]
        assert days == [20, 30, 30]
        stub.roll_over()
        stub.revoke(CLIENT)
        assert [key["state"] for key in stub.keys()["clients"]] == ["revoked", "active"]
        assert len(served(stub)) == 4
        stub.reset()
        assert [(key["client"], key["state"]) for key in stub.keys()["clients"]] == [(CLIENT, "active")]
        assert [c.public_bytes(serialization.Encoding.PEM) for c in served(stub)] == client.servers


def test_the_admin_port_does_what_python_does(stub: StubServer) -> None:
    client = Signer(stub)
    assert client.ask("digest-2004").status == 200
    assert ordered(stub, "GET", "/keys") == (200, stub.keys())
    assert ordered(stub, "POST", "/keys/revoke", client=CLIENT) == (200, {"client": CLIENT, "revoked": True})
    assert stub.keys()["clients"][0]["state"] == "revoked"
    assert ordered(stub, "POST", "/keys/unrevoke", client=CLIENT) == (200, {"client": CLIENT, "revoked": False})
    assert ordered(stub, "POST", "/keys/unrevoke", client=CLIENT)[0] == 409
    status, rolled = ordered(stub, "POST", "/keys/roll-over", days=40)
    assert (status, [own["kind"] for own in rolled["server"]]) == (200, ["p256", "rsa"])
    assert (until(rolled["server"][0]["certificate"].encode()) - datetime.now(UTC)).days == 39
    assert ordered(stub, "POST", "/keys/roll-over")[0] == 200
    assert ordered(stub, "POST", "/keys/roll-over")[0] == 409
    assert ordered(stub, "POST", "/keys/days", days=5) == (200, {"days": 5})
    assert ordered(stub, "POST", "/keys/days") == (400, {"error": "not a valid order: 'days'"})
    certificate = brought(Key().private).decode()
    status, told = ordered(stub, "POST", "/keys/trust", holder="other", certificate=certificate)
    assert (status, told["client"], told["account"]) == (200, "", "other")
    assert ordered(stub, "POST", "/keys/trust", holder="nobody", certificate=certificate)[0] == 409
    assert ordered(stub, "POST", "/keys/trust", holder="other", certificate="")[0] == 409
    assert ordered(stub, "POST", "/keys/release", holder=CLIENT) == (200, {"holder": CLIENT, "released": 1})
    assert ordered(stub, "POST", "/keys/release", client=CLIENT)[0] == 400


def test_the_command_takes_policies_and_certificates(tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_bytes(brought(Key().private))
    command = [sys.executable, "-m", "meterpost_stub", "serve", "--json", "--accept", "signed", "compact-signed", "--enrol"]
    command += ["digest-2004", "--trust", f"{CLIENT}={tmp_path / 'client.pem'}", "--trust", f"site={tmp_path / 'client2.pem'}"]
    (tmp_path / "client2.pem").write_bytes(brought(Key().private))
    command += ["--key-days", "12.5", "--dir", str(tmp_path / "kept")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process, ExitStack() as end:
        end.callback(process.kill)
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        certificates = x509.load_pem_x509_certificates(Path(about["server_certificates"]).read_bytes())
        assert [bits(certificate) for certificate in certificates] == [256, 2048]
        headers = {"Authorization": f"Bearer {about['admin_token']}"}
        keys = requests.get(about["admin_url"] + "/keys", headers=headers, timeout=20).json()["clients"]
        assert [(key["client"], key["account"]) for key in keys] == [(CLIENT, "site"), ("", "site")]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert {path.name for path in (tmp_path / "kept").glob("signing-*.pem")} == {"signing-0001.pem", "signing-0002.pem"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--accept", "unsigned"], "'unsigned' is not a security policy"),
        (["--enrol", "digest-2004", "unsigned"], "'unsigned' is not a security policy"),
        (["--trust", "nothing"], "not CLIENT=FILE"),
        (["--trust", "=file"], "not CLIENT=FILE"),
        (["--trust", "nobody=/dev/null"], "neither a client's id nor an account"),
        (["--trust", f"{CLIENT}=/nowhere/file"], "/nowhere/file is not a certificate's file"),
        (["--trust", f"{CLIENT}=/dev/null"], "not a certificate in PEM"),
        (["--key-days", "-1"], "certificates are valid for 0 to 3650"),
    ],
)
def test_what_cannot_start_says_why(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *arguments]) == 2
    assert told in capsys.readouterr().err


def ordered(stub: StubServer, method: str, path: str, **order: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {stub.admin_token}"}
    got = requests.request(method, stub.admin_url + path, json=order or None, timeout=20, headers=headers)
    return got.status_code, got.json()


def brought(private: Any) -> bytes:
    days = (datetime.now(UTC) - START).days + 100
    return self_signed(private, days)


def served(stub: StubServer) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(stub.server_certificates.read_bytes())


def until(certificate: bytes) -> datetime:
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def bits(certificate: x509.Certificate) -> int:
    return certificate.public_key().key_size  # type: ignore[union-attr]
