"""WSS4J, what Apache CXF, Axis2 and most of Java's SOAP trust to: it opens each message we seal, we open each message it seals,
and neither opens one that is spoilt. Whole lives over TLS are rows of known.toml."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from interop_peers import Message, Peer
from lxml import etree

from meterpost.model import Credentials, KeyPair
from meterpost.wsse import (
    NONCE,
    POLICIES,
    Acceptance,
    ContentKey,
    Identity,
    MemoryReplayCache,
    Password,
    Place,
    Policy,
    Reason,
    Trust,
    Trusted,
    Verdict,
    open_envelope,
    seal,
)
from meterpost_stub.certificates import Authority, pem_of, write_pair
from meterpost_wsdl import compact, xmlio

ACCOUNT = Credentials("site", "Schlüssel & <Schloß>")
ENVELOPE = compact.envelope('<m:SyncProxy client="0a1b2c3d-0000-4000-8000-00000000000c" version="R&amp;D é"/>')
STALE_S = 20 * 60
KEY_NAMES = ("IssuerSerial", "Thumbprint", "SKIKeyIdentifier", "DirectReference")
"""In the words of WSS4J's configuration."""


@dataclass(frozen=True)
class Case:
    """A row of the policy table; the kind of the signer's key and how WSS4J names it, '' where nobody has one."""

    policy: Policy
    kind: str = ""
    key_name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.policy.name, self.kind, self.key_name)))


def kinds(row: Policy) -> tuple[str, ...]:
    if not row.needs_key:
        return ("",)
    return ("p256",) if Place.ENVELOPE in row.covers else ("p256", "rsa")


# WSS4J reads the namespaces of the 2004 standard only. What covers a whole envelope is for the library it stands on.
ROWS = [row for row in POLICIES.values() if not row.dialect.draft or Place.ENVELOPE in row.covers]
CASES = [Case(row, kind) for row in ROWS for kind in kinds(row)]
NAMINGS = [Case(POLICIES["signed"], kind, name) for kind in kinds(POLICIES["signed"]) for name in KEY_NAMES]


def pair(kind: str, name: str, authority: Authority) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    return KeyPair(pem_of(key), authority.certify(name, key.public_key(), now - timedelta(days=1), now + timedelta(days=1)))


@dataclass(frozen=True)
class Party:
    """Somebody's keys by their kind, here and in files for the peer."""

    keys: Mapping[str, KeyPair]
    folder: Path

    def certificate(self, kind: str) -> str:
        return str(self.folder / f"{kind}.pem")

    def key(self, kind: str) -> str:
        return str(self.folder / f"{kind}.key")


@dataclass(frozen=True)
class Between:
    """Us and WSS4J, and a stranger: of another authority that has the same name, as he has the peer's."""

    peer: Peer
    ours: Party
    theirs: Party
    stranger: Party

    def how(self, case: Case, own: Party | None = None) -> Message:
        """Who the peer is, and whom it believes."""
        own = own or self.theirs
        how = {
            "policy": case.policy.name,
            "username": ACCOUNT.username,
            "password": ACCOUNT.password,
            "options": {"signatureKeyIdentifier": case.key_name} if case.key_name else {},
            "encrypt_to": self.ours.certificate("rsa"),
            "decrypt_certificate": self.theirs.certificate("rsa"),
            "decrypt_key": self.theirs.key("rsa"),
        }
        if case.kind:
            how |= {"sign_certificate": own.certificate(case.kind), "sign_key": own.key(case.kind)}
            how["sender_certificate"] = self.ours.certificate(case.kind)
        return how

    def they_seal(self, case: Case, own: Party | None = None, **other: Any) -> Message:
        """{"text"}, and where it is encrypted, {"key"}, which is only for the peer to understand."""
        return self.peer.ask("seal", envelope=ENVELOPE.decode(), **self.how(case, own) | other)

    def they_open(self, case: Case, sealed: str, **other: Any) -> Message:
        """What WSS4J found: {"content", "covered", "signer", "username", "algorithms", "key"}, or {"wrong": why}."""
        return self.peer.ask("open", sealed=sealed, **self.how(case), **other)

    def we_seal(
        self, case: Case, own: Party | None = None, password: str = ACCOUNT.password, age_s: int = 0, **other: Any
    ) -> str:
        """`other` is the Identity's: of a request where nothing is said."""
        whom = other or {"recipient": self.theirs.keys["rsa"].certificate}
        identity = Identity(replace(ACCOUNT, password=password), (own or self.ours).keys.get(case.kind), **whom)
        made = datetime.now(UTC) - timedelta(seconds=age_s)
        return seal(ENVELOPE, case.policy, identity, made, secrets.token_bytes(NONCE)).decode()

    def we_open(self, case: Case, sealed: str, sent: ContentKey | None = None) -> tuple[Verdict, str]:
        """Our verdict, and the Body's content."""
        root = xmlio.parse(sealed.encode())
        believed = [Trusted(own.certificate, "") for own in self.theirs.keys.values()]
        trust = Trust({ACCOUNT.username: ACCOUNT.password}.get, lambda name: believed, [self.ours.keys["rsa"]], sent)
        verdict = open_envelope(root, Acceptance((case.policy.name,)), trust, MemoryReplayCache(), datetime.now(UTC))
        return verdict, canonical(root[1][0])


