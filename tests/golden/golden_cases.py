"""One small message per transaction, whose exact octets are kept in `meterpost_wsdl/golden`.

`python tests/golden/golden_cases.py` writes the files anew; a change there is a change of the wire format.
"""

from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

from meterpost import wsse
from meterpost.lifecycle import messages as m
from meterpost.model import Credentials
from meterpost.soap import Codec

CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NONCE = bytes(range(16))
POLICIES = ("digest-2002", "digest-2004")
CREDENTIALS = Credentials("site-4711", "correct horse")

MESSAGES: dict[str, m.Message] = {
    "T1": m.RegisterProxy(CLIENT, "reception", "Windows 11", "0.1.0"),
    "T1-reply": m.RegisterProxyResponse(CLIENT, NOW),
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


def octets(case: str, policy: str) -> bytes:
    """The sealed message of a case, at a fixed time with a fixed nonce."""
    return wsse.seal(Codec().encode(MESSAGES[case]), wsse.POLICIES[policy], wsse.Identity(CREDENTIALS), NOW, NONCE)


def file_name(case: str, policy: str) -> str:
    return f"{case}.{policy}.xml"


if __name__ == "__main__":
    folder = Path(str(files("meterpost_wsdl") / "golden"))
    for case in MESSAGES:
        for policy in POLICIES:
            (folder / file_name(case, policy)).write_bytes(octets(case, policy))
