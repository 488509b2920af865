"""What a reading says of itself."""

from datetime import UTC, datetime

import pytest

from meterpost.model import Meter, Reading


@pytest.mark.parametrize(
    ("names", "total"),
    [
        (("life.impressions", "impressions.black", "impressions"), "impressions"),
        (("impressions.black", "life.sheets", "life.sheets.2"), "life.sheets"),
        (("impressions.black", "length"), None),
        ((), None),
    ],
)
def test_the_total_is_the_makers_own_before_what_a_marker_counted(names: tuple[str, ...], total: str | None) -> None:
    meters = tuple(Meter(name, 0, "impressions", "") for name in names)
    found = Reading("10.0.0.1", 161, datetime(2026, 1, 1, tzinfo=UTC), meters=meters).total
    assert (found.name if found else None) == total
