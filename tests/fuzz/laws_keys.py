"""Laws of keys: certificates a server sent or an administrator brings, and the proofs clients enrol with."""

import base64
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from fuzz_kit import told

from meterpost.errors import SettingsError
from meterpost.keys.about import About, read_der, read_pem
from meterpost.keys.reading import read_pair
from meterpost.wsse import Embedded, IssuerSerial, KeyIdentifier, Thumbprint, Trusted
from meterpost_stub.keys import proved

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def certificate(octets: bytes) -> None:
    """What the server sends as a certificate is one, of which everything can be told and which is kept as it came, or a
    ValueError; in a file of its own it is no pair of a key and a certificate."""
    written = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(octets) + b"-----END CERTIFICATE-----\n"
    for found in (octets, written):
        try:
            read_pair("brought", found, None, "password", NOON)
        except SettingsError as error:
            told(error, "brought")
    try:
        about = read_der(octets)
    except ValueError:
        return
    assert read_pem(about.pem) == (about,)
    assert isinstance(about, About)
    assert about.kind
    trusted = Trusted(about.pem, "somebody")
    trusted.why_not(NOON, timedelta(0))
    for name in (IssuerSerial(about.issuer, 4711), Thumbprint(b""), KeyIdentifier(b""), Embedded(b"")):
        name.means(trusted.x509)


def proof(octets: bytes) -> None:
    """Whatever is sent as a key and its proof is a key whose proof holds, or nobody's."""
    key, _, signature = octets.decode("latin-1").partition("\n")
    for sent in ((key, signature), (base64.b64encode(octets[:33]).decode(), base64.b64encode(octets[33:]).decode())):
        public = proved("client", *sent)
        if public is not None:
            assert isinstance(public, ec.EllipticCurvePublicKey)
            assert proved("another client", *sent) is None
