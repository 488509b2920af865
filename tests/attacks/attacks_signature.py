"""Attacks on what signs: stripping, somebody else's key, weak algorithms, transforms that compute, references that lead out.

Where an attack is a weak signature, it is a real one: made by the honest key, so that nothing is wrong with it but that.
"""

import base64
import copy
from dataclasses import replace
from itertools import product

from attack_case import HONEST, App, Attack, Case, Loot, Reason, Side, Soap
from attack_forge import (
    COMMENTS,
    DERIVED,
    DS,
    ECDSA,
    ECDSA_SHA1,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    MD5,
    NONE,
    ORDER,
    RSA,
    RSA_MD5,
    RSA_SHA1,
    SHA1,
    Forger,
    Method,
    der,
    derived,
    issuer_serial,
    key_info,
    keyed,
    public_key,
)
from attack_tools import SOAP, Parts, commented, edit, named, octets, removed, shifted, spoil, texted, then, tree
from attacks_wrapping import SIGNED, TOKEN, WHOLE
from attacks_xml import SERVER
from lxml import etree

from meterpost.wsse import POLICIES

CLIENT = (Side.CLIENT,)
HMAC = "hmac"
_SIGNATURE = "Header/Security/Signature"
_WRONG, _MALFORMED, _COVERAGE = Reason.SIGNATURE_WRONG, Reason.SIGNATURE_MALFORMED, Reason.SIGNATURE_COVERAGE
_ALGORITHM, _UNKNOWN, _POLICY = Reason.ALGORITHM_UNSUPPORTED, Reason.KEY_UNKNOWN, Reason.POLICY_REFUSED
_DSIG = "XML Signature 1.1"
_X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_WHOLE = Forger(ids=("E",), transforms=((ENVELOPED, ""), (EXCLUSIVE, "")))
_TOKEN = Forger(ids=("B", "T", "U"))
_HMAC = Forger(ids=("B", "T", "U"), method=DERIVED)
_XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
_XPATH, _FILTER = "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2002/06/xmldsig-filter2"
_STR = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
_STYLE = (
    '<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/">'
    "<x:copy-of select=\"document('TRAP')\"/></x:template></x:stylesheet>"
)


def transformed(*transforms: tuple[str, str]) -> Attack:
    """The honest key signs with these transforms."""

    def attack(message: bytes, loot: Loot) -> bytes:
        return Forger(transforms=tuple((uri, inner.replace("TRAP", loot.trap)) for uri, inner in transforms))(message, loot)

    return attack


def referring(uri: str | None) -> Attack:
    """The reference to the Body says something else."""
    return Forger(uris={"B": uri})


def with_token(key: str, ids: str = "X", change=lambda octets: octets) -> Attack:
    """The attacker's key signs; his certificate stands in the message as a BinarySecurityToken, and KeyInfo points to it."""

    def attack(message: bytes, loot: Loot) -> bytes:
        pointer = f'<w:SecurityTokenReference><w:Reference URI="#{ids}" ValueType="{_X509}"/></w:SecurityTokenReference>'
        method = RSA if "rsa" in key else ECDSA
        root = etree.fromstring(Forger(key=key, method=method, key_info=lambda _: pointer)(message, loot))
        security = Parts(root).security
        token = named("BinarySecurityToken", security, security, ValueType=_X509, EncodingType=_BASE64)
        token.set(f"{{{loot.policy.dialect.wsu}}}Id", "X")
        token.text = base64.b64encode(change(der(loot.keys[key]))).decode()
        security.insert(0, token)
        return etree.tostring(root)

    return attack


def informed(inner: str) -> Attack:
    """The attacker's key signs, and KeyInfo says so in this way. `DER` becomes his certificate."""

    def attack(message: bytes, loot: Loot) -> bytes:
        certificate = base64.b64encode(der(loot.keys["stranger"])).decode()
        said = inner.replace("DER", certificate).replace("TRAP", loot.trap)
        return Forger(key="stranger", key_info=lambda _: said)(message, loot)

    return attack


def unaltered(method: Method = ECDSA, key: str = "signer") -> Attack:
    return replace(Forger(), method=method, key=key, key_info=issuer_serial(key))


def knowing(password: str) -> Attack:
    """An HMAC by who takes this for the password."""
    return lambda m, loot: _HMAC(m, replace(loot, credentials=replace(loot.credentials, password=password)))


