"""A Body's content encrypted to one certificate (XML Encryption 1.1), and decrypted.

AES-GCM carries the content, RSA-OAEP its key. CBC and RSA 1.5 are refused unread: both let a peer that only watches for
faults decrypt (Jager and Somorovsky, 2011; Bleichenbacher, 1998). The shape is checked before any secret is touched and
each breach is named; whatever fails from there on is one refusal, in one time, that says nothing.
"""

import base64
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from meterpost.errors import SettingsError
from meterpost.model import KeyPair
from meterpost.wsse import key_names
from meterpost.wsse.dialects import DS, WSSE11, WSSE_PREFIX, XENC, Dialect
from meterpost.wsse.shape import children, local, text
from meterpost.wsse.trust import ContentKey, loaded
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl import xmlio

KEY, IV, TAG = 32, 12, 16
"""Octets of the content keys we draw, of every IV, of every tag (XML Encryption 1.1, 5.2.4)."""

LONGEST = 7_400_000
"""Octets of content: libxml2 reads no text node longer than 10 000 000 octets, and Base64 makes four of three."""

_KEY_INFO = f"{{{DS}}}KeyInfo"
_XENC11 = "http://www.w3.org/2009/xmlenc11#"
_CONTENT = f"{XENC}Content"
_ENCRYPTED_KEY = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#EncryptedKey"

OAEP = f"{XENC}rsa-oaep-mgf1p"
"""What we write: the only safe key transport BSP knows (R5621), and so the one every stack reads. Its SHA-1 (the default of
digest and mask) is no signature: OAEP needs no resistance to collisions (RFC 8017, 8.1)."""

GCM = f"{_XENC11}aes256-gcm"
"""What we write. BSP 1.1 is older than GCM and allows only CBC here (R5620), which is broken; stacks follow GCM instead."""

CIPHERS: Mapping[str, int] = MappingProxyType({GCM: 32, f"{_XENC11}aes128-gcm": 16})
"""What is read: octets of the key, by algorithm."""

_BY_SIZE = {size: uri for uri, size in CIPHERS.items()}
_SHA1, _SHA256 = hashes.SHA1(), hashes.SHA256()  # noqa: S303  # see OAEP
_DIGESTS = {f"{DS}sha1": _SHA1, f"{XENC}sha256": _SHA256}
_MASKS = {f"{_XENC11}mgf1sha1": _SHA1, f"{_XENC11}mgf1sha256": _SHA256}
_DIGEST, _MASK = f"{{{DS}}}DigestMethod", f"{{{_XENC11}}}MGF"

TRANSPORTS: Mapping[str, tuple[str, ...]] = MappingProxyType({OAEP: (_DIGEST,), f"{_XENC11}rsa-oaep": (_DIGEST, _MASK)})
"""What is read: the parameters a key transport may have. Without them digest and mask are SHA-1."""

_LIMITS = xmlio.Limits(depth=xmlio.Limits().depth - 1)  # the content's place in the message is one level deeper
_LONGEST_KEY = 2048  # characters of Base64: the key of an RSA-8192 certificate takes 1368
_MALFORMED = Reason.SIGNATURE_MALFORMED


def encrypt(content: bytes, key: ContentKey, recipient: bytes, dialect: Dialect, iv: bytes) -> tuple[str, str]:
    """`content` (the Body's, UTF-8), encrypted: what goes into the Security header, and the EncryptedData that becomes the
    Body's content. Both use the prefix of `dialect` and declare all others.

    The header gets the EncryptedKey for the holder of `recipient` (PEM); without one, in a reply, only a list of what is
    encrypted, with a key the receiver has. `iv` (12 octets) is random and never used again. Raises ValueError for a key,
    an IV of another length, SettingsError for more content than a receiver reads.
    """
    algorithm = _BY_SIZE.get(len(key.octets))  # a reply's key is the peer's choice
    if algorithm is None or len(iv) != IV:
        raise ValueError(f"not a key of {KEY} octets and an IV of {IV}")
    if len(content) > LONGEST:
        raise SettingsError(
            f"security.policy: a message of {len(content)} octets cannot be encrypted, at most {LONGEST} can",
            "For this many devices in one message, choose a policy that only signs.",
        )
    listed, w = '<x:ReferenceList><x:DataReference URI="#C"/></x:ReferenceList>', WSSE_PREFIX
    if recipient:
        name = xmlio.write(key_names.write(loaded(recipient), dialect), {dialect.wsse: w, DS: "d"})
        info = ""
        header = (
            f'<x:EncryptedKey xmlns:x="{XENC}" xmlns:d="{DS}"><x:EncryptionMethod Algorithm="{OAEP}"/>'
            f"<d:KeyInfo>{name}</d:KeyInfo>{_cipher_data(key.wrapped)}{listed}</x:EncryptedKey>"  # R3214
        )
    else:
        header = listed.replace("<x:ReferenceList", f'<x:ReferenceList xmlns:x="{XENC}"', 1)
        encoding, kind = dialect.spell("Base64Binary"), dialect.spell("EncryptedKeySHA1")
        info = (  # R3069 to R3072
            f'<d:KeyInfo xmlns:d="{DS}"><{w}:SecurityTokenReference xmlns:k="{WSSE11}" k:TokenType="{_ENCRYPTED_KEY}">'
            f'<{w}:KeyIdentifier EncodingType="{encoding}" ValueType="{kind}">{key.name}</{w}:KeyIdentifier>'
            f"</{w}:SecurityTokenReference></d:KeyInfo>"
        )
    sealed = iv + AESGCM(key.octets).encrypt(iv, content, None)
    data = (
        f'<x:EncryptedData xmlns:x="{XENC}" Id="C" Type="{_CONTENT}"><x:EncryptionMethod Algorithm="{algorithm}"/>'
        f"{info}{_cipher_data(sealed)}</x:EncryptedData>"
    )
    return header, data


