"""A printer on the network becomes a `Reading`. This room only ever reads, and is the only one that knows SNMP."""

from meterpost.devices.devices import Devices
from meterpost.devices.finding.sweep import Progress
from meterpost.devices.finding.targets import ScanPlan
from meterpost.devices.recorded import read_recording
from meterpost.devices.snmp.credentials import SnmpUserSecret

__all__ = ["Devices", "Progress", "ScanPlan", "SnmpUserSecret", "read_recording"]
