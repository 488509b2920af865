"""Meters in PWG's words: every name in use has its counter, and the words mean what the standards say."""

import pytest

from meterpost import pwg
from meterpost.devices.ipp.attributes import COUNTERS, PARTS
from meterpost.devices.reading import mib
from meterpost.devices.reading.profile import load
from meterpost.devices.solidink.rules import rules
from meterpost.model import Meter

PROFILES = {
    (entry.name, name)
    for entry in load()
    for name in (
        *(meter.name for meter in entry.meters),
        *(name for rule in (*entry.tables, *entry.blobs) for name in rule.rows.values()),
    )
}
IPP = {name for name, _ in COUNTERS.values()} | {f"{name}.{part}" for name, _ in COUNTERS.values() for part in PARTS.values()}
SOLID_INK = {rule.name for rule in rules().meters}
QUALIFIERS = {*pwg.QUALIFIERS.values(), "Sent", "Network", "Server", "Fed", "Originals"}
SERVICES = {  # IcServiceTypeTC of PWG 5106.3, and a subunit
    *("Other", "SystemTotals", "Copy", "EmailIn", "EmailOut", "FaxIn", "FaxOut", "NetworkFaxIn", "NetworkFaxOut"),
    *("Print", "Scan", "Transform", "Marker"),
}
COUNTS = {  # the work counters of PWG 5106.1
    f"{colour}{unit}"
    for colour in ("Total", "Monochrome", "FullColor", "HighlightColor", "Blank")
    for unit in ("Images", "Impressions", "TwoSidedImpressions", "Sheets")
} | {  # of PWG 5100.22, and those whose unit the maker keeps to itself
    f"{colour}{unit}"
    for colour in ("Total", "Monochrome", "FullColor", "HighlightColor", "Blank")
    for unit in ("Pages", "TwoSidedPages", "TwoSidedSheets", "TwoSided", "")
}


@pytest.mark.parametrize("name", sorted({name for _, name in PROFILES} | IPP | SOLID_INK))
def test_every_name_in_use_has_its_counter(name: str) -> None:
    counter = pwg.counter(name)
    assert (counter == "") == (name.split(".")[0] in pwg.WITHOUT), name
    if counter:
        service, count, *qualifiers = counter.split(".")
        assert service in SERVICES
        assert count in COUNTS
        assert set(qualifiers) <= QUALIFIERS


@pytest.mark.parametrize("source", sorted({source for source, _ in PROFILES} | {"ipp", "solid ink"}))
def test_two_names_never_share_a_counter(source: str) -> None:
    names = {"ipp": IPP, "solid ink": SOLID_INK}.get(source) or {name for profile, name in PROFILES if profile == source}
    shared: dict[str, list[str]] = {}
    for name in names:
        shared.setdefault(pwg.counter(name), []).append(name)
    assert {counter: named for counter, named in shared.items() if counter and len(named) > 1} == {}


@pytest.mark.parametrize(
    ("name", "counter"),
    [
        ("impressions", "SystemTotals.TotalImpressions"),
        ("impressions.black.printed", "Print.MonochromeImpressions"),
        ("impressions.fullcolor.copied.large", "Copy.FullColorImpressions.Large"),
        ("impressions.twocolor.printed", "Print.HighlightColorImpressions"),
        ("impressions.singlecolor.faxed", "FaxIn.MonochromeImpressions.SingleColor"),
        ("impressions.anycolor.copied", "Copy.FullColorImpressions.AnyColor"),
        ("impressions.black.stored.printed", "Print.MonochromeImpressions.Stored"),
        ("images.stored", "Scan.TotalImages.Stored"),
        ("images.sent", "Scan.TotalImages.Sent"),
        ("images.sent.network", "Scan.TotalImages.Network"),
        ("images.sent.serverfax", "NetworkFaxOut.TotalImages.Server"),
        ("images.fed", "SystemTotals.TotalImages.Fed"),
        ("impressions.twosided", "SystemTotals.TotalTwoSidedImpressions"),
        ("impressions.black.printed.twosided.large", "Print.MonochromeTwoSidedImpressions.Large"),
        ("sheets.twosided", "SystemTotals.TotalTwoSidedSheets"),
        ("images.scanned", "Scan.TotalImages"),
        ("images.scanned.fax", "FaxOut.TotalImages"),
        ("images.black.sent.email", "EmailOut.MonochromeImages"),
        ("labels", "SystemTotals.TotalImpressions"),
        ("duplex", "SystemTotals.TotalTwoSided"),
        ("life.impressions", "Marker.TotalImpressions"),
        ("life.sheets.2", "Marker.2.TotalSheets"),
        ("life.count", "Marker.Total"),
        ("life.hours", ""),
        ("life", ""),
        ("life.impressions.2.3", ""),
        ("length", ""),
        ("impressions.nonsense", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_a_name_is_said_in_pwgs_words(name: str, counter: str) -> None:
    assert Meter(name, 1, "", "").pwg == counter


def test_a_marker_that_counts_what_pwg_counts_has_a_counter() -> None:
    counted = {unit for unit in mib.UNITS.values() if pwg.counter(f"life.{unit.lower()}")}
    assert counted == {"impressions", "sheets"}
