"""One printer is one printer, at however many addresses and interfaces it answers."""

from collections.abc import Iterator

from meterpost.model import Reading


class Found:
    """Printers by their place in a plan. Two readings are of one printer where maker and serial number agree, or, where one
    of them has no serial number, where they share model and network interface."""

    def __init__(self) -> None:
        self._kept: dict[int, Reading] = {}
        self._places: dict[object, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Each printer once, at the first of its places, in the order of the plan."""
        return tuple(self._kept[place] for place in sorted(self._kept))

    def add(self, place: int, reading: Reading) -> None:
        """Takes in what was found at `place`."""
        known = next((self._places[mark] for mark in _marks(reading) if self._is_known(mark, reading)), None)
        if known is not None and known < place:
            return
        if known is not None:
            del self._kept[known]
        self._kept[place] = reading
        self._places |= dict.fromkeys(_marks(reading), place)

    def _is_known(self, mark: object, reading: Reading) -> bool:
        place = self._places.get(mark)
        if place is None:
            return False
        other = self._kept.get(place)
        return other is not None and (mark == _number(reading) or not (other.serial and reading.serial))


def _number(reading: Reading) -> object:
    return reading.manufacturer, reading.serial


def _marks(reading: Reading) -> Iterator[object]:
    """What tells one printer from another."""
    if reading.serial:
        yield _number(reading)
    yield from ((reading.model, mac, "interface") for mac in reading.macs)
