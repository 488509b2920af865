"""Exactly these bytes: the golden messages of the contract, per transaction and row of the policy table."""

from base64 import b64decode
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from golden_cases import CLASSIC_ZLIB, CLIENT, CREDENTIALS, GOLDEN, KEY, MESSAGES, NOW, PROOF, Golden
from golden_keys import FOLDER, KINDS, key_file, pair
from lxml import etree

from meterpost import wsse
from meterpost.soap import Codec, check, transaction_of
from meterpost_wsdl import coding, names, xmlio

every_golden = pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
DS = "http://www.w3.org/2000/09/xmldsig#"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HEADS = {"T4": 332, "T6": 332}
"""A full ordinary response head; a request's has at most 218 octets."""


def opened(golden: Golden, octets: bytes, asked: str | None = None) -> tuple[wsse.Verdict, etree._Element]:
    """The verdict of whom the message is for, and the envelope, its Body in the clear. An answer's receiver has `asked` what
    is in its request's file, or a message with this tag."""
    key = [wsse.Trusted(pair(golden.sender, golden.key).certificate, CREDENTIALS.username)] if golden.key else []
    trust = wsse.Trust(
        {CREDENTIALS.username: CREDENTIALS.password}.get,
        lambda name: key,
        () if golden.is_reply else (pair("server", "rsa2048"),),
        golden.content_key() if golden.is_reply and golden.row.encrypted else None,
        golden.asked() if asked is None else asked,
    )
    root = xmlio.parse(octets)
    accept = wsse.Acceptance((golden.policy,))
    return wsse.open_envelope(root, accept, trust, wsse.MemoryReplayCache(), NOW + timedelta(seconds=1)), root


@every_golden
def test_exactly_these_bytes(golden: Golden) -> None:
    """Of messages with random octets: all the others, and how many random ones there are."""
    written, kept = golden.write(), golden.kept()
    if not golden.is_random:
        assert written == kept
    assert written == kept or golden.fixed(kept) != kept.decode(), "what is random was not found"
    assert golden.fixed(written) == golden.fixed(kept)


@every_golden
def test_a_golden_message_is_of_the_contract_and_its_seal_holds(golden: Golden) -> None:
    verdict, root = opened(golden, golden.kept())
    assert verdict.ok, verdict.reasons
    assert verdict.policy == golden.policy
    assert sorted(verdict.covered) == sorted(golden.row.covers)
    if golden.key:
        assert verdict.signer is not None
        assert verdict.signer.certificate == pair(golden.sender, golden.key).certificate
    (payload,) = root.find(f"{{{names.SOAP}}}Body")
    assert names.violation(payload) == ""
    meant = xmlio.parse(Codec().encode(MESSAGES[golden.case]))[0][0]
    assert canonical(payload) == canonical(meant)


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


@pytest.mark.parametrize("golden", [golden for golden in GOLDEN if golden.row.covers], ids=lambda golden: golden.name)
def test_a_golden_signature_is_of_these_octets(golden: Golden) -> None:
    """A digit of the Timestamp, which every signature covers."""
    verdict, _ = opened(golden, golden.kept().replace(b"12:00:00Z</u:Created>", b"12:00:01Z</u:Created>", 1))
    wrong = wsse.Reason.PASSWORD_WRONG if golden.policy == "hmac" else wsse.Reason.SIGNATURE_WRONG
    assert verdict.reason is wrong


ANSWERS = [golden for golden in GOLDEN if golden.is_reply and golden.row.covers]


@pytest.mark.parametrize("golden", ANSWERS, ids=lambda golden: golden.name)
def test_a_golden_answer_names_its_question_and_no_other(golden: Golden) -> None:
    """R and 8 octets of SHA-256 of the request's SignatureValue, in hexadecimal; of an ECDSA value with the smaller s."""
    value = b64decode(xmlio.parse(golden.request.kept()).findtext(f".//{{{DS}}}SignatureValue"))
    if golden.key == "p256":
        value = value[:32] + min(s := int.from_bytes(value[32:]), ORDER - s).to_bytes(32)
    name = f"R{sha256(value).hexdigest()[:16]}".encode()
    assert golden.kept().count(name) == 2  # the Id, and the reference to it
    verdict, _ = opened(golden, golden.kept(), asked="0123456789abcdef")
    assert verdict.reason is wsse.Reason.OTHER_ANSWER


@pytest.mark.parametrize("golden", [golden for golden in GOLDEN if golden.is_zipped], ids=lambda golden: golden.name)
def test_as_it_travels(golden: Golden) -> None:
    coded = golden.kept(zipped=True)
    assert coding.gunzip(coded, 1_000_000) == golden.kept()
    if CLASSIC_ZLIB:
        assert coding.gzip(golden.kept()) == coded


@pytest.mark.parametrize(
    "golden",
    [golden for golden in GOLDEN if not golden.row.covers and transaction_of(MESSAGES[golden.case])[0]],
    ids=lambda golden: golden.name,
)
def test_a_golden_message_is_under_its_line(golden: Golden) -> None:
    """Uncompressed; what is signed is held to its line in test_budgets.py."""
    transaction, devices = transaction_of(MESSAGES[golden.case])
    assert check(transaction, devices, len(golden.kept()) + HEADS.get(transaction, 218)).held


def test_no_golden_message_is_left_over() -> None:
    expected = {golden.name for golden in GOLDEN} | {f"{golden.name}.gz" for golden in GOLDEN if golden.is_zipped}
    keys = {"TEST-ONLY-ca.pem", *(key_file(holder, kind).name for holder in ("client", "server") for kind in KINDS)}
    assert {entry.name for entry in FOLDER.iterdir()} == expected | keys


def test_every_row_has_golden_messages() -> None:
    assert {golden.policy for golden in GOLDEN} == set(wsse.POLICIES)
    signing = {(golden.policy, golden.key) for golden in GOLDEN if golden.row.needs_key}
    assert {policy for policy, _ in signing} == {row.name for row in wsse.POLICIES.values() if row.needs_key}


def test_the_golden_proof_is_the_keys() -> None:
    public = load_pem_private_key(pair("client", "p256").private_key, None).public_key()
    assert ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b64decode(KEY)) == public
    r, s = (int.from_bytes(half) for half in (b64decode(PROOF)[:32], b64decode(PROOF)[32:]))
    public.verify(encode_dss_signature(r, s), f"{CLIENT} {KEY}".encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("holder", ["client", "server"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_golden_keys_say_what_they_are(holder: str, kind: str) -> None:
    assert key_file(holder, kind).read_bytes().startswith(b"TEST ONLY")
    certificate = x509.load_pem_x509_certificate(pair(holder, kind).certificate)
    assert certificate.subject.rfc4514_string() == f"CN=TEST ONLY {holder} {kind}"
    assert certificate.not_valid_after_utc.year == 9999
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((FOLDER / "TEST-ONLY-ca.pem").read_bytes()))


def test_what_zeep_reads_in_a_golden_reply_is_what_was_said() -> None:
    codec = Codec()
    for case, request in (
        ("T4", "T3"),
        ("T6", "T3"),
        ("T7-reply", "T7"),
        ("T2-reply", "T2"),
        ("T5-reply", "T5"),
        ("T1-reply", "T1"),
        ("T1-key-reply", "T1-key"),
    ):
        assert codec.decode(xmlio.parse(Golden(case, "digest-2004").kept()), MESSAGES[request]) == MESSAGES[case]
