"""Recordings that stand in for devices: the recorded implementation of the SNMP port."""

from pathlib import Path

from meterpost import recording
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.errors import DeviceError


class RecordedAgent(MemoryAgent):
    """An agent that answers what the file at `path` recorded. Raises DeviceError when it cannot be read."""

    def __init__(self, path: Path, version: str = "2c") -> None:
        try:
            variables = recording.load(path)
        except recording.BadRecording as error:
            raise DeviceError(str(error), "A recording is .snmprec or the output of snmpwalk -On.") from None
        except OSError as error:
            raise DeviceError(f"the recording {path} cannot be read: {error.strerror}") from None
        self.variables = {variable.oid: variable.value for variable in variables}
        super().__init__(self.variables, version)