def canonical(element: etree._Element) -> str:
    return etree.tostring(element, method="c14n", exclusive=True).decode()


CONTENT = canonical(etree.fromstring(ENVELOPE)[0][0])


@pytest.fixture(scope="module")
def between(peer: Callable[[str], Peer], tmp_path_factory: pytest.TempPathFactory) -> Between:
    def party(name: str, authority: Authority) -> Party:
        folder = tmp_path_factory.mktemp("party")
        keys = {kind: pair(kind, name, authority) for kind in ("p256", "rsa")}
        for kind, own in keys.items():
            write_pair(folder, kind, own)
        return Party(keys, folder)

    authority = Authority()
    return Between(peer("wss4j"), party("ours", authority), party("theirs", authority), party("theirs", Authority()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_wss4j_opens_what_we_seal(between: Between, case: Case):
    """With the rules of the Basic Security Profile enforced."""
    found = between.they_open(case, between.we_seal(case))
    assert "wrong" not in found, found
    assert canonical(etree.fromstring(found["content"])) == CONTENT
    assert found["covered"] == sorted(case.policy.covers)
    signer = Trusted(between.ours.keys[case.kind].certificate, "").x509 if case.kind else None
    assert found["signer"] == (str(signer.serial_number) if signer else "")
    assert found["username"] == (ACCOUNT.username if case.policy.password else "")


@pytest.mark.parametrize("case", CASES + NAMINGS, ids=str)
def test_we_open_what_wss4j_seals(between: Between, case: Case):
    verdict, content = between.we_open(case, between.they_seal(case)["text"])
    assert verdict.ok, verdict.reasons
    assert content == CONTENT
    assert set(verdict.covered) == set(case.policy.covers)
    assert verdict.signer == (Trusted(between.theirs.keys[case.kind].certificate, "") if case.kind else None)
    assert verdict.username == (ACCOUNT.username if case.policy.password else "")


ENCRYPTED = [case for case in CASES if case.policy.encrypted]


@pytest.mark.parametrize("case", ENCRYPTED, ids=str)
def test_wss4j_opens_our_reply_with_the_key_it_sent(between: Between, case: Case):
    request = between.they_seal(case)
    verdict, _ = between.we_open(case, request["text"])
    found = between.they_open(case, between.we_seal(case, content=verdict.content), key=request["key"])
    assert "wrong" not in found, found
    assert canonical(etree.fromstring(found["content"])) == CONTENT


@pytest.mark.parametrize("case", ENCRYPTED, ids=str)
def test_we_open_wss4js_reply_with_the_key_we_sent(between: Between, case: Case):
    sent = ContentKey.to(between.theirs.keys["rsa"].certificate)
    recipient = between.theirs.keys["rsa"].certificate
    found = between.they_open(case, between.we_seal(case, content=sent, recipient=recipient))
    verdict, content = between.we_open(case, between.they_seal(case, key=found["key"])["text"], sent)
    assert verdict.ok, verdict.reasons
    assert content == CONTENT


# --- spoilt on the way, or by its sender


def tampered(sealed: str) -> str:
    """One character of the Body changed, in the clear or encrypted."""
    root = etree.fromstring(sealed)
    content = root[1][0]
    if "version" in content.attrib:
        content.set("version", "2")
    else:
        (cipher,) = content.iter("{*}CipherValue")
        cipher.text = ("S" if cipher.text[0] != "S" else "T") + cipher.text[1:]
    return etree.tostring(root).decode()


@dataclass(frozen=True)
class Spoilt:
    """A way to be wrong, the policies that must notice, what is said then: the beginning of WSS4J's sentence, our reason."""

    name: str
    concerns: Callable[[Policy], bool]
    theirs: str
    ours: Reason

    def __str__(self) -> str:
        return self.name


def whole(row: Policy) -> bool:
    return Place.ENVELOPE in row.covers


def derived(row: Policy) -> bool:
    return row.password is Password.DERIVED


WRONG = "The signature or decryption was invalid"
DENIED = "The security token could not be authenticated or authorized"
LATE = "The message has expired"
SPOILT = (
    Spoilt("tampered", lambda row: bool(row.covers) and not derived(row), WRONG, Reason.SIGNATURE_WRONG),
    Spoilt("tampered", derived, WRONG, Reason.PASSWORD_WRONG),  # the one looks like the other
    Spoilt("stranger", lambda row: row.needs_key and not whole(row), WRONG, Reason.KEY_UNKNOWN),
    Spoilt("stranger", whole, WRONG, Reason.SIGNATURE_WRONG),  # it names no key
    Spoilt("wrong password", lambda row: row.password is Password.DIGEST, DENIED, Reason.DIGEST_WRONG),
    Spoilt("wrong password", lambda row: row.password is Password.TEXT, DENIED, Reason.PASSWORD_WRONG),
    Spoilt("wrong password", derived, WRONG, Reason.PASSWORD_WRONG),
    Spoilt("stale", lambda row: not whole(row), LATE, Reason.TIMESTAMP_EXPIRED),
    Spoilt("stale", whole, LATE, Reason.TIMESTAMP_STALE),  # it says no Expires
)
SPOILT_CASES = [(spoilt, case) for spoilt in SPOILT for case in (*CASES, *NAMINGS) if spoilt.concerns(case.policy)]


@pytest.mark.parametrize(("spoilt", "case"), [row for row in SPOILT_CASES if not row[1].key_name], ids=str)
def test_wss4j_refuses_what_is_spoilt(between: Between, spoilt: Spoilt, case: Case):
    sealed = between.we_seal(
        case,
        between.stranger if spoilt.name == "stranger" else between.ours,
        ACCOUNT.password + "!" * (spoilt.name == "wrong password"),
        STALE_S * (spoilt.name == "stale"),
    )
    found = between.they_open(case, tampered(sealed) if spoilt.name == "tampered" else sealed)
    assert found.get("wrong", "").startswith(spoilt.theirs), found


@pytest.mark.parametrize(("spoilt", "case"), SPOILT_CASES, ids=str)
def test_we_refuse_what_is_spoilt(between: Between, spoilt: Spoilt, case: Case):
    """Also a stranger who brings his certificate."""
    sealed = between.they_seal(
        case,
        between.stranger if spoilt.name == "stranger" else between.theirs,
        password=ACCOUNT.password + "!" * (spoilt.name == "wrong password"),
        age=STALE_S * (spoilt.name == "stale"),
    )["text"]
    verdict, _ = between.we_open(case, tampered(sealed) if spoilt.name == "tampered" else sealed)
    assert verdict.reason is spoilt.ours, verdict.reasons


def test_wss4j_refuses_what_does_not_cover_all_of_the_policy(between: Between):
    """The peer's own check, which no engine makes for it: a sound signature over less."""
    case = Case(POLICIES["signed"], "p256")
    assert "covered" in between.they_open(replace(case, policy=POLICIES["digest+signed"]), between.we_seal(case))["wrong"]
