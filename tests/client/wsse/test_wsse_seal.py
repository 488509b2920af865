"""Sealing: exactly these octets, and the body untouched."""

import base64
import hashlib

import pytest
from wsse_messages import ACCOUNT, DRAFT, ENVELOPE, NONCE_OCTETS, NOON, OASIS, opened, sealed

from meterpost.errors import SettingsError
from meterpost.model import Credentials
from meterpost.wsse import POLICIES, Identity, seal, username
from meterpost_wsdl import xmlio

WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
DIGEST = "5Vl+DjNEXw7JxowFQ9IKQmdBD3Y="
GOLDEN = {
    "digest-2002": (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:meterpost:1"'
        ' xmlns:w="http://schemas.xmlsoap.org/ws/2002/07/secext" xmlns:u="http://schemas.xmlsoap.org/ws/2002/07/utility">'
        "<s:Header><u:Timestamp><u:Created>2026-11-20T12:00:00Z</u:Created></u:Timestamp>"
        '<w:Security s:mustUnderstand="1"><w:UsernameToken><w:Username>site-4711</w:Username>'
        f'<w:Password Type="w:PasswordDigest">{DIGEST}</w:Password><w:Nonce>AAECAwQFBgcICQoLDA0ODw==</w:Nonce>'
        "<u:Created>2026-11-20T12:00:00Z</u:Created></w:UsernameToken></w:Security></s:Header>"
        '<s:Body><m:SyncProxy client="c" version="1"/></s:Body></s:Envelope>'
    ),
    "digest-2004": (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:meterpost:1"'
        f' xmlns:w="{WSS}wssecurity-secext-1.0.xsd" xmlns:u="{WSS}wssecurity-utility-1.0.xsd">'
        '<s:Header><w:Security s:mustUnderstand="1">'
        "<u:Timestamp><u:Created>2026-11-20T12:00:00Z</u:Created></u:Timestamp>"
        "<w:UsernameToken><w:Username>site-4711</w:Username>"
        f'<w:Password Type="{WSS}username-token-profile-1.0#PasswordDigest">{DIGEST}</w:Password>'
        f'<w:Nonce EncodingType="{WSS}soap-message-security-1.0#Base64Binary">AAECAwQFBgcICQoLDA0ODw==</w:Nonce>'
        "<u:Created>2026-11-20T12:00:00Z</u:Created></w:UsernameToken></w:Security></s:Header>"
        '<s:Body><m:SyncProxy client="c" version="1"/></s:Body></s:Envelope>'
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_sealed_message_is_these_octets(name):
    assert sealed(POLICIES[name]).decode() == GOLDEN[name]


@pytest.mark.parametrize(("name", "octets"), [("digest-2002", 471), ("digest-2004", 736)])
def test_the_header_costs_these_octets_and_the_username(name, octets):
    assert len(sealed(POLICIES[name])) - len(ENVELOPE) == octets + len(ACCOUNT.username)


@pytest.mark.parametrize("policy", [DRAFT, OASIS], ids=lambda policy: policy.name)
def test_what_was_sealed_opens(policy):
    verdict = opened(sealed(policy))
    assert verdict.ok
    assert (verdict.username, verdict.created, verdict.nonce) == (ACCOUNT.username, NOON, NONCE_OCTETS)
    assert verdict.reply_policy == policy
    assert verdict.fault is None
    assert verdict.reasons == ()


@pytest.mark.parametrize("policy", [DRAFT, OASIS], ids=lambda policy: policy.name)
def test_anybody_who_knows_the_formula_finds_the_same_digest(policy):
    root = xmlio.parse(sealed(policy))
    ((password, nonce, created),) = [
        [token.findtext("{*}" + name) for name in ("Password", "Nonce", "Created")] for token in root.iter("{*}UsernameToken")
    ]
    expected = hashlib.sha1(base64.b64decode(nonce) + created.encode() + ACCOUNT.password.encode()).digest()
    assert base64.b64decode(password) == expected


@pytest.mark.parametrize(
    ("nonce", "created", "password", "digest"),
    [
        ("WScqanjCEAC4mQoBE07sAQ==", "2003-07-16T01:24:32Z", "taadtaadpstcsm", "AtYMdWClJo7PIuTpqmhmEEoEZyc="),
        ("LKqI6G/AikKCQrN0zqZFlg==", "2010-09-16T07:50:45Z", "userpassword", "tuOSpGlFlIXsozq4HFNeeGeFLEI="),
    ],
)
def test_published_digest_vectors(nonce, created, password, digest):
    """R4212."""
    assert username.digest(base64.b64decode(nonce), created, password) == digest


def test_the_body_is_copied_and_never_parsed():
    body = b"<m:not well-formed" * 1000
    envelope = ENVELOPE.split(b"<m:SyncProxy")[0] + body
    assert seal(envelope, OASIS, Identity(ACCOUNT), NOON, NONCE_OCTETS).endswith(b"</s:Header><s:Body>" + body)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b'<?xml version="1.0"?>' + ENVELOPE,
        b" " + ENVELOPE,
        ENVELOPE.replace(b"<s:Body>", b"<s:Header/><s:Body>"),
        ENVELOPE.replace(b"<s:Body>", b'<s:Body id="1">'),
        ENVELOPE.replace(b' xmlns:m="urn:meterpost:1"', b""),
        ENVELOPE.replace(b"s:", b"soap:"),
    ],
)
def test_another_kind_of_envelope_is_our_own_mistake(envelope):
    with pytest.raises(ValueError, match="compact envelope"):
        seal(envelope, DRAFT, Identity(ACCOUNT), NOON, NONCE_OCTETS)


@pytest.mark.parametrize("octets", [0, 8, 15, 17, 64])
def test_a_nonce_has_sixteen_octets(octets):
    with pytest.raises(ValueError, match=f"not {octets}"):
        seal(ENVELOPE, DRAFT, Identity(ACCOUNT), NOON, bytes(octets))


@pytest.mark.parametrize("name", ["", " ", "a ", "a\nb", "a\tb", "a\x00b", "a\x07", "x" * 257])
def test_a_username_that_cannot_travel_is_named_before_anything_is_sent(name):
    with pytest.raises(SettingsError, match=r"account\.username") as caught:
        seal(ENVELOPE, OASIS, Identity(Credentials(name, "open sesame")), NOON, NONCE_OCTETS)
    assert caught.value.advice
    assert "sesame" not in str(caught.value)
