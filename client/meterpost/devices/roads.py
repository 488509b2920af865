"""Other roads to the same reading: an endpoint that is a URI is read by what its scheme says."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from meterpost.errors import DeviceError, SettingsError
from meterpost.model import Reading

Read = Callable[[str, datetime, float, Path | None], Reading]

ROADS = {
    "ipp": "meterpost.devices.ipp:read_ipp",
    "ipps": "meterpost.devices.ipp:read_ipp",
    "http": "meterpost.devices.solidink:read_solid_ink",
    "https": "meterpost.devices.solidink:read_solid_ink",
}
"""Scheme, and the function that reads (uri, now, time-out in seconds, CA file)."""

AT_ONCE = 32
"""URIs that are visited at the same time: each takes a thread, and asyncio's own are few where there are few processors."""

_THREADS = ThreadPoolExecutor(AT_ONCE, "road")
_PAGES_S = 15.0  # what its own pages add to a reading is not waited for any longer


def is_uri(host: str) -> bool:
    """Whether an endpoint's host is a URI: then it is not asked by SNMP."""
    return "://" in host


def name(uri: str) -> str:
    """What people call the road to `uri`: IPP, HTTP."""
    return urlsplit(uri).scheme.removesuffix("s").upper()


async def read(uri: str, now: datetime, timeout_s: float, ca_file: Path | None = None) -> Reading:
    """The reading of the device at `uri`; `ca_file` as `web.get` takes it. Raises DeviceError."""
    scheme = urlsplit(uri).scheme
    if scheme not in ROADS:
        raise DeviceError(f"{uri}: there is no way to read {scheme}", f"Known are {', '.join(ROADS)}.")
    module, _, name = ROADS[scheme].partition(":")
    function: Read = getattr(import_module(module), name)
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, function, uri, now, timeout_s, ca_file)
    except SettingsError as error:  # a URI that cannot be used costs that printer only
        raise DeviceError(str(error), error.advice) from None


def check(ca_file: Path) -> None:
    """Raises SettingsError for a file that holds no certificates."""
    from meterpost.devices import web

    web.trust(ca_file)


async def completed(reading: Reading) -> Reading:
    """What SNMP told, and where the printer's own pages tell the rest (solid ink), that too. They may be switched off."""
    from meterpost.devices import solidink

    if not solidink.pages(reading.model or reading.sys_descr):
        return reading
    host = f"[{reading.address}]" if ":" in reading.address else reading.address
    visit = asyncio.get_running_loop().run_in_executor(_THREADS, solidink.visit, f"http://{host}")
    with suppress(DeviceError, TimeoutError):
        return solidink.enrich(reading, await asyncio.wait_for(visit, _PAGES_S))
    return reading
