"""Attacks on what is encrypted: oracles, weak ciphers, ciphertext that is something else when it is opened.

The signature is outside. So a stranger can change the wrapped key only; whatever else is changed here was signed anew by the
honest key, as an insider would.
"""

import base64
import os
from collections.abc import Callable

from attack_case import EVIL, Attack, Case, Loot, Reason, Soap
from attack_forge import DS, Forger
from attack_tools import Parts, doubled, edit, removed, texted, then, tree
from attacks_signature import CLIENT
from attacks_xml import SERVER
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

ENCRYPTED = "signed+encrypted"
XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
_JAGER, _MANGER = "Jager & Somorovsky 2011", "Manger 2001; RFC 3218, 2.3.2"
_KEY, _DATA = "Header/Security/EncryptedKey", "Body/EncryptedData"
_VALUE = "CipherData/CipherValue"
_FAILED, _MALFORMED, _ALGORITHM = Reason.DECRYPTION_FAILED, Reason.SIGNATURE_MALFORMED, Reason.ALGORITHM_UNSUPPORTED
_WRONG = Reason.SIGNATURE_WRONG
_CLIENT = "0a1b2c3d-0000-4000-8000-00000000000c"
_ASKED = f'<m:RegisterProxyDevices client="{_CLIENT}"><m:Device serial="{EVIL}" maker="x" model="x"/></m:RegisterProxyDevices>'
RESIGNED = Forger(spoiled=False)


def value(path: str, change: Callable[[bytes], bytes]) -> Attack:
    """The octets of a CipherValue changed."""

    def attack(parts: Parts, _: Loot) -> None:
        element = parts.find(f"{path}/{_VALUE}")
        element.text = base64.b64encode(change(base64.b64decode(element.text))).decode()

    return tree(attack)


def flipped(place: int) -> Callable[[bytes], bytes]:
    """One bit changed in the octet at `place`."""

    def change(octets: bytes) -> bytes:
        changed = bytearray(octets)
        changed[place] ^= 1
        return bytes(changed)

    return change


def wrapping(content_key: Callable[[], bytes], scheme: padding.AsymmetricPadding = _OAEP) -> Attack:
    """A key of the attacker's choice wrapped for the receiver."""

    def attack(message: bytes, loot: Loot) -> bytes:
        wrapped = _public(loot).encrypt(content_key(), scheme)
        return value(_KEY, lambda _: wrapped)(message, loot)

    return attack


def holding(content: str | bytes) -> Attack:
    """The insider encrypts this content, and signs."""

    def attack(message: bytes, loot: Loot) -> bytes:
        key, iv = AESGCM.generate_key(256), os.urandom(12)
        plain = content.encode() if isinstance(content, str) else content
        sealed = iv + AESGCM(key).encrypt(iv, plain.replace(b"TRAP", loot.trap.encode()), None)
        changed = then(value(_DATA, lambda _: sealed), wrapping(lambda: key))(message, loot)
        return RESIGNED(changed, loot)

    return attack


def beyond_modulus(message: bytes, loot: Loot) -> bytes:
    number = _public(loot).public_numbers().n + 1
    return value(_KEY, lambda octets: number.to_bytes(len(octets)))(message, loot)


def _public(loot: Loot) -> rsa.RSAPublicKey:
    key = x509.load_pem_x509_certificate(loot.recipient).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def algorithm(path: str, uri: str) -> Attack:
    return tree(lambda parts, _: parts.find(f"{path}/EncryptionMethod").set("Algorithm", uri))


def marked(path: str, **attributes: str) -> Attack:
    return tree(lambda parts, _: parts.find(path).attrib.update(attributes))


def fetched(path: str) -> Attack:
    """The octets are to be fetched."""

    def change(parts: Parts, loot: Loot) -> None:
        data = parts.find(f"{path}/CipherData")
        data[:] = []
        etree.SubElement(data, f"{{{XENC}}}CipherReference", URI=loot.trap)

    return tree(change)


