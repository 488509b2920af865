"""One small message per transaction, whose exact octets are kept in `meterpost_wsdl/golden`.

Both digest rows have every case; the other rows those that show all there is of them: registration, sync and reads, each
with its reply. `python tests/golden/golden_cases.py` writes the files anew; a change there is a change of the wire format.
Those with random octets in them are written only where something else of them has changed.
"""

import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from golden_keys import FOLDER, KINDS, pair

from meterpost import wsse
from meterpost.lifecycle import messages as m
from meterpost.model import Credentials, KeyPair
from meterpost.soap import Codec
from meterpost_wsdl import coding

CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NONCE = bytes(range(16))
CREDENTIALS = Credentials("site-4711", "correct horse")

KEY = "A9p86/3BESSTSqgIB9JvynVxDjW2mA46PkqjlrSSjcJ4"
PROOF = "v06QqkFeyp1gYBXdrCVEqF31cJpbVUpD0VDM3kSysiomr+mzbYwFjx2guxPoJw+FCsMbXcH+vS3dh/eK6onXmA=="
"""The client's P-256 key as it registers it, and the proof, which is another one each time it is made."""


def _der(key: KeyPair) -> str:
    return b64encode(x509.load_pem_x509_certificate(key.certificate).public_bytes(Encoding.DER)).decode("ascii")


MESSAGES: dict[str, m.Message] = {
    "T1": m.RegisterProxy(CLIENT, "reception", "Windows 11", "0.1.0"),
    "T1-reply": m.RegisterProxyResponse(CLIENT, NOW),
    "T1-key": m.RegisterProxy(CLIENT, "reception", "Windows 11", "0.1.0", KEY, PROOF),
    "T1-key-reply": m.RegisterProxyResponse(
        CLIENT,
        NOW,
        (
            m.Certificate(m.Holder.CLIENT, _der(pair("client", "p256"))),
            *(m.Certificate(m.Holder.SERVER, _der(pair("server", kind))) for kind in KINDS),
        ),
    ),
    "T2": m.RegisterProxyDevices(
        CLIENT,
        (
            m.DeviceToRegister("XNB123456", "Xerox", "WorkCentre 7845", "Copy room <2>"),
            m.DeviceToRegister("VNC3R00042", "HP", 'LaserJet "4250" & tray'),
        ),
    ),
    "T2-reply": m.RegisterProxyDevicesResponse(
        NOW,
        (
            m.RegisteredDevice("XNB123456", m.Registration.ACCEPTED),
            m.RegisteredDevice("VNC3R00042", m.Registration.UNKNOWN, date(2026, 12, 1), "installed less than 30 days ago"),
        ),
    ),
    "T3": m.SyncProxy(CLIENT, "0.1.0"),
    "T4": m.SyncProxyResponse(NOW, m.RemoteSettings("03:15", 30, 120), on=(m.TurnOn("XNB123456"),)),
    "T4-empty": m.SyncProxyResponse(NOW),
    "T4-off": m.SyncProxyResponse(NOW, off=(m.TurnOff("VNC3R00042", "contract ended"),)),
    "T5": m.SyncProxyStatus(CLIENT, (m.DeviceStatus("XNB123456", m.ServiceState.ON, NOW),)),
    "T5-reply": m.SyncProxyStatusResponse((m.StatusReceipt("XNB123456", m.Receipt.ACCEPTED),)),
    "T6": m.SyncProxyResponse(
        NOW,
        bills=(
            m.Bill(
                "XNB123456",
                "B-2026-11-0001",
                date(2026, 10, 20),
                date(2026, 11, 20),
                m.Cycle.MONTHLY,
                date(2026, 11, 25),
                ("impressions",),
            ),
        ),
    ),
    "T7": m.BillingTransaction(
        CLIENT,
        (
            m.DeviceReads(
                "XNB123456",
                "B-2026-11-0001",
                NOW,
                1,
                1,
                (m.MeterValue("impressions", 120345), m.MeterValue("impressions.black", 90210)),
                (m.SupplyUsage("Black Toner Cartridge", 47, 100, 19), m.SupplyUsage("Waste Container", -3, -2, 7)),
            ),
        ),
    ),
    "T7-reply": m.BillingTransactionResponse((m.BillingReceipt("XNB123456", "B-2026-11-0001", 1, m.Receipt.ACCEPTED),)),
}


CLASSIC_ZLIB = re.fullmatch(r"1\.[23]\.[0-9.]+", zlib.ZLIB_RUNTIME_VERSION) is not None
"""Whether gzip's octets here are those of the files: what takes zlib's place elsewhere finds other matches."""

