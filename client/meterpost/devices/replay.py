"""Recordings that stand in for devices: the recorded implementation of the SNMP port, and a reading straight from a file."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from meterpost import recording
from meterpost.devices import profile
from meterpost.devices.memory import MemoryAgent
from meterpost.devices.profile import Profiles
from meterpost.devices.reader import read
from meterpost.errors import DeviceError
from meterpost.model import Reading


class RecordedAgent(MemoryAgent):
    """An agent that answers what the file at `path` recorded. Raises DeviceError when it cannot be read."""

    def __init__(self, path: Path, version: str = "2c") -> None:
        try:
            variables = recording.load(path)
        except recording.BadRecording as error:
            raise DeviceError(str(error), "A recording is .snmprec or the output of snmpwalk -On.") from None
        except OSError as error:
            raise DeviceError(f"the recording {path} cannot be read: {error.strerror}") from None
        super().__init__({variable.oid: variable.value for variable in variables}, version)


def read_recording(path: Path, now: datetime, profile_folders: Iterable[Path] = ()) -> Reading:
    """The reading of the device recorded in `path`; its address is the file's name, its port 0. Raises DeviceError."""
    return replay(path, now, profile.load(profile_folders))


def replay(path: Path, now: datetime, profiles: Profiles) -> Reading:
    """`read_recording` with profiles already loaded."""
    return asyncio.run(read(RecordedAgent(path), profiles, path.name, 0, now))
