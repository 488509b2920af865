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
PRT_ALERT_SEVERITY = oid("1.3.6.1.2.1.43.18.1.1.2")
PRT_ALERT_GROUP = oid("1.3.6.1.2.1.43.18.1.1.4")
PRT_ALERT_CODE = oid("1.3.6.1.2.1.43.18.1.1.7")
PRT_ALERT_DESCRIPTION = oid("1.3.6.1.2.1.43.18.1.1.8")

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

PERCENT = 19  # PrtMarkerSuppliesSupplyUnitTC
LEVEL_UNKNOWN = -2  # of prtMarkerSuppliesLevel and prtMarkerSuppliesMaxCapacity

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

# hrPrinterDetectedErrorState (RFC 2790; the second octet by RFC 3805), bit 0 is the most significant of the first octet.
DETECTED_ERRORS = {
    "lowPaper": "low paper",
    "noPaper": "no paper",
    "lowToner": "low toner",
    "noToner": "no toner",
    "doorOpen": "door open",
    "jammed": "jammed",
    "offline": "offline",
    "serviceRequested": "service requested",
    "inputTrayMissing": "input tray missing",
    "outputTrayMissing": "output tray missing",
    "markerSupplyMissing": "marker supply missing",
    "outputNearFull": "output near full",
    "outputFull": "output full",
    "inputTrayEmpty": "input tray empty",
    "overduePreventMaint": "overdue preventive maintenance",
}

ALERT_SEVERITIES = {1: "other", 3: "critical", 4: "warning", 5: "warningBinaryChangeEvent"}  # PrtAlertSeverityLevelTC

ALERT_GROUPS = {  # PrtAlertGroupTC
    1: "other",
    3: "hostResourcesMIBStorageTable",
    4: "hostResourcesMIBDeviceTable",
    5: "generalPrinter",
    6: "cover",
    7: "localization",
    8: "input",
    9: "output",
    10: "marker",
    11: "markerSupplies",
    12: "markerColorant",
    13: "mediaPath",
    14: "channel",
    15: "interpreter",
    16: "consoleDisplayBuffer",
    17: "consoleLights",
    18: "alert",
    30: "finDevice",
    31: "finSupply",
    32: "finSupplyMediaInput",
    33: "finAttribute",
}

_ALERT_CODES = {  # PrtAlertCodeTC, in runs from the number they begin with
    1: """
    other unknown coverOpen coverClosed interlockOpen interlockClosed configurationChange jam subunitMissing
    subunitLifeAlmostOver subunitLifeOver subunitAlmostEmpty subunitEmpty subunitAlmostFull subunitFull
    subunitNearLimit subunitAtLimit subunitOpened subunitClosed subunitTurnedOn subunitTurnedOff subunitOffline
    subunitPowerSaver subunitWarmingUp subunitAdded subunitRemoved subunitResourceAdded subunitResourceRemoved
    subunitRecoverableFailure subunitUnrecoverableFailure subunitRecoverableStorageError
    subunitUnrecoverableStorageError subunitMotorFailure subunitMemoryExhausted subunitUnderTemperature
    subunitOverTemperature subunitTimingFailure subunitThermistorFailure
    """,
    501: "doorOpen doorClosed powerUp powerDown printerNMSReset printerManualReset printerReadyToPrint",
    801: """
    inputMediaTrayMissing inputMediaSizeChange inputMediaWeightChange inputMediaTypeChange inputMediaColorChange
    inputMediaFormPartsChange inputMediaSupplyLow inputMediaSupplyEmpty inputMediaChangeRequest
    inputManualInputRequest inputTrayPositionFailure inputTrayElevationFailure inputCannotFeedSizeSelected
    """,
    901: "outputMediaTrayMissing outputMediaTrayAlmostFull outputMediaTrayFull outputMailboxSelectFailure",
    1001: """
    markerFuserUnderTemperature markerFuserOverTemperature markerFuserTimingFailure markerFuserThermistorFailure
    markerAdjustingPrintQuality
    """,
    1101: """
    markerTonerEmpty markerInkEmpty markerPrintRibbonEmpty markerTonerAlmostEmpty markerInkAlmostEmpty
    markerPrintRibbonAlmostEmpty markerWasteTonerReceptacleAlmostFull markerWasteInkReceptacleAlmostFull
    markerWasteTonerReceptacleFull markerWasteInkReceptacleFull markerOpcLifeAlmostOver markerOpcLifeOver
    markerDeveloperAlmostEmpty markerDeveloperEmpty markerTonerCartridgeMissing
    """,
    1301: """
    mediaPathMediaTrayMissing mediaPathMediaTrayAlmostFull mediaPathMediaTrayFull mediaPathCannotDuplexMediaSelected
    """,
    1501: """
    interpreterMemoryIncrease interpreterMemoryDecrease interpreterCartridgeAdded interpreterCartridgeDeleted
    interpreterResourceAdded interpreterResourceDeleted interpreterResourceUnavailable
    """,
    1509: "interpreterComplexPageEncountered",
    1801: "alertRemovalOfBinaryChangeEntry",
}
ALERT_CODES = {code: word for first, words in _ALERT_CODES.items() for code, word in enumerate(words.split(), first)}
