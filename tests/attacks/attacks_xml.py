"""Attacks on the reader: before anything is believed, it must be read, and reading must be cheap and fetch nothing."""

from attack_case import EVIL, HONEST, Attack, Case, Loot, Reason, Side, Soap, Xml
from attack_tools import edit, octets, texted, then

DIGEST = "digest-2004"
SERVER = (Side.SERVER,)
_BODY = "<s:Body"


def prolog(declarations: str, use: str = "", start: str = "") -> Attack:
    """A document type before the message, with `use` where the device's name was. `TRAP` becomes the URL that notices."""

    def attack(message: bytes, loot: Loot) -> bytes:
        doctype = f"{start}<!DOCTYPE s {declarations}>".replace("TRAP", loot.trap).encode()
        return doctype + (message.replace(HONEST.encode(), use.encode(), 1) if use else message)

    return attack


def header_block(text: str) -> Attack:
    """Something of the attacker's in front of the first header block, where nobody's schema looks."""
    return edit(("<s:Header>", f"<s:Header>{text}"))


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_DECLARATIONS = " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(50_000))
_ATTRIBUTES = " ".join(f'a{n}="1"' for n in range(100_000))
_SORTED = " ".join(f'a{n}="1"' for n in range(30_000, 0, -1))

CASES = (
    Case("XML-01", "An external entity asks for a file of the receiver's", "CWE-611; WS-I BP 1.1 R1008", DIGEST,
         prolog('[<!ENTITY x SYSTEM "file:///etc/hostname">]', "&x;"), Xml.DTD),
    Case("XML-02", "An external entity asks the receiver to fetch a URL", "CWE-611, CWE-918; R1008", DIGEST,
         prolog('[<!ENTITY x SYSTEM "TRAP">]', "&x;"), Xml.DTD),
    Case("XML-03", "A parameter entity brings declarations from outside", "CWE-611; R1008", DIGEST,
         prolog('[<!ENTITY % p SYSTEM "TRAP"> %p;]'), Xml.DTD),
    Case("XML-04", "The external subset is fetched before anything is looked at", "CWE-918; R1008", DIGEST,
         prolog('SYSTEM "TRAP"'), Xml.DTD),
    Case("XML-05", "Entities of entities unfold to a thousand million texts (billion laughs)", "CVE-2003-1564; CWE-776",
         DIGEST, prolog(f'[<!ENTITY l0 "lol">{_LAUGHS}]', "&l9;"), Xml.DTD),
    Case("XML-06", "One long entity is used a hundred thousand times (quadratic blow-up)", "CWE-776; R1008", DIGEST,
         prolog(f'[<!ENTITY q "{"q" * 50_000}">]', "&q;" * 100_000), Xml.DTD),
    Case("XML-07", "A document type that declares nothing", "R1008", DIGEST, prolog(""), Xml.DTD),
    Case("XML-08", "A document type in UTF-16, where a search for octets does not see it", "CWE-611; R1008, R1012", DIGEST,
         then(prolog("[<!ENTITY x 'y'>]"), octets(lambda m: m.decode().encode("utf-16"))), Xml.DTD),
    Case("XML-09", "A default attribute of a document type gives an element the Id that was signed",
         "McIntosh & Austel 2005, 4; R1008", DIGEST, prolog('[<!ATTLIST Body Id ID "B">]'), Xml.DTD),
    Case("XML-10", "XInclude asks for a URL", "CWE-918; XInclude 1.0", DIGEST,
         lambda m, loot: edit((f'serial="{HONEST}"', f'serial="{EVIL}" xmlns:xi="http://www.w3.org/2001/XInclude"'),
             ("</s:Body>", f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{loot.trap}"/></s:Body>'))(m, loot),
         Soap.CLIENT, SERVER),
    Case("XML-11", "An xsi:schemaLocation sends the validator to a URL", "CWE-918; XML Schema Part 1, 4.3.2", DIGEST,
         lambda m, loot: edit((f'serial="{HONEST}"', f'serial="{EVIL}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
             f'i:schemaLocation="urn:meterpost:1 {loot.trap}"'))(m, loot), Soap.CLIENT, SERVER),
    Case("XML-12", "A style sheet's processing instruction points outside", "R1009", DIGEST,
         lambda m, loot: f'<?xml-stylesheet href="{loot.trap}"?>'.encode() + m, Xml.PI),
    Case("XML-13", "A processing instruction splits a text that is digested", "R1009; CVE-2017-11427", DIGEST,
         edit(("</w:Username>", "<?x?></w:Username>")), Xml.PI),
    Case("XML-14", "Elements nested a hundred deep", "CWE-674", DIGEST, header_block("<m:d>" * 100 + "</m:d>" * 100),
         Xml.DEPTH),
    Case("XML-15", "Elements nested a hundred thousand deep, to overflow a stack", "CWE-674", DIGEST,
         header_block("<m:d>" * 100_000 + "</m:d>" * 100_000), Xml.DEPTH),
    Case("XML-16", "More elements than any message has", "CWE-400", DIGEST, header_block("<m:w/>" * 1_300_000), Xml.ELEMENTS),
    Case("XML-17", "A text of eleven million characters", "CWE-400", DIGEST, header_block(f"<m:t>{'t' * 11_000_000}</m:t>"),
         Xml.MALFORMED),
    Case("XML-18", "More octets than are read", "CWE-400", DIGEST, octets(lambda m: m + b" " * (33 * 1024 * 1024)), Xml.SIZE,
         (Side.CLIENT,)),
    Case("XML-19", "One element with a hundred thousand attributes", "CWE-400, CWE-407", DIGEST,
         then(header_block(f"<m:a {_ATTRIBUTES}/>"), texted("//Password", "x")), Xml.ATTRIBUTES),
    Case("XML-20", "More attributes than any message has", "CWE-400", DIGEST, header_block(f"<m:a b='{'=' * 2_000_000}'/>"),
         Xml.ATTRIBUTES),
    Case("XML-21", "Fifty thousand namespaces are declared on one element", "CWE-407", DIGEST,
         then(header_block(f"<m:n {_DECLARATIONS}/>"), texted("//Password", "x")), Reason.DIGEST_WRONG),
    Case("XML-22", "Thirty nested elements each declare a thousand namespaces anew", "CWE-407", DIGEST,
         then(header_block("".join(f'<m:n {" ".join(f"xmlns:n{n}={chr(34)}urn:{n}{chr(34)}" for n in range(1000))}>'
             for _ in range(28)) + "</m:n>" * 28), texted("//Password", "x")), Reason.DIGEST_WRONG),
    Case("XML-23", "A name of a million letters", "CWE-400", DIGEST, header_block(f"<m:{'n' * 1_000_000}/>"), Xml.MALFORMED),
    Case("XML-24", "An attribute twice, so that two readers may take different ones", "XML 1.0, 3.1", DIGEST,
         edit((f'serial="{HONEST}"', f'serial="{HONEST}" serial="{EVIL}"')), Xml.MALFORMED),
    Case("XML-25", "A second document behind the first", "XML 1.0, 2.1", DIGEST,
         octets(lambda m: m + m.replace(b"HONEST", b"EVIL")), Xml.MALFORMED),
    Case("XML-26", "A prefix nobody bound", "Namespaces in XML, 5", DIGEST, header_block("<q:x/>"), Xml.MALFORMED),
    Case("XML-27", "Character references for characters XML cannot carry", "XML 1.0, 2.2", DIGEST,
         edit(("</w:Username>", "&#0;</w:Username>")), Xml.MALFORMED),
    Case("XML-28", "XML 1.1, in which control characters are allowed", "XML 1.1, 2.2", DIGEST,
         then(edit(("</w:Username>", "&#1;</w:Username>")), octets(lambda m: b'<?xml version="1.1"?>' + m)), Xml.MALFORMED),
    Case("XML-29", "An entity that was never declared", "XML 1.0, 4.1", DIGEST, edit((f'"{HONEST}"', '"&honest;"')),
         Xml.MALFORMED),
    Case("XML-30", "CDATA holds a body of the attacker's for readers that unpack it", "XML 1.0, 2.7", DIGEST,
         lambda m, _: m.replace(b"<s:Body>", b"<s:Body><![CDATA[").replace(b"</s:Body>", b"]]></s:Body>"), Soap.CLIENT),
    Case("XML-31", "The signed Body has thirty thousand attributes, which canonicalisation sorts", "CWE-407; Exclusive C14N, 3",
         "signed", edit(("<s:Body ", f"<s:Body {_SORTED} ")), Xml.ATTRIBUTES),
    Case("XML-32", "SignedInfo has thirty thousand attributes, which canonicalisation sorts", "CWE-407; Exclusive C14N, 3",
         "signed", edit(("<d:SignedInfo", f"<d:SignedInfo {_SORTED}")), Xml.ATTRIBUTES),
    Case("XML-33", "The envelope that is signed as a whole has thirty thousand attributes", "CWE-407; Exclusive C14N, 3",
         "compact-signed", edit(("<s:Envelope ", f"<s:Envelope {_SORTED} ")), Xml.ATTRIBUTES),
    Case("NUL-01", "NUL in a user name, where another language ends it", "CWE-158", DIGEST,
         octets(lambda m: m.replace(b"</w:Username>", b"\0x</w:Username>")), Xml.MALFORMED),
    Case("NUL-02", "NUL before the message", "CWE-158", DIGEST, octets(lambda m: b"\0" + m), Xml.MALFORMED),
    Case("NUL-03", "NUL behind the message", "CWE-158", DIGEST, octets(lambda m: m + b"\0"), Xml.MALFORMED),
    Case("CHR-01", "UTF-16 without a byte order mark", "R1012; XML 1.0, 4.3.3", DIGEST,
         octets(lambda m: m.decode().encode("utf-16-le")), Xml.MALFORMED),
    Case("CHR-02", "UTF-16 that declares itself, without a mark", "R1012", DIGEST,
         octets(lambda m: ('<?xml version="1.0" encoding="utf-16"?>' + m.decode()).encode("utf-16-be")), Xml.MALFORMED),
    Case("CHR-03", "A mark of UTF-16 and half a character at the end", "R1012", DIGEST,
         octets(lambda m: m.decode().encode("utf-16")[:-1]), Xml.ENCODING),
    Case("CHR-04", "A mark of UTF-16 before UTF-8", "R1012", DIGEST, octets(lambda m: b"\xff\xfe" + m), Xml.MALFORMED),
    Case("CHR-05", "UTF-7, declared: markup hides in letters", "CWE-838; R1012", DIGEST,
         octets(lambda m: b'<?xml version="1.0" encoding="UTF-7"?>' + m), Xml.ENCODING),
    Case("CHR-06", "UTF-7, not declared", "CWE-838", DIGEST, octets(lambda m: m.replace(b"<", b"+ADw-")), Xml.MALFORMED),
    Case("CHR-07", "EBCDIC", "XML 1.0, appendix F", DIGEST,
         octets(lambda m: ('<?xml version="1.0" encoding="IBM037"?>' + m.decode()).encode("cp037")), Xml.ENCODING),
    Case("CHR-08", "A less-than sign as overlong UTF-8", "RFC 3629, 10; CVE-2000-0884", DIGEST,
         octets(lambda m: m.replace(b"</w:Username>", b"\xc0\xbc</w:Username>")), Xml.ENCODING),
    Case("CHR-09", "Surrogates as UTF-8 (CESU-8)", "RFC 3629, 3", DIGEST,
         octets(lambda m: m.replace(b"</w:Username>", b"\xed\xa0\xbd\xed\xb8\x80</w:Username>")), Xml.ENCODING),
    Case("CHR-10", "Latin-1 is declared, UTF-8 is sent", "R1012; RFC 7303, 3", DIGEST,
         octets(lambda m: b'<?xml version="1.0" encoding="ISO-8859-1"?>' + m), Xml.ENCODING),
    Case("CHR-11", "UTF-8 is declared, Latin-1 is sent", "R1012", DIGEST,
         octets(lambda m: b'<?xml version="1.0" encoding="UTF-8"?>' + m.replace(b"</w:Username>", b"\xe9</w:Username>")),
         Xml.ENCODING),
    Case("CHR-12", "UTF-32, whose mark begins like that of UTF-16", "XML 1.0, appendix F", DIGEST,
         octets(lambda m: m.decode().encode("utf-32")), Xml.MALFORMED),
    Case("CHR-13", "An encoding nobody knows", "R1012", DIGEST,
         octets(lambda m: b"<?xml version='1.0' encoding='x-klingon'?>" + m), Xml.ENCODING),
    Case("CHR-14", "UTF-8 is declared behind a mark of UTF-16, with the declaration of a document type", "R1012, R1008",
         DIGEST, octets(lambda m: ('<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE s>' + m.decode()).encode("utf-16")),
         Xml.DTD),
)  # fmt: skip
