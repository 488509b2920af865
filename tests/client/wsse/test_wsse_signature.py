"""Signatures over Body and Timestamp: made, verified, and every way round them refused."""

import base64
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import pytest
import signxml
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from wsse_messages import ENVELOPE, NONCE_OCTETS, NOON, altered

from meterpost import wsse
from meterpost.errors import SettingsError
from meterpost.model import Credentials, KeyPair
from meterpost.wsse import Acceptance, Identity, MemoryReplayCache, Place, Reason, Trust, Trusted, open_envelope, seal
from meterpost.wsse.dialects import OASIS_2004
from meterpost.wsse.verdict import FAULTS
from meterpost_wsdl import xmlio

SIGNED = wsse.POLICIES["signed"]
POLICIES = pytest.mark.parametrize("policy", [SIGNED, wsse.POLICIES["signed-2002"]], ids=lambda policy: policy.name)
KEYS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "another P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),
}


@cache
def pair(name: str) -> KeyPair:
    """A key of this kind and a certificate for it."""
    key = KEYS[name]()
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Site")])
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), 4711, NOON - timedelta(days=1), NOON + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(pem, certificate)


def signed(policy=SIGNED, who: str = "P-256") -> bytes:
    return seal(ENVELOPE, policy, Identity(key=pair(who)), NOON, NONCE_OCTETS)


def opened(message: bytes, who: str = "P-256", now=NOON, revoked: bool = False):
    trust = Trust(keys=lambda name: [Trusted(pair(who).certificate, "site-4711", revoked)])
    return open_envelope(xmlio.parse(message), Acceptance(("signed", "signed-2002")), trust, MemoryReplayCache(), now)


def test_lxml_and_xmlsec_carry_the_same_libxml2_and_sign_together():
    assert xmlsec.get_libxml_version()[:2] == etree.LIBXML_VERSION[:2]
    assert opened(signed()).ok


@POLICIES
@pytest.mark.parametrize("who", ["P-256", "RSA-2048"])
def test_what_was_signed_verifies_here_and_elsewhere(policy, who):
    message = signed(policy, who)
    verdict = opened(message, who)
    assert verdict.ok, verdict.reasons
    assert verdict.covered == (Place.BODY, Place.TIMESTAMP) if policy is SIGNED else (Place.TIMESTAMP, Place.BODY)
    assert (verdict.policy, verdict.username) == (policy.name, "site-4711")
    certificate = x509.load_pem_x509_certificate(pair(who).certificate)
    expected = signxml.SignatureConfiguration(expect_references=2)
    results = signxml.XMLVerifier().verify(message, x509_cert=certificate, expect_config=expected)
    assert {etree.QName(result.signed_xml).localname for result in results} == {"Body", "Timestamp"}


def test_a_signature_adds_no_white_space():
    assert b"\n" not in signed()


BODY = '<s:Body u:Id="B"><m:SyncProxy client="c" version="1"/></s:Body>'
EVIL = '<m:SyncProxy client="evil" version="1"/>'
METHOD = '<d:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
TRANSFORM = '<d:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
OLD_DSIG = "http://www.w3.org/2000/09/xmldsig#"


def reference(message: bytes, name: str) -> str:
    """The Reference to the part called `name`, as it stands in `message`."""
    text = message.decode()
    start = text.index(f'<d:Reference URI="#{name}">')
    return text[start : text.index("</d:Reference>", start) + len("</d:Reference>")]


class Attack(NamedTuple):
    id: str
    edits: list[tuple[str, str]]
    reason: Reason