def valued(change) -> Attack:
    """The SignatureValue's octets changed."""

    def attack(parts: Parts, _: Loot) -> None:
        value = parts.find(f"{_SIGNATURE}/SignatureValue")
        value.text = base64.b64encode(change(base64.b64decode(value.text))).decode()

    return tree(attack)


def mirrored(value: bytes) -> bytes:
    """(r, n - s) for (r, s): as good a signature, made without the key."""
    return value[:32] + (ORDER - int.from_bytes(value[32:])).to_bytes(32)


def exponent_one(certificate: bytes) -> bytes:
    """The certificate with 1 for its public exponent: any padded digest is its own signature."""
    assert certificate.count(b"\x02\x03\x01\x00\x01") == 1
    return certificate.replace(b"\x02\x03\x01\x00\x01", b"\x02\x03\x00\x00\x01")


def reflected(message: bytes, loot: Loot) -> bytes:
    return loot.back


def in_another_actor(parts: Parts, _: Loot) -> None:
    """The signature, and all that is signed, is somebody else's business; nothing is left for us but a Timestamp."""
    ours = etree.SubElement(parts.header, parts.security.tag)
    ours.append(parts.stamp)
    parts.security.set(f"{{{SOAP}}}actor", "urn:else")


EXPRESSIONS = (
    "xpointer(//*[count(//*/ancestor::*/descendant::*)>0])",
    "x')|//*[count(//*/ancestor::*/descendant::*)>0]|id('x",
)
"""Where an Id is put into an XPath by whoever looks for it, the second one leads out of it. Each looks at every element once
more for every other."""
SIGNING = tuple(name for name, row in POLICIES.items() if row.covers)


def devices(count: int) -> Attack:
    """The Body's one device so often, each with a number of its own."""

    def change(parts: Parts, _: Loot) -> None:
        first = parts.body[0][0]
        for number in range(1, count):
            another = copy.deepcopy(first)
            another.set("serial", f"{HONEST}{number}")
            parts.body[0].append(another)

    return tree(change)


def expressed(expression: str) -> Attack:
    """The Id of the first thing that is signed, and the reference to it, are this expression."""

    def change(parts: Parts, _: Loot) -> None:
        reference = parts.find("//Reference")
        (signed,) = parts.root.xpath("//*[@*[local-name()='Id']=$id]", id=reference.get("URI")[1:])
        for name in [name for name in signed.attrib if etree.QName(name).localname == "Id"]:
            signed.set(name, expression)
        reference.set("URI", f"#{expression}")

    return tree(change)