SHORT = ("T1", "T1-reply", "T3", "T4", "T7", "T7-reply")
CONTENT_KEY = bytes(range(32))
"""What encrypted messages are encrypted with; their files have it wrapped for the server's RSA key."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One file: a case under the row it is written with; `key` is the kind of key that signs, '' where none does."""

    case: str
    policy: str
    key: str = ""

    @property
    def row(self) -> wsse.Policy:
        return wsse.POLICIES[self.policy]

    @property
    def is_reply(self) -> bool:
        return not isinstance(MESSAGES[self.case], m.Request)

    @property
    def sender(self) -> str:
        return "server" if self.is_reply else "client"

    @property
    def request(self) -> "Golden":
        """What a reply answers: its name and the content key come from there."""
        case = self.case.removesuffix("-reply").replace("T4", "T3") if self.is_reply else self.case
        return Golden(case, self.policy, self.key)

    @property
    def name(self) -> str:
        return ".".join(filter(None, (self.case, self.policy, self.key, "xml")))

    @property
    def is_random(self) -> bool:
        """Whether it is another one each time it is written."""
        return self.key == "p256" or self.row.encrypted

    @property
    def is_zipped(self) -> bool:
        """Whether it is also kept as it travels."""
        return self.row.compressed and not self.is_random and self.case in ("T3", "T4")

    def kept(self, zipped: bool = False) -> bytes:
        return (FOLDER / (f"{self.name}.gz" if zipped else self.name)).read_bytes()

    def content_key(self) -> wsse.ContentKey:
        """The one the request's file has."""
        text = self.request.kept().decode()
        (wrapped,) = re.findall("<x:CipherValue>([^<]*)</x:CipherValue></x:CipherData><x:ReferenceList>", text)
        return wsse.ContentKey(CONTENT_KEY, b64decode(wrapped))

    def asked(self) -> str:
        """The tag of the request's file, which a signed reply names it by."""
        return wsse.tag_of(self.request.kept()) if self.is_reply and self.row.covers else ""

    def write(self) -> bytes:
        """The sealed message, at a fixed time with a fixed nonce."""
        recipient, content = b"", None
        if self.row.encrypted and self.is_reply:
            content = self.content_key()
        elif self.row.encrypted:
            recipient = pair("server", "rsa2048").certificate
            content = wsse.ContentKey.to(recipient, CONTENT_KEY)
        key = pair(self.sender, self.key) if self.key else None
        identity = wsse.Identity(CREDENTIALS, key, recipient, content, self.asked())
        return wsse.seal(Codec().encode(MESSAGES[self.case]), self.row, identity, NOW, NONCE)

    def fixed(self, octets: bytes) -> str:
        """A message without what is random in it, and what follows from that."""
        text = octets.decode()
        if self.key == "p256":
            text = re.sub(r"(?<=SignatureValue>)[^<]{88}(?=<)", "", text)
        if self.row.encrypted:
            text = re.sub(r"(?<=<x:CipherValue>)[^<]+(?=<)", _length, text)
            text = re.sub(r'(Reference URI="#B">.*?DigestValue>)[^<]{44}(?=<)', r"\1", text)
        return text


def _length(match: re.Match[str]) -> str:
    return f"{len(match[0])} characters"


_OTHERS = (
    ("text-2004", ""),
    ("signed-2002", "p256"),
    ("signed-2002", "rsa2048"),
    ("signed", "p256"),
    ("signed", "rsa2048"),
    ("digest+signed", "p256"),
    ("digest+signed", "rsa2048"),
    ("compact-signed", "p256"),
    ("hmac", ""),
    ("signed+encrypted", "p256"),
)


def _in_row(case: str, policy: str, key: str) -> Golden:
    golden = Golden(case, policy, key)
    return Golden(case, golden.row.reply, key) if golden.is_reply else golden


GOLDEN = (
    *(Golden(case, policy) for case in MESSAGES for policy in ("digest-2002", "digest-2004")),
    *(_in_row(case, policy, key) for policy, key in _OTHERS for case in SHORT),
)

if __name__ == "__main__":
    for golden in GOLDEN:
        octets, file = golden.write(), FOLDER / golden.name
        if not (golden.is_random and file.exists() and golden.fixed(file.read_bytes()) == golden.fixed(octets)):
            file.write_bytes(octets)
        if golden.is_zipped:
            (FOLDER / f"{golden.name}.gz").write_bytes(coding.gzip(octets))
