"""The number on the panel is the number on the bill: the comparison, by itself and on the road."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wizard_lab import KYOCERA, Person, Place

from meterpost.model import Meter, Reading
from meterpost.wizard import panel
from meterpost.wizard.questions import PANEL, count


def reading(**meters: int) -> Reading:
    counted = tuple(Meter(name, value, "impressions", "1.3") for name, value in meters.items())
    return Reading("10.0.0.1", 161, datetime(2026, 1, 1, tzinfo=UTC), serial="S1", meters=counted)


@given(st.integers(0, 10**9), st.integers(0, 1000), st.integers(0, 10**9))
def test_a_meter_agrees_with_what_it_can_have_stood_at(value: int, printed: int, shown: int) -> None:
    agreeing = panel.agreeing(reading(total=value), reading(total=value + printed), shown)
    assert bool(agreeing) == (value <= shown <= value + printed)


def test_a_meter_that_is_gone_agrees_with_nothing() -> None:
    assert panel.agreeing(reading(total=5, color=5), reading(color=5), 5) == ("color",)


def test_of_several_that_agree_the_total_is_named() -> None:
    counted = reading(**{"life.impressions": 100, "impressions.black": 100, "impressions": 100})
    assert panel.agreeing(counted, counted, 100)[0] == "impressions"
    nearest = panel.nearest(counted, 90)
    assert nearest is not None
    assert nearest.name == "impressions"


def test_the_nearest_meter() -> None:
    nearest = panel.nearest(reading(total=100, color=40), 70)
    assert nearest is not None
    assert nearest.name in ("total", "color")
    assert panel.nearest(reading(), 70) is None


@given(st.integers(0, 10**10 - 1), st.sampled_from([" ", ".", ",", "'"]))
def test_numbers_as_panels_write_them(number: int, mark: str) -> None:
    for written in (str(number), f"{number:,}".replace(",", mark)):
        assert PANEL.wrong(written) == ""
        assert count(written) == number


@pytest.mark.parametrize("answer", ["12a", "-5", "1.5", "12 34", "²", "٣", "1e5", "99999999999", "1,,000"])
def test_what_no_panel_shows(answer: str) -> None:
    assert "12345" in PANEL.wrong(answer)


# --- on the road -----------------------------------------------------------------------------------------------


@dataclass
class Printing(Person):
    """Somebody prints five pages while this person walks to the panel; what it shows is what it then showed."""

    place: Place | None = None
    pages_seen: int = 0

    def meters(self, reading: Reading) -> None:
        if self.place and reading.serial == KYOCERA:
            self.place.fleet.advance(self.place.fleet.printers[1].address, 5)
            total = reading.meter("impressions")
            assert total is not None
            self.script["panel"] = {KYOCERA: total + self.pages_seen}


def person(place: Place, panel: object, anyway: str = "", persist: int = 0) -> Person:
    changes = {"devices.choose": KYOCERA, "compare": "", "panel": {KYOCERA: panel}, "devices.anyway": {KYOCERA: anyway}}
    return place.person(changes, persist=persist)


@pytest.mark.parametrize("pages_seen", [0, 3, 5])
def test_pages_printed_on_the_way_to_the_panel_do_not_matter(place: Place, pages_seen: int) -> None:
    script = {**place.script, "devices.choose": KYOCERA, "compare": "yes"}
    somebody = Printing(script, place=place, pages_seen=pages_seen)
    assert place.walk(somebody).registered == (KYOCERA,)
    assert somebody.heard("The panel agrees with the meter impressions")
    assert somebody.troubles == []


def test_a_panel_that_does_not_agree_leaves_the_device_out(place: Place) -> None:
    somebody = person(place, panel=1)
    outcome = place.walk(somebody)
    assert outcome.left_out == (KYOCERA,)
    assert outcome.registered == ()
    assert not outcome.whole
    assert place.sent() == ["T3"]
    assert "the nearest is" in str(somebody.troubles[0])
    assert somebody.heard(f"{KYOCERA} is left out")


def test_a_mistyped_number_can_be_typed_again(place: Place) -> None:
    somebody = person(place, panel=["1", ""], persist=1)
    assert place.walk(somebody).registered == (KYOCERA,)


def test_enrolled_all_the_same(place: Place) -> None:
    assert place.walk(person(place, panel=1, anyway="yes")).registered == (KYOCERA,)


def test_a_device_that_went_silent_is_compared_with_what_it_said(place: Place) -> None:
    @dataclass
    class Late(Person):
        def meters(self, reading: Reading) -> None:
            place.fleet.switch_off(reading.address)
            self.script["panel"] = {KYOCERA: reading.meters[0].value}

    somebody = Late({**place.script, "devices.choose": KYOCERA, "compare": "yes"})
    assert place.walk(somebody).registered == (KYOCERA,)
