"""The whole life of a client and a device, told once: for their client against our server, and for ours against theirs."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from interop_peers import Message
from site_lab import Site

from meterpost.lifecycle.state import DeviceState
from meterpost.model import instant
from meterpost_stub import StubServer

TOTAL = 9_999_999_999


def their_life(call: Callable[..., Message], stub: StubServer) -> None:
    """Two devices registered, one signed up, turned on and billed, one turned off; `call` is their client's."""
    client = str(uuid.uuid4())
    assert call("RegisterProxy", client=client, name="R&D <1> é", os="Linux", version="1")["client"] == client
    devices = [
        {"serial": "S1", "maker": "Xerox", "model": "C60"},
        {"serial": "S2", "maker": "HP", "model": "M1", "asset": "7"},
    ]
    registered = call("RegisterProxyDevices", client=client, Device=devices)
    assert [device["result"] for device in registered["Device"]] == ["accepted", "accepted"]
    assert stub.sign_up("S1", cycle="quarterly", meters=("Total", "Black"))["refused"] == {}
    stub.turn_off("S2", "sold")
    stub.set_client_settings("02:30", 10)
    reply = call("SyncProxy", client=client, version="1")
    assert [on["serial"] for on in reply["On"]] == ["S1"]
    assert [(off["serial"], off["reason"]) for off in reply["Off"]] == [("S2", "sold")]
    assert reply["Settings"][0]["syncAt"] == "02:30"
    at = instant(datetime.now(UTC))
    states = [{"serial": "S1", "state": "on", "at": at}, {"serial": "S2", "state": "off", "at": at}]
    status = call("SyncProxyStatus", client=client, Device=states)
    assert [device["result"] for device in status["Device"]] == ["accepted", "accepted"]
    stub.advance(days=100)
    # Another version, for an RSA signature over the same words in the same second is the same, and so a replay.
    (bill,) = call("SyncProxy", client=client, version="2")["Bill"]
    assert (bill["cycle"], [meter["n"] for meter in bill["M"]]) == ("quarterly", ["Total", "Black"])
    reads = {
        "serial": "S1",
        "id": bill["id"],
        "at": at,
        "part": 1,
        "of": 1,
        "M": [{"n": "Total", "v": TOTAL}],
        "S": [{"n": "Toner", "l": -3, "c": 100, "u": 19}],
    }
    receipts = call("BillingTransaction", client=client, Device=[reads])
    assert [device["result"] for device in receipts["Device"]] == ["accepted"]
    (received,) = stub.readings()
    assert received["meters"] == [{"name": "Total", "value": TOTAL}]
    assert [entry.outcome[:2] for entry in stub.journal()] == ["ok"] * 6


class Vendor:
    """What a communication server decides, as simple as can be: everything is accepted, turned on, and billed once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.on: dict[str, bool] = {}  # by serial: whether it was confirmed
        self.billed: dict[str, list[Message]] = {}  # parts by serial

    def answer(self, operation: str, message: Message) -> Message:
        """The reply to a message their server believed."""
        self.asked.append(operation)
        now = datetime.now(UTC)
        devices = message.get("Device", [])
        match operation:
            case "RegisterProxy":
                return {"client": message["client"], "effective": instant(now)}
            case "RegisterProxyDevices":
                self.on |= {device["serial"]: False for device in devices}
                return {"effective": instant(now), "Device": [{"serial": d["serial"], "result": "accepted"} for d in devices]}
            case "SyncProxy":
                return {
                    "time": instant(now),
                    "On": [{"serial": serial} for serial, confirmed in self.on.items() if not confirmed],
                    "Bill": [self._bill(s, now) for s, confirmed in self.on.items() if confirmed and s not in self.billed],
                }
            case "SyncProxyStatus":
                self.on |= {device["serial"]: device["state"] == "on" for device in devices}
                return {"Device": [{"serial": device["serial"], "result": "accepted"} for device in devices]}
            case _:
                for device in devices:
                    self.billed.setdefault(device["serial"], []).append(device)
                return {
                    "Device": [{"serial": d["serial"], "id": d["id"], "part": d["part"], "result": "accepted"} for d in devices]
                }

    @staticmethod
    def _bill(serial: str, now: datetime) -> Message:
        first = (now - timedelta(days=31)).date()
        return {
            "serial": serial,
            "id": f"bill-{serial[:16]}",
            "from": first.isoformat(),
            "to": now.date().isoformat(),
            "cycle": "monthly",
            "due": (now + timedelta(days=7)).date().isoformat(),
        }


def our_life(site: Site, vendor: Vendor) -> None:
    """Our agent finds one printer, registers it, turns it on, and is billed."""
    site.done("discover", "--yes")
    site.done("enrol", "--all")
    site.done("sync")
    site.done("sync")
    (device,) = site.state().devices.values()
    assert device.state is DeviceState.REPORTED
    assert vendor.asked[:5] == ["RegisterProxy", "RegisterProxyDevices", "SyncProxy", "SyncProxyStatus", "SyncProxy"]
    assert set(vendor.asked[5:]) == {"BillingTransaction"}
    ((serial, parts),) = vendor.billed.items()
    (printer,) = site.fleet.printers
    told = {meter["n"]: int(meter["v"]) for part in parts for meter in part["M"]}
    (reading,) = site.done("read", f"{printer.address}:{printer.port}")
    assert serial == reading["serial"]
    assert told == {meter["name"]: meter["value"] for meter in reading["meters"]}
