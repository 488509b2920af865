"""A recording without what is nobody else's business: serial numbers, names, places, addresses, documents.

Each is replaced wherever it stands, always by the same stand-in of the same shape: digits by digits, letters by letters. So the
recording still reads like the device, and two places that agreed still agree. Tables that name other machines, users or print
jobs are left out, and so are rows whose index names somebody.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from meterpost.devices.reading import mib, values
from meterpost.devices.reading.interpret import told
from meterpost.devices.reading.profile import Profiles, TextRule
from meterpost.devices.stand_ins import Scrubber, StandIns, folded, is_host
from meterpost.recording import Oid, Tag, Variable, oid

# Replaced whole: sysContact, sysName, sysLocation; prtGeneralCurrentOperator, prtGeneralServicePerson, prtGeneralPrinterName
# (RFC 3805); ifAlias (RFC 2863); entPhysicalSerialNum, entPhysicalAlias, entPhysicalAssetID (RFC 6933).
_OWN_COLUMNS = """
1.3.6.1.2.1.1.4 1.3.6.1.2.1.1.5 1.3.6.1.2.1.1.6 1.3.6.1.2.1.43.5.1.1.4 1.3.6.1.2.1.43.5.1.1.5 1.3.6.1.2.1.43.5.1.1.16
1.3.6.1.2.1.31.1.1.1.18 1.3.6.1.2.1.47.1.1.1.1.11 1.3.6.1.2.1.47.1.1.1.1.14 1.3.6.1.2.1.47.1.1.1.1.15
"""
_OWN = tuple(map(oid, _OWN_COLUMNS.split()))
# Left out, but for what a profile reads: address translation, IP, TCP, UDP, bridge, IPv6, logged notifications, and who may
# manage the agent: they name the machines it talks to; the Job Monitoring MIB (RFC 2707); HP's job and network objects.
_OTHER_TREES = """
1.3.6.1.2.1.3 1.3.6.1.2.1.4 1.3.6.1.2.1.6 1.3.6.1.2.1.7 1.3.6.1.2.1.17 1.3.6.1.2.1.55 1.3.6.1.2.1.92 1.3.6.1.6.3
1.3.6.1.4.1.2699.1.1 1.3.6.1.4.1.11.2.3.9.4.2.1.1.6 1.3.6.1.4.1.11.2.4.3
"""
_OTHERS = tuple(map(oid, _OTHER_TREES.split()))
_UNNAMED = tuple(map(oid, ("1.3.6.1.2.1.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.25", "1.3.6.1.2.1.43")))  # indexed by numbers only
_ENTERPRISES = oid("1.3.6.1.4.1")
_LEAST = 4  # characters: what is shorter is in everything
_PART_ANYWHERE = 6
_MOST_WORDS, _MOST_ADDRESSES = 256, 32  # more would make the search slow, and no printer has them
_DEVICE_ID = re.compile(r"(?:^|;)\s*(?:MFG|MANUFACTURER|MDL|MODEL|DES|DESCRIPTION|CLS)\s*:([^;]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


def redacted(variables: Iterable[Variable], profiles: Profiles, key: bytes | None = None) -> tuple[Variable, ...]:
    """`variables` with stand-ins, which `key` decides (chance, if none is given: nobody can compute them back)."""
    return _Redaction(tuple(variables), profiles, StandIns(key or secrets.token_bytes(16))).result()


class _Redaction:
    def __init__(self, variables: tuple[Variable, ...], profiles: Profiles, stand_ins: StandIns) -> None:
        self._variables = variables
        self._stand_ins = stand_ins
        self._serials: dict[Oid, list[TextRule]] = {}
        for rule in chain.from_iterable(profile.serial for profile in profiles):
            self._serials.setdefault(rule.oid, []).append(rule)
        self._asked = frozenset(_asked(profiles))
        words, parts = self._private(profiles)
        macs = dict.fromkeys(
            v.value for v in variables if isinstance(v.value, bytes) and self._is_hardware(v) and any(v.value[:3])
        )
        hosts = dict.fromkeys(
            v.value for v in variables if v.tag is Tag.IP_ADDRESS and isinstance(v.value, bytes) and _is_host(v.value)
        )
        self._scrub = Scrubber(
            stand_ins, words, parts, islice((mac for mac in macs if len(mac) == 6), _MOST_ADDRESSES), islice(hosts, _MOST_WORDS)
        )

    def result(self) -> tuple[Variable, ...]:
        return tuple(replace(v, value=self._value(v)) for v in self._variables if not self._left_out(v))

    def _left_out(self, variable: Variable) -> bool:
        return not self._is_asked(variable.oid) and (
            any(_below(variable.oid, root) for root in _OTHERS)
            or self._names_somebody(variable.oid)
            or (
                isinstance(variable.value, tuple) and variable.oid != mib.SYS_OBJECT_ID and self._names_somebody(variable.value)
            )
        )

    def _names_somebody(self, name: Oid) -> bool:
        """Whether what stands in an index is private: an address or a name, an octet an arc."""
        if any(_below(name, root) for root in _UNNAMED):
            return False
        index = bytes(arc if arc < 256 else 0 for arc in name[len(_ENTERPRISES) + 1 :])
        return self._scrub(index) != index or any(_is_ipv6(index[at : at + 16]) for at in range(len(index) - 15))

    def _is_asked(self, name: Oid) -> bool:
        return any(name[:size] in self._asked for size in range(1, len(name) + 1))

    def _value(self, variable: Variable) -> int | bytes | Oid | None:
        value = variable.value
        if not isinstance(value, bytes):
            return value
        if variable.tag is Tag.IP_ADDRESS:
            return self._stand_ins.address(value) if len(value) in (4, 16) else bytes(len(value))
        if self._is_hardware(variable):
            return self._stand_ins.hardware(value)
        if any(_below(variable.oid, column) for column in _OWN):
            return self._stand_ins.word(values.text(value)).encode()
        if len(value) in (16, 20) and _is_ipv6(value[:16]):
            return self._stand_ins.address(value[:16]) + value[16:]
        for serial in self._own_serials(variable):  # however short
            value = value.replace(serial.encode(), self._stand_ins.word(serial).encode()) if len(serial) < _LEAST else value
        return self._scrub(value)

    def _is_hardware(self, variable: Variable) -> bool:
        value = variable.value
        if not isinstance(value, bytes) or variable.tag is not Tag.OCTETS:
            return False
        if _below(variable.oid, mib.IF_PHYS_ADDRESS):
            return len(value) >= 6
        private = _below(variable.oid, _ENTERPRISES) and not self._is_asked(variable.oid)
        return private and len(value) == 6 and any(value[:3]) and any(value[3:]) and not (value[0] & 1 or _printable(value))

    def _private(self, profiles: Profiles) -> tuple[list[str], list[str]]:
        """Words, and those parts of them that tell something by themselves. What says the model is not private, wherever it
        stands, and what every printer says is not for being part of a name."""
        known = " ".join(folded(text) for text in self._model(profiles))
        common = _vocabulary(profiles) | set(known.split())
        words = {word for v in self._variables for word in self._own_serials(v)}
        parts: set[str] = set()
        for variable in self._variables:
            if any(_below(variable.oid, column) for column in _OWN):
                text = values.text(variable.value)
                words |= {
                    word
                    for word in (text, text.split(".")[0], text.partition(".")[2])
                    if folded(word) not in (known if len(folded(word)) >= _LEAST else common)
                    and not {folded(part) for part in _WORD.findall(word)} <= common
                }
                parts |= {
                    part
                    for part in _WORD.findall(text)
                    if any(map(str.isalpha, part)) and folded(part) not in known and folded(part) not in common
                }
        long = sorted(islice((word for word in sorted(words) if len(word) >= _LEAST and folded(word)), _MOST_WORDS))
        of_them = list(islice((part for part in sorted(parts - words) if len(part) >= _LEAST), _MOST_WORDS))
        anywhere = [part for part in of_them if len(part) >= _PART_ANYWHERE]
        return long + anywhere, [part for part in of_them if len(part) < _PART_ANYWHERE]

    def _own_serials(self, variable: Variable) -> Iterator[str]:
        if _below(variable.oid, mib.PRT_SERIAL_NUMBER):
            yield values.serial(values.text(variable.value))
        for rule in self._serials.get(variable.oid, ()):
            yield values.serial(told(rule, variable.value))

    def _model(self, profiles: Profiles) -> Iterator[str]:
        """What tells the model and its maker."""
        at = {variable.oid: variable.value for variable in self._variables}
        for name, value in at.items():
            text = values.text(value, values.MAX_DEVICE_ID)
            row = name[len(mib.HR_DEVICE_DESCR) :]
            if (
                _below(name, mib.HR_DEVICE_DESCR)
                and at.get(mib.HR_DEVICE_TYPE + row, mib.HR_DEVICE_PRINTER) == mib.HR_DEVICE_PRINTER
            ):
                yield from (text, *_WORD.findall(text))
            for said in _DEVICE_ID.findall(text):
                yield from (said, *_WORD.findall(said))
        for profile in profiles:
            yield profile.manufacturer
            for rule in profile.model + profile.maker:
                text = told(rule, at.get(rule.oid))
                yield from (text, *_WORD.findall(text))


def _asked(profiles: Profiles) -> Iterator[Oid]:
    for profile in profiles:
        texts = profile.serial + profile.model + profile.maker + profile.firmware
        yield from (text.oid for text in texts)
        yield from (meter.oid for meter in profile.meters)
        yield from profile.packed
        yield from chain.from_iterable((table.value, table.key) for table in profile.tables)
        yield from chain.from_iterable((supply.value, supply.key) for supply in profile.supplies if supply.key is not None)


def _vocabulary(profiles: Profiles) -> set[str]:
    """The field's own words: of the Printer MIB's enumerations, and of the makers' tables."""
    enumerations = (mib.SUPPLY_TYPES, mib.ALERT_GROUPS, mib.ALERT_CODES, mib.UNITS, mib.PRINTER_STATES)
    texts = [text for table in enumerations for text in table.values()]
    texts += [str(key) for profile in profiles for table in profile.tables for key in table.rows]
    texts += mib.DETECTED_ERRORS.values()
    apart = (re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text) for text in texts)
    return {word.casefold() for text in apart for word in _WORD.findall(text) if word.isalpha() and len(word) >= _LEAST}


def _below(name: Oid, root: Oid) -> bool:
    return name[: len(root)] == root


def _is_host(octets: bytes) -> bool:
    return len(octets) == 4 and is_host(octets[0])


def _printable(octets: bytes) -> bool:
    return octets.isascii() and octets.decode().isprintable()


def _is_ipv6(octets: bytes) -> bool:
    """Whether 16 octets are no text and begin like an address of one machine: global unicast, unique local or link-local
    (RFC 4291, RFC 4193)."""
    if len(octets) != 16 or _printable(octets) or not any(octets[1::2]):
        return False
    return octets[0] & 0xE0 == 0x20 or octets[0] & 0xFE == 0xFC or (octets[0] == 0xFE and octets[1] & 0xC0 == 0x80)
