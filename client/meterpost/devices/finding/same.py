"""One printer is one printer, at however many addresses and interfaces it answers, and by whichever road it is read."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from meterpost.devices import roads
from meterpost.model import Reading

Mark = tuple[str | bool, ...]
"""Two facts that agree, as a key."""

_APART = re.compile(r"[\W_]+")


class Found:
    """Printers by their place in a plan. Two readings are of one printer where two facts agree: the serial number and one of
    maker, model, network interface and host; or, where one of them has no serial number, the model and the interface, or the
    model and the host if one was read by SNMP and the other at a URI. Two serial numbers are two printers."""

    def __init__(self) -> None:
        self._kept: dict[int, Reading] = {}
        self._marks: dict[int, set[Mark]] = {}  # of all readings of the printer that is kept there
        self._places: dict[Mark, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Each printer once, by its best reading, in the order of the plan."""
        return tuple(self._kept[place] for place in sorted(self._kept))

    def add(self, place: int, reading: Reading) -> None:
        """Takes in what was found at `place`."""
        at_uri = roads.is_uri(reading.address)
        left = set(_marks(reading, at_uri))
        known = {self._places.get(mark) for mark in _marks(reading, not at_uri)}
        one, serials = {place}, {reading.serial}
        for other in sorted((at for at in known if at in self._kept), key=self._rank):
            if len((serials | {self._kept[other].serial}) - {""}) < 2:
                one.add(other)
                serials.add(self._kept[other].serial)
        self._kept[place] = reading
        best, *others = sorted(one, key=self._rank)
        for other in others:
            del self._kept[other]
            left |= self._marks.pop(other, set())
        self._marks.setdefault(best, set()).update(left)
        self._places |= dict.fromkeys(left, best)

    def _rank(self, place: int) -> tuple[bool, bool, bool, int]:
        """What can be billed before what cannot; SNMP, which tells more meters, before the other roads; then the first."""
        reading = self._kept[place]
        return not reading.serial, not reading.meters, roads.is_uri(reading.address), place


def _marks(reading: Reading, at_uri: bool) -> Iterator[Mark]:
    """What tells one printer from another; `at_uri`: the road by which its host and model were or would be read."""
    host = urlsplit(reading.address).hostname or reading.address.lower()
    model = _model(reading)
    if reading.serial:
        for fact in (reading.manufacturer.casefold(), model, host, *reading.macs):
            if fact:
                yield reading.serial, fact
    if model:
        yield from ((model, mac) for mac in reading.macs)
        yield model, host, at_uri


def _model(reading: Reading) -> str:
    """SNMP says "HP Color LaserJet", IPP "Color LaserJet", or the other way round."""
    return _APART.sub("", reading.model.casefold()).removeprefix(_APART.sub("", reading.manufacturer.casefold()))
