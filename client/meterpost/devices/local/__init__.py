"""Printers this computer knows: attached to it, or set up on it. Lists them, and changes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalPrinter:
    """One queue. `connection` is `network`, `usb`, `other`, or a word of the operating system's own. Where `host` is known
    the printer can be read like any other of the network; where the queue knows it only by its DNS-SD name, `host` is that
    name (RFC 6763) and `port` is 0. A printer on USB is listed, and read only as far as its queue can be."""

    name: str
    make_and_model: str
    device_uri: str  # without user and password
    connection: str
    host: str = ""
    port: int = 0
