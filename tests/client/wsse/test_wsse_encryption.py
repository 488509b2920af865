"""A Body's content encrypted and decrypted: against a second implementation, altered in every place, and hostile inside."""

import base64
import hashlib
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

from meterpost.errors import SettingsError
from meterpost.model import KeyPair
from meterpost.wsse import ContentKey, encryption
from meterpost.wsse.dialects import DRAFT_2002, OASIS_2004, WSSE11, Dialect
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
        key, body = self.places()
        encryption.decrypt(key, body, own or (pair(),), self.dialect)
        return body

    def places(self) -> tuple[etree._Element, etree._Element]:
        """The EncryptedKey and the Body."""
        root = xmlio.parse(self.text.encode())
        return root[0][0][0], root[1]

    def refusal(self, *own: KeyPair) -> Refusal:
        """Why it is not decrypted; the Body must be as it was."""
        key, body = self.places()
        before = etree.tostring(body)
        with pytest.raises(Refusal) as caught:
            encryption.decrypt(key, body, own or (pair(),), self.dialect)
        assert etree.tostring(body) == before
        return caught.value


def enveloped(key: str, data: str, dialect: Dialect = OASIS_2004) -> Message:
    opening = f'{compact.OPENING} xmlns:w="{dialect.wsse}" xmlns:u="{dialect.wsu}"'
    security = f"<w:Security>{key}</w:Security>"
    return Message(f"{opening}><s:Header>{security}</s:Header><s:Body>{data}</s:Body></s:Envelope>", dialect)


def written(content: bytes, recipient: bytes, dialect: Dialect, key: bytes = CONTENT_KEY, iv: bytes = IV) -> tuple[str, str]:
    return encryption.encrypt(content, ContentKey.to(recipient, key), recipient, dialect, iv)


def encrypted(content: bytes = CONTENT, dialect: Dialect = OASIS_2004, to: str = "server") -> Message:
    return enveloped(*written(content, pair(to).certificate, dialect), dialect)


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
        assert_failed(with_octets(encrypted(), 0, lambda octets: octets[::-1]))
        assert_failed(with_octets(encrypted(), 0, wrapping(b"k" * 16)))
    drawn = [key for key in keys if key != CONTENT_KEY]
    assert [len(key) for key in drawn] == [32, 32, 32]
    assert len(set(drawn)) == 3  # a stranger who knew it could write what opens


# ------------------------------------------------------------------------------------------------------------------ the shape

MALFORMED, ALGORITHM, UNKNOWN = Reason.SIGNATURE_MALFORMED, Reason.ALGORITHM_UNSUPPORTED, Reason.KEY_UNKNOWN
METHOD = f'<x:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p"/>'
GCM = f'<x:EncryptionMethod Algorithm="{XENC11}aes256-gcm"/>'
DATA_REFERENCE = '<x:DataReference URI="#C"/>'
RETRIEVAL = '<d:RetrievalMethod URI="http://attacker.example/key"/>'
BODY_START, BODY_END = "<s:Body>", "</s:Body>"


def method(parameters: str, algorithm: str = f"{XENC}rsa-oaep-mgf1p") -> tuple[str, str]:
    return METHOD, f'<x:EncryptionMethod Algorithm="{algorithm}">{parameters}</x:EncryptionMethod>'


def other_cipher(algorithm: str) -> tuple[str, str]:
    return GCM, f'<x:EncryptionMethod Algorithm="{algorithm}"/>'


def second_data(message: str) -> str:
    return message[message.index("<x:EncryptedData") : message.index(BODY_END)]


