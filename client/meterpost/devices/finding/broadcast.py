"""One datagram to everybody on this computer's subnets, and who answers it. It decodes nothing.

It never sends to a subnet this computer is not on, and takes no answer from outside it.
"""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address

from meterpost.devices.finding.subnets import Subnet
from meterpost.errors import NetworkError

MAX_ANSWERS = 4096  # per subnet


async def shout(probe: bytes, subnets: Sequence[Subnet], port: int, listen_s: float) -> tuple[str, ...]:
    """The addresses that answered `probe` from `port` within `listen_s` seconds, in their order, each once. A subnet that
    cannot be asked is left out; raises NetworkError when none can."""
    askable = [subnet for subnet in subnets if subnet.network.prefixlen < 31]  # RFC 3021: there is no broadcast
    outcomes = await asyncio.gather(*(_shout(probe, subnet, port, listen_s) for subnet in askable), return_exceptions=True)
    answered: dict[str, None] = {}
    failures = []
    for subnet, outcome in zip(askable, outcomes, strict=True):
        if isinstance(outcome, OSError):
            failures.append(f"{subnet.network}: {outcome.strerror or outcome}")
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            answered |= outcome
    if failures and len(failures) == len(askable):
        raise NetworkError(f"no subnet can be asked by broadcast ({'; '.join(failures)})", "Name addresses instead.")
    return tuple(answered)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, subnet: Subnet, port: int) -> None:
        self._subnet = subnet
        self._port = port
        self.heard: dict[str, None] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        host, port = addr
        known = port == self._port and host != str(self._subnet.address) and IPv4Address(host) in self._subnet.network
        if known and len(self.heard) < MAX_ANSWERS:
            self.heard[host] = None


async def _shout(probe: bytes, subnet: Subnet, port: int, listen_s: float) -> dict[str, None]:
    """Raises OSError."""
    transport, ear = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Ear(subnet, port), local_addr=(str(subnet.address), 0), allow_broadcast=True
    )
    try:
        transport.sendto(probe, (str(subnet.network.broadcast_address), port))
        await asyncio.sleep(listen_s)
        return ear.heard
    finally:
        transport.close()
