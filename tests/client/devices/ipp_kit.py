"""Synthetic IPP printers as attributes, and readings of them over a socket."""

from datetime import UTC, datetime

from meterpost.devices.ipp import read_ipp
from meterpost.model import Reading
from meterpost_stub.printers.ipp import Attributes, IppServer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

DEVICE_ID = "MFG:Hewlett-Packard;CMD:PCL,PS;MDL:LaserJet 9;CLS:PRINTER;SN:ACME00042;"


def a_printer(extra: Attributes | None = None) -> dict[str, object]:
    """A colour printer with counters, four supplies and no trouble; `extra` attributes replace those."""
    attributes: dict[str, object] = {
        "printer-make-and-model": "HP LaserJet 9",
        "printer-info": "Hall printer",
        "printer-name": "ipp/print",
        "printer-location": "Hall, 1st floor",
        "printer-device-id": DEVICE_ID,
        "printer-uuid": "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "printer-firmware-string-version": ["7.1", "boot 2"],
        "printer-state": 3,
        "printer-state-reasons": "none",
        "printer-impressions-completed": 12345,
        "marker-names": ["Black Toner", "Cyan Toner"],
        "marker-types": ["toner-cartridge", "toner"],
        "marker-colors": ["#000000", "#00FFFF"],
        "marker-levels": [42, -3],
        "media-col-default": {"media-size": {"x-dimension": 21000, "y-dimension": 29700}},
    }
    return attributes | dict(extra or {})


def read(attributes: Attributes | bytes) -> Reading:
    with IppServer({"/ipp/print": attributes}) as server:
        return read_ipp(f"ipp://127.0.0.1:{server.port}/ipp/print", NOON)
