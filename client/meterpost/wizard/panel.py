"""A number read from a device's panel, held against its meters. Pure."""

from meterpost.model import Meter, Reading


def agreeing(before: Reading, after: Reading, shown: int) -> tuple[str, ...]:
    """Names of the meters that can have stood at `shown` between two readings: meters only count up, and a device may
    print while somebody walks to its panel and back."""
    return tuple(
        meter.name
        for meter in before.meters
        if (later := after.meter(meter.name)) is not None and meter.value <= shown <= later
    )


def nearest(reading: Reading, shown: int) -> Meter | None:
    """The meter that is nearest to `shown`; None where there is none."""
    return min(reading.meters, key=lambda meter: abs(meter.value - shown), default=None)
