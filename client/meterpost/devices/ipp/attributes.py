"""What is asked of a printer by IPP, and what its answer means: a table from attribute to field. Data only.

Sources: RFC 8011; PWG 5100.9 (alerts), PWG 5100.13 (supplies, trays, firmware), PWG 5100.22 (counters), and the
marker-* attributes of CUPS, which AirPrint and Mopria printers have too.
"""

PATHS = ("/ipp/print", "/ipp/printer", "/ipp", "/")
"""Where printers answer, the most usual first. IPP Everywhere (PWG 5100.14) and AirPrint ask for the first."""

SERIAL = ("printer-serial-number",)
MODEL = ("printer-make-and-model",)
NAME = ("printer-info", "printer-dns-sd-name", "printer-name")
LOCATION = ("printer-location",)
FIRMWARE = ("printer-firmware-string-version",)
DEVICE_ID = "printer-device-id"  # IEEE 1284; PWG 5107.2
UUID = "printer-uuid"
STATE = "printer-state"
REASONS = "printer-state-reasons"
ALERT, ALERT_DESCRIPTION = "printer-alert", "printer-alert-description"
SUPPLY, SUPPLY_DESCRIPTION = "printer-supply", "printer-supply-description"
MARKER_NAMES, MARKER_TYPES, MARKER_COLORS = "marker-names", "marker-types", "marker-colors"
MARKER_LEVELS, MARKER_HIGH_LEVELS = "marker-levels", "marker-high-levels"

COUNTERS = {  # PWG 5100.22, 7.7: attribute -> meter and unit; the same with "-col" holds the parts of it
    "printer-impressions-completed": ("impressions", "impressions"),
    "printer-media-sheets-completed": ("sheets", "sheets"),
    "printer-pages-completed": ("pages", "pages"),
}

PARTS = {  # members of those collections -> the end of the meter's name
    "monochrome": "black",
    "full-color": "color",
    "highlight-color": "highlight",
    "blank": "blank",
    "monochrome-two-sided": "black.twosided",
    "full-color-two-sided": "color.twosided",
    "highlight-color-two-sided": "highlight.twosided",
    "blank-two-sided": "blank.twosided",
}

REQUESTED = (
    *SERIAL,
    *MODEL,
    *NAME,
    *LOCATION,
    *FIRMWARE,
    DEVICE_ID,
    UUID,
    STATE,
    REASONS,
    ALERT,
    ALERT_DESCRIPTION,
    SUPPLY,
    SUPPLY_DESCRIPTION,
    MARKER_NAMES,
    MARKER_TYPES,
    MARKER_COLORS,
    MARKER_LEVELS,
    MARKER_HIGH_LEVELS,
    *(name + ending for name in COUNTERS for ending in ("", "-col")),
)
"""All that is asked for: whole answers have hundreds of kilobytes where there is a media database."""

STATES = {3: "idle", 4: "printing", 5: "down"}  # printer-state (RFC 8011, 5.4.11)
STOPPED = 5

SEVERITIES = ("-error", "-warning", "-report")  # ends of a reason (RFC 8011, 5.4.12); what is detected is the same