BREACHES = {
    "body-empty": ([("<x:EncryptedData", "<!--"), ("</x:EncryptedData>", "-->")], MALFORMED),
    "body-in-clear": ([("<x:EncryptedData", f"{CONTENT.decode()}<!--"), ("</x:EncryptedData>", "-->")], MALFORMED),
    "element-before": ([(BODY_START, f"{BODY_START}<m:Evil/>")], MALFORMED),
    "element-after": ([(BODY_END, f"<m:Evil/>{BODY_END}")], MALFORMED),
    "text-before": ([(BODY_START, f"{BODY_START}evil")], MALFORMED),
    "text-after": ([(BODY_END, f"evil{BODY_END}")], MALFORMED),
    "data-of-another-name": ([("<x:EncryptedData", "<x:Evil"), ("</x:EncryptedData", "</x:Evil")], MALFORMED),
    "data-one-level-down": ([(BODY_START, f"{BODY_START}<m:W>"), (BODY_END, f"</m:W>{BODY_END}")], MALFORMED),
    "type-element": ([("xmlenc#Content", "xmlenc#Element")], MALFORMED),
    "no-type": ([(f' Type="{XENC}Content"', "")], MALFORMED),
    "encoding": ([(" Id=\"C\"", ' Id="C" Encoding="x"')], MALFORMED),
    "mime-type": ([(" Id=\"C\"", ' Id="C" MimeType="text/xml"')], MALFORMED),
    "key-recipient-R5602": ([("<x:EncryptedKey", '<x:EncryptedKey Recipient="x"')], MALFORMED),
    "key-type-R3209": ([("<x:EncryptedKey", '<x:EncryptedKey Type="x"')], MALFORMED),
    "no-id": ([(" Id=\"C\"", "")], MALFORMED),
    "no-id-and-no-reference": ([(" Id=\"C\"", ""), ("#C", "#None")], MALFORMED),
    "empty-id": ([(" Id=\"C\"", ' Id=""'), ("#C", "#")], MALFORMED),
    "reference-elsewhere": ([("#C", "#D")], MALFORMED),
    "reference-outside": ([("#C", "http://attacker.example/#C")], MALFORMED),
    "no-reference-uri": ([(' URI="#C"', "")], MALFORMED),
    "two-references": ([(DATA_REFERENCE, DATA_REFERENCE * 2)], MALFORMED),
    "no-reference": ([(DATA_REFERENCE, "")], MALFORMED),
    "no-list": ([(f"<x:ReferenceList>{DATA_REFERENCE}</x:ReferenceList>", "")], MALFORMED),
    "key-reference": ([(DATA_REFERENCE, DATA_REFERENCE + '<x:KeyReference URI="#K"/>')], MALFORMED),
    "reference-with-transforms": ([(DATA_REFERENCE, f'{DATA_REFERENCE[:-2]}><d:Transforms/></x:DataReference>')], MALFORMED),
    "cipher-reference": ([("<x:CipherValue>", '<x:CipherReference URI="http://a.example/"/><x:CipherValue>')], MALFORMED),
    "two-values": ([("<x:CipherValue>", "<x:CipherValue/><x:CipherValue>")], MALFORMED),
    "value-with-child": ([("<x:CipherValue>", "<x:CipherValue><m:A/>")], MALFORMED),
    "value-not-base64": ([("<x:CipherValue>", "<x:CipherValue>*")], MALFORMED),
    "value-not-ascii": ([("<x:CipherValue>", "<x:CipherValue>ä")], MALFORMED),
    "value-with-other-blanks": ([("<x:CipherValue>", "<x:CipherValue>\u2003")], MALFORMED),
    "key-too-long": ([("<x:CipherValue>", "<x:CipherValue>" + "A" * 2048)], MALFORMED),
    "rsa-1-5": ([("rsa-oaep-mgf1p", "rsa-1_5")], ALGORITHM),
    "key-wrap": ([("rsa-oaep-mgf1p", "kw-aes256")], ALGORITHM),
    "no-transport": ([(f' Algorithm="{XENC}rsa-oaep-mgf1p"', "")], ALGORITHM),
    "no-transport-method-R5603": ([(METHOD, "")], MALFORMED),
    "oaep-label": ([method("<x:OAEPparams>AAAA</x:OAEPparams>")], MALFORMED),
    "mask-where-it-is-fixed": ([method(f'<y:MGF xmlns:y="{XENC11}" Algorithm="{XENC11}mgf1sha256"/>')], MALFORMED),
    "oaep-md5": ([method('<d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#md5"/>')], ALGORITHM),
    "oaep-digest-unnamed": ([method("<d:DigestMethod/>")], ALGORITHM),
    "mask-unknown": ([method(f'<y:MGF xmlns:y="{XENC11}" Algorithm="x"/>', f"{XENC11}rsa-oaep")], ALGORITHM),
    "aes-256-cbc": ([other_cipher(f"{XENC}aes256-cbc")], ALGORITHM),
    "aes-128-cbc": ([other_cipher(f"{XENC}aes128-cbc")], ALGORITHM),
    "triple-des": ([other_cipher(f"{XENC}tripledes-cbc")], ALGORITHM),
    "aes-192-gcm": ([other_cipher(f"{XENC11}aes192-gcm")], ALGORITHM),
    "no-cipher-R5601": ([(GCM, "")], MALFORMED),
    "key-size": ([(GCM, f"{GCM[:-2]}><x:KeySize>8</x:KeySize></x:EncryptionMethod>")], MALFORMED),
    "two-ciphers": ([(GCM, GCM * 2)], MALFORMED),
    "carried-name": ([("<x:ReferenceList>", "<x:CarriedKeyName>x</x:CarriedKeyName><x:ReferenceList>")], MALFORMED),
    "properties": ([("</x:EncryptedData>", "<x:EncryptionProperties/></x:EncryptedData>")], MALFORMED),
    "no-key-info-R5426": ([("<d:KeyInfo>", "<!--"), ("</d:KeyInfo>", "-->")], MALFORMED),
    "two-key-infos": ([("<d:KeyInfo>", "<d:KeyInfo/><d:KeyInfo>")], MALFORMED),
    "retrieval-method": ([("<d:KeyInfo>", f"<d:KeyInfo>{RETRIEVAL}")], MALFORMED),
    "key-name-R5424": ([("<d:KeyInfo>", "<d:KeyInfo><d:KeyName>x</d:KeyName>")], MALFORMED),
    "key-in-a-key": ([("<d:KeyInfo>", "<d:KeyInfo><x:EncryptedKey/>")], MALFORMED),
    "key-in-the-data": ([(GCM, f'{GCM}<d:KeyInfo xmlns:d="{DS}"><x:EncryptedKey/></d:KeyInfo>')], MALFORMED),
    "data-names-another-key": ([(GCM, GCM + BACK)], MALFORMED),
    "data-names-a-key-without-id": ([(GCM, GCM + BACK.replace("#K", "#None"))], MALFORMED),
    "another-serial": ([(">4711<", ">4712<")], UNKNOWN),
    "another-issuer": ([("CN=meterpost", "CN=attacker")], UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize(("edits", "reason"), BREACHES.values(), ids=BREACHES)
@DIALECTS
def test_a_message_of_another_shape_is_refused_before_any_key_is_used(edits, reason, dialect, monkeypatch):
    monkeypatch.setattr(encryption, "_unwrap", None)
    refusal = encrypted(dialect=dialect).altered(*edits).refusal()
    assert refusal.reason is reason
    assert "attacker" not in refusal.detail


def test_the_data_twice_is_refused():
    message = encrypted()
    assert message.altered((BODY_END, second_data(message.text) + BODY_END)).refusal().reason is MALFORMED


def test_the_data_in_the_header_with_another_in_the_body_is_not_what_is_opened():
    message = encrypted()
    moved = second_data(message.text)
    message = message.altered((moved, CONTENT.decode()), ("</s:Header>", f"<m:W>{moved}</m:W></s:Header>"))
    assert message.refusal().reason is MALFORMED


def test_white_space_around_the_data_is_nothing():
    assert len(encrypted().altered((BODY_START, f"{BODY_START}\n "), (BODY_END, f" {BODY_END}")).opened()) == 1


def test_the_key_is_found_among_ours():
    message = encrypted(to="another")
    assert len(message.opened(pair("P-256"), pair(), pair("another"))) == 1
    assert message.refusal(pair()).reason is UNKNOWN


def test_the_key_named_is_no_key_to_decrypt_with():
    message = encrypted().altered((">4711<", f">{4711 + list(KINDS).index('P-256')}<"))
    assert message.refusal(pair("P-256")).reason is UNKNOWN


def test_the_key_is_found_by_thumbprint():
    certificate = x509.load_pem_x509_certificate(pair().certificate)
    name = f'<w:KeyIdentifier EncodingType="{OASIS_2004.spell("Base64Binary")}" ValueType="{THUMBPRINT}">%s</w:KeyIdentifier>'
    message = encrypted()
    start, end = message.text.index("<d:X509Data>"), message.text.index("</w:SecurityTokenReference>")
    thumbprint = base64.b64encode(certificate.fingerprint(hashes.SHA1())).decode()
    assert len(message.altered((message.text[start:end], name % thumbprint)).opened()) == 1
    assert message.altered((message.text[start:end], name % "AAAA")).refusal().reason is UNKNOWN


def test_the_key_is_found_by_a_certificate_in_the_header_if_it_is_ours():
    def token(who: str) -> etree._Element:
        der = x509.load_pem_x509_certificate(pair(who).certificate).public_bytes(serialization.Encoding.DER)
        element = etree.Element(OASIS_2004.tag("wsse", "BinarySecurityToken"), ValueType=OASIS_2004.spell("X509v3"))
        element.text = base64.b64encode(der).decode()
        return element

    message = encrypted()
    start, end = message.text.index("<d:X509Data>"), message.text.index("</w:SecurityTokenReference>")
    direct = f'<w:Reference URI="#T" ValueType="{OASIS_2004.spell("X509v3")}"/>'
    message = message.altered((message.text[start:end], direct))
    key, body = message.places()
    with pytest.raises(Refusal) as caught:
        encryption.decrypt(key, body, (pair(),), OASIS_2004, {"T": token("another")})
    assert caught.value.reason is UNKNOWN
    encryption.decrypt(key, body, (pair(),), OASIS_2004, {"T": token("server")})
    assert body[0].tag == "{urn:meterpost:1}SyncProxy"


def test_the_key_of_a_password_is_none_of_ours():
    message = encrypted()
    start, end = message.text.index("<d:X509Data>"), message.text.index("</w:SecurityTokenReference>")
    password = f'<w:Reference URI="#U" ValueType="{OASIS_2004.spell("UsernameToken")}"/>'
    assert message.altered((message.text[start:end], password)).refusal().reason is UNKNOWN


@settings(max_examples=200)
@given(st.data())
def test_whatever_is_cut_or_doubled_it_is_refused_or_says_the_same(data):
    text = encrypted().text
    tags = [match.span() for match in re.finditer(r"<[^>]*>|[A-Za-z]+=\"[^\"]*\"|>[^<]+<", text)]
    (start, end), (other, last) = data.draw(st.sampled_from(tags)), data.draw(st.sampled_from(tags))
    piece = data.draw(st.sampled_from(["", text[other:last], text[start:end] * 2]))
    try:
        key, body = Message(text[:start] + piece + text[end:]).places()
    except (xmlio.BadXml, IndexError):  # no envelope any more
        return
    try:
        encryption.decrypt(key, body, (pair(),), OASIS_2004)
    except Refusal:
        return
    assert [(said.tag, dict(said.attrib)) for said in body] == [("{urn:meterpost:1}SyncProxy", dict(SAID.attrib))]


SAID = etree.fromstring(CONTENT.replace(b"m:", b""))


# ----------------------------------------------------------------------------------------------------------------- the reply

SENT = ContentKey.to(pair().certificate, CONTENT_KEY)


def reply(dialect: Dialect = OASIS_2004, sent: ContentKey = SENT) -> Message:
    return enveloped(*encryption.encrypt(CONTENT, sent, b"", dialect, IV), dialect)


def reply_refusal(message: Message, sent: ContentKey | None = SENT) -> Refusal:
    header, body = message.places()
    before = etree.tostring(body)
    with pytest.raises(Refusal) as caught:
        encryption.decrypt(header, body, (pair(),), message.dialect, {}, sent)
    assert etree.tostring(body) == before
    return caught.value


@DIALECTS
def test_a_reply_is_opened_with_the_key_the_request_brought(dialect):
    request = enveloped(*encryption.encrypt(CONTENT, SENT, pair().certificate, dialect, IV), dialect)
    brought = encryption.decrypt(*request.places(), (pair(),), dialect)
    assert brought == SENT
    header, body = reply(dialect, brought).places()
    assert encryption.decrypt(header, body, (), dialect, {}, SENT) is SENT
    assert body[0].tag == "{urn:meterpost:1}SyncProxy"


def test_a_reply_names_its_key_as_the_profile_wants_it():
    wss11 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1"
    pointer = reply().places()[1][0].find(f"{{{DS}}}KeyInfo")[0]
    assert dict(pointer.attrib) == {f"{{{WSSE11}}}TokenType": f"{wss11}#EncryptedKey"}  # R3069
    assert dict(pointer[0].attrib) == {
        "EncodingType": OASIS_2004.spell("Base64Binary"),  # R3070, R3071
        "ValueType": f"{wss11}#EncryptedKeySHA1",  # R3072
    }
    assert pointer[0].text == base64.b64encode(hashlib.sha1(SENT.wrapped).digest()).decode()


REPLY_BREACHES = {
    "another-name": ([(SENT.name, SENT.name[::-1])], UNKNOWN),
    "named-as-a-thumbprint": ([("EncryptedKeySHA1", "ThumbprintSHA1")], UNKNOWN),
    "a-shorter-cipher": ([("aes256-gcm", "aes128-gcm")], UNKNOWN),
    "no-name": ([("<d:KeyInfo", "<!--<d:KeyInfo"), ("</d:KeyInfo>", "</d:KeyInfo>-->")], MALFORMED),
    "two-names": ([("<w:KeyIdentifier", "<w:KeyIdentifier/><w:KeyIdentifier")], MALFORMED),
    "by-reference": ([("<w:KeyIdentifier", '<w:Reference URI="#K"/><w:KeyIdentifier')], MALFORMED),
    "lists-another": ([("#C", "#D")], MALFORMED),
    "lists-two": ([(DATA_REFERENCE, DATA_REFERENCE * 2)], MALFORMED),
    "lists-a-key": ([(DATA_REFERENCE, DATA_REFERENCE + '<x:KeyReference URI="#K"/>')], MALFORMED),
    "lists-nothing": ([(DATA_REFERENCE, "")], MALFORMED),
    "cbc": ([other_cipher(f"{XENC}aes256-cbc")], ALGORITHM),
}


@pytest.mark.parametrize(("edits", "reason"), REPLY_BREACHES.values(), ids=REPLY_BREACHES)
@DIALECTS
def test_a_reply_of_another_shape_is_refused(edits, reason, dialect):
    assert reply_refusal(reply(dialect).altered(*edits)).reason is reason


def test_a_reply_to_somebody_else_or_to_nobody_is_not_opened():
    other = ContentKey.to(pair().certificate, CONTENT_KEY)  # the same key, wrapped another time
    assert reply_refusal(reply(), other).reason is UNKNOWN
    assert reply_refusal(reply(), None).reason is UNKNOWN


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_octet_of_a_reply_changed_is_the_one_refusal(position, difference):
    def change(octets: bytes) -> bytes:
        at = position % len(octets)
        return octets[:at] + bytes([octets[at] ^ difference]) + octets[at + 1 :]

    refusal = reply_refusal(with_octets(reply(), 0, change))
    assert (refusal.reason, refusal.detail) == (Reason.DECRYPTION_FAILED, "")


def test_the_key_is_not_in_what_is_shown_of_a_content_key():
    assert repr(CONTENT_KEY) not in repr(SENT)


# ---------------------------------------------------------------------------------------------------------------- our mistakes


@pytest.mark.parametrize("who", ["short", "P-256"])
def test_a_certificate_that_cannot_be_encrypted_to_is_named_to_the_administrator(who):
    with pytest.raises(SettingsError, match="2048") as caught:
        encrypted(to=who)
    assert caught.value.advice


@pytest.mark.parametrize(("key", "iv"), [(CONTENT_KEY[:24], IV), (CONTENT_KEY, IV[:8]), (CONTENT_KEY, b"")])
def test_a_key_or_iv_of_another_size_is_a_mistake_of_ours(key, iv):
    with pytest.raises(ValueError, match="32 octets"):
        written(CONTENT, pair().certificate, OASIS_2004, key, iv)


def test_the_longest_content_is_read_and_more_is_not_written():
    frame = b"<m:A>" + b"a" * 1000 + b"</m:A>"
    content = (frame * (encryption.LONGEST // len(frame))).ljust(encryption.LONGEST)
    assert len(encrypted(content).opened()) == encryption.LONGEST // len(frame)
    with pytest.raises(SettingsError, match="cannot be encrypted") as caught:
        encrypted(content + b" ")
    assert caught.value.advice


def test_the_same_content_never_looks_the_same_to_whom_it_is_not_for():
    assert encrypted().text != encrypted().text  # OAEP's seed is random, even where key and IV are given


def test_no_octet_too_many():
    key, data = written(CONTENT, pair().certificate, OASIS_2004)
    assert "\n" not in key + data
    assert (len(key), len(data)) == (905, 410)
