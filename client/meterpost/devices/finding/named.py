"""What a source names: single endpoints, and segments of a network, each with the reason; people choose among them."""

from dataclasses import dataclass

from meterpost.devices.finding.addresses import Endpoint, written


@dataclass(frozen=True, slots=True)
class Candidate:
    """One endpoint that may be a printer. `source` is the word that was looked up, `hint` what was learnt of it; `unfit` says
    why it is not scanned unless a person names it. Port 0: it cannot be named either, it is only listed."""

    endpoint: Endpoint
    source: str
    hint: str = ""
    unfit: str = ""

    @property
    def target(self) -> str:
        """How a person would write it."""
        return written(self.endpoint) if self.endpoint[1] else self.endpoint[0]


@dataclass(frozen=True, slots=True)
class Segment:
    """One IPv4 network. `via` is the interface it is on, or the next hop towards it; `hosts_seen` are those somebody
    talked to lately (0: not known); `unfit` says why it is not scanned unless a person names it."""

    network: str
    source: str
    via: str = ""
    hosts_seen: int = 0
    hint: str = ""
    unfit: str = ""

    @property
    def target(self) -> str:
        """How a person would write it."""
        return self.network
