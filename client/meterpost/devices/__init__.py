"""A printer on the network becomes a `Reading`. This room only ever reads, and is the only one that knows SNMP."""

from meterpost.devices.checking import ProfileCheck
from meterpost.devices.checking import check as check_profile
from meterpost.devices.devices import Devices, Summary
from meterpost.devices.finding.named import Candidate, Segment
from meterpost.devices.finding.sweep import Progress
from meterpost.devices.finding.targets import ScanPlan
from meterpost.devices.recorded import read_recording
from meterpost.devices.snmp.credentials import SnmpUserSecret

__all__ = [
    "Candidate",
    "Devices",
    "ProfileCheck",
    "Progress",
    "ScanPlan",
    "Segment",
    "SnmpUserSecret",
    "Summary",
    "check_profile",
    "read_recording",
]
