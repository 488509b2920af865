"""A Body's content encrypted and decrypted: against a second implementation, altered in every place, and hostile inside."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from meterpost.model import KeyPair
from meterpost.wsse import encryption
from meterpost.wsse.dialects import DRAFT_2002, OASIS_2004, Dialect
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl import compact, xmlio

CONTENT = b'<m:SyncProxy client="0f8fad5b-d9cb-469f-a165-70867728950e" version="0.1.0"/>'
CONTENT_KEY, IV = bytes(range(32)), bytes(range(12))
XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
DS = "http://www.w3.org/2000/09/xmldsig#"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
DIALECTS = pytest.mark.parametrize("dialect", [DRAFT_2002, OASIS_2004], ids=["2002", "2004"])
KINDS = {
    "server": lambda: rsa.generate_private_key(65537, 2048),
    "another": lambda: rsa.generate_private_key(65537, 2048),
    "short": lambda: rsa.generate_private_key(65537, 1024),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


def pair(name: str = "server") -> KeyPair:
    return _made(name)


@cache
def _made(name: str) -> KeyPair:
    """A key of this kind with a certificate; the serial number tells them apart."""
    key, noon = KINDS[name](), datetime(2026, 11, 20, 12, tzinfo=UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "meterpost")])
    serial = 4711 + list(KINDS).index(name)
    certificate = x509.CertificateBuilder(who, who, key.public_key(), serial, noon, noon + timedelta(days=1))
    return KeyPair(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
    )


class Message(NamedTuple):
    """An envelope as text, and what of it is the key and the Body."""

    text: str
    dialect: Dialect = OASIS_2004

    def altered(self, *edits: tuple[str, str]) -> "Message":
        text = self.text
        for old, new in edits:
            assert old in text, f"{old!r} is not in the message"
            text = text.replace(old, new, 1)
        return self._replace(text=text)

    def opened(self, *own: KeyPair) -> etree._Element:
        """The Body after decrypting."""
        root = xmlio.parse(self.text.encode())
        security, body = root[0][0], root[1]
        encryption.decrypt(security[0], body, own or (pair(),), self.dialect)
        return body

    def refusal(self, *own: KeyPair) -> Refusal:
        """Why it is not decrypted; the Body must be as it was."""
        root = xmlio.parse(self.text.encode())
        before = etree.tostring(root)
        with pytest.raises(Refusal) as caught:
            encryption.decrypt(root[0][0][0], root[1], own or (pair(),), self.dialect)
        assert etree.tostring(root) == before
        return caught.value


def enveloped(key: str, data: str, dialect: Dialect = OASIS_2004) -> Message:
    opening = f'{compact.OPENING} xmlns:w="{dialect.wsse}" xmlns:u="{dialect.wsu}"'
    security = f"<w:Security>{key}</w:Security>"
    return Message(f"{opening}><s:Header>{security}</s:Header><s:Body>{data}</s:Body></s:Envelope>", dialect)


def encrypted(content: bytes = CONTENT, dialect: Dialect = OASIS_2004, to: str = "server") -> Message:
    return enveloped(*encryption.encrypt(content, pair(to).certificate, dialect, CONTENT_KEY, IV), dialect)


def with_octets(message: Message, place: int, change: Callable[[bytes], bytes]) -> Message:
    """`message` with the octets of its first (the wrapped key) or second CipherValue changed."""
    value = re.findall("<x:CipherValue>(.*?)</x:CipherValue>", message.text)[place]
    changed = base64.b64encode(change(base64.b64decode(value))).decode()
    return message.altered((f">{value}<", f">{changed}<"))


def wrapping(content_key: bytes, digest=None, mask=None) -> Callable[[bytes], bytes]:
    """Another content key for the same recipient."""
    public = x509.load_pem_x509_certificate(pair().certificate).public_key()
    oaep = padding.OAEP(padding.MGF1(mask or hashes.SHA1()), digest or hashes.SHA1(), None)
    return lambda _: public.encrypt(content_key, oaep)


def sealing(plain: bytes, key: bytes = CONTENT_KEY) -> Callable[[bytes], bytes]:
    """Other content under the same content key, which `encrypt` would not write."""
    return lambda _: IV + AESGCM(key).encrypt(IV, plain, None)


@DIALECTS
def test_what_was_encrypted_is_back_in_its_place(dialect):
    message = encrypted(dialect=dialect)
    assert "SyncProxy" not in message.text
    body = message.opened()
    assert etree.tostring(body) == etree.tostring(xmlio.parse(compact.envelope(CONTENT.decode()))[0]).replace(
        b"><m:", f' xmlns:w="{dialect.wsse}" xmlns:u="{dialect.wsu}"><m:'.encode()
    )


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Cs"]), max_size=20).map(xmlio.text),
        lambda inner: st.lists(inner, max_size=4).map(lambda parts: f'<m:a b="&lt;">{"".join(parts)}</m:a>'),
    )
)
def test_any_content_comes_back(content):
    plain = xmlio.parse(f'<c xmlns:m="urn:meterpost:1">{content}</c>'.encode())
    assert [*encrypted(content.encode()).opened().itertext()] == [*plain.itertext()]
    assert len(encrypted(content.encode()).opened().findall(".//*")) == len(plain.findall(".//*"))


def test_content_uses_the_declarations_that_hold_in_the_body_and_they_stay():
    message = encrypted(b'<m:A xmlns:n="urn:n" n:x="1"><n:B/></m:A> <A/>').altered(
        ("<s:Body>", '<s:Body xmlns="urn:default?a&amp;b">')
    )
    (first, second) = message.opened()
    assert (first.tag, first.get("{urn:n}x"), first[0].tag) == ("{urn:meterpost:1}A", "1", "{urn:n}B")
    assert (second.tag, first.tail) == ("{urn:default?a&b}A", " ")


def test_a_default_namespace_taken_back():
    message = encrypted(b"<A/>").altered(("<s:Body>", '<s:Body xmlns="">'), ("<s:Envelope", '<s:Envelope xmlns="urn:d"'))
    assert message.opened()[0].tag == "A"


# ------------------------------------------------------------------------------------------------ the second implementation


@DIALECTS
def test_xmlsec_decrypts_ours(dialect):
    root = xmlio.parse(encrypted(dialect=dialect).text.encode())
    keys = xmlsec.EncryptionContext()
    keys.key = xmlsec.Key.from_memory(pair().private_key, xmlsec.constants.KeyDataFormatPem)
    content_key = keys.decrypt(root[0][0][0])
    assert content_key == CONTENT_KEY
    content = xmlsec.EncryptionContext()
    content.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, content_key)
    content.decrypt(root[1][0])
    assert root[1][0].attrib == {"client": "0f8fad5b-d9cb-469f-a165-70867728950e", "version": "0.1.0"}


OAEP_PARAMETERS = {
    "": (f"{XENC}rsa-oaep-mgf1p", ""),
    "mgf1p, SHA-1 said": (f"{XENC}rsa-oaep-mgf1p", f'<d:DigestMethod Algorithm="{DS}sha1"/>'),
    "mgf1p, SHA-256": (f"{XENC}rsa-oaep-mgf1p", f'<d:DigestMethod Algorithm="{XENC}sha256"/>'),
    "1.1, no parameters": (f"{XENC11}rsa-oaep", ""),
    "1.1, SHA-256 and mask of SHA-1": (f"{XENC11}rsa-oaep", f'<d:DigestMethod Algorithm="{XENC}sha256"/>'),
    "1.1, SHA-256 twice": (
        f"{XENC11}rsa-oaep",
        f'<d:DigestMethod Algorithm="{XENC}sha256"/><y:MGF xmlns:y="{XENC11}" Algorithm="{XENC11}mgf1sha256"/>',
    ),
}


@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes128-gcm"])
@pytest.mark.parametrize("transport", OAEP_PARAMETERS.values(), ids=OAEP_PARAMETERS)
def test_ours_decrypts_xmlsecs(transport, cipher):
    algorithm, parameters = transport
    ours = encrypted().altered(
        (f'Algorithm="{XENC}rsa-oaep-mgf1p"/>', f'Algorithm="{algorithm}">{parameters}</x:EncryptionMethod>'),
        ("aes256-gcm", cipher),
    )
    empty = re.sub("<x:CipherValue>.*?</x:CipherValue>", "<x:CipherValue/>", ours.text)
    root = xmlio.parse(empty.encode())
    security, data = root[0][0], root[1][0]
    key, name = security[0], security[0][1]
    # xmlsec writes an EncryptedKey only within the data it opens, and knows no SecurityTokenReference.
    key.remove(name)
    info = etree.Element(f"{{{DS}}}KeyInfo")
    info.append(key)
    data.insert(1, info)
    keys = xmlsec.KeysManager()
    keys.add_key(xmlsec.Key.from_memory(pair().certificate, xmlsec.constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(keys)
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, CONTENT_KEY[: encryption.CIPHERS[XENC11 + cipher]])
    context.encrypt_binary(data, CONTENT)
    data.remove(info)
    key.insert(1, name)
    security.append(key)
    theirs = Message(etree.tostring(root).decode())
    assert "\n" in theirs.text  # xmlsec breaks the lines of Base64
    assert theirs.opened()[0].tag == "{urn:meterpost:1}SyncProxy"


def test_the_key_may_say_so_beside_the_data_too_as_wss4j_writes_it():
    message = encrypted().altered(("<x:EncryptedKey", '<x:EncryptedKey Id="K"'), ('aes256-gcm"/>', f'aes256-gcm"/>{BACK}'))
    assert len(message.opened()) == 1
    assert message.altered(('URI="#K"', 'URI="#L"')).refusal().reason is Reason.SIGNATURE_MALFORMED


BACK = f'<d:KeyInfo xmlns:d="{DS}"><w:SecurityTokenReference><w:Reference URI="#K"/></w:SecurityTokenReference></d:KeyInfo>'


# -------------------------------------------------------------------------------------------------------- one refusal for all


def assert_failed(message: Message, *own: KeyPair) -> None:
    refusal = message.refusal(*own)
    assert (refusal.reason, refusal.detail) == (Reason.DECRYPTION_FAILED, "")


@settings(max_examples=60)
@given(st.integers(0, 1), st.integers(0, 10**6), st.integers(1, 255))
def test_any_octet_changed_is_the_one_refusal(place, position, difference):
    def change(octets: bytes) -> bytes:
        at = position % len(octets)
        return octets[:at] + bytes([octets[at] ^ difference]) + octets[at + 1 :]

    assert_failed(with_octets(encrypted(), place, change))


@settings(max_examples=60)
@given(st.integers(0, 1), st.binary(max_size=300))
def test_any_octets_are_the_one_refusal(place, octets):
    assert_failed(with_octets(encrypted(), place, lambda _: octets))


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33, 64])
def test_a_key_of_another_size_is_the_one_refusal(size):
    wrong = with_octets(encrypted(), 0, wrapping(CONTENT_KEY[:size].ljust(size)))
    if size in (16, 24):  # even where the content would open with it
        wrong = with_octets(wrong, 1, sealing(CONTENT, CONTENT_KEY[:size]))
    assert_failed(wrong)


def test_another_hash_in_the_padding_than_the_message_says_is_the_one_refusal():
    assert_failed(with_octets(encrypted(), 0, wrapping(CONTENT_KEY, digest=hashes.SHA256())))
    assert_failed(with_octets(encrypted(), 0, wrapping(CONTENT_KEY, mask=hashes.SHA256())))


def test_somebody_elses_private_key_under_our_certificate_is_the_one_refusal():
    assert_failed(encrypted(), KeyPair(pair("another").private_key, pair().certificate))


@pytest.mark.parametrize(
    "plain",
    [
        b"</c>",
        b"</c><c>",
        b"</c><!--",
        b"</c><?x ",
        b"</c>\0",
        b"</c>\0<c>",
        b"<m:A/></c><s:Body/><c>",
        b"<!--",
        b"<![CDATA[",
        b"<!DOCTYPE c>",
        b"<!DOCTYPE c [<!ENTITY e 'x'>]>&e;",
        b"&e;",
        b"<?x y?>",
        b"<?xml version='1.0'?><A/>",
        b"\xff\xfe",
        b"\xef\xbb\xbf<?xml version='1.0'?><A/>",
        "<A/>".encode("utf-16"),
        b"\0",
        b"<x:A/>",
        b"<A",
        b"<A b='1' b='2'/>",
        b"<A>" * 31 + b"</A>" * 31,
        f'<x:EncryptedData xmlns:x="{XENC}"/>'.encode(),
        f'<A><x:EncryptedKey xmlns:x="{XENC}"/></A>'.encode(),
    ],
)
def test_content_that_is_not_content_is_the_one_refusal(plain):
    assert_failed(with_octets(encrypted(), 1, sealing(plain)))


def test_content_may_be_as_deep_as_a_message_and_no_deeper():
    depth = xmlio.Limits().depth - 2  # Envelope and Body
    deep = b"<A>" * depth + b"</A>" * depth
    assert len(encrypted(deep).opened().findall(".//A")) == depth
    assert_failed(encrypted(b"<A>" + deep + b"</A>"))


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_whatever_is_inside_it_is_content_of_this_body_or_the_one_refusal(plain):
    message = with_octets(encrypted(), 1, sealing(plain))
    try:
        body = message.opened()
    except Refusal:
        assert_failed(message)
    else:
        assert body.getparent().tag.endswith("}Envelope")
        assert body.getnext() is None


def test_the_time_a_wrong_padding_takes_is_that_of_a_right_one():
    # The work is the same, seen from inside: one unwrapping, one opening, with a key of the size asked for.
    keys = []

    def spying(key: bytes) -> AESGCM:
        keys.append(key)
        return AESGCM(key)

    spying.generate_key = AESGCM.generate_key  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encryption, "AESGCM", spying)
        assert_failed(with_octets(encrypted(), 0, lambda octets: octets[::-1]))
        assert_failed(with_octets(encrypted(), 0, wrapping(b"k" * 16)))
    drawn = [key for key in keys if key != CONTENT_KEY]
    assert [len(key) for key in drawn] == [32, 32]
    assert drawn[0] != drawn[1]
