"""Printers that announce themselves by multicast DNS (RFC 6762, RFC 6763). The only importer of zeroconf, an extra."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

from meterpost.devices.finding.addresses import whose
from meterpost.devices.finding.named import Candidate
from meterpost.errors import NetworkError, SettingsError

MAX_SERVICES = 2000
_HINT = 80  # characters

SERVICES = {
    "_ipp._tcp.local.": "ipp",
    "_ipps._tcp.local.": "ipps",
    "_pdl-datastream._tcp.local.": "",
    "_printer._tcp.local.": "",
}
"""What printers announce, and the scheme of the URI it makes; '' where only the host is of use."""

_USUAL_PATH = "ipp/print"  # PWG 5100.14, section 4.2
_PATH = re.compile(r"[A-Za-z0-9._~%+/-]{1,127}")
_SHARED = "printer-type"  # a key that CUPS adds where it shares a queue of a computer


@dataclass(frozen=True, slots=True)
class Service:
    """One announcement: `kind` is a key of SERVICES, `addresses` are as they came, `text` its TXT record."""

    kind: str
    name: str
    addresses: tuple[str, ...]
    port: int
    text: dict[str, str] = field(default_factory=dict)


async def browse(listen_s: float, interfaces: Sequence[str] = ()) -> tuple[Service, ...]:
    """What is announced within `listen_s` seconds, on all interfaces unless some are named by their address.
    Raises SettingsError where the extra is not installed, NetworkError where multicast is not possible."""
    try:
        from zeroconf import Zeroconf
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf
    except ImportError:
        raise SettingsError("multicast DNS needs the mdns extra", "pip install 'meterpost[mdns]'") from None

    found: dict[tuple[str, str], None] = {}

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: object) -> None:
        if service_type in SERVICES and len(found) < MAX_SERVICES:
            found[service_type, name] = None

    async def learn(kind: str, name: str) -> Service | None:
        info = AsyncServiceInfo(kind, name)
        if not await info.async_request(network.zeroconf, listen_s * 1000):
            return None
        text = {key.lower(): value or "" for key, value in info.decoded_properties.items()}
        return Service(kind, name, tuple(info.parsed_scoped_addresses()), info.port or 0, text)

    try:
        network = AsyncZeroconf(interfaces=list(interfaces)) if interfaces else AsyncZeroconf()
    except OSError as error:
        raise NetworkError(
            f"multicast DNS is not possible here: {error.strerror or error}", "Name addresses instead."
        ) from None
    try:
        browser = AsyncServiceBrowser(network.zeroconf, list(SERVICES), handlers=[heard])
        await asyncio.sleep(listen_s)
        await browser.async_cancel()
        services = await asyncio.gather(*(learn(*key) for key in found))
        return tuple(service for service in services if service)
    finally:
        await network.async_close()


def candidates(services: Iterable[Service], snmp_port: int) -> tuple[Candidate, ...]:
    """What may be printers among `services`, each endpoint once: the host by SNMP, and its URI where it speaks IPP.
    A computer that shares its queues is none."""
    found: dict[object, Candidate] = {}
    for service in sorted(services, key=lambda service: (service.name, service.kind)):
        if _SHARED not in service.text:
            for candidate in _candidates(service, snmp_port):
                found.setdefault(candidate.endpoint, candidate)
    return tuple(found.values())


def _candidates(service: Service, snmp_port: int) -> Iterator[Candidate]:
    host = min(filter(_usable, service.addresses), key=_preference, default="")
    if not host:
        return
    told = (service.text.get("ty") or service.name.partition("._")[0], service.text.get("note", ""))
    hint = ", ".join(part for part in map(_clean, told) if part)
    yield Candidate((host, snmp_port), "mdns", hint)
    scheme = SERVICES[service.kind]
    if scheme and service.port:  # 0: the name is taken, the service is not there (RFC 6763, section 8)
        path = service.text.get("rp", "").lstrip("/")
        authority = f"[{host.replace('%', '%25')}]" if ":" in host else host  # RFC 6874
        uri = f"{scheme}://{authority}:{service.port}/{path if _PATH.fullmatch(path) else _USUAL_PATH}"
        yield Candidate((uri, service.port), "mdns", hint)


def _usable(host: str) -> bool:
    """Not what no device has, and not link-local without the interface."""
    address = ip_address(host)
    zoned = isinstance(address, IPv4Address) or not address.is_link_local or bool(address.scope_id)
    return zoned and not whose(address)


def _preference(host: str) -> int:
    """IPv4 before IPv6, an address of everywhere before one of a link."""
    address = ip_address(host)
    return (address.version == 6) + address.is_link_local


def _clean(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:_HINT]
