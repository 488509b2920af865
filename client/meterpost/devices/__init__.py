"""A printer on the network becomes a `Reading`. This room only ever reads, and is the only one that knows SNMP."""

from meterpost.devices.credentials import SnmpUserSecret
from meterpost.devices.devices import Devices
from meterpost.devices.discovery import Progress
from meterpost.devices.replay import read_recording
from meterpost.devices.targets import ScanPlan

__all__ = ["Devices", "Progress", "ScanPlan", "SnmpUserSecret", "read_recording"]