MALFORMED, COVERAGE, ALGORITHM = Reason.SIGNATURE_MALFORMED, Reason.SIGNATURE_COVERAGE, Reason.ALGORITHM_UNSUPPORTED
REPEATED = Reason.PART_REPEATED
ATTACKS = [
    Attack("body-changed", [('client="c"', 'client="d"')], Reason.SIGNATURE_WRONG),
    Attack("time-changed", [("12:00:00Z", "12:00:01Z")], Reason.SIGNATURE_WRONG),
    Attack("value-changed", [("<d:SignatureValue>", "<d:SignatureValue>AAAA")], Reason.SIGNATURE_WRONG),
    Attack("body-wrapped", [(BODY, f"<s:Body>{EVIL}</s:Body>"), ("</s:Header>", f"<m:W>{BODY}</m:W></s:Header>")], COVERAGE),
    Attack(
        "body-wrapped-same-id",
        [(BODY, f'<s:Body u:Id="B">{EVIL}</s:Body>'), ("</s:Header>", f"<m:W>{BODY}</m:W></s:Header>")],
        Reason.ID_REPEATED,
    ),
    Attack(
        "body-wrapped-other-id",
        [(BODY, f'<s:Body u:Id="C">{EVIL}</s:Body>'), ("</s:Header>", f"<m:W>{BODY}</m:W></s:Header>")],
        COVERAGE,
    ),
    Attack("second-body", [(BODY, f"{BODY}<s:Body>{EVIL}</s:Body>")], REPEATED),
    Attack("second-timestamp", [("<s:Header>", "<s:Header><u:Timestamp/>")], REPEATED),
    Attack("same-xml-id", [("<s:Header>", '<s:Header xml:id="B">')], Reason.ID_REPEATED),
    Attack("same-plain-id", [("<s:Header>", '<s:Header ID="T">')], Reason.ID_REPEATED),
    Attack("whole-document", [('URI="#B"', 'URI=""')], COVERAGE),
    Attack("file", [('URI="#B"', 'URI="file:///etc/hostname"')], COVERAGE),
    Attack("xpointer", [('URI="#B"', "URI=\"#xpointer(id('B'))\"")], COVERAGE),
    Attack("no-uri-R3062", [(' URI="#B"', "")], COVERAGE),
    Attack("one-part-twice", [('URI="#B"', 'URI="#T"')], COVERAGE),
    Attack("rsa-sha1", [("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", f"{OLD_DSIG}rsa-sha1")], ALGORITHM),
    Attack("hmac", [("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", f"{OLD_DSIG}hmac-sha1")], ALGORITHM),
    Attack("other-key-kind", [("#ecdsa-sha256", "#rsa-sha256")], ALGORITHM),
    Attack("sha1-digest", [("http://www.w3.org/2001/04/xmlenc#sha256", f"{OLD_DSIG}sha1")], ALGORITHM),
    Attack("inclusive-c14n-R5404", [("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315")], ALGORITHM),
    Attack("xslt", [(TRANSFORM, '<d:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>')], ALGORITHM),
    Attack("two-transforms", [(TRANSFORM, TRANSFORM * 2)], MALFORMED),
    Attack("no-transforms-R5411", [(f"<d:Transforms>{TRANSFORM}</d:Transforms>", "")], MALFORMED),
    Attack(
        "output-length-R5401",
        [(METHOD, METHOD.replace("/>", "><d:HMACOutputLength>8</d:HMACOutputLength></d:SignatureMethod>"))],
        MALFORMED,
    ),
    Attack("manifest-R5403", [("</d:Signature>", "<d:Object><d:Manifest/></d:Object></d:Signature>")], MALFORMED),
    Attack("key-name-R3027", [("<d:KeyInfo>", "<d:KeyInfo><d:KeyName>x</d:KeyName>")], MALFORMED),
    Attack("two-references-R3061", [("<d:X509Data>", "<w:KeyIdentifier/><d:X509Data>")], MALFORMED),
    Attack("two-pointers-R5402", [("</d:KeyInfo>", "<w:SecurityTokenReference/></d:KeyInfo>")], MALFORMED),
    Attack("two-signatures", [("</w:Security>", f"<d:Signature xmlns:d='{OLD_DSIG}'/></w:Security>")], REPEATED),
    Attack("no-signature", [("<d:Signature ", "<!-- "), ("</d:Signature>", "-->")], Reason.PART_MISSING),
    Attack("other-certificate", [(">4711<", ">4712<")], Reason.KEY_UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
@POLICIES
def test_refused(attack, policy):
    verdict = opened(altered(signed(policy), *attack.edits))
    assert verdict.reason is attack.reason, verdict.reasons


def test_what_a_peer_is_told_of_a_refused_signature():
    assert {reason: FAULTS[reason][0] for reason in {attack.reason for attack in ATTACKS}} == {
        Reason.SIGNATURE_MALFORMED: "wsse:InvalidSecurity",
        Reason.ID_REPEATED: "wsse:InvalidSecurity",
        Reason.PART_REPEATED: "wsse:InvalidSecurity",
        Reason.PART_MISSING: "wsse:InvalidSecurity",
        Reason.SIGNATURE_COVERAGE: "wsse:InvalidSecurity",
        Reason.ALGORITHM_UNSUPPORTED: "wsse:UnsupportedAlgorithm",
        Reason.SIGNATURE_WRONG: "wsse:FailedCheck",
        Reason.KEY_UNKNOWN: "wsse:SecurityTokenUnavailable",
    }


@pytest.mark.parametrize("name", ["B", "T"])
def test_a_part_left_out_of_the_signature_is_missed(name):
    message = signed()
    assert opened(altered(message, (reference(message, name), ""))).reason is Reason.SIGNATURE_COVERAGE


def test_somebody_elses_key_does_not_verify_even_under_the_same_name():
    assert opened(signed(who="another P-256")).reason is Reason.SIGNATURE_WRONG


@pytest.mark.parametrize("who", ["P-384", "RSA-1024"])
def test_a_key_outside_the_table_is_named_to_the_administrator(who):
    with pytest.raises(SettingsError, match="P-256") as caught:
        signed(who=who)
    assert caught.value.advice


@pytest.mark.parametrize("who", ["P-256", "RSA-2048"])
def test_the_same_said_twice_in_one_second_is_no_replay(who):
    """RSA signatures over the same are the same."""
    cache, trust = MemoryReplayCache(), Trust(keys=lambda name: [Trusted(pair(who).certificate, "site-4711")])
    for nonce in (NONCE_OCTETS, NONCE_OCTETS[::-1]):
        message = seal(ENVELOPE, SIGNED, Identity(key=pair(who)), NOON, nonce)
        assert open_envelope(xmlio.parse(message), Acceptance(("signed",)), trust, cache, NOON).ok
    again = open_envelope(xmlio.parse(message), Acceptance(("signed",)), trust, cache, NOON)
    assert again.reason is Reason.REPLAYED


@pytest.mark.parametrize("name", ["signed", "signed-2002", "digest+signed", "compact-signed", "hmac"])
def test_an_answer_is_believed_by_who_asked_and_nobody_else(name):
    """The server's key signs for all its clients."""
    account = Credentials("site-4711", "secret")
    row, identity = wsse.POLICIES[name], Identity(account, pair("P-256"))
    trust = Trust(lambda _: account.password, lambda _: [Trusted(pair("P-256").certificate, account.username)])
    asked, another = (seal(ENVELOPE, row, identity, NOON, bytes([n]) * 16) for n in (1, 2))
    heard = open_envelope(xmlio.parse(asked), Acceptance((name,)), trust, MemoryReplayCache(), NOON)
    assert heard.tag == wsse.tag_of(asked) != wsse.tag_of(another)
    answer = seal(ENVELOPE, row, replace(identity, answers=heard.tag), NOON, bytes([3]) * 16)

    def believed(tag: str) -> wsse.Verdict:
        return open_envelope(xmlio.parse(answer), Acceptance((name,)), replace(trust, asked=tag), MemoryReplayCache(), NOON)

    assert believed(wsse.tag_of(asked)).ok
    assert believed(wsse.tag_of(another)).reason is Reason.OTHER_ANSWER


@pytest.mark.parametrize("kind", ["thumbprint", "ski"])
@POLICIES
def test_a_key_can_be_named_otherwise(policy, kind):
    certificate = x509.load_pem_x509_certificate(pair("P-256").certificate)
    octets = {
        "thumbprint": certificate.fingerprint(hashes.SHA1()),
        "ski": x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest,
    }[kind]
    what = {"thumbprint": "ThumbprintSHA1", "ski": "X509SubjectKeyIdentifier"}[kind]
    text = signed(policy).decode()
    start, end = text.index("<d:X509Data>"), text.index("</d:X509Data>") + len("</d:X509Data>")

    def naming(octets: bytes) -> bytes:
        uri = OASIS_2004.spell(what)
        name = f'<w:KeyIdentifier ValueType="{uri}">{base64.b64encode(octets).decode()}</w:KeyIdentifier>'
        return (text[:start] + name + text[end:]).encode()

    assert opened(naming(octets)).ok
    assert opened(naming(octets[::-1])).reason is Reason.KEY_UNKNOWN


@pytest.mark.parametrize("value", ["x')|//*|id('x", "xpointer(id(T))", "a b", "", "a" * 257])
def test_an_id_is_a_name_and_nothing_that_is_evaluated(value):
    message = altered(signed(), ('u:Id="T"', f'u:Id="{value}"'), ('URI="#T"', f'URI="#{value}"'))
    assert opened(message).reason is Reason.SIGNATURE_COVERAGE


def test_who_holds_no_key_is_not_told_what_is_the_matter_with_it():
    assert opened(signed(), revoked=True).reason is Reason.KEY_REVOKED
    assert opened(signed(), now=NOON + timedelta(minutes=1), revoked=True).reason is Reason.KEY_REVOKED
    assert opened(signed(who="another P-256"), revoked=True).reason is Reason.SIGNATURE_WRONG


@pytest.mark.parametrize("name", ["digest-2004", "text-2004", "hmac"])
def test_what_a_secret_is_compared_with_is_compared_in_constant_time(monkeypatch, name):
    account, compared = Credentials("site-4711", "secret"), []
    message = seal(ENVELOPE, wsse.POLICIES[name], Identity(account), NOON, NONCE_OCTETS)

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", compare)
    trust = Trust({account.username: account.password}.get)
    assert open_envelope(xmlio.parse(message), Acceptance((name,)), trust, MemoryReplayCache(), NOON).ok
    assert len(compared) == 1
    assert compared[0][0] == compared[0][1]
