"""Is it a printer? Judged by its own words, for devices that have no Printer MIB to ask. The rules are data: `kinds.toml`.

A guess with its reason, never a meter: what answers to the Printer MIB (RFC 3805) needs no judgement from here.
Pure; it opens nothing but its rules, and works on a bounded part of what a device says.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from meterpost.recording import Oid, oid

MAX_TEXT = 1024  # sysDescr has at most 255 octets (RFC 3418); agents send more


class Verdict(StrEnum):
    """What a device is, for billing."""

    PRINTER = "printer"  # or the card inside one: it speaks for one printer
    PRINT_SERVER = "print server"  # a box in front of printers, which prints nothing itself
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Kind:
    """A verdict, the reason for it (for people), and the manufacturer where the rule names one."""

    verdict: Verdict
    reason: str
    manufacturer: str = ""

    @property
    def printer(self) -> bool | None:
        """None: nobody can tell."""
        return None if self.verdict is Verdict.UNKNOWN else self.verdict is Verdict.PRINTER


_NOBODY_KNOWS = Kind(Verdict.UNKNOWN, "neither its words nor its number say what it is")


@dataclass(frozen=True, slots=True)
class _Rules:
    words: tuple[tuple[re.Pattern[str], Kind], ...]
    numbers: Mapping[Oid, Kind]


@lru_cache(4096)  # devices of a model call themselves the same
def judge(sys_descr: str, sys_object_id: Oid = ()) -> Kind:
    """What the device is that says `sys_descr`. Never raises.

    Its words decide, and its number where they are silent. A number under which a maker has printers only outweighs words that
    are nobody's or another maker's: printers run Linux and pose as JetDirect cards.
    """
    rules = _rules()
    number = _number(rules.numbers, sys_object_id)
    text = " ".join(sys_descr[:MAX_TEXT].split())
    words = next((kind for pattern, kind in rules.words if pattern.search(text)), number)
    if words.verdict is not Verdict.PRINTER and number.verdict is Verdict.PRINTER and words.manufacturer != number.manufacturer:
        return number
    return words if words.manufacturer else replace(words, manufacturer=number.manufacturer)


def _number(numbers: Mapping[Oid, Kind], sys_object_id: Oid) -> Kind:
    prefixes = (sys_object_id[:length] for length in range(len(sys_object_id), 0, -1))
    return next((numbers[prefix] for prefix in prefixes if prefix in numbers), _NOBODY_KNOWS)


@cache
def _rules() -> _Rules:
    content = tomllib.loads((files(__package__) / "kinds.toml").read_text("utf-8"))
    return _Rules(
        words=tuple(
            (
                re.compile(rule["pattern"], re.IGNORECASE),
                Kind(Verdict(rule["verdict"]), rule["reason"], rule.get("manufacturer", "")),
            )
            for rule in content["rule"]
        ),
        numbers={
            oid(row["oid"]): _of(row["manufacturer"], Verdict(row.get("verdict", "unknown"))) for row in content["enterprise"]
        },
    )


def _of(manufacturer: str, verdict: Verdict) -> Kind:
    makes = {Verdict.PRINTER: "printers", Verdict.OTHER: "no printers", Verdict.UNKNOWN: "printers and other things"}[verdict]
    return Kind(verdict, f"its number is one under which {manufacturer} has {makes}", manufacturer)
