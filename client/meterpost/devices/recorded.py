"""A reading straight from a recording: the file stands in for the device."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from meterpost.devices.reading import profile
from meterpost.devices.reading.contact import first_contact
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.reading.profile import Profiles
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import hold_at_once
from meterpost.devices.snmp.replay import RecordedAgent
from meterpost.devices.snmp.session import Abilities, Facts, Session
from meterpost.model import Reading


def read_recording(path: Path, now: datetime, profile_folders: Iterable[Path] = ()) -> Reading:
    """The reading of the device recorded in `path`; its address is the file's name, its port 0. Raises DeviceError."""
    return replay(path, now, profile.load(profile_folders))


def replay(path: Path, now: datetime, profiles: Profiles) -> Reading:
    """`read_recording` with profiles already loaded."""
    return interpret(facts_of(RecordedAgent(path), profiles), profiles, path.name, 0, now)


def facts_of(agent: MemoryAgent, profiles: Profiles) -> Facts:
    """What `agent` says at first contact."""
    return hold_at_once(first_contact(Session(Abilities(agent.has_bulk)), profiles), agent.answer)
