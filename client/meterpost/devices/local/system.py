"""The printers this computer knows, from whichever printing system it has."""

import sys
from collections.abc import Sequence

from meterpost.devices.local import LocalPrinter, cups, windows


def local_printers(
    platform: str = sys.platform, registry: windows.Registry | None = None, schedulers: Sequence[str] = ()
) -> tuple[LocalPrinter, ...]:
    """Of the Windows spooler on `win32`, of CUPS elsewhere (`schedulers`: see `cups.printers`). Raises DeviceError where
    there is no scheduler, SettingsError where there is no registry or it may not be read."""
    return windows.printers(registry) if platform == "win32" else cups.printers(schedulers or cups.schedulers())
