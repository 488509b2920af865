"""A number read from a device's panel, held against its meters. Pure."""

from meterpost.model import Meter, Reading


def agreeing(before: Reading, after: Reading, shown: int) -> tuple[str, ...]:
    """Names of the meters that can have stood at `shown` between two readings, the total first: meters only count up, and a
    device may print while somebody walks to its panel and back."""
    return tuple(
        meter.name
        for meter in _total_first(before)
        if (later := after.meter(meter.name)) is not None and meter.value <= shown <= later
    )


def nearest(reading: Reading, shown: int) -> Meter | None:
    """The meter that is nearest to `shown`, of several the total; None where there is none."""
    return min(_total_first(reading), key=lambda meter: abs(meter.value - shown), default=None)


def _total_first(reading: Reading) -> list[Meter]:
    return sorted(reading.meters, key=lambda meter: meter is not reading.total)
