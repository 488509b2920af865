"""The law of the verifier: whatever is done to well-sealed envelopes, what is accepted was sealed, whole, by who is named.

The octets are a programme: which honest message, and what is done to its tree, step by step; a strange key's and other
people's messages lie ready to be cut up. So every input reaches the checks behind the parser, and chance gets on by learning
what the checks look at. The messages are sealed anew in each process: no input knows a key.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree

from meterpost.model import Credentials, KeyPair
from meterpost.wsse import (
    POLICIES,
    Acceptance,
    Identity,
    MemoryReplayCache,
    Password,
    Place,
    Trust,
    Trusted,
    open_envelope,
    seal,
)
from meterpost.wsse.algorithms import REFUSED, KeyKind
from meterpost_wsdl import names, xmlio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
_MOST_STEPS = 12
_SOAP = f"{{{names.SOAP}}}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ALL = Acceptance(tuple(POLICIES))
GOLDEN = Credentials("site-4711", "correct horse")
"""Of the golden messages."""

_ACCOUNTS = {"site-1": "correct horse", "site-2": "battery staple"}


@dataclass(frozen=True, slots=True)
class _Forge:
    """Honest messages, a stranger's, and who is trusted."""

    honest: tuple[bytes, ...]
    strange: tuple[bytes, ...]
    trust: Trust


