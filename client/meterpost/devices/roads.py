"""Other roads to the same reading: an endpoint that is a URI is read by what its scheme says."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from urllib.parse import urlsplit

from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading

Read = Callable[[str, datetime, float], Reading]

ROADS = {
    "ipp": "meterpost.devices.ipp:read_ipp",
    "ipps": "meterpost.devices.ipp:read_ipp",
    "http": "meterpost.devices.solidink:read_solid_ink",
    "https": "meterpost.devices.solidink:read_solid_ink",
}
"""Scheme, and the function that reads (uri, now, time-out in seconds)."""


def is_uri(host: str) -> bool:
    """Whether an endpoint's host is a URI: then it is not asked by SNMP."""
    return "://" in host


async def read(uri: str, now: datetime, timeout_s: float) -> Reading:
    """The reading of the device at `uri`. Raises DeviceError."""
    scheme = urlsplit(uri).scheme
    if scheme not in ROADS:
        raise DeviceError(f"{uri}: there is no way to read {scheme}", f"Known are {', '.join(ROADS)}.")
    module, _, name = ROADS[scheme].partition(":")
    function: Read = getattr(import_module(module), name)
    try:
        return await asyncio.to_thread(function, uri, now, timeout_s)
    except SettingsError as error:  # a URI that cannot be used costs that printer only
        raise DeviceError(str(error), error.advice) from None


async def completed(reading: Reading) -> Reading:
    """What SNMP told, and where the printer's own pages tell the rest (solid ink), that too. They may be switched off."""
    from meterpost.devices import solidink

    if not solidink.pages(reading.model or reading.sys_descr):
        return reading
    host = f"[{reading.address}]" if ":" in reading.address else reading.address
    with suppress(DeviceError):
        return solidink.enrich(reading, await asyncio.to_thread(solidink.visit, f"http://{host}"))
    return reading
