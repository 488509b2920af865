"""WSS4J, the security engine of Apache CXF, Axis2 and most of Java's SOAP: what we seal it opens, and what it seals we open."""

import hashlib
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from interop_peers import HERE, ROOT, Message, Peer, Stack, unavailable
from lxml import etree

from meterpost.model import Credentials, KeyPair
from meterpost.wsse import (
    NONCE,
    POLICIES,
    Acceptance,
    Identity,
    MemoryReplayCache,
    Place,
    Policy,
    Reason,
    Trust,
    Trusted,
    Verdict,
    open_envelope,
    seal,
)
from meterpost_stub.certificates import Authority, pem_of
from meterpost_wsdl import compact, xmlio

SOURCES = HERE / "java"
JARS = [
    Path("/usr/share/java", f"{name}.jar")
    for name in ("wss4j", "xmlsec", "slf4j-api", "slf4j-nop", "commons-logging", "commons-codec", "gson")
]
PACKAGES = "default-jdk-headless libwss4j-java libgoogle-gson-java"


@pytest.fixture(scope="module")
def wss4j() -> Iterator[Peer]:
    missing = [name for name in ("java", "javac") if not shutil.which(name)] + [str(jar) for jar in JARS if not jar.exists()]
    if missing:
        unavailable(f"{', '.join(missing)} missing (Debian: {PACKAGES})")
    class_path = ":".join(map(str, [compiled(), *JARS]))
    # A short life: no time for the second compiler, and no need of it.
    stack = Stack(("java", "-XX:TieredStopAtLevel=1", "-cp", class_path, "Peer"), f"Debian: {PACKAGES}")
    with Peer(stack) as peer:
        yield peer


def compiled() -> Path:
    """The folder of the peer's classes. Named after its sources, and moved there whole, for tests may run side by side."""
    sources = sorted(SOURCES.glob("*.java"))
    name = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = ROOT / ".venv" / "peers" / "java" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as building:
            classes = Path(building, "classes")
            made = subprocess.run(
                ["javac", "-cp", ":".join(map(str, JARS)), "-d", str(classes), *map(str, sources)],
                capture_output=True,
                text=True,
            )
            assert made.returncode == 0, made.stderr
            try:
                classes.rename(folder)
            except OSError:  # somebody else was faster
                assert folder.exists()
    return folder


# who they are

ACCOUNT = Credentials("site", "Schlüssel & <Schloß>")
AUTHORITY = Authority()
KINDS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
}


def pair(kind: str, name: str = "x", authority: Authority = AUTHORITY) -> KeyPair:
    key, now = KINDS[kind](), datetime.now(UTC)
    certificate = authority.certify(name, key.public_key(), now - timedelta(days=1), now + timedelta(days=1))
    return KeyPair(pem_of(key), certificate)


OURS = {kind: pair(kind, "ours") for kind in KINDS}
THEIRS = {kind: pair(kind, "theirs") for kind in KINDS}
STRANGER = {kind: pair(kind, "theirs", Authority()) for kind in KINDS}
"""Of another authority that has the same name."""


def serial(of: KeyPair) -> str:
    return str(x509.load_pem_x509_certificate(of.certificate).serial_number)


# single messages


@dataclass(frozen=True)
class Case:
    """A row of the policy table; the kind of the signer's key and how it is named, '' where nobody has one."""

    policy: Policy
    kind: str = ""
    key_name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.policy.name, self.kind, self.key_name)))

    def our_identity(self, password: str = ACCOUNT.password, keys: Mapping[str, KeyPair] = OURS) -> Identity:
        return Identity(replace(ACCOUNT, password=password), keys.get(self.kind), THEIRS["RSA"].certificate)

    def their_identity(self, password: str = ACCOUNT.password, keys: Mapping[str, KeyPair] = THEIRS) -> Message:
        """The same for the peer, which decrypts with the key it is given, and signs with it."""
        own = keys[self.kind or "RSA"]  # RSA where nobody signs, for one key does both here
        return {
            "policy": self.policy.name,
            "username": ACCOUNT.username,
            "password": password,
            "signing_key": own.private_key.decode(),
            "signing_certificate": own.certificate.decode(),
            "recipient": OURS["RSA"].certificate.decode(),
            "trusted": OURS[self.kind or "RSA"].certificate.decode(),
            "key_name": self.key_name or "issuer-serial",
        }


WRITTEN = [row for row in POLICIES.values() if not row.dialect.draft]
"""WSS4J reads the namespaces of the 2004 standard only."""
KEY_NAMES = ("issuer-serial", "thumbprint", "ski", "token")


