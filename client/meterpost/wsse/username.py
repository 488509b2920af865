"""The UsernameToken with a password or its digest: written, and read. Whether it holds is decided in `opening`.

The password must never be in anything this module returns, logs or raises.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from meterpost.errors import SettingsError
from meterpost.model import Credentials
from meterpost.wsse.dialects import WSSE11, WSSE_PREFIX, WSU_PREFIX, Dialect
from meterpost.wsse.policy import Password
from meterpost.wsse.shape import children, text
from meterpost.wsse.timestamp import read_time
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl import xmlio

NONCE_OCTETS = range(8, 65)
USERNAME_CHARACTERS = range(1, 257)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token claims. `created_text` is Created letter by letter, for that is what the digest covers; a token with the
    password in the clear may lack Created and Nonce."""

    username: str
    kind: Password
    password: str = field(repr=False)
    nonce: bytes
    created_text: str
    created: datetime | None

    def shown(self, password: str) -> str:
        """What Password would hold if it was made by who knows `password`."""
        return password if self.kind is Password.TEXT else digest(self.nonce, self.created_text, password)


def digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)): the formula of every version of the profile (R4212)."""
    # The profile leaves no choice of hash; the flag lets it work where SHA-1 signatures are switched off.
    hashed = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(hashed.digest()).decode("ascii")


def write(dialect: Dialect, credentials: Credentials, created: str, nonce: bytes, kind: Password = Password.DIGEST) -> str:
    """The token as XML text. Raises SettingsError for a username that cannot travel as it is."""
    username = named(credentials.username)
    w, u = WSSE_PREFIX, WSU_PREFIX
    if kind is Password.TEXT:
        shown, term, proof = xmlio.text(credentials.password), "PasswordText", ""
    else:
        encoding = "" if dialect.draft else f' EncodingType="{dialect.spell("Base64Binary")}"'  # R4220
        written = base64.b64encode(nonce).decode("ascii")
        shown, term = digest(nonce, created, credentials.password), "PasswordDigest"
        proof = f"<{w}:Nonce{encoding}>{written}</{w}:Nonce><{u}:Created>{created}</{u}:Created>"
    return (
        f"<{w}:UsernameToken><{w}:Username>{username}</{w}:Username>"
        f'<{w}:Password Type="{dialect.spell(term)}">{shown}</{w}:Password>{proof}</{w}:UsernameToken>'
    )


def named(username: str) -> str:
    """`username` as XML text. Raises SettingsError for one that cannot travel as it is."""
    if len(username) not in USERNAME_CHARACTERS or xmlio.printable(username) != username:
        raise SettingsError(
            "account.username: empty, longer than 256 characters, or with white space or characters XML cannot carry",
            "Use the username exactly as the communication server shows it.",
        )
    return xmlio.text(username)


def kind(element: etree._Element, dialect: Dialect) -> Password:
    """How the token shows its password. Raises Refusal."""
    if element.find(f"{{{WSSE11}}}Salt") is not None:
        return Password.DERIVED
    password = element.find(dialect.tag("wsse", "Password"))
    if password is None:
        raise Refusal(Reason.DIGEST_MALFORMED, "UsernameToken has no Password")
    term = dialect.term(password, "Type")
    if term is None and not dialect.draft:
        raise Refusal(Reason.DIGEST_MALFORMED, "Password has no Type")  # R4201
    return Password.DIGEST if term == "PasswordDigest" else Password.TEXT


def read(element: etree._Element, dialect: Dialect) -> Token:
    """The token in `element`. Raises Refusal: a digest without nonce and Created is no token here."""
    malformed, shown = Reason.DIGEST_MALFORMED, kind(element, dialect)
    tags = [dialect.tag("wsse", "Username"), dialect.tag("wsse", "Password")]
    fresh = [dialect.tag("wsse", "Nonce"), dialect.tag("wsu", "Created")]
    clear = shown is Password.TEXT
    parts = children(element, malformed, tags if clear else tags + fresh, fresh if clear else ())  # R4222, R4223, R4225
    name = text(parts[tags[0]], malformed)
    if len(name) not in USERNAME_CHARACTERS:
        raise Refusal(malformed, "Username is empty or longer than 256 characters")
    nonce, created = (parts.get(tag) for tag in fresh)
    return Token(
        username=name,
        kind=shown,
        password=text(parts[tags[1]], malformed),
        nonce=b"" if nonce is None else _nonce(nonce, dialect),
        created_text="" if created is None else text(created, malformed),
        created=None if created is None else read_time(created, dialect, malformed),
    )


def _nonce(element: etree._Element, dialect: Dialect) -> bytes:
    malformed = Reason.DIGEST_MALFORMED
    encoding = dialect.term(element, "EncodingType")
    if encoding != "Base64Binary" and not (encoding is None and dialect.draft):  # R4220, R4221
        raise Refusal(malformed, "Nonce has no EncodingType Base64Binary")
    written = text(element, malformed)
    try:
        nonce = base64.b64decode(written, validate=True)
    except ValueError:
        raise Refusal(malformed, "Nonce is not Base64") from None
    if base64.b64encode(nonce).decode("ascii") != written or len(nonce) not in NONCE_OCTETS:
        raise Refusal(malformed, "Nonce is not the Base64 of 8 to 64 octets")
    return nonce


_OPENED = rb"(<(?:[^\s<>/:]+:)?Password(?![^>]*\bType\s*=\s*[\"'][^\"'>]*PasswordDigest[\"'])(?:\s[^>]*)?>)"
_CLEAR = re.compile(_OPENED + rb"(.*?)(?=</(?:[^\s<>/:]+:)?Password\s*>|\Z)", re.DOTALL)


def masked(octets: bytes, plain: bytes | None = None) -> bytes:
    """A message with stars for each password in the clear, for journals: as many octets as before. Of one in UTF-16, or in a
    content-coding (`plain` is what it stands for), everything is stars where one may be in it."""
    if plain is not None:
        return octets if masked(plain) == plain else b"*" * len(octets)
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return b"*" * len(octets)
    return _CLEAR.sub(lambda found: found[1] + b"*" * len(found[2]), octets)