def decrypt(
    header: etree._Element,
    body: etree._Element,
    own: Sequence[KeyPair],
    dialect: Dialect,
    tokens: Mapping[str, etree._Element] = MappingProxyType({}),
    sent: ContentKey | None = None,
) -> ContentKey:
    """Puts the content that was encrypted into `body`, in the place of its EncryptedData; the key is for the reply.

    `header` is the EncryptedKey, opened with a key of `own`, or the ReferenceList of a reply, which is encrypted with the
    key that was `sent`. `tokens` are the header's BinarySecurityTokens by Id, for a key named by one. Raises Refusal, and
    leaves `body` as it was: ALGORITHM_UNSUPPORTED, SIGNATURE_MALFORMED, KEY_UNKNOWN for what anybody can see in the message,
    else DECRYPTION_FAILED.
    """
    data = _data_of(body)
    inner = _parts(data, ("EncryptionMethod", "CipherData"), ("Id", "Type"), [_KEY_INFO])
    size, sealed = _key_size(inner["EncryptionMethod"]), _octets(inner["CipherData"])
    if header.tag == f"{{{XENC}}}ReferenceList":
        _check_list(header, data)
        key = _sent(inner, sent, size, dialect)
    else:
        key = _received(header, data, inner, size, own, dialect, tokens)
    try:
        content = _content(AESGCM(key.octets).decrypt(sealed[:IV], sealed[IV:], None), body)
    except (InvalidTag, ValueError):  # BadXml is one
        raise Refusal(Reason.DECRYPTION_FAILED) from None
    body.remove(data)
    body.text = content.text
    body.extend(content)
    return key


def _received(
    header: etree._Element,
    data: etree._Element,
    inner: Mapping[str, etree._Element],
    size: int,
    own: Sequence[KeyPair],
    dialect: Dialect,
    tokens: Mapping[str, etree._Element],
) -> ContentKey:
    """The key in the EncryptedKey `header`."""
    outer = _parts(header, ("EncryptionMethod", "CipherData", "ReferenceList"), ("Id",), [_KEY_INFO])
    if _KEY_INFO not in outer:  # R5426
        raise Refusal(_MALFORMED, "EncryptedKey names no key")
    oaep = _transport(outer["EncryptionMethod"])
    _check_list(outer["ReferenceList"], data)
    if _KEY_INFO in inner:  # some stacks let the data also say which key opens it: then this one
        direct = dialect.tag("wsse", "Reference")
        pointed = children(_pointer(inner[_KEY_INFO], dialect), _MALFORMED, [direct])[direct]
        if not header.get("Id") or pointed.get("URI") != f"#{header.get('Id')}":
            raise Refusal(_MALFORMED, "EncryptedData does not refer to its EncryptedKey")
    wrapped = _octets(outer["CipherData"], _LONGEST_KEY)
    private = _private_key(outer[_KEY_INFO], own, dialect, tokens)
    return ContentKey(_unwrap(private, wrapped, oaep, size), wrapped)


def _sent(inner: Mapping[str, etree._Element], sent: ContentKey | None, size: int, dialect: Dialect) -> ContentKey:
    """The key this side sent, by its name."""
    if _KEY_INFO not in inner:
        raise Refusal(_MALFORMED, "EncryptedData names no key")
    tag = dialect.tag("wsse", "KeyIdentifier")
    name = children(_pointer(inner[_KEY_INFO], dialect), _MALFORMED, [tag])[tag]
    named = dialect.term(name, "ValueType") == "EncryptedKeySHA1" and text(name, _MALFORMED).strip()
    if sent is None or named != sent.name or len(sent.octets) != size:
        raise Refusal(Reason.KEY_UNKNOWN, "the message is encrypted with a key that was not sent")
    return sent


def _unwrap(private: rsa.RSAPrivateKey, wrapped: bytes, oaep: padding.OAEP, size: int) -> bytes:
    """The content key, or where there is none a random one, with which the tag fails as it would with a wrong one: nobody
    learns whether the padding was right (Manger, 2001; the remedy of RFC 3218, 2.3.2)."""
    substitute = AESGCM.generate_key(size * 8)  # drawn in any case
    try:
        key = private.decrypt(wrapped, oaep)
    except ValueError:
        return substitute
    return key if len(key) == size else substitute


