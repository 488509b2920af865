"""Envelope bytes become sealed bytes, as a row of the policy table says.

The header is put in front of the body at byte level: a body may be 13 MB, and where nothing signs it, it is neither parsed
nor changed. A message is sealed anew for every attempt.
"""

import secrets
from datetime import datetime

from lxml import etree

from meterpost.errors import SettingsError
from meterpost.model import Credentials, instant
from meterpost.wsse import coverage, derived, encryption, signature, timestamp, username
from meterpost.wsse.algorithms import KeyKind
from meterpost.wsse.dialects import WSSE_PREFIX, WSU_PREFIX, Dialect
from meterpost.wsse.policy import Password, Place, Policy
from meterpost.wsse.shape import header_of
from meterpost.wsse.trust import ContentKey, Identity, kind_of, loaded
from meterpost_wsdl import compact

NONCE = 16
"""Octets of the nonces we send: 128 random bits."""

_OPENING, _BODY, _CLOSE = compact.OPENING.encode(), compact.BODY.encode(), compact.CLOSE.encode()
ANSWER = "R"
"""How the Id of an answer's Timestamp begins, or of its Envelope where that is what is signed; what it answers follows. So a
signed answer cannot be given to somebody else. WSS 1.1 has an element for it (SignatureConfirmation), of 150 octets."""

_IDS = {Place.ENVELOPE: "E", Place.BODY: "B", Place.TIMESTAMP: "T", Place.USERNAME_TOKEN: "U"}


def seal(envelope: bytes, policy: Policy, identity: Identity, now: datetime, nonce: bytes) -> bytes:
    """`envelope` (as `soap` writes it, without header) with the parts `policy` asks for, made at `now` by `identity`.

    `nonce` is 16 fresh random octets. Raises ValueError for another kind of envelope or nonce, SettingsError for
    a username that cannot travel, or an identity that lacks what the policy needs.
    """
    if not envelope.startswith(_OPENING + _BODY):
        raise ValueError("only a compact envelope of this protocol, without a header, can be sealed")
    if len(nonce) != NONCE:
        raise ValueError(f"a nonce has {NONCE} octets, not {len(nonce)}")
    rest, key = _encrypted(envelope, policy.dialect, identity) if policy.encrypted else (envelope[len(_OPENING) :], "")
    octets = b"".join((_OPENING, _header(policy, identity, instant(now), nonce, key).encode(), rest))
    return _signed(octets, policy, identity, nonce) if policy.covers else octets


def _header(policy: Policy, identity: Identity, created: str, nonce: bytes, key: str) -> str:
    """The declarations, and the header as far as it is no signature."""
    dialect, w = policy.dialect, WSSE_PREFIX
    stamp = timestamp.write(created)
    beside, inside = (stamp, "") if dialect.timestamp_beside else ("", stamp)
    token = "" if policy.password is None else _token(policy, _account(identity), created, nonce)
    return (
        f' xmlns:{w}="{dialect.wsse}" xmlns:{WSU_PREFIX}="{dialect.wsu}"><s:Header>'
        f'{beside}<{w}:Security s:mustUnderstand="1">{inside}{token}{key}</{w}:Security></s:Header'
    )


def _token(policy: Policy, account: Credentials, created: str, nonce: bytes) -> str:
    if policy.password is Password.DERIVED:
        salt, token = derived.salt(nonce), _IDS[Place.USERNAME_TOKEN]
        return derived.write(policy.dialect, account.username, salt, derived.ITERATIONS, token)
    assert policy.password is not None
    return username.write(policy.dialect, account, created, nonce, policy.password)


def _account(identity: Identity) -> Credentials:
    if identity.credentials is None:
        raise SettingsError("security.policy asks for a user name and password, and there are none", "Set [account].")
    return identity.credentials


def _encrypted(envelope: bytes, dialect: Dialect, identity: Identity) -> tuple[bytes, str]:
    """What follows the opening, with the Body's content encrypted, and what the header says of it."""
    key = identity.content
    if key is None:
        if not identity.recipient:
            raise SettingsError(
                "security.policy asks for encryption, and there is no certificate to encrypt to", "See 'meterpost keys'."
            )
        key = ContentKey.to(identity.recipient)
    plain = envelope[len(_OPENING) + len(_BODY) : -len(_CLOSE)]
    header, data = encryption.encrypt(plain, key, identity.recipient, dialect, secrets.token_bytes(encryption.IV))
    return _BODY + data.encode() + _CLOSE, header


def _signed(octets: bytes, policy: Policy, identity: Identity, nonce: bytes) -> bytes:
    """`octets`, our own and well formed, with the signature the policy asks for as the last part of the Security header."""
    root = etree.fromstring(octets, etree.XMLParser(huge_tree=True, resolve_entities=False))
    header = header_of(root)
    wsu_id = policy.dialect.tag("wsu", "Id")
    ids = _IDS
    if identity.answers:
        ids = _IDS | dict.fromkeys((Place.TIMESTAMP, Place.ENVELOPE), f"{ANSWER}{identity.answers}")
    elif identity.key and kind_of(loaded(identity.key.certificate)) is KeyKind.RSA:
        # Over the same, such a signature is the same: what is said twice in one second would be taken for a replay.
        ids = _IDS | {place: _IDS[place] + nonce[:4].hex() for place in (Place.TIMESTAMP, Place.ENVELOPE)}
    for part in coverage.parts_of(root, header).all:
        if part.place in policy.covers:
            part.element.set(wsu_id, ids[part.place])
    parts = [part for part in coverage.parts_of(root, header).all if part.place in policy.covers]
    if policy.password is Password.DERIVED:
        secret = derived.derive(_account(identity).password, derived.salt(nonce), derived.ITERATIONS)
        signature.sign_with_secret(parts, header.security, policy.dialect, secret, _IDS[Place.USERNAME_TOKEN])
    else:
        signature.sign(parts, header.security, policy.dialect, identity, named=Place.ENVELOPE not in policy.covers)
    return etree.tostring(root, encoding="utf-8", xml_declaration=False)