def _pair(name: str, key: "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey") -> KeyPair:
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = x509.CertificateBuilder(
        who, who, key.public_key(), 4711, NOON - timedelta(days=1), NOON + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(private, certificate.public_bytes(serialization.Encoding.PEM))


@cache
def _forge() -> _Forge:
    own = _pair("server", rsa.generate_private_key(65537, 2048))
    pairs = {
        "site-1": _pair("site-1", ec.generate_private_key(ec.SECP256R1())),
        "site-2": _pair("site-2", rsa.generate_private_key(65537, 2048)),
    }
    trusted = [Trusted(pair.certificate, name) for name, pair in pairs.items()]
    # The stranger has an account's name in its certificate, and no password.
    stranger = Identity(
        Credentials("site-1", "guessed"), _pair("site-1", ec.generate_private_key(ec.SECP256R1())), own.certificate
    )

    def message(number: int, policy: str, identity: Identity) -> bytes:
        content = f'<m:SyncProxy client="{number:036}" version="1"/>'
        octets = f'<s:Envelope xmlns:s="{names.SOAP}" xmlns:m="{names.SERVICE}"><s:Body>{content}</s:Body></s:Envelope>'
        return seal(octets.encode(), POLICIES[policy], identity, NOON, bytes([number]) * 16)

    honest = [
        message(number, policy, Identity(Credentials(name, _ACCOUNTS[name]), pair, own.certificate))
        for number, (policy, (name, pair)) in enumerate((policy, entry) for policy in POLICIES for entry in pairs.items())
    ]
    strange = [message(100 + number, policy, stranger) for number, policy in enumerate(POLICIES)]
    return _Forge(tuple(honest), tuple(strange), Trust(_ACCOUNTS.get, lambda _: trusted, [own]))


def _canonical(element: etree._Element | None) -> bytes:
    return b"" if element is None else etree.tostring(element, method="c14n", exclusive=True)


Said = tuple[object, ...]


def _said(root: etree._Element, policy: str, username: str, nonce: bytes, holder: str) -> Said:
    """What a receiver acts upon, as far as the policy vouches for it: who, and with a signature what and when."""
    row = POLICIES[policy]
    who: Said = (row.password, username, b"" if row.password is Password.TEXT else nonce, holder)
    if not row.covers:
        return who  # of any message with this token: one that was signed as well is this one with its signature cut off
    bodies = [b"".join(map(_canonical, body)) + (body.text or "").encode() for body in root.iterchildren(f"{_SOAP}Body")]
    stamps = [_canonical(element) for element in root.iterfind(f"{_SOAP}Header//*") if str(element.tag).endswith("}Timestamp")]
    return (*who, policy, tuple(bodies), tuple(stamps))


@cache
def _sealed() -> frozenset[Said]:
    """What honest messages say."""
    forge, found, tokens = _forge(), set(), set()
    for octets in forge.honest:
        root = xmlio.parse(octets)
        verdict = open_envelope(root, _ALL, forge.trust, MemoryReplayCache(), NOON)
        assert verdict.ok, verdict.reasons
        holder = verdict.signer.holder if verdict.signer else ""
        found.add(_said(root, verdict.policy, verdict.username, verdict.nonce, holder))
        tokens.add((POLICIES[verdict.policy].password, verdict.username, verdict.nonce, ""))
    assert len(found) == len(forge.honest) - 1, "a Timestamp alone is the same from everybody"
    return frozenset(found) | {token for token in tokens if token[0] is Password.DIGEST}


def verifier(octets: bytes) -> None:
    """Never raises; what is accepted was sealed, and is accepted once."""
    forge, sealed = _forge(), _sealed()
    altered = _altered(_Choices(octets), forge)
    try:
        root = xmlio.parse(altered)
    except xmlio.BadXml:
        return
    replay = MemoryReplayCache()
    first = open_envelope(root, _ALL, forge.trust, replay, NOON)
    assert (first.fault is None) == first.ok
    assert len(first.detail) < 500
    if not first.ok:
        return
    said = _said(root, first.policy, first.username, first.nonce, first.signer.holder if first.signer else "")
    assert said in sealed, said
    row = POLICIES[first.policy]
    assert set(row.covers) <= set(first.covered)
    assert (Place.ENVELOPE in first.covered) == (Place.ENVELOPE in row.covers)
    again = open_envelope(xmlio.parse(altered), _ALL, forge.trust, replay, NOON)
    assert not again.ok or row.name in ("text-2004", "timestamp-2004"), "accepted twice"


def opened(octets: bytes) -> None:
    """Whatever comes instead of an envelope never raises, and nobody who knows no secret is let in: what is accepted has the
    token of a golden message."""
    try:
        root = xmlio.parse(octets)
    except xmlio.BadXml:
        return
    trust = Trust({GOLDEN.username: GOLDEN.password}.get, _forge().trust.keys)
    verdict = open_envelope(root, Acceptance(), trust, MemoryReplayCache(), NOON)
    assert len(verdict.detail) < 500
    assert (verdict.fault is None) == verdict.ok
    if verdict.ok:
        assert (verdict.username, verdict.nonce, verdict.created) == (GOLDEN.username, bytes(range(16)), NOON)


# --- programmes -------------------------------------------------------------------------------------------------


class _Choices:
    """Octets as decisions; where they end, there are none."""

    def __init__(self, octets: bytes) -> None:
        self._octets = iter(octets)

    def below(self, count: int) -> int:
        return next(self._octets, 0) % count

    def more(self) -> Iterator[int]:
        """The steps of the programme."""
        for _ in range(_MOST_STEPS):
            step = next(self._octets, None)
            if step is None:
                return
            yield step

    def element(self, root: etree._Element) -> etree._Element:
        found = list(root.iter("*"))
        return found[self.below(len(found))]

    def attribute(self, element: etree._Element) -> str | None:
        found = list(map(str, element.attrib))
        return found[self.below(len(found))] if found else None


def _altered(choose: _Choices, forge: _Forge) -> bytes:
    every = forge.honest + forge.strange
    root = xmlio.parse(every[choose.below(len(every))])
    for step in choose.more():
        STEPS[step % len(STEPS)](root, choose, every)
    encoding = ("utf-8", "utf-8", "utf-8", "utf-16")[choose.below(4)]
    return etree.tostring(root, encoding=encoding)


def _put(element: etree._Element, root: etree._Element, choose: _Choices) -> None:
    under = choose.element(root)
    if element not in (under, *under.iterancestors()):
        under.insert(choose.below(len(under) + 1), element)


def _move(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    _put(choose.element(root), root, choose)


def _duplicate(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    _put(deepcopy(choose.element(root)), root, choose)


def _transplant(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    _put(choose.element(xmlio.parse(every[choose.below(len(every))])), root, choose)


def _replace(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    """By the element of the same name in another message."""
    element, other = choose.element(root), xmlio.parse(every[choose.below(len(every))])
    found, parent = next(other.iter(str(element.tag)), None), element.getparent()
    if found is not None and parent is not None:
        parent.replace(element, found)


def _delete(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element = choose.element(root)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _wrap(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element, like = choose.element(root), choose.element(root)
    parent = element.getparent()
    if parent is not None:
        around = etree.Element(str(like.tag), dict(like.attrib) if choose.below(2) else {})
        parent.replace(element, around)
        around.append(element)


def _rename(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    choose.element(root).tag = choose.element(root).tag


def _other_namespace(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element, like = choose.element(root), choose.element(root)
    element.tag = etree.QName(etree.QName(like).namespace, etree.QName(element).localname).text


def _swap_attributes(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    one, other = choose.element(root), choose.element(root)
    name, to = choose.attribute(one), choose.attribute(other)
    if name and to:
        one.attrib[name], other.attrib[to] = other.attrib[to], one.attrib[name]


def _copy_attribute(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    one, other = choose.element(root), choose.element(root)
    name = choose.attribute(one)
    if name:
        other.set(name, one.attrib[name])


def _move_attribute(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    one, other = choose.element(root), choose.element(root)
    name = choose.attribute(one)
    if name:
        other.set(name, one.attrib.pop(name))


def _rename_attribute(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element = choose.element(root)
    name = choose.attribute(element)
    if name:
        element.set(NAMES[choose.below(len(NAMES))], element.attrib.pop(name))


def _set_attribute(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element = choose.element(root)
    name = choose.attribute(element) or NAMES[choose.below(len(NAMES))]
    element.set(name, VALUES[choose.below(len(VALUES))])


def _one_octet(text: str, choose: _Choices) -> str:
    at = (choose.below(256) + 256 * choose.below(4)) % (len(text) + 1)
    return text[:at] + ALPHABET[choose.below(len(ALPHABET))] + text[at + choose.below(2) :]


def _change_text(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element = choose.element(root)
    element.text = _one_octet(element.text or "", choose)


def _change_attribute(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    element = choose.element(root)
    name = choose.attribute(element)
    if name:
        element.set(name, _one_octet(element.attrib[name], choose))


def _copy_text(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    choose.element(root).text = choose.element(xmlio.parse(every[choose.below(len(every))])).text


def _comment(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    """In the midst of a text, or before the first child."""
    element = choose.element(root)
    text = element.text or ""
    at = choose.below(len(text) + 1)
    comment = etree.Comment("c")
    element.text, comment.tail = text[:at], text[at:]
    element.insert(0, comment)


def _add(root: etree._Element, choose: _Choices, every: tuple[bytes, ...]) -> None:
    under = choose.element(root)
    added = etree.SubElement(under, TAGS[choose.below(len(TAGS))])
    added.text = VALUES[choose.below(len(VALUES))]


Step = Callable[[etree._Element, _Choices, tuple[bytes, ...]], None]
STEPS: tuple[Step, ...] = (
    _move,
    _duplicate,
    _transplant,
    _replace,
    _delete,
    _wrap,
    _rename,
    _other_namespace,
    _swap_attributes,
    _copy_attribute,
    _move_attribute,
    _rename_attribute,
    _set_attribute,
    _change_text,
    _change_attribute,
    _copy_text,
    _comment,
    _add,
)
"""What is done to a tree. New ones at the end: kept programmes are numbers."""

_WSU = next(POLICIES[name].dialect.wsu for name in ("digest-2004",))
NAMES = (
    f"{{{_WSU}}}Id",
    "Id",
    "ID",
    "id",
    "{http://www.w3.org/XML/1998/namespace}id",
    f"{_SOAP}actor",
    f"{_SOAP}mustUnderstand",
    "URI",
    "Type",
    "Algorithm",
    "ValueType",
    "EncodingType",
    "PrefixList",
    "AssertionID",
)
VALUES = (
    "",
    "#",
    "#B",
    "#T",
    "#U",
    "#E",
    "B",
    "E",
    "site-2",
    "1",
    "#xpointer(/)",
    "file:///etc/hostname",
    names.ACTOR_NEXT,
    "2026-11-20T12:00:00Z",
    "1000",
    *(kind.value for kind in KeyKind),
    *REFUSED,
)
TAGS = (
    f"{_DS}Object",
    f"{_DS}KeyName",
    f"{_DS}KeyValue",
    f"{_DS}Manifest",
    f"{_DS}HMACOutputLength",
    f"{_DS}Transform",
    f"{_DS}X509Certificate",
    "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces",
    f"{_SOAP}Body",
    f"{_SOAP}Header",
    "{urn:x}x",
)
ALPHABET = "A0=+/ \n\t-Z:ä\u200b9~"