def clear(parts: Parts, _: Loot) -> None:
    """The content in the clear, where the header still speaks of a key."""
    parts.body[:] = [etree.fromstring(_ASKED.replace(" client=", f' xmlns:m="{parts.root.nsmap["m"]}" client=', 1))]


CASES = (
    Case("ENC-01", "A bit of the ciphertext changed", f"{_JAGER}, 4", ENCRYPTED, value(_DATA, flipped(20)), _WRONG),
    Case("ENC-02", "A bit of the ciphertext changed, and signed", f"{_JAGER}, 4", ENCRYPTED,
         then(value(_DATA, flipped(20)), RESIGNED), _FAILED),
    Case("ENC-03", "A bit of the tag changed, and signed", f"{_JAGER}, 7", ENCRYPTED,
         then(value(_DATA, flipped(-1)), RESIGNED), _FAILED),
    Case("ENC-04", "A bit of the IV changed, and signed: with CBC a bit of the text", f"{_JAGER}, 4", ENCRYPTED,
         then(value(_DATA, flipped(0)), RESIGNED), _FAILED),
    Case("ENC-05", "The ciphertext cut before its tag, and signed", f"{_JAGER}, 7; CVE-2023-48795", ENCRYPTED,
         then(value(_DATA, lambda octets: octets[:-16]), RESIGNED), _FAILED),
    Case("ENC-06", "Nothing but an IV, signed", f"{_JAGER}, 7", ENCRYPTED,
         then(value(_DATA, lambda octets: octets[:12]), RESIGNED), _FAILED),
    Case("ENC-07", "No ciphertext at all, signed", f"{_JAGER}, 7", ENCRYPTED, then(value(_DATA, lambda _: b""), RESIGNED),
         _FAILED),
    Case("ENC-08", "A bit of the wrapped key changed, which nobody signs", _MANGER, ENCRYPTED, value(_KEY, flipped(0)),
         _FAILED, SERVER),
    Case("ENC-09", "Another content key, well wrapped", _MANGER, ENCRYPTED, wrapping(lambda: bytes(32)), _FAILED, SERVER),
    Case("ENC-10", "A content key of another length, well wrapped", _MANGER, ENCRYPTED, wrapping(lambda: bytes(16)), _FAILED,
         SERVER),
    Case("ENC-11", "A content key of no octet, well wrapped", _MANGER, ENCRYPTED, wrapping(lambda: b""), _FAILED, SERVER),
    Case("ENC-12", "A key wrapped with RSA 1.5, said to be OAEP", "Bleichenbacher 1998; Jager et al. 2012", ENCRYPTED,
         wrapping(lambda: bytes(32), padding.PKCS1v15()), _FAILED, SERVER),
    Case("ENC-13", "Random octets for a wrapped key", _MANGER, ENCRYPTED,
         value(_KEY, lambda octets: b"\1" + os.urandom(len(octets) - 1)), _FAILED, SERVER),
    Case("ENC-14", "Zero for a wrapped key", _MANGER, ENCRYPTED, value(_KEY, lambda octets: bytes(len(octets))), _FAILED,
         SERVER),
    Case("ENC-15", "A number beyond the modulus for a wrapped key", _MANGER, ENCRYPTED, beyond_modulus, _FAILED, SERVER),
    Case("ENC-16", "One octet for a wrapped key", _MANGER, ENCRYPTED, value(_KEY, lambda _: b"\1"), _FAILED, SERVER),
    Case("ENC-17", "A wrapped key of a million octets", "CWE-400", ENCRYPTED, value(_KEY, lambda _: bytes(1_000_000)),
         _MALFORMED, SERVER),
    Case("ENC-18", "AES in CBC: decrypts what it is told to, block by block", f"{_JAGER}; CVE-2011-1096", ENCRYPTED,
         then(algorithm(_DATA, f"{XENC}aes256-cbc"), RESIGNED), _ALGORITHM),
    Case("ENC-19", "Triple DES", f"{_JAGER}; CVE-2016-2183", ENCRYPTED,
         then(algorithm(_DATA, f"{XENC}tripledes-cbc"), RESIGNED), _ALGORITHM),
    Case("ENC-20", "RSA 1.5 for the key", "Bleichenbacher 1998; CVE-2011-2487", ENCRYPTED, algorithm(_KEY, f"{XENC}rsa-1_5"),
         _ALGORITHM, SERVER),
    Case("ENC-21", "A symmetric key wrap, whose key everybody could know", "XML Encryption 1.1, 5.6", ENCRYPTED,
         algorithm(_KEY, f"{XENC}kw-aes256"), _ALGORITHM, SERVER),
    Case("ENC-22", "OAEP with MD5", "RFC 6151", ENCRYPTED,
         tree(lambda parts, _: etree.SubElement(parts.find(f"{_KEY}/EncryptionMethod"), f"{{{DS}}}DigestMethod",
             Algorithm="http://www.w3.org/2001/04/xmldsig-more#md5")), _ALGORITHM, SERVER),
    Case("ENC-23", "The ciphertext is to be fetched from a URL", "XML Encryption 1.1, 3.3.1; CWE-918", ENCRYPTED,
         then(fetched(_DATA), RESIGNED), _MALFORMED),
    Case("ENC-24", "The wrapped key is to be fetched from a URL", "XML Encryption 1.1, 3.3.1; CWE-918", ENCRYPTED,
         fetched(_KEY), _MALFORMED, SERVER),
    Case("ENC-25", "The key for decrypting is to be fetched from a URL", "XML Encryption 1.1, 3.5.2; CWE-918", ENCRYPTED,
         lambda m, loot: tree(lambda parts, _: retrieved(parts, loot))(m, loot), _MALFORMED, SERVER),
    Case("ENC-26", "An external entity in what is encrypted", "CWE-611", ENCRYPTED,
         holding('<!DOCTYPE m [<!ENTITY x SYSTEM "TRAP">]>' + _ASKED), _FAILED, SERVER),
    Case("ENC-27", "An entity that was never declared in what is encrypted", "XML 1.0, 4.1", ENCRYPTED, holding("&x;"),
         _FAILED, SERVER),
    Case("ENC-28", "What is encrypted closes the Body and opens another", "XML Encryption 1.1, 4.4", ENCRYPTED,
         holding(f"</c></s:Body><s:Body>{_ASKED}<c>"), _FAILED, SERVER),
    Case("ENC-29", "Elements nested a hundred deep in what is encrypted", "CWE-674", ENCRYPTED,
         holding("<m:d>" * 100 + "</m:d>" * 100), _FAILED, SERVER),
    Case("ENC-30", "Two operations in what is encrypted", "SOAP 1.1, 4.3; R2201", ENCRYPTED, holding(_ASKED * 2), Soap.CLIENT,
         SERVER),
    Case("ENC-31", "A text in what is encrypted", "SOAP 1.1, 4.3", ENCRYPTED, holding("x" + _ASKED), Soap.CLIENT, SERVER),
    Case("ENC-32", "An operation against the contract in what is encrypted", "WS-I BP 1.1, R2211", ENCRYPTED,
         holding(_ASKED.replace(' maker="x"', "")), Soap.CLIENT, SERVER),
    Case("ENC-33", "Nothing is encrypted", "SOAP 1.1, 4.3", ENCRYPTED, holding(""), Soap.CLIENT, SERVER),
    Case("ENC-34", "Octets that are no UTF-8 in what is encrypted", "RFC 3629, 3", ENCRYPTED, holding(b"\xff\xfe"), _FAILED,
         SERVER),
    Case("ENC-35", "What is encrypted is encrypted once more, ever deeper", "CWE-674; CVE-2013-2154", ENCRYPTED,
         holding(f'<x:EncryptedData xmlns:x="{XENC}"/>'), _FAILED, SERVER),
    Case("ENC-36", "A signed Id a second time in what is encrypted", "McIntosh & Austel 2005, 4", ENCRYPTED,
         holding(_ASKED.replace(" client=", ' xml:id="B" client=', 1)), Soap.CLIENT, SERVER),
    Case("ENC-37", "The content in the clear, where the header still speaks of a key", "stripping", ENCRYPTED,
         then(tree(clear), RESIGNED), _MALFORMED, SERVER),
    Case("ENC-38", "Two wrapped keys, one for us and one for the attacker", "XML Encryption 1.1, 3.5.1", ENCRYPTED,
         doubled(_KEY), Reason.PART_REPEATED, SERVER),
    Case("ENC-39", "No wrapped key", "BSP R5602", ENCRYPTED, removed(_KEY), Reason.PART_MISSING, SERVER),
    Case("ENC-40", "A wrapped key for somebody else", "WSS X.509, 3.3", ENCRYPTED, texted(f"{_KEY}//X509SerialNumber", "1"),
         Reason.KEY_UNKNOWN, SERVER),
    Case("ENC-41", "The key opens other data than the Body's", "BSP R3006", ENCRYPTED,
         marked(f"{_KEY}//DataReference", URI="#T"), _MALFORMED, SERVER),
    Case("ENC-42", "A whole element is encrypted, to take the Body's place", "XML Encryption 1.1, 4.4", ENCRYPTED,
         then(marked(_DATA, Type=f"{XENC}Element"), RESIGNED), _MALFORMED),
    Case("ENC-43", "What is decrypted is said to be something else", "BSP R5622", ENCRYPTED,
         then(marked(_DATA, MimeType="text/html"), RESIGNED), _MALFORMED),
    Case("ENC-44", "Two EncryptedData in the Body", "ours", ENCRYPTED, then(tree(lambda parts, _: again(parts)), RESIGNED),
         Soap.CLIENT, alone=_MALFORMED),
    Case("ENC-45", "A label for OAEP, to try other paddings", "RFC 8017, 7.1", ENCRYPTED,
         tree(lambda parts, _: etree.SubElement(parts.find(f"{_KEY}/EncryptionMethod"), f"{{{XENC}}}OAEPparams")), _MALFORMED,
         SERVER),
    Case("ENC-46", "A reply that is encrypted with a key the client never sent", "WSS 1.1, 7.3 (EncryptedKeySHA1)", ENCRYPTED,
         then(texted(f"{_DATA}//KeyIdentifier", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), RESIGNED), Reason.KEY_UNKNOWN, CLIENT),
    Case("ENC-47", "A reply in the clear where the request was encrypted", "stripping", ENCRYPTED, edit(),
         Reason.POLICY_REFUSED, CLIENT, sealed_with="signed"),
    Case("RPL-27", "An encrypted message again, its unsigned key another one: an oracle that can be asked without end",
         f"{_MANGER}; WSS 1.0, 13", ENCRYPTED, wrapping(lambda: bytes(32)), Reason.REPLAYED, SERVER, heard=True),
    Case("RPL-28", "An encrypted message again, no octets for its key", f"{_MANGER}; WSS 1.0, 13", ENCRYPTED,
         value(_KEY, lambda _: b""), Reason.REPLAYED, SERVER, heard=True),
)  # fmt: skip


def retrieved(parts: Parts, loot: Loot) -> None:
    info = parts.find(f"{_KEY}/KeyInfo")
    info[:] = []
    etree.SubElement(info, f"{{{DS}}}RetrievalMethod", URI=loot.trap)


def again(parts: Parts) -> None:
    data = parts.find(_DATA)
    etree.SubElement(parts.body, data.tag, Id="E2", Type=data.get("Type", ""))
