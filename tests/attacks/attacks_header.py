"""Attacks on the SOAP frame, the security header, its times and the password digest, and every kind of repetition."""

import base64
import hashlib
from collections.abc import Callable

from attack_case import Attack, Case, Loot, Reason, Soap
from attack_tools import (
    Parts,
    commented,
    doubled,
    edit,
    named,
    octets,
    removed,
    shifted,
    spoil,
    texted,
    then,
    tree,
)
from attacks_xml import DIGEST, SERVER, header_block
from lxml import etree

DRAFT = "digest-2002"
_SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
_WSA = "http://www.w3.org/2005/08/addressing"
_STAMP, _CREATED, _TOKEN = "Header/Security/Timestamp", "Header/Security/Timestamp/Created", "//UsernameToken"
_USERNAME, _PASSWORD, _NONCE, _MADE = (f"//UsernameToken/{name}" for name in ("Username", "Password", "Nonce", "Created"))


def _expires_first(parts: Parts, loot: Loot) -> None:
    expires = named("Expires", parts.stamp, parts.stamp)
    expires.text = parts.stamp[0].text
    parts.stamp.insert(0, expires)


def _expires(**span: float) -> Attack:
    def change(parts: Parts, loot: Loot) -> None:
        named("Expires", parts.stamp, parts.stamp).text = "x"

    return then(tree(change), shifted(f"{_STAMP}/Expires", **span))


def _clear_text(parts: Parts, loot: Loot) -> None:
    password = parts.find(_PASSWORD)
    password.set("Type", password.get("Type").replace("PasswordDigest", "PasswordText"))
    password.text = loot.credentials.password


def _nested(parts: Parts, _: Loot) -> None:
    wrapper = named("Wrapper", parts.header, parts.body[0])
    wrapper.append(parts.security)


def _for_actor(actor: str) -> Attack:
    def change(parts: Parts, _: Loot) -> None:
        parts.security.set("{http://schemas.xmlsoap.org/soap/envelope/}actor", actor)

    return tree(change)


def _twice_for(actor: str) -> Attack:
    return then(
        doubled("Header/Security"),
        tree(lambda parts, _: parts.security.set("{http://schemas.xmlsoap.org/soap/envelope/}actor", actor)),
    )


