"""What is to be said next, and what a reply means: the sans-IO core. No clock, no socket, no database, no random."""

from meterpost.lifecycle.session import Session

__all__ = ["Session"]