def kinds(row: Policy) -> tuple[str, ...]:
    if not row.needs_key:
        return ("",)
    return ("P-256",) if Place.ENVELOPE in row.covers else tuple(KINDS)


CASES = [Case(row, kind) for row in WRITTEN for kind in kinds(row)]
NAMINGS = [Case(POLICIES["signed"], kind, name) for kind in KINDS for name in KEY_NAMES]
ENVELOPE = compact.envelope('<m:SyncProxy client="0a1b2c3d-0000-4000-8000-00000000000c" version="R&amp;D é"/>')
STALE = timedelta(minutes=20)
TAMPER = ("R&amp;D", "S&amp;D")


def canonical(element: etree._Element) -> str:
    return etree.tostring(element, method="c14n", exclusive=True).decode()


CONTENT = canonical(etree.fromstring(ENVELOPE)[0][0])


def sealed(case: Case, identity: Identity, age: timedelta = timedelta()) -> str:
    return seal(ENVELOPE, case.policy, identity, datetime.now(UTC) - age, secrets.token_bytes(NONCE)).decode()


def opened(envelope: str, case: Case, keys: Mapping[str, KeyPair] = THEIRS) -> tuple[Verdict, str]:
    """Our verdict on a message of the peer, and the Body's content."""
    root = xmlio.parse(envelope.encode())
    vouched = [Trusted(own.certificate, "") for own in keys.values()]
    trust = Trust({ACCOUNT.username: ACCOUNT.password}.get, lambda name: vouched, [OURS["RSA"]])
    verdict = open_envelope(root, Acceptance((case.policy.name,)), trust, MemoryReplayCache(), datetime.now(UTC))
    return verdict, canonical(root[1][0])


def resealed(peer: Peer, case: Case, **other: Any) -> str:
    """A message sealed by the peer."""
    return str(peer.ask("seal", envelope=ENVELOPE.decode(), **case.their_identity() | other)["sealed"])


def unsealed(peer: Peer, case: Case, envelope: str, **other: Any) -> Message:
    """What the peer makes of a message of ours: {"content", "covered", ...}, or {"wrong": why}."""
    keys = {kind: THEIRS["RSA"] for kind in KINDS} if case.policy.encrypted else THEIRS
    return peer.ask("open", sealed=envelope, **case.their_identity(keys=keys) | other)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_wss4j_opens_what_we_seal(wss4j: Peer, case: Case) -> None:
    """With the rules of the Basic Security Profile enforced."""
    found = unsealed(wss4j, case, sealed(case, case.our_identity()))
    assert "wrong" not in found, found
    assert canonical(etree.fromstring(found["content"])) == CONTENT
    assert found["covered"] == sorted(case.policy.covers)
    assert found["signer"] == (serial(OURS[case.kind]) if case.kind else "")
    assert found["username"] == (ACCOUNT.username if case.policy.password else "")


@pytest.mark.parametrize("case", CASES + NAMINGS, ids=str)
def test_we_open_what_wss4j_seals(wss4j: Peer, case: Case) -> None:
    verdict, content = opened(resealed(wss4j, case), case)
    assert verdict.ok, verdict.reasons
    assert content == CONTENT
    assert set(verdict.covered) == set(case.policy.covers)
    assert verdict.signer == (Trusted(THEIRS[case.kind].certificate, "") if case.kind else None)


# the same, spoilt


def signs(case: Case) -> bool:
    return bool(case.policy.covers)


def names_a_key(case: Case) -> bool:
    return bool(case.kind)


def knows_a_password(case: Case) -> bool:
    return case.policy.password is not None


WRONG = ACCOUNT.password + "!"
FAILED_CHECK, FAILED_AUTHENTICATION = "The signature or decryption was invalid", "The security token could not be authenticated"


@dataclass(frozen=True)
class Spoilt:
    """How a message is made wrong, which policies must notice, and what is said: by WSS4J (a part of its sentence), by us."""

    name: str
    concerns: Callable[[Case], bool]
    theirs: str
    ours: Reason
    seal: Message = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


SPOILT = (
    Spoilt("tampered", signs, FAILED_CHECK, Reason.SIGNATURE_WRONG, {"tamper": TAMPER}),
    Spoilt("stranger", names_a_key, FAILED_CHECK, Reason.SIGNATURE_WRONG),
    Spoilt("wrong-password", knows_a_password, FAILED_AUTHENTICATION, Reason.DIGEST_WRONG, {"password": WRONG}),
    Spoilt("stale", lambda case: True, "The message has expired", Reason.TIMESTAMP_STALE, {"age": STALE.total_seconds()}),
)
SPOILT_CASES = [(spoilt, case) for spoilt in SPOILT for case in CASES if spoilt.concerns(case)]
