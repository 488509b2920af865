"""The UsernameToken with a password digest: written, and read. Whether it holds is decided in `opening`.

The password must never be in anything this module returns, logs or raises.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from meterpost.errors import SettingsError
from meterpost.model import Credentials
from meterpost.wsse.dialects import WSSE_PREFIX, WSU_PREFIX, Dialect
from meterpost.wsse.shape import children, text
from meterpost.wsse.timestamp import read_time
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl import xmlio

NONCE_OCTETS = range(8, 65)
USERNAME_CHARACTERS = range(1, 257)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token claims. `created_text` is Created letter by letter, for that is what the digest covers."""

    username: str
    digest: str
    nonce: bytes
    created_text: str
    created: datetime


def digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)): the formula of every version of the profile (R4212)."""
    # The profile leaves no choice of hash; the flag lets it work where SHA-1 signatures are switched off.
    hashed = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
    return base64.b64encode(hashed.digest()).decode("ascii")


def write(dialect: Dialect, credentials: Credentials, created: str, nonce: bytes) -> str:
    """The token as XML text. Raises SettingsError for a username that cannot travel as it is."""
    username = credentials.username
    if len(username) not in USERNAME_CHARACTERS or xmlio.printable(username) != username:
        raise SettingsError(
            "account.username: empty, longer than 256 characters, or with white space or characters XML cannot carry",
            "Use the username exactly as the communication server shows it.",
        )
    w, u = WSSE_PREFIX, WSU_PREFIX
    encoding = "" if dialect.draft else f' EncodingType="{dialect.spell("Base64Binary")}"'  # R4220
    return (
        f"<{w}:UsernameToken><{w}:Username>{xmlio.text(username)}</{w}:Username>"
        f'<{w}:Password Type="{dialect.spell("PasswordDigest")}">{digest(nonce, created, credentials.password)}</{w}:Password>'
        f"<{w}:Nonce{encoding}>{base64.b64encode(nonce).decode('ascii')}</{w}:Nonce>"
        f"<{u}:Created>{created}</{u}:Created></{w}:UsernameToken>"
    )


def read(element: etree._Element, dialect: Dialect) -> Token:
    """The token in `element`. Raises Refusal: a token without digest, nonce and Created is no token here."""
    malformed = Reason.DIGEST_MALFORMED
    names = [dialect.tag("wsse", name) for name in ("Username", "Password", "Nonce")] + [dialect.tag("wsu", "Created")]
    parts = children(element, malformed, names)  # R4222, R4223, R4225
    username, password, nonce, created = (parts[name] for name in names)
    kind = dialect.term(password, "Type")
    if kind is None and not dialect.draft:
        raise Refusal(malformed, "Password has no Type")  # R4201
    if kind != "PasswordDigest":
        raise Refusal(Reason.DIGEST_REQUIRED, "Password is not of type PasswordDigest")
    name = text(username, malformed)
    if len(name) not in USERNAME_CHARACTERS:
        raise Refusal(malformed, "Username is empty or longer than 256 characters")
    return Token(
        username=name,
        digest=text(password, malformed),
        nonce=_nonce(nonce, dialect),
        created_text=text(created, malformed),
        created=read_time(created, dialect, malformed),
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
