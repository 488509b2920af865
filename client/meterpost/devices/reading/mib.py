"""The standard objects a reader asks for, and the words of their numbers: RFC 1213, RFC 2790, RFC 3805 (1759), PWG 5107.1.

Data only.
"""

from meterpost.recording import Oid, oid

# SNMPv2-MIB (RFC 3418)
SYS_DESCR = oid("1.3.6.1.2.1.1.1.0")
SYS_OBJECT_ID = oid("1.3.6.1.2.1.1.2.0")
SYS_NAME = oid("1.3.6.1.2.1.1.5.0")
SYS_LOCATION = oid("1.3.6.1.2.1.1.6.0")
# IF-MIB
IF_PHYS_ADDRESS = oid("1.3.6.1.2.1.2.2.1.6")
# HOST-RESOURCES-MIB (RFC 2790)
HR_DEVICE_TYPE = oid("1.3.6.1.2.1.25.3.2.1.2")
HR_DEVICE_DESCR = oid("1.3.6.1.2.1.25.3.2.1.3")
HR_DEVICE_STATUS = oid("1.3.6.1.2.1.25.3.2.1.5")
HR_PRINTER_STATUS = oid("1.3.6.1.2.1.25.3.5.1.1")
HR_PRINTER_ERROR_STATE = oid("1.3.6.1.2.1.25.3.5.1.2")
HR_DEVICE_PRINTER = oid("1.3.6.1.2.1.25.3.1.5")
# Printer-MIB (RFC 3805)
PRT_SERIAL_NUMBER = oid("1.3.6.1.2.1.43.5.1.1.17")
PRT_MARKER_COUNTER_UNIT = oid("1.3.6.1.2.1.43.10.2.1.3")
PRT_MARKER_LIFE_COUNT = oid("1.3.6.1.2.1.43.10.2.1.4")
PRT_SUPPLY_COLORANT = oid("1.3.6.1.2.1.43.11.1.1.3")
PRT_SUPPLY_CLASS = oid("1.3.6.1.2.1.43.11.1.1.4")
PRT_SUPPLY_TYPE = oid("1.3.6.1.2.1.43.11.1.1.5")
PRT_SUPPLY_DESCRIPTION = oid("1.3.6.1.2.1.43.11.1.1.6")
PRT_SUPPLY_UNIT = oid("1.3.6.1.2.1.43.11.1.1.7")
PRT_SUPPLY_CAPACITY = oid("1.3.6.1.2.1.43.11.1.1.8")
PRT_SUPPLY_LEVEL = oid("1.3.6.1.2.1.43.11.1.1.9")
PRT_COLORANT_VALUE = oid("1.3.6.1.2.1.43.12.1.1.4")

FIRST_DEVICE: Oid = (1,)

# PrtMarkerCounterUnitTC and PrtMarkerSuppliesSupplyUnitTC share their numbers (RFC 3805, section 6).
UNITS = {
    1: "other",
    2: "unknown",
    3: "tenThousandthsOfInches",
    4: "micrometers",
    5: "characters",
    6: "lines",
    7: "impressions",
    8: "sheets",
    9: "dotRow",
    11: "hours",
    12: "thousandthsOfOunces",
    13: "tenthsOfGrams",
    14: "hundrethsOfFluidOunces",
    15: "tenthsOfMilliliters",
    16: "feet",
    17: "meters",
    18: "items",
    19: "percent",
}

SUPPLY_CLASSES = {1: "other", 3: "consumed", 4: "receptacle"}  # PrtMarkerSuppliesClassTC

_SUPPLY_TYPES = """
other unknown toner wasteToner ink inkCartridge inkRibbon wasteInk opc developer fuserOil solidWax ribbonWax wasteWax fuser
coronaWire fuserOilWick cleanerUnit fuserCleaningPad transferUnit tonerCartridge fuserOiler water wasteWater glueWaterAdditive
wastePaper bindingSupply bandingSupply stitchingWire shrinkWrap paperWrap staples inserts covers
"""
SUPPLY_TYPES = dict(enumerate(_SUPPLY_TYPES.split(), 1))  # PrtMarkerSuppliesTypeTC

# hrDeviceStatus and hrPrinterStatus together (RFC 3805, section 2.2.13.2).
DEVICE_DOWN = 5
PRINTER_WARMUP = 5
PRINTER_STATES = {1: "standby", 3: "idle", 4: "printing", 5: "warming up"}

# hrPrinterDetectedErrorState, bit 0 is the most significant of the first octet (RFC 2790).
DETECTED_ERRORS = (
    "low paper",
    "no paper",
    "low toner",
    "no toner",
    "door open",
    "jammed",
    "offline",
    "service requested",
    "input tray missing",
    "output tray missing",
    "marker supply missing",
    "output near full",
    "output full",
    "input tray empty",
    "overdue preventive maintenance",
)
