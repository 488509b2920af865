"""The protocol without the network: events in, messages and a new state out. No clock, socket, database or random here."""

from meterpost.lifecycle.session import Session

__all__ = ["Session"]