CASES = (
    # --- stripping ---
    Case("STR-11", "The signature is left away where nothing else is asked for",
         "Jensen et al. 2011 (stripping); Gruschka & Lo Iacono 2009", SIGNED, then(removed(_SIGNATURE), octets(spoil)),
         Reason.PART_MISSING),
    Case("STR-12", "The signature is left away beside a digest that holds", "RFC 7457, 2 (downgrade); stripping", TOKEN,
         then(removed(_SIGNATURE), octets(spoil)), _POLICY),
    Case("STR-13", "The digest is left away beside a signature that holds", "stripping; ours (two factors)", TOKEN,
         lambda m, loot: Forger()(removed("Header/Security/UsernameToken")(m, loot), loot), _POLICY),
    Case("STR-14", "The signature of the whole envelope is left away", "Jensen et al. 2011 (stripping)", WHOLE,
         then(removed(_SIGNATURE), octets(spoil)), Reason.PART_MISSING),
    Case("STR-15", "The HMAC is left away, its token stays", "Jensen et al. 2011 (stripping)", HMAC,
         then(removed(_SIGNATURE), octets(spoil)), _POLICY),
    Case("STR-16", "The Body is left out of what the honest key signs", "BSP R5441; Gruschka & Lo Iacono 2009", SIGNED,
         Forger(ids=("T",)), _COVERAGE),
    Case("STR-17", "The Timestamp is left out of what the honest key signs", "WSS 1.0, 10; McIntosh & Austel 2005, 4.4",
         SIGNED, Forger(ids=("B",)), _COVERAGE),
    Case("STR-18", "The UsernameToken is left out of what the honest key signs", "McIntosh & Austel 2005, 4.4", TOKEN,
         Forger(), _COVERAGE),
    Case("STR-19", "A signature over nothing", _DSIG, SIGNED, Forger(ids=()), _COVERAGE),
    Case("STR-20", "Body and Timestamp are signed where the whole envelope must be", "ours", WHOLE,
         then(tree(lambda parts, loot: parts.stamp.set(f"{{{loot.policy.dialect.wsu}}}Id", "T")), Forger(ids=("T",))),
         _POLICY),
    Case("STR-21", "The signed Timestamp is left away", "stripping", SIGNED, removed("Header/Security/Timestamp"),
         Reason.PART_MISSING),
    Case("STR-22", "The signature stands in the Security header of another actor", "SOAP 1.1, 4.2.2; stripping", SIGNED,
         then(tree(in_another_actor), octets(spoil)), Reason.PART_MISSING),
    Case("STR-23", "The encryption is left away, the signature holds", "stripping; ours", "signed+encrypted", edit(), _POLICY,
         sealed_with=SIGNED),
    Case("STR-24", "A digest where a signature is required", "RFC 7457, 2 (downgrade)", SIGNED, edit(), _POLICY,
         sealed_with="digest-2004"),
    Case("STR-25", "A password in clear text where a signature is required", "RFC 7457, 2 (downgrade)", SIGNED, edit(),
         Reason.DIGEST_REQUIRED, sealed_with="text-2004"),
    Case("STR-26", "A password in clear text where a digest is required", "UsernameToken Profile 1.0, 3.1", "digest-2004",
         edit(), Reason.DIGEST_REQUIRED, sealed_with="text-2004"),
    Case("STR-27", "An HMAC, which whoever knows the password can make, where a key's signature is required",
         "downgrade; ours", SIGNED, edit(), _POLICY, sealed_with=HMAC),
    Case("STR-28", "A Timestamp alone, as some replies have it", "stripping", "text-2004", edit(), Reason.PART_MISSING, SERVER,
         sealed_with="timestamp-2004"),
    # --- somebody else's key ---
    Case("KEY-01", "The attacker's key signs; his own certificate stands in the message",
         "Gruschka & Lo Iacono 2009; WSS X.509, 3.1", SIGNED, with_token("stranger"), _UNKNOWN),
    Case("KEY-02", "The attacker's key signs; KeyInfo holds his certificate beside the honest name", "WSS X.509, 3.2", SIGNED,
         informed("<w:SecurityTokenReference><d:X509Data><d:X509IssuerSerial><d:X509IssuerName>CN=signer</d:X509IssuerName>"
             "<d:X509SerialNumber>1</d:X509SerialNumber></d:X509IssuerSerial><d:X509Certificate>DER</d:X509Certificate>"
             "</d:X509Data></w:SecurityTokenReference>"), _UNKNOWN),
    Case("KEY-03", "The attacker's key signs under the honest sender's name", "BSP R5402", SIGNED, Forger(key="stranger"),
         _WRONG),
    Case("KEY-04", "The attacker's certificate straight in KeyInfo", "XML Signature, 4.5.4; BSP R5402", SIGNED,
         informed("<d:X509Data><d:X509Certificate>DER</d:X509Certificate></d:X509Data>"), _MALFORMED),
    Case("KEY-05", "The attacker's public key as KeyValue", "XML Signature, 4.5.2; BSP R5402", SIGNED,
         informed('<d:KeyValue><e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#"/></d:KeyValue>'), _MALFORMED),
    Case("KEY-06", "The key by a name", "BSP R3027", SIGNED,
         informed("<w:SecurityTokenReference><d:KeyName>signer</d:KeyName></w:SecurityTokenReference>"), _MALFORMED),
    Case("KEY-07", "RetrievalMethod tells where to fetch the key", "XML Signature, 4.5.3; CWE-918", SIGNED,
         informed('<d:RetrievalMethod URI="TRAP"/>'), _MALFORMED),
    Case("KEY-08", "A Reference of the token tells where to fetch the certificate", "BSP R3062; CWE-918", SIGNED,
         informed('<w:SecurityTokenReference><w:Reference URI="TRAP"/></w:SecurityTokenReference>'), _MALFORMED),
    Case("KEY-09", "KeyInfo names two keys, one that is known and one that signed", "BSP R3061", SIGNED,
         informed("<w:SecurityTokenReference><w:KeyIdentifier/><w:KeyIdentifier/></w:SecurityTokenReference>"), _MALFORMED),
    Case("KEY-10", "Two KeyInfo", "BSP R5402", SIGNED, Forger(extra="<d:KeyInfo/>"), _MALFORMED),
    Case("KEY-11", "No KeyInfo, the attacker's key", "XML Signature, 4.5", SIGNED,
         Forger(key="stranger", key_info=lambda _: ""), _MALFORMED),
    Case("KEY-12", "The key of another client signs for this one", "Gruschka & Lo Iacono 2009; ours", SIGNED,
         unaltered(key="other"), _UNKNOWN),
    Case("KEY-13", "The key of another client signs beside this one's password", "ours (two factors)", TOKEN,
         replace(_TOKEN, key="other", key_info=issuer_serial("other")), _UNKNOWN),
    Case("KEY-14", "The key of another client signs the whole envelope", "ours", WHOLE, replace(_WHOLE, key="other"), _WRONG),
    Case("KEY-15", "The key of another client signs what he saw encrypted", "Anderson & Needham 1995 (sign before encrypting)",
         "signed+encrypted", replace(unaltered(key="other"), spoiled=False), App.OTHER_ACCOUNT, SERVER),
    Case("KEY-16", "HMAC keyed with the public key, which everybody has",
         "CVE-2015-9235 (algorithm confusion); XML Signature, 6.3.1", SIGNED, unaltered(keyed(public_key)), _ALGORITHM),
    Case("KEY-17", "HMAC keyed with the certificate", "CVE-2015-9235", SIGNED, unaltered(keyed(lambda pair: pair.certificate)),
         _ALGORITHM),
    Case("KEY-18", "HMAC keyed with the certificate's octets, over the whole envelope", "CVE-2015-9235", WHOLE,
         replace(_WHOLE, method=keyed(der)), _ALGORITHM),
    Case("KEY-19", "HMAC keyed with nothing", "CVE-2020-12244; CWE-347", SIGNED, unaltered(keyed(lambda _: b"")), _ALGORITHM),
    Case("KEY-20", "HMAC keyed with the password of another account, under this one's name", "UsernameToken Profile 1.1, 4",
         HMAC, knowing("battery staple"), Reason.PASSWORD_WRONG),
    Case("KEY-21", "HMAC keyed with an empty password, under a name nobody has", "CWE-287", HMAC,
         then(texted("//Username", "nobody"), knowing("")), Reason.USER_UNKNOWN),
    Case("KEY-22", "A certificate whose RSA exponent is 1: each digest is its own signature",
         "CVE-2006-4339 (small exponents)", SIGNED, with_token("stranger-rsa", change=exponent_one), _UNKNOWN),
    Case("KEY-23", "The attacker's key where an HMAC is asked for", "algorithm confusion", HMAC,
         replace(_TOKEN, key="stranger", key_info=issuer_serial("stranger")), _MALFORMED),
    Case("KEY-24", "A token of somebody else names the key of the HMAC", "UsernameToken Profile 1.1, 4; BSP R5205", HMAC,
         edit(('URI="#U" ValueType', 'URI="#T" ValueType')), _MALFORMED),
    Case("KEY-25", "The pointer to the certificate leads to the signed Body", "BSP R3066", SIGNED,
         with_token("stranger", ids="B"), _UNKNOWN),
    Case("KEY-26", "No KeyInfo, so that every key there is must be tried", "CWE-400; BSP R5402", SIGNED,
         then(removed(f"{_SIGNATURE}/KeyInfo"), octets(spoil)), _MALFORMED),
    Case("KEY-27", "No KeyInfo beside a digest that holds", "CWE-400; BSP R5402", TOKEN, removed(f"{_SIGNATURE}/KeyInfo"),
         _MALFORMED),
    Case("KEY-28", "No KeyInfo before what is encrypted", "CWE-400; BSP R5402", "signed+encrypted",
         removed(f"{_SIGNATURE}/KeyInfo"), _MALFORMED),
    Case("KEY-29", "No KeyInfo in a draft's namespaces", "CWE-400; BSP R5402", "signed-2002",
         removed(f"{_SIGNATURE}/KeyInfo"), _MALFORMED),
    # --- certificates that do not count ---
    Case("CRT-01", "A certificate whose time is over", "RFC 5280, 4.1.2.5", SIGNED, unaltered(key="expired"),
         Reason.KEY_EXPIRED),
    Case("CRT-02", "A certificate whose time has not come", "RFC 5280, 4.1.2.5", SIGNED, unaltered(key="future"),
         Reason.KEY_EXPIRED),
    Case("CRT-03", "A certificate that was revoked", "RFC 5280, 5", SIGNED, unaltered(key="revoked"), Reason.KEY_REVOKED,
         sockets=False),
    Case("CRT-04", "A revoked certificate, not named in the message", "RFC 5280, 5", WHOLE, replace(_WHOLE, key="revoked"),
         Reason.KEY_REVOKED, sockets=False),
    # --- weak algorithms ---
    Case("ALG-01", "ECDSA with SHA-1 by the honest key", "Stevens et al. 2017; BSP R5420", SIGNED, unaltered(ECDSA_SHA1),
         _ALGORITHM),
    Case("ALG-02", "RSA with SHA-1 by the honest key", "Stevens et al. 2017", SIGNED, unaltered(RSA_SHA1, "rsa"), _ALGORITHM),
    Case("ALG-03", "RSA with MD5 by the honest key", "Wang et al. 2004; RFC 6151", SIGNED, unaltered(RSA_MD5, "rsa"),
         _ALGORITHM),
    Case("ALG-04", "SHA-1 for what is signed, SHA-256 for the signature", "Stevens et al. 2017", SIGNED, Forger(digest=SHA1),
         _ALGORITHM),
    Case("ALG-05", "MD5 for what is signed", "RFC 6151", SIGNED, Forger(digest=MD5), _ALGORITHM),
    Case("ALG-06", "An RSA key of 1024 bits that is trusted by mistake", "NIST SP 800-131A", SIGNED,
         unaltered(RSA, "rsa-1024"), _ALGORITHM, sockets=False),
    Case("ALG-07", "An RSA key with exponent 3 that is trusted by mistake", "CVE-2006-4339 (Bleichenbacher 2006)", SIGNED,
         unaltered(RSA, "rsa-e3"), _ALGORITHM, sockets=False),
    Case("ALG-08", "A curve outside the table", "ours", SIGNED, unaltered(ECDSA, "p-384"), _ALGORITHM, sockets=False),
    Case("ALG-09", "No algorithm: an empty signature", "CVE-2015-9235 (\"none\")", SIGNED, unaltered(NONE), _ALGORITHM),
    Case("ALG-10", "An HMAC of the right key, cut to one octet", "CVE-2009-0217; BSP R5401", HMAC,
         replace(_HMAC, method=derived(1)), _MALFORMED),
    Case("ALG-11", "An HMAC of the right key, cut to no octet at all", "CVE-2009-0217; BSP R5401", HMAC,
         then(replace(_HMAC, method=derived(1)), valued(lambda _: b""), edit((">8</d:HMACO", ">0</d:HMACO"))), _MALFORMED),
    Case("ALG-12", "The beginning of the right HMAC, without saying so", "CVE-2009-0217", HMAC,
         valued(lambda value: value[:4]), Reason.PASSWORD_WRONG),
    Case("ALG-13", "HMAC with SHA-1", "ours", HMAC, replace(_HMAC, method=derived(uri=f"{DS}hmac-sha1", digest=SHA1)),
         _ALGORITHM),
    Case("ALG-14", "HMACOutputLength beside a public key's algorithm", "CVE-2009-0217; BSP R5401", SIGNED,
         Forger(method=replace(ECDSA, inner="<d:HMACOutputLength>8</d:HMACOutputLength>")), _MALFORMED),
    Case("ALG-15", "Inclusive canonicalisation of what is signed: the surroundings get into the digest", "BSP R5404", SIGNED,
         Forger(transforms=((INCLUSIVE, ""),)), _ALGORITHM),
    Case("ALG-16", "Inclusive canonicalisation of SignedInfo", "BSP R5404", SIGNED, Forger(canonical=INCLUSIVE), _ALGORITHM),
    Case("ALG-17", "Canonicalisation with comments of what is signed", "CVE-2017-11427; BSP R5404", SIGNED,
         Forger(transforms=((COMMENTS, ""),)), _ALGORITHM),
    Case("ALG-18", "Canonicalisation with comments of SignedInfo", "CVE-2017-11427; BSP R5404", SIGNED,
         Forger(canonical=COMMENTS), _ALGORITHM),
    Case("ALG-19", "A key derived with ten rounds, which are guessed in no time", "BSP R4218; UsernameToken Profile 1.1, 4",
         HMAC, then(texted("//Iteration", "10"), _HMAC), Reason.DIGEST_MALFORMED),
    Case("ALG-20", "A key derived with a thousand million rounds, which the receiver is to work off", "CWE-400", HMAC,
         texted("//Iteration", "1000000000"), Reason.DIGEST_MALFORMED),
    Case("ALG-21", "A Salt meant for encryption", "UsernameToken Profile 1.1, 4", HMAC,
         then(texted("//Salt", base64.b64encode(b"\2" * 16).decode()), _HMAC), Reason.DIGEST_MALFORMED),
    Case("ALG-22", "A Salt of one octet", "UsernameToken Profile 1.1, 4", HMAC, then(texted("//Salt", "AQ=="), _HMAC),
         Reason.DIGEST_MALFORMED),
    Case("ALG-23", "ECDSA with r and s of nothing", "CVE-2022-21449", SIGNED, valued(lambda _: bytes(64)), _WRONG),
    Case("ALG-24", "ECDSA with r and s the order of the curve", "CVE-2022-21449", SIGNED,
         valued(lambda _: ORDER.to_bytes(32) * 2), _WRONG),
    Case("ALG-25", "ECDSA in DER, as another library writes it", "XML Signature 1.1, 6.4.3", SIGNED,
         valued(lambda value: b"\x30\x44\x02\x20" + value[:32] + b"\x02\x20" + value[32:]), _WRONG),
    Case("ALG-26", "A signature value of a million octets", "CWE-400", SIGNED, valued(lambda _: bytes(1_000_000)), _WRONG),
    Case("ALG-27", "The Body changed, the signature kept", "XML Signature, 3.2", SIGNED, octets(spoil), _WRONG),
    Case("ALG-28", "The envelope changed outside the Body", "XML Signature, 3.2", WHOLE,
         shifted("Header/Timestamp/Created", seconds=1), _WRONG),
    Case("ALG-29", "The Body changed, the HMAC kept", "XML Signature, 3.2", HMAC, octets(spoil), Reason.PASSWORD_WRONG),
    Case("ALG-30", "The Timestamp changed, the signature kept", "XML Signature, 3.2", SIGNED,
         shifted("Header/Security/Timestamp/Created", seconds=1), _WRONG),
    # --- transforms ---
    Case("TRF-01", "A style sheet as transform: a program from a message", "XML Signature, 6.6.5; CWE-94", SIGNED,
         transformed((_XSLT, _STYLE)), _ALGORITHM),
    Case("TRF-02", "XPath as transform: signs what it selects", "McIntosh & Austel 2005, 5; Jensen et al. 2009", SIGNED,
         transformed((_XPATH, "<d:XPath>not(ancestor-or-self::node())</d:XPath>")), _ALGORITHM),
    Case("TRF-03", "XPath Filter 2 as transform", "Jensen et al. 2009", SIGNED,
         transformed((_FILTER, f'<f:XPath xmlns:f="{_FILTER}" Filter="subtract">/</f:XPath>')), _ALGORITHM),
    Case("TRF-04", "Base64 as transform: markup is not digested", "XML Signature, 6.6.2", SIGNED,
         transformed((f"{DS}base64", "")), _ALGORITHM),
    Case("TRF-05", "STR-Transform: signs what a reference leads to", "WSS 1.0, 8.3; BSP R5412", SIGNED,
         transformed((_STR, f'<w:TransformationParameters xmlns:w="urn:w"><d:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
             "</w:TransformationParameters>")), _ALGORITHM),
    Case("TRF-06", "The enveloped transform on a Body: takes a part out of what is signed", "XML Signature, 6.6.4", SIGNED,
         transformed((ENVELOPED, ""), (EXCLUSIVE, "")), _MALFORMED),
    Case("TRF-07", "The right transform twice", "BSP R5411; CWE-400", SIGNED, transformed((EXCLUSIVE, ""), (EXCLUSIVE, "")),
         _MALFORMED),
    Case("TRF-08", "A thousand transforms", "CWE-400", SIGNED, transformed(*[(EXCLUSIVE, "")] * 1000), _MALFORMED),
    Case("TRF-09", "No transform: the canonicalisation of the library's choice", "BSP R5411", SIGNED, transformed(),
         _MALFORMED),
    Case("TRF-10", "A transform nobody has heard of", "XML Signature, 6.6", SIGNED, transformed(("urn:transform", "")),
         _ALGORITHM),
    Case("TRF-11", "The whole envelope without the enveloped transform", "XML Signature, 6.6.4", WHOLE,
         replace(_WHOLE, transforms=((EXCLUSIVE, ""),)), _MALFORMED),
    Case("TRF-12", "A thousand references", "CWE-400; CVE-2013-2154", SIGNED, Forger(ids=("B",) * 1000), _COVERAGE),
    Case("TRF-13", "Two references to the Body, none to the Timestamp", "BSP R5441", SIGNED, Forger(ids=("B", "B")),
         _COVERAGE),
    Case("TRF-14", "A Manifest: references that nobody has to follow", "XML Signature, 5.1; BSP R5403", SIGNED,
         Forger(extra="<d:Object><d:Manifest/></d:Object>"), _MALFORMED),
    Case("TRF-15", "A reference of the type of a Manifest", "XML Signature, 5.1; BSP R5403", SIGNED,
         edit(('<d:Reference URI="#B"', f'<d:Reference Type="{DS}Manifest" URI="#B"')), _MALFORMED),
    Case("TRF-16", "Two signatures, one that holds and one of the attacker's", "Somorovsky et al. 2012", SIGNED,
         tree(lambda parts, _: parts.security.append(etree.fromstring(f'<d:Signature xmlns:d="{DS}"/>'))),
         Reason.PART_REPEATED),
    Case("TRF-17", "A second DigestValue", "XML Signature, 4.4.3; CVE-2025-29774", SIGNED,
         edit(("</d:DigestValue>", "</d:DigestValue><d:DigestValue>AA==</d:DigestValue>")), _MALFORMED),
    Case("TRF-18", "A comment in DigestValue: two readers, two digests", "CVE-2025-29775", SIGNED,
         tree(lambda parts, _: parts.find("//DigestValue").addprevious(etree.fromstring(f'<d:DigestValue xmlns:d="{DS}"/>'))),
         _MALFORMED),
    Case("TRF-19", "A second SignedInfo", "CVE-2025-29774", SIGNED,
         tree(lambda parts, _: parts.signature.append(etree.fromstring(f'<d:SignedInfo xmlns:d="{DS}"/>'))), _MALFORMED),
    # --- references that lead out ---
    Case("URI-01", "A reference to a URL", "XML Signature, 4.4.3.1; BSP R3062; CWE-918", SIGNED, referring("TRAP"), _COVERAGE),
    Case("URI-02", "A reference to a file", "CWE-610; BSP R3062", SIGNED, referring("file:///etc/hostname"), _COVERAGE),
    Case("URI-03", "A reference to a path", "CWE-610; BSP R3062", SIGNED, referring("/etc/hostname"), _COVERAGE),
    Case("URI-04", "An empty reference: the whole document, whatever it is by then", "XML Signature, 4.4.3.3; ours", SIGNED,
         referring(""), _COVERAGE),
    Case("URI-05", "No reference: the application is to know", "XML Signature, 4.4.3.1", SIGNED, referring(None), _COVERAGE),
    Case("URI-06", "An XPointer by Id", "XML Signature, 4.4.3.2", SIGNED, referring("#xpointer(id('B'))"), _COVERAGE),
    Case("URI-07", "An XPointer to the root", "XML Signature, 4.4.3.2", SIGNED, referring("#xpointer(/)"), _COVERAGE),
    Case("URI-08", "A URL that ends as the fragment would", "XML Signature, 4.4.3.2; CWE-918", SIGNED, referring("TRAP#B"),
         _COVERAGE),
    Case("URI-09", "The fragment percent-encoded", "RFC 3986, 2.1", SIGNED, referring("#%42"), _COVERAGE),
    Case("URI-10", "An empty fragment", "RFC 3986, 3.5", SIGNED, referring("#"), _COVERAGE),
    Case("URI-11", "A fragment nobody has", "XML Signature, 4.4.3.2", SIGNED, referring("#nobody"), _COVERAGE),
    Case("URI-12", "A FTP URL", "CWE-918", SIGNED, referring("ftp://127.0.0.1/x"), _COVERAGE),
    Case("URI-13", "A part of an attachment", "SwA Profile 1.1, 5.3", SIGNED, referring("cid:body"), _COVERAGE),
    *(Case(f"URI-{number}", f"Id and reference are an expression over six hundred devices: `{expression}`",
           "XML Signature, 4.4.3.2; CWE-643; CWE-407", policy, then(devices(600), expressed(expression)), _COVERAGE)
      for number, (policy, expression) in enumerate(product((SIGNED, HMAC, WHOLE), EXPRESSIONS), 14)),
    # --- answers to others ---
    *(Case(f"RSP-{number}", "The server's own answer to another client, made for it and signed", "WSS 1.1, 8.5; CWE-346",
           policy, edit(), Reason.OTHER_ANSWER, CLIENT, stray=True) for number, policy in enumerate(SIGNING, 12)),
    # --- repetition ---
    Case("RPL-11", "A signed message again", "WSS 1.0, 13", SIGNED, edit(), Reason.REPLAYED, heard=True),
    Case("RPL-12", "The same signature in its other form, (r, n - s)", "SEC 1, 4.1.4; CVE-2013-4346", SIGNED, valued(mirrored),
         Reason.REPLAYED, heard=True),
    Case("RPL-13", "The same signature in its other form, over the whole envelope", "SEC 1, 4.1.4", WHOLE, valued(mirrored),
         Reason.REPLAYED, heard=True),
    Case("RPL-14", "The same signature, its key named in another way", "BSP R5402 (KeyInfo is not signed)", SIGNED,
         lambda m, loot: _renamed(m, loot), Reason.REPLAYED, heard=True),
    Case("RPL-15", "The same signature, its key not named at all", "BSP R5402 (KeyInfo is not signed)", SIGNED,
         removed(f"{_SIGNATURE}/KeyInfo"), _MALFORMED, heard=True),
    Case("RPL-16", "The same signature value in lines", "RFC 4648, 3.3", SIGNED,
         tree(lambda parts, _: setattr(parts.find("//SignatureValue"), "text", f"\n {parts.find('//SignatureValue').text} \n")),
         Reason.REPLAYED, heard=True),
    Case("RPL-17", "A signed message again after the receiver was started anew", "WSS 1.0, 13", SIGNED, edit(),
         Reason.REPLAYED, heard=True, restarted=True),
    Case("RPL-18", "An HMAC again", "UsernameToken Profile 1.1, 4", HMAC, edit(), Reason.REPLAYED, heard=True),
    Case("RPL-19", "A message with digest and signature again", "WSS 1.0, 13", TOKEN, edit(), Reason.REPLAYED, heard=True),
    Case("RPL-20", "An encrypted message again", "WSS 1.0, 13", "signed+encrypted", edit(), Reason.REPLAYED, SERVER,
         heard=True),
    Case("RPL-21", "What the receiver said sent back to it: a signature of its own key",
         "Gruschka & Lo Iacono 2009 (reflection)", SIGNED, reflected, Soap.CLIENT, alone=_UNKNOWN, heard=True),
    Case("RPL-22", "What the receiver said sent back to it, the key not named", "reflection", WHOLE, reflected, Soap.CLIENT,
         alone=_WRONG, heard=True),
    Case("RPL-23", "What the receiver said sent back to it: an HMAC of the password both know", "reflection; CWE-301", HMAC,
         reflected, Soap.CLIENT, alone=Reason.REPLAYED, heard=True),
    Case("RPL-24", "What the receiver said sent back to it: digest and signature", "reflection; CWE-301", TOKEN, reflected,
         Soap.CLIENT, alone=_UNKNOWN, heard=True),
    Case("RPL-25", "The same signature with a header block more", "McIntosh & Austel 2005", SIGNED,
         edit(("<s:Header>", "<s:Header><m:Note/>")), Reason.REPLAYED, heard=True),
    Case("RPL-26", "The same signature, named by another certificate of the same key",
         "BSP R5402 (KeyInfo is not signed); RFC 4158", SIGNED, lambda m, loot: _named_anew(m, loot), Reason.REPLAYED,
         heard=True),
    # --- comments ---
    Case("CMT-11", "A comment in a signed Created of a message that was heard", "CVE-2017-11427", SIGNED,
         commented("Header/Security/Timestamp/Created"), Reason.REPLAYED, heard=True),
    Case("CMT-12", "A comment in the signed name before more of it", "CVE-2017-11427", TOKEN,
         edit(("</w:Username>", "<!---->.evil</w:Username>")), Reason.USER_UNKNOWN),
    Case("CMT-13", "A comment in the signature's value of a message that was heard", "CVE-2017-11427", SIGNED,
         commented("//SignatureValue"), Reason.REPLAYED, heard=True),
)  # fmt: skip


def _renamed(message: bytes, loot: Loot) -> bytes:
    """KeyInfo is no part of what is signed: the honest key is named by the whole certificate now."""
    root = etree.fromstring(message)
    pointer = Parts(root).find(f"{_SIGNATURE}/KeyInfo/SecurityTokenReference")
    named("X509Certificate", pointer[0], Parts(root).signature).text = base64.b64encode(der(loot.keys["signer"])).decode()
    return etree.tostring(root)


def _named_anew(message: bytes, loot: Loot) -> bytes:
    root = etree.fromstring(message)
    info = Parts(root).find(f"{_SIGNATURE}/KeyInfo")
    info.getparent().replace(info, key_info(loot, issuer_serial("signer again")(loot)))
    return etree.tostring(root)