ERRORS = {  # printer-state-reasons (RFC 8011, 5.4.12; PWG 5100.9, 6) -> hrPrinterDetectedErrorState (RFC 2790)
    "media-low": "lowPaper",
    "media-empty": "noPaper",
    "media-needed": "noPaper",
    "toner-low": "lowToner",
    "marker-supply-low": "lowToner",
    "marker-toner-almost-empty": "lowToner",
    "marker-ink-almost-empty": "lowToner",
    "marker-print-ribbon-almost-empty": "lowToner",
    "toner-empty": "noToner",
    "marker-supply-empty": "noToner",
    "marker-toner-empty": "noToner",
    "marker-ink-empty": "noToner",
    "marker-print-ribbon-empty": "noToner",
    "door-open": "doorOpen",
    "cover-open": "doorOpen",
    "interlock-open": "doorOpen",
    "input-cover-open": "doorOpen",
    "output-cover-open": "doorOpen",
    "marker-cover-open": "doorOpen",
    "media-path-cover-open": "doorOpen",
    "media-jam": "jammed",
    "input-media-jam": "jammed",
    "output-media-jam": "jammed",
    "marker-media-jam": "jammed",
    "media-path-media-jam": "jammed",
    "finisher-media-jam": "jammed",
    "shutdown": "offline",
    "offline": "offline",
    "paused": "offline",
    "deactivated": "offline",
    "fuser-over-temp": "serviceRequested",
    "fuser-under-temp": "serviceRequested",
    "opc-life-over": "serviceRequested",
    "marker-failure": "serviceRequested",
    "marker-waste-full": "serviceRequested",
    "marker-waste-toner-receptacle-full": "serviceRequested",
    "marker-waste-ink-receptacle-full": "serviceRequested",
    "input-tray-missing": "inputTrayMissing",
    "input-media-tray-missing": "inputTrayMissing",
    "output-tray-missing": "outputTrayMissing",
    "output-media-tray-missing": "outputTrayMissing",
    "marker-supply-missing": "markerSupplyMissing",
    "toner-missing": "markerSupplyMissing",
    "marker-toner-missing": "markerSupplyMissing",
    "marker-toner-cartridge-missing": "markerSupplyMissing",
    "marker-ink-missing": "markerSupplyMissing",
    "marker-print-ribbon-missing": "markerSupplyMissing",
    "opc-missing": "markerSupplyMissing",
    "output-area-almost-full": "outputNearFull",
    "output-media-tray-almost-full": "outputNearFull",
    "output-area-full": "outputFull",
    "output-media-tray-full": "outputFull",
    "input-media-supply-low": "lowPaper",
    "input-media-supply-empty": "inputTrayEmpty",
    "opc-near-eol": "overduePreventMaint",
    "opc-life-almost-over": "overduePreventMaint",
    "marker-opc-life-almost-over": "overduePreventMaint",
}

PACKED_SERIALS = {
    "Epson": r"((?:3[0-9]|4[1-9A-F]|5[0-9A]){8})([0-9]{2})",
}
"""Maker -> how its IEEE 1284 ids pack a serial number: octets of ASCII in hex, then digits as they are. Epson's are always
ten characters, eight and two: the last two were decimal in each of fourteen ids, and no ASCII in half of them."""

CLASSES = {  # values of class= in printer-supply (RFC 3805, PrtMarkerSuppliesClassTC)
    "other": "other",
    "supplythatisconsumed": "consumed",
    "receptaclethatisfilled": "receptacle",
}

RECEPTACLES = {"wasteToner", "wasteInk", "wasteWax", "wasteWater", "wastePaper"}  # types that are filled

COLORS = {  # marker-colors: sRGB of what fills the marker (CUPS); several of them are a cartridge of several colours
    "#000000": "black",
    "#00FFFF": "cyan",
    "#FF00FF": "magenta",
    "#FFFF00": "yellow",
    "#808080": "gray",
    "#FF0000": "red",
    "#0000FF": "blue",
    "#00FF00": "green",
    "#FFFFFF": "white",
}

MAKERS = {  # how a make (printer-make-and-model, or MFG of IEEE 1284) begins, lower case -> the maker's name
    "hewlett-packard": "HP",
    "hp": "HP",
    "brother": "Brother",
    "canon": "Canon",
    "dell": "Dell",
    "develop": "Konica Minolta",
    "epson": "Epson",
    "seiko epson": "Epson",
    "fuji xerox": "FUJIFILM",
    "fujifilm": "FUJIFILM",
    "konica minolta": "Konica Minolta",
    "kyocera": "Kyocera",
    "lexmark": "Lexmark",
    "oki": "OKI",
    "panasonic": "Panasonic",
    "pantum": "Pantum",
    "ricoh": "Ricoh",
    "samsung": "Samsung",
    "sharp": "Sharp",
    "toshiba": "Toshiba",
    "utax": "UTAX",
    "xerox": "Xerox",
    "zebra": "Zebra",
}
