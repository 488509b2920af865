"""Synthetic printers as mappings, and a reading of them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from meterpost.devices.reading import mib, profile
from meterpost.devices.reading.contact import first_contact
from meterpost.devices.reading.interpret import interpret
from meterpost.devices.snmp.memory import MemoryAgent
from meterpost.devices.snmp.port import hold_at_once
from meterpost.devices.snmp.session import Abilities, Session
from meterpost.model import Reading
from meterpost.recording import Value, oid

PROFILES = profile.load()
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

Mib = dict[tuple[int, ...], Value]


def numbered(rows: Mapping[str, Value]) -> Mib:
    return {oid(name): value for name, value in rows.items()}


def a_printer(extra: Mapping[str, Value] | None = None) -> Mib:
    """A black and white printer with one marker and two supplies, and `extra` objects; None removes one."""
    rows: dict[str, Value] = {
        "1.3.6.1.2.1.1.1.0": b"ACME Laser, firmware 7",
        "1.3.6.1.2.1.1.2.0": oid("1.3.6.1.4.1.32473.1"),
        "1.3.6.1.2.1.1.5.0": b"hall-printer",
        "1.3.6.1.2.1.1.6.0": b"Hall, 1st floor",
        "1.3.6.1.2.1.2.2.1.6.1": b"",
        "1.3.6.1.2.1.2.2.1.6.2": bytes.fromhex("02005e100001"),
        "1.3.6.1.2.1.25.3.2.1.2.1": mib.HR_DEVICE_PRINTER,
        "1.3.6.1.2.1.25.3.2.1.3.1": b"ACME Laser 9",
        "1.3.6.1.2.1.25.3.2.1.5.1": 2,
        "1.3.6.1.2.1.25.3.5.1.1.1": 3,
        "1.3.6.1.2.1.25.3.5.1.2.1": b"\0",
        "1.3.6.1.2.1.43.5.1.1.17.1": b"AC00042",
        "1.3.6.1.2.1.43.10.2.1.3.1.1": 7,
        "1.3.6.1.2.1.43.10.2.1.4.1.1": 12345,
        "1.3.6.1.2.1.43.11.1.1.3.1.1": 1,
        "1.3.6.1.2.1.43.11.1.1.3.1.2": 0,
        "1.3.6.1.2.1.43.11.1.1.4.1.1": 3,
        "1.3.6.1.2.1.43.11.1.1.4.1.2": 4,
        "1.3.6.1.2.1.43.11.1.1.5.1.1": 3,
        "1.3.6.1.2.1.43.11.1.1.5.1.2": 4,
        "1.3.6.1.2.1.43.11.1.1.6.1.1": b"Toner TN-9",
        "1.3.6.1.2.1.43.11.1.1.6.1.2": b"Waste Toner Box",
        "1.3.6.1.2.1.43.11.1.1.7.1.1": 7,
        "1.3.6.1.2.1.43.11.1.1.7.1.2": 19,
        "1.3.6.1.2.1.43.11.1.1.8.1.1": 8000,
        "1.3.6.1.2.1.43.11.1.1.8.1.2": 100,
        "1.3.6.1.2.1.43.11.1.1.9.1.1": 2000,
        "1.3.6.1.2.1.43.11.1.1.9.1.2": -3,
        "1.3.6.1.2.1.43.12.1.1.4.1.1": b"black",
    }
    rows |= extra or {}
    return numbered({name: value for name, value in rows.items() if value is not None})


def read(mib_: Mib, version: str = "2c", profiles: profile.Profiles | None = None) -> Reading:
    agent, known = MemoryAgent(mib_, version), profiles or PROFILES
    facts = hold_at_once(first_contact(Session(Abilities(agent.has_bulk)), known), agent.answer)
    return interpret(facts, known, "10.1.2.3", 161, NOON)
