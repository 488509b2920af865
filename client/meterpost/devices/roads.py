"""Other roads to the same reading: an endpoint that is a URI is read by what its scheme says."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from urllib.parse import urlsplit

from meterpost.errors import DeviceError
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
    return await asyncio.to_thread(function, uri, now, timeout_s)
