"""Printers this computer knows: attached to it, or set up on it. Lists them, and changes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalPrinter:
    """One queue. `connection` is `network`, `usb`, `other`, or a word of the operating system's own. Where `host` is known
    the printer can be read like any other of the network; where the queue knows it only by its DNS-SD name, `host` is that
    name (RFC 6763) and `port` is 0. `queue` is the URI by which the queue itself answers, '' where it has none: of a printer
    on USB that is all there is to read."""

    name: str
    make_and_model: str
    device_uri: str  # without user and password
    connection: str
    host: str = ""
    port: int = 0
    queue: str = ""
