"""A profile file held against a recording: what it reads, what it misses, and what it leaves lying there."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from meterpost import pwg
from meterpost.devices.reading import contact, mib, profile
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.reading.profile import Profile, Profiles
from meterpost.devices.recorded import facts_of
from meterpost.devices.snmp.replay import RecordedAgent
from meterpost.errors import SettingsError
from meterpost.model import Meter, Reading
from meterpost.recording import dotted, oid

_ENTERPRISES = oid("1.3.6.1.4.1")
_MOST_UNREAD = 20
_UNITS = (
    *("images", "pages", "labels", "centimeters"),
    *(unit for unit in mib.UNITS.values() if unit not in ("other", "percent")),
)


@dataclass(frozen=True, slots=True)
class ProfileCheck:
    """`used` is the profile the device would be read with; the checked one where it matches best. `missed` are names of meters
    the profile knows and this device has not; `unread` are the largest numbers in makers' trees that no meter is made of, as
    (OID, value); `doubts` are sentences on names without a PWG counter, and on units that are none."""

    name: str
    version: str
    used: str
    reading: Reading
    read: tuple[Meter, ...]
    missed: tuple[str, ...]
    unread: tuple[tuple[str, int], ...]
    doubts: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the profile is the one for the device, and reads any counter of it."""
        return self.used == self.name and bool(self.read)


def check(file: Path, recording: Path, now: datetime) -> ProfileCheck:
    """`file` beside the built-in profiles, as a user's would be. Raises SettingsError for a bad profile, DeviceError for a bad
    recording."""
    try:
        checked = profile.parse(file.read_text("utf-8"), file.name.removesuffix(".toml"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the profile {file} cannot be read: {error}", "Name a TOML file.") from None
    profiles = Profiles((*profile.load(), checked))
    agent = RecordedAgent(recording)
    facts = facts_of(agent, profiles)
    reading = interpret(facts, profiles, recording.name, 0, now)
    used = contact.chosen(facts, profiles).name
    known = _names(checked)
    read = tuple(meter for meter in reading.meters if used == checked.name and meter.name in known)
    named = {meter.oid for meter in reading.meters}
    unread = [
        (dotted(name), value)
        for name, value in agent.variables.items()
        if name[: len(_ENTERPRISES)] == _ENTERPRISES and isinstance(value, int) and value > 0 and dotted(name) not in named
    ]
    return ProfileCheck(
        name=checked.name,
        version=checked.version,
        used=used,
        reading=reading,
        read=read,
        missed=tuple(name for name in known if name not in {meter.name for meter in read}),
        unread=tuple(sorted(unread, key=lambda pair: -pair[1])[:_MOST_UNREAD]),
        doubts=_doubts(checked),
    )


def _doubts(checked: Profile) -> tuple[str, ...]:
    names = [name for name in _names(checked) if not pwg.counter(name) and name.split(".")[0] not in pwg.WITHOUT]
    counted = {rule.unit for rule in checked.meters}
    for table in checked.tables:
        counted |= {table.unit, *table.units.values()}
    for blob in checked.blobs:
        counted |= {blob.unit, *blob.units.values()}
    units = sorted(counted - set(_UNITS))
    doubts = []
    if names:
        first = ", ".join((*pwg.UNITS, *sorted(pwg.WITHOUT)))
        doubts.append(
            f"There is no PWG counter for {', '.join(names)}: a name is a unit ({first}), and words behind dots "
            f"({', '.join(pwg.WORDS)})."
        )
    if units:
        doubts.append(f"No known units: {', '.join(units)}. Those are {', '.join(_UNITS)}.")
    return tuple(doubts)


def _names(checked: Profile) -> tuple[str, ...]:
    """The meters `checked` can give, each once."""
    names = [rule.name for rule in checked.meters]
    for table in checked.tables:
        names += table.rows.values()
    for blob in checked.blobs:
        names += blob.rows.values()
    return tuple(dict.fromkeys(names))
