"""The simulated fleet: recordings of printers served as SNMP agents on loopback. The stub's only importer of pysnmp."""

from meterpost_stub.printers.fleet import BUILT_IN, Fleet, FleetError, SimulatedPrinter, recordings_in
from meterpost_stub.printers.usm import AgentUser

__all__ = ["BUILT_IN", "AgentUser", "Fleet", "FleetError", "SimulatedPrinter", "recordings_in"]
