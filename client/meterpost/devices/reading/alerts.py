"""The alert table of the Printer MIB (RFC 3805, prtAlertTable) becomes `Alert` values. Pure; never raises."""

from collections.abc import Mapping
from itertools import islice

from meterpost.devices.reading import mib
from meterpost.devices.reading.values import number, text
from meterpost.devices.snmp.session import Column, Want
from meterpost.model import Alert
from meterpost.recording import Oid, Value, dotted

COLUMNS = (
    Want(mib.PRT_ALERT_SEVERITY, 2, octets=1),
    Want(mib.PRT_ALERT_GROUP, 2, octets=1),
    Want(mib.PRT_ALERT_CODE, 2, octets=2),
    Want(mib.PRT_ALERT_DESCRIPTION, 2, octets=24),
)
MOST = 50  # a printer that shouts more is not understood better


def alerts(table: Mapping[Oid, Column]) -> tuple[Alert, ...]:
    """One Alert for each row that says anything, in the order of the table: some agents keep rows of zeros for what is over."""
    rows = sorted(set().union(*(table[want.column] for want in COLUMNS)))
    found = (_alert(row, table) for row in rows)
    return tuple(islice((alert for alert in found if alert.severity or alert.group or alert.code or alert.description), MOST))


def _alert(row: Oid, table: Mapping[Oid, Column]) -> Alert:
    return Alert(
        index=dotted(row),
        severity=_word(mib.ALERT_SEVERITIES, table[mib.PRT_ALERT_SEVERITY].get(row)),
        group=_word(mib.ALERT_GROUPS, table[mib.PRT_ALERT_GROUP].get(row)),
        code=_word(mib.ALERT_CODES, table[mib.PRT_ALERT_CODE].get(row)),
        description=text(table[mib.PRT_ALERT_DESCRIPTION].get(row)),
    )


def _word(words: Mapping[int, str], value: Value) -> str:
    code = number(value)
    return words.get(code, str(code)) if code else ""  # the enumerations begin with 1
