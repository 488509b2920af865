"""The names of meters in the words of the Printer Working Group's counters. Data, and the one function that reads it.

A meter is called `unit.colour.service.size.sides`, each part but the first may be missing: `impressions.black.printed.large`.
Its PWG counter is `Service.ColourSidesUnit`, `Print.MonochromeImpressions`, with the services of PWG 5106.3 (IcServiceTypeTC;
SystemTotals for all of them together, Marker for what a marker counts by itself) and the work counters of PWG 5106.1,
those of PWG 5100.22 where only IPP has them (Pages, two-sided sheets). What the standard has no counter for follows behind:
it counts media by their names (MediaUsed), makers only large and small ones: `Print.MonochromeImpressions.Large`. So does what
makers tell apart and the standard does not, `Print.MonochromeImpressions.SingleColor`: one reading has one value for a counter.
"""

from functools import lru_cache

UNITS = {
    "impressions": "Impressions",
    "sheets": "Sheets",
    "images": "Images",
    "pages": "Pages",
    "labels": "Impressions",  # one on each
    "duplex": "TwoSided",  # makers that do not say whether they count sheets or their sides
    "count": "",  # a marker that does not say what it counts (prtMarkerCounterUnit)
}

COLOURS = {
    "black": "Monochrome",
    "singlecolor": "Monochrome",  # one colorant, whichever it is (print-color-mode of PWG 5100.13)
    "color": "FullColor",
    "fullcolor": "FullColor",
    "anycolor": "FullColor",  # of makers that also tell full colour from two colours and one
    "twocolor": "HighlightColor",  # black and one colorant more
    "highlight": "HighlightColor",
    "blank": "Blank",
}

SERVICES = {  # where two are named, the second says what the first was for: `images.scanned.copy`; behind the dot a qualifier
    "printed": "Print",
    "copied": "Copy",
    "copy": "Copy",
    "scanned": "Scan",
    "sent": "Scan.Sent",
    "network": "Scan.Network",
    "stored": "Scan",
    "email": "EmailOut",
    "faxed": "FaxIn",  # what a fax prints was received
    "received": "FaxIn",
    "fax": "FaxOut",
    "internetfax": "NetworkFaxOut",
    "serverfax": "NetworkFaxOut.Server",
    "other": "Other",
    "fed": "SystemTotals.Fed",  # originals, for whichever service
    "originals": "SystemTotals.Originals",
}

WITHOUT = frozenset({"length"})
"""First words of meters that PWG has no counter for."""

SIDES = {"twosided": "TwoSided"}

QUALIFIERS = {  # behind what the same word may say above
    "singlecolor": "SingleColor",
    "anycolor": "AnyColor",
    "stored": "Stored",
    "large": "Large",
    "small": "Small",
    "extralarge": "ExtraLarge",
    "onesided": "OneSided",
}

_TABLES = (COLOURS, SERVICES, SIDES, QUALIFIERS)
WORDS = tuple(dict.fromkeys(word for table in _TABLES for word in table))
"""All that may follow the unit in a meter's name."""

_LIFE = "life"


@lru_cache(1024)
def counter(meter: str) -> str:
    """The PWG counter of the meter called `meter`, '' where PWG has no word for it."""
    first, *words = meter.split(".")
    if first == _LIFE and words:
        unit, *place = words
        if unit not in UNITS or len(place) > 1:
            return ""
        return ".".join(("Marker", *place, f"Total{UNITS[unit]}"))
    if first not in UNITS:
        return ""
    service, colour, sides, qualifiers = "SystemTotals", "Total", "", ""
    for word in words:
        if word not in WORDS:
            return ""
        colour = COLOURS.get(word, colour)
        service = SERVICES.get(word, service)
        sides = SIDES.get(word, sides)
        qualifiers += f".{QUALIFIERS[word]}" if word in QUALIFIERS else ""
    service, dot, kind = service.partition(".")
    return f"{service}.{colour}{sides}{UNITS[first]}{dot}{kind}{qualifiers}"