CASES = (
    # --- SOAP ---
    Case("SOAP-01", "A SOAP 1.2 envelope, which another engine may serve with other rules", "SOAP 1.1, 4.4.1; R1015", DIGEST,
         edit(("http://schemas.xmlsoap.org/soap/envelope/", _SOAP12)), Soap.VERSION_MISMATCH, alone=Reason.NO_SECURITY),
    Case("SOAP-02", "A mandatory header nobody understands changes what the message means", "SOAP 1.1, 4.2.3; R1027", DIGEST,
         header_block('<m:Undo s:mustUnderstand="1"/>'), Soap.MUST_UNDERSTAND, SERVER),
    Case("SOAP-03", "WS-Addressing names another action than the Body, mandatory", "Jensen et al. 2011 (action spoofing)",
         DIGEST, header_block(f'<a:Action xmlns:a="{_WSA}" s:mustUnderstand="1">urn:meterpost:1:SyncProxy</a:Action>'),
         Soap.MUST_UNDERSTAND, SERVER),
    Case("SOAP-04", "Two Bodies: one is checked, the other executed", "McIntosh & Austel 2005; R1011", DIGEST,
         then(doubled("Body"), octets(lambda m: m.replace(b"HONEST", b"EVIL", 1))), Soap.CLIENT, SERVER),
    Case("SOAP-05", "Two operations in one Body", "SOAP 1.1, 4.3; WS-I BP 1.1 R2201", DIGEST,
         then(doubled("Body/*"), octets(lambda m: m.replace(b"HONEST", b"EVIL", 1))), Soap.CLIENT),
    Case("SOAP-06", "An element behind the Body", "R1011", DIGEST, edit(("</s:Body>", "</s:Body><m:x/>")), Soap.CLIENT,
         SERVER),
    Case("SOAP-07", "No Body", "SOAP 1.1, 4.1.1", DIGEST, removed("Body"), Soap.CLIENT),
    Case("SOAP-08", "An empty Body", "SOAP 1.1, 4.1.1", DIGEST, removed("Body/*"), Soap.CLIENT),
    Case("SOAP-09", "Two Headers: one is checked, the other obeyed", "SOAP 1.1, 4.1.1", DIGEST, doubled("Header"), Soap.CLIENT,
         SERVER, alone=Reason.MANY_SECURITY),
    Case("SOAP-10", "The Body's prefix is bound to another namespace (namespace injection)",
         "Jensen et al. 2009; Namespaces in XML", DIGEST, edit(("<s:Body>", '<s:Body xmlns:m="urn:evil">')), Soap.CLIENT),
    Case("SOAP-11", "SOAP encoding with a cycle of references", "R1005, R1006; SOAP 1.1, 5", DIGEST,
         edit(("<s:Body>", '<s:Body s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">')), Soap.CLIENT, SERVER),
    # --- the Security header ---
    Case("HDR-01", "No Security header: everything is left away", "WSS 1.0, 5; Jensen et al. 2011 (stripping)", DIGEST,
         removed("Header/Security"), Reason.NO_SECURITY),
    Case("HDR-02", "No Header at all", "WSS 1.0, 5", DIGEST, removed("Header"), Reason.NO_SECURITY),
    Case("HDR-03", "The Security header is for another actor", "WSS 1.0, 5; SOAP 1.1, 4.2.2", DIGEST, _for_actor("urn:else"),
         Reason.NO_SECURITY),
    Case("HDR-04", "Two Security headers for the same receiver", "WSS 1.0, 5; BSP R3206", DIGEST, doubled("Header/Security"),
         Reason.MANY_SECURITY),
    Case("HDR-05", "Two Security headers, one without actor and one for whoever is next", "WSS 1.0, 5; SOAP 1.1, 4.2.2",
         DIGEST, _twice_for("http://schemas.xmlsoap.org/soap/actor/next"), Reason.MANY_SECURITY),
    Case("HDR-06", "A second Security header in an older draft's namespace", "WSS 1.0, 5", DIGEST,
         header_block('<o:Security xmlns:o="http://schemas.xmlsoap.org/ws/2002/12/secext"/>'), Reason.MANY_SECURITY),
    Case("HDR-07", "The Security header wrapped in another header block", "McIntosh & Austel 2005", DIGEST, tree(_nested),
         Reason.NO_SECURITY),
    Case("HDR-08", "The Security header in the Body", "WSS 1.0, 5", DIGEST,
         edit(("<s:Header>", "<s:Body>"), ("</s:Header><s:Body>", "")), Soap.CLIENT, alone=Reason.NO_SECURITY),
    Case("HDR-09", "A token of another kind beside the one that is checked", "WSS 1.0, 6", DIGEST,
         tree(lambda parts, _: etree.SubElement(parts.security, "{urn:oasis:names:tc:SAML:1.0:assertion}Assertion")),
         Reason.PART_UNSUPPORTED),
    Case("HDR-10", "A message of another policy than the one the receiver asks for", "RFC 7457, 2 (downgrade); ours", DIGEST,
         edit(), Reason.POLICY_REFUSED, sealed_with=DRAFT),
    Case("HDR-11", "Two Security headers for the same actor, who is somebody else", "WSS 1.0, 5; BSP R3206", DIGEST,
         header_block('<w:Security s:actor="urn:else"/>' * 2), Reason.MANY_SECURITY),
    # --- stripping of the digest's parts ---
    Case("STR-01", "The UsernameToken is left away", "Jensen et al. 2011 (stripping)", DIGEST, removed(_TOKEN),
         Reason.PART_MISSING),
    Case("STR-02", "The Timestamp is left away", "BSP R3227; stripping", DIGEST, removed(_STAMP), Reason.PART_MISSING),
    Case("STR-03", "The Timestamp is left away where it is a header block", "WS-Security draft 2002/07", DRAFT,
         removed("Header/Timestamp"), Reason.PART_MISSING),
    Case("STR-04", "The Nonce is left away, and with it the replay check", "UsernameToken Profile 1.0, 4", DIGEST,
         removed(_NONCE), Reason.DIGEST_MALFORMED),
    Case("STR-05", "The token's Created is left away, and with it its age", "UsernameToken Profile 1.0, 4", DIGEST,
         removed(_MADE), Reason.DIGEST_MALFORMED),
    Case("STR-06", "The Password is left away", "UsernameToken Profile 1.0, 3", DIGEST, removed(_PASSWORD),
         Reason.DIGEST_MALFORMED),
    # --- times ---
    Case("TS-01", "A message of yesterday", "WSS 1.0, 10", DIGEST, shifted(_CREATED, days=-1), Reason.TIMESTAMP_STALE),
    Case("TS-02", "A message of tomorrow, to be kept and used then", "WSS 1.0, 10", DIGEST, shifted(_CREATED, days=1),
         Reason.TIMESTAMP_EARLY),
    Case("TS-03", "Two Timestamps, one of them fresh", "BSP R3227", DIGEST, doubled(_STAMP), Reason.PART_REPEATED),
    Case("TS-04", "A second Timestamp where a draft had it", "BSP R3227", DIGEST,
         header_block('<o:Timestamp xmlns:o="http://schemas.xmlsoap.org/ws/2002/07/utility"/>'), Reason.PART_REPEATED),
    Case("TS-05", "Two Created", "BSP R3203", DIGEST, doubled(_CREATED), Reason.TIMESTAMP_MALFORMED),
    Case("TS-06", "No Created", "BSP R3203", DIGEST, removed(_CREATED), Reason.TIMESTAMP_MALFORMED),
    Case("TS-07", "Expires earlier than Created", "BSP R3221", DIGEST, _expires(minutes=-1), Reason.TIMESTAMP_MALFORMED),
    Case("TS-08", "Expires in front of Created", "BSP R3221", DIGEST, tree(_expires_first), Reason.TIMESTAMP_MALFORMED),
    Case("TS-09", "An Expires in a thousand years does not lengthen a message's life", "WSS 1.0, 10", DIGEST,
         then(_expires(days=365_000), shifted(_CREATED, hours=-1)), Reason.TIMESTAMP_STALE),
    Case("TS-10", "A message whose own Expires has passed", "WSS 1.0, 10", DIGEST,
         then(shifted(_CREATED, minutes=-4), _expires(minutes=-3)), Reason.TIMESTAMP_EXPIRED),
    Case("TS-11", "A time with an offset, to be read an hour wrong", "BSP R3217", DIGEST,
         edit(("Z</u:Created></u:Timestamp>", "+01:00</u:Created></u:Timestamp>")), Reason.TIMESTAMP_MALFORMED),
    Case("TS-12", "A leap second", "BSP R3213", DIGEST, texted(_CREATED, "2016-12-31T23:59:60Z"), Reason.TIMESTAMP_MALFORMED),
    Case("TS-13", "A time of a hundred thousand digits", "CWE-1333", DIGEST,
         texted(_CREATED, f"2026-01-01T00:00:00.{'9' * 100_000}Z"), Reason.TIMESTAMP_MALFORMED),
    Case("TS-14", "A fresh Timestamp before an old token", "UsernameToken Profile 1.0, 4", DIGEST, shifted(_MADE, hours=-1),
         Reason.DIGEST_STALE),
    # --- the token ---
    Case("UT-01", "Clear text where a digest is required", "UsernameToken Profile 1.0, 3.1; CWE-319", DIGEST,
         tree(_clear_text), Reason.DIGEST_REQUIRED),
    Case("UT-02", "Clear text by leaving the Type away, which a draft reads so", "UsernameToken Profile draft 2003; BSP R4201",
         DRAFT, edit((' Type="w:PasswordDigest"', "")), Reason.DIGEST_REQUIRED),
    Case("UT-03", "The digest's Type in a foreign namespace that has the usual prefix",
         "Namespaces in XML (QNames in content)", DRAFT, edit(('Type="w:', 'xmlns:wsse="urn:else" Type="wsse:')),
         Reason.DIGEST_REQUIRED),
    Case("UT-04", "Another user's name before the digest", "UsernameToken Profile 1.0, 3.1", DIGEST,
         texted(_USERNAME, "other"), Reason.DIGEST_WRONG, SERVER),
    Case("UT-05", "A name nobody has; the answer must not differ from that to a wrong digest", "CWE-203, CWE-204", DIGEST,
         texted(_USERNAME, "nobody"), Reason.USER_UNKNOWN),
    Case("UT-06", "The digest of an empty password for a name nobody has", "CWE-287", DIGEST,
         then(texted(_USERNAME, "nobody"), lambda m, loot: digested(m, "")), Reason.USER_UNKNOWN),
    Case("UT-07", "The digest of an empty password", "CWE-287", DIGEST, lambda m, loot: digested(m, ""), Reason.DIGEST_WRONG),
    Case("UT-08", "A digest made without nonce and time, as early stacks took it", "UsernameToken Profile 1.0, 3.1", DIGEST,
         lambda m, loot: digested(m, loot.credentials.password, b"", ""), Reason.DIGEST_WRONG),
    Case("UT-09", "An empty digest, which a prefix comparison takes", "CWE-697", DIGEST, texted(_PASSWORD, ""),
         Reason.DIGEST_WRONG),
    Case("UT-10", "The beginning of the right digest", "CWE-697", DIGEST,
         tree(lambda parts, _: setattr(parts.find(_PASSWORD), "text", parts.find(_PASSWORD).text[:8])), Reason.DIGEST_WRONG),
    Case("UT-11", "A nonce of one octet, so that few must be tried", "UsernameToken Profile 1.0, 3.1", DIGEST,
         texted(_NONCE, "AA=="), Reason.DIGEST_MALFORMED),
    Case("UT-12", "A nonce of a million octets, to fill the replay cache", "CWE-400", DIGEST, texted(_NONCE, "AAAA" * 350_000),
         Reason.DIGEST_MALFORMED),
    Case("UT-13", "An empty nonce", "UsernameToken Profile 1.0, 3.1", DIGEST, texted(_NONCE, ""), Reason.DIGEST_MALFORMED),
    Case("UT-14", "Another nonce before the same digest", "UsernameToken Profile 1.0, 3.1", DIGEST,
         texted(_NONCE, "AAECAwQFBgcICQoLDA0ODw=="), Reason.DIGEST_WRONG),
    Case("UT-15", "Two nonces, one digested and one remembered", "BSP R4225", DIGEST, doubled(_NONCE),
         Reason.DIGEST_MALFORMED),
    Case("UT-16", "Two Passwords", "BSP R4222", DIGEST, doubled(_PASSWORD), Reason.DIGEST_MALFORMED),
    Case("UT-17", "Two UsernameTokens, one that holds and one that is believed", "WSS 1.0, 6; McIntosh & Austel 2005", DIGEST,
         doubled(_TOKEN), Reason.PART_REPEATED),
    Case("UT-18", "A token of tomorrow behind a fresh Timestamp, to be used again then", "UsernameToken Profile 1.0, 4",
         DIGEST, shifted(_MADE, days=1), Reason.DIGEST_EARLY),
    # --- comments in digested text ---
    Case("CMT-01", "A comment behind the name of an account, before more of it, cuts it short for a careless reader",
         "CVE-2017-11427; CVE-2018-0489", DIGEST, edit(("</w:Username>", "<!---->.evil</w:Username>")), Reason.USER_UNKNOWN),
    Case("CMT-02", "A comment in a nonce that was used, to make it look new", "CVE-2017-11427", DIGEST, commented(_NONCE),
         Reason.REPLAYED, heard=True),
    Case("CMT-03", "A comment in the Created of a token that was used", "CVE-2017-11427", DIGEST, commented(_MADE),
         Reason.REPLAYED, heard=True),
    Case("CMT-04", "A comment hides the end of a Created", "CVE-2017-11427", DIGEST,
         edit(("Z</u:Created></u:Timestamp>", "Z<!---->+14:00</u:Created></u:Timestamp>")), Reason.TIMESTAMP_MALFORMED),
    # --- repetition ---
    Case("RPL-01", "The same message again", "UsernameToken Profile 1.0, 4; WSS 1.0, 13", DIGEST, edit(), Reason.REPLAYED,
         heard=True),
    Case("RPL-02", "The same token before another body", "UsernameToken Profile 1.0, 4", DIGEST, octets(spoil),
         Reason.REPLAYED, heard=True),
    Case("RPL-03", "The same token with a newer Timestamp", "UsernameToken Profile 1.0, 4", DIGEST,
         shifted(_CREATED, seconds=5), Reason.REPLAYED, heard=True),
    Case("RPL-04", "The same message after the receiver was started anew", "UsernameToken Profile 1.0, 4", DIGEST, edit(),
         Reason.REPLAYED, heard=True, restarted=True),
    Case("RPL-05", "The receiver's own header sent back to it, before a body of the attacker's",
         "Gruschka & Lo Iacono 2009; reflection", DIGEST, lambda m, loot: header_of(loot.back) + body_of(spoil(m)),
         Reason.REPLAYED, heard=True),
    Case("RPL-06", "The same nonce in another spelling: lines", "UsernameToken Profile 1.0, 4; RFC 4648, 3.3", DIGEST,
         tree(lambda parts, _: respelled(parts, lambda nonce: f"\n{nonce}\n")), Reason.DIGEST_MALFORMED, heard=True),
    Case("RPL-07", "The same nonce in another spelling: its last, unused bits", "RFC 4648, 3.5", DIGEST,
         tree(lambda parts, _: respelled(parts, lambda nonce: nonce[:-3] + chr(ord(nonce[-3]) + 1) + "==")),
         Reason.DIGEST_MALFORMED, heard=True),
    Case("RPL-08", "The same token, its name in another spelling of the same letters", "Unicode TR 15; RFC 8265", DIGEST,
         texted(_USERNAME, "s\u0131te"), Reason.USER_UNKNOWN, heard=True),
)  # fmt: skip


def header_of(message: bytes) -> bytes:
    return message.partition(b"<s:Body>")[0]


def body_of(message: bytes) -> bytes:
    return b"<s:Body>" + message.partition(b"<s:Body>")[2]


def respelled(parts: Parts, spelling: Callable[[str], str]) -> None:
    nonce = parts.find(_NONCE)
    nonce.text = spelling(nonce.text or "")


def digested(message: bytes, password: str, nonce: bytes | None = None, created: str | None = None) -> bytes:
    """The message with the digest of another password, or of other octets."""
    root = etree.fromstring(message)
    parts = Parts(root)
    nonce = base64.b64decode(parts.find(_NONCE).text) if nonce is None else nonce
    created = parts.find(_MADE).text if created is None else created
    digest = hashlib.sha1(nonce + created.encode() + password.encode()).digest()
    parts.find(_PASSWORD).text = base64.b64encode(digest).decode()
    return etree.tostring(root)
