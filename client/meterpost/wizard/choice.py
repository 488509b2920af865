"""Which of the devices that were found may be chosen, and which were. Pure."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from meterpost.agent import ENROLLED
from meterpost.lifecycle.state import Device, DeviceState
from meterpost.model import Reading
from meterpost.wizard.questions import items
from meterpost_wsdl import xmlio
from meterpost_wsdl.names import OCTETS


class Standing(StrEnum):
    """What a device that was found is to this site."""

    NEW = "new"
    ENDED = "was enrolled before"  # 'all' must not bring back what was withdrawn: it has to be named
    ENROLLED = "enrolled"
    NO_SERIAL = "no serial: cannot be chosen"
    LONG_SERIAL = "serial too long: cannot be chosen"


@dataclass(frozen=True, slots=True)
class Found:
    """A device the search met."""

    reading: Reading
    standing: Standing

    @property
    def serial(self) -> str:
        return self.reading.serial

    @property
    def choosable(self) -> bool:
        return self.standing in (Standing.NEW, Standing.ENDED)


def stand(reading: Reading, site: Mapping[str, Device]) -> Found:
    """A device that was found, and what it is to the `site`, whose devices go by their serials."""
    device = site.get(reading.serial)
    if not reading.serial:
        standing = Standing.NO_SERIAL
    elif xmlio.octets(reading.serial) > OCTETS["serial"]:
        standing = Standing.LONG_SERIAL
    elif device is None or device.state is DeviceState.SEEN:
        standing = Standing.NEW
    else:
        standing = Standing.ENROLLED if device.state in ENROLLED else Standing.ENDED
    return Found(reading, standing)


def enrolled(site: Mapping[str, Device]) -> frozenset[str]:
    """The serials in the administrator's care."""
    return frozenset(serial for serial, device in site.items() if device.state in ENROLLED)


def waiting(site: Mapping[str, Device]) -> tuple[str, ...]:
    """Serials that were chosen earlier and are not registered yet."""
    return tuple(serial for serial, device in sorted(site.items()) if device.state is DeviceState.SELECTED)


def chosen(answer: str, found: Sequence[Found]) -> tuple[str, ...]:
    """The serials an answer chooses, in the order they were found. One that is enrolled stays as it is."""
    words = set(items(answer))
    return tuple(
        device.serial
        for device in found
        if device.choosable and (device.serial in words or ("all" in words and device.standing is Standing.NEW))
    )


def wrong(answer: str, found: Sequence[Found], enrolled: Collection[str]) -> str:
    """What is wrong with an answer, '' if nothing is; naming again what is enrolled is not."""
    choosable = [device.serial for device in found if device.choosable]
    for word in items(answer):
        if word != "all" and word not in choosable and word not in enrolled:
            near = difflib.get_close_matches(word, choosable, 1)
            return f"There is no {word!r} to choose. " + (
                f"Did you mean {near[0]}?" if near else f"There is: {', '.join(choosable)}."
            )
    return ""


def replaced(found: Sequence[Found], site: Mapping[str, Device]) -> tuple[tuple[Device, Found], ...]:
    """Enrolled devices at whose address a device answers that may be chosen. The site followed those that moved, so
    what is meant here answers nowhere."""
    at = {(device.reading.address, device.reading.port): device for device in found if device.choosable}
    return tuple(
        (old, at[old.address, old.port])
        for _, old in sorted(site.items())
        if old.state in ENROLLED and (old.address, old.port) in at
    )