def _content(plain: bytes, body: etree._Element) -> etree._Element:
    """A frame around the content, read with the declarations that hold in `body`. The content cannot close the frame: what
    begins after its end tag would have to swallow the last one, and no comment or instruction ends as that does."""
    declared = "".join(
        f' xmlns{(prefix and f":{prefix}") or ""}="{xmlio.attribute(uri)}"' for prefix, uri in body.nsmap.items()
    )
    frame = xmlio.parse(b"".join((f"<c{declared}>".encode(), plain, b"</c>")), _LIMITS)
    if next(frame.iter(f"{{{XENC}}}*"), None) is not None:
        raise ValueError("encrypted once more")
    return frame


def _data_of(body: etree._Element) -> etree._Element:
    """The EncryptedData that is all `body` holds: by position, whatever Ids say."""
    if len(body) != 1 or body[0].tag != f"{{{XENC}}}EncryptedData" or (body.text or "").strip() or (body[0].tail or "").strip():
        raise Refusal(_MALFORMED, "the Body is not one EncryptedData")
    if body[0].get("Type") != _CONTENT:
        raise Refusal(_MALFORMED, "EncryptedData is not of the type Content")
    return body[0]


def _parts(
    parent: etree._Element, names: Sequence[str], attributes: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, etree._Element]:
    """The children of `parent`, those of XML Encryption by local name. No other attribute: MimeType, Encoding and Recipient
    would have a meaning (R3209, R5602, R5622, R5623)."""
    if not set(parent.attrib) <= set(attributes):
        raise Refusal(_MALFORMED, f"{local(parent)} has an unexpected attribute")
    found = children(parent, _MALFORMED, [f"{{{XENC}}}{name}" for name in names], optional)
    return {tag.removeprefix(f"{{{XENC}}}"): element for tag, element in found.items()}


def _transport(method: etree._Element) -> padding.OAEP:
    uri = method.get("Algorithm", "")
    if uri not in TRANSPORTS:
        raise Refusal(Reason.ALGORITHM_UNSUPPORTED, "the key transport is not RSA-OAEP")
    given = children(method, _MALFORMED, (), TRANSPORTS[uri])  # no OAEPparams: nobody sends a label
    chosen = []
    for tag, table in ((_DIGEST, _DIGESTS), (_MASK, _MASKS)):
        algorithm = given[tag].get("Algorithm", "") if tag in given else next(iter(table))
        if algorithm not in table:
            raise Refusal(Reason.ALGORITHM_UNSUPPORTED, "a hash of RSA-OAEP is neither SHA-1 nor SHA-256")
        chosen.append(table[algorithm])
    return _oaep(*chosen)


def _key_size(method: etree._Element) -> int:
    uri = method.get("Algorithm", "")
    if uri not in CIPHERS:
        raise Refusal(Reason.ALGORITHM_UNSUPPORTED, "the content is not encrypted with AES-GCM of 128 or 256 bits")
    children(method, _MALFORMED, ())
    return CIPHERS[uri]


def _check_list(listed: etree._Element, data: etree._Element) -> None:
    """The header says what is encrypted (R3006): this, and nothing else."""
    reference = _parts(listed, ["DataReference"], ())["DataReference"]
    if not data.get("Id") or reference.get("URI") != f"#{data.get('Id')}" or len(reference):
        raise Refusal(_MALFORMED, "the header does not refer to the Body's EncryptedData")


def _private_key(
    info: etree._Element, own: Sequence[KeyPair], dialect: Dialect, tokens: Mapping[str, etree._Element]
) -> rsa.RSAPrivateKey:
    """Ours that the message names."""
    name = key_names.read(_pointer(info, dialect), dialect, dict(tokens))
    for pair in own:
        if isinstance(name, str) or not name.means(loaded(pair.certificate)):
            continue
        # The key is our own; the check of its numbers takes 40 ms.
        key = serialization.load_pem_private_key(pair.private_key, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            return key
    raise Refusal(Reason.KEY_UNKNOWN, "encrypted to no key of ours")


def _pointer(info: etree._Element, dialect: Dialect) -> etree._Element:
    """The one SecurityTokenReference of a KeyInfo (R5424, R5426)."""
    tag = dialect.tag("wsse", "SecurityTokenReference")
    return children(info, _MALFORMED, [tag])[tag]


def _octets(cipher_data: etree._Element, longest: int | None = None) -> bytes:
    """Of a CipherValue: a CipherReference, which would be fetched, is no part of any message here."""
    written = text(_parts(cipher_data, ["CipherValue"], ())["CipherValue"], _MALFORMED)
    try:
        if longest is not None and len(written) > longest:
            raise ValueError
        return base64.b64decode(b"".join(written.encode("ascii").split()), validate=True)
    except ValueError:
        raise Refusal(_MALFORMED, "a CipherValue is not Base64, or too long") from None


def _cipher_data(octets: bytes) -> str:
    return f"<x:CipherData><x:CipherValue>{base64.b64encode(octets).decode()}</x:CipherValue></x:CipherData>"


def _oaep(digest: hashes.HashAlgorithm, mask: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(mask), digest, None)
