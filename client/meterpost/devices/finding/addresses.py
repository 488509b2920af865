"""The language of targets: what a person or a file writes becomes endpoints, in order, each once, without what is excluded.

It never resolves a name and never opens a socket. What is large is bounded before it is spelt out, and without what is
excluded; an exclusion is never spelt out at all.
"""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from meterpost.errors import SettingsError

MAX_ADDRESSES = 65_536
MAX_FILE_OCTETS = 2_000_000  # MAX_ADDRESSES lines of some 30 characters
MAX_URI = 1023  # octets of a printer-uri (RFC 8011, section 5.1.6)

SCHEMES = {"ipp": 631, "ipps": 631, "http": 80, "https": 443}
"""The URIs that are targets, and their usual ports (RFC 8010, RFC 7472, RFC 9110)."""

WORDS = ("subnets", "gateway", "broadcast", "mdns", "local")
"""What `sources` looks up; here they are no host names."""

Endpoint = tuple[str, int]
"""Host and port: an address (IPv6 without brackets, link-local with its zone), a host name in lower case, or a URI."""

_SHOWN = 80  # characters of a bad target
_HEADINGS = {"address", "device", "host", "hostname", "ip", "ip address", "name", "printer", "target", "uri", "url"}
_QUAD = r"\d{1,3}(?:\.\d{1,3}){3}"
_NUMERIC = re.compile(r"[\d./-]+")
_RANGE = re.compile(rf"({_QUAD})-({_QUAD}|\d{{1,3}})")
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_LINK_LOCAL = ipaddress.IPv6Network("fe80::/10")
_NOBODYS = {  # RFC 6890; where a subnet's broadcast address is, only who is on it knows
    ipaddress.ip_network("0.0.0.0/8"): "unspecified",
    ipaddress.ip_network("127.255.255.255"): "the broadcast address of the loopback",
    ipaddress.ip_network("224.0.0.0/4"): "multicast",
    ipaddress.ip_network("255.255.255.255"): "the broadcast address",
    ipaddress.ip_network("::"): "unspecified",
    ipaddress.ip_network("ff00::/8"): "multicast",
}
"""Networks in which no device has an address. A target that is wholly in one is refused, a larger one means the rest of it."""

_EXAMPLES = (
    "Write 10.1.2.3, 10.1.2.0/24, 10.1.2.10-90, 10.1.2.10-10.1.3.5, 2001:db8::7 or a host name, each with :port if it is "
    "not the usual ([2001:db8::7]:1161); ipp://host/path; @FILE."
)


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring addresses. `asked` are those a target means: a network's, without its own address and its broadcast;
    an exclusion leaves out all that are `covered`. Numbers as `ipaddress` counts; `port` None is the usual, or any."""

    version: int  # 4, 6
    covered: range
    asked: range
    zone: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A host name."""

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, and the host in it."""

    uri: str
    port: int
    at: Span | Name


Place = Span | Name | Uri


def endpoints(targets: Sequence[str], exclude: Sequence[str], port: int) -> tuple[Endpoint, ...]:
    """What `targets` name without what `exclude` names, in the order of the targets; `port` where none is written.
    An exclusion without a port excludes all ports. Raises SettingsError that names the target (and the line of a file)."""
    left_out = _Exclusions(place for text in exclude for place in read(text))
    found: dict[Endpoint, None] = {}
    for text in targets:
        for place in read(text):
            at, uri = (place.at, place.uri) if isinstance(place, Uri) else (place, "")
            at_port = place.port or port
            for host in _hosts(at, at_port, left_out, text):
                if uri not in left_out.uris:
                    found[uri or host, at_port] = None
                    if len(found) > MAX_ADDRESSES:
                        raise _too_large()
    return tuple(found)


def whose(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Why no device has `address` (it is multicast, ...); nothing where one may."""
    return next((what for network, what in _NOBODYS.items() if address in network), "")


def read(text: str) -> Iterator[Place]:
    """The place `text` names, or all those in the file it names. Raises SettingsError."""
    text = text.strip()
    return _in_file(Path(text[1:])) if text.startswith("@") else iter((parse(text),))


def parse(text: str) -> Place:
    """The place `text` names. Raises SettingsError."""
    text = text.strip()
    if "://" in text:
        return _uri(text)
    if text in WORDS:
        raise SettingsError(
            f"target {text[:_SHOWN]!r} is not an address but a place to look for some",
            f"If it is a host name, write '{text}.'.",
        )
    try:
        host, port = _split_port(text)
        return _span(host, port) or _name(host, port)
    except ValueError as error:
        raise SettingsError(f"target {text[:_SHOWN]!r}: {error}", _EXAMPLES) from None


def written(endpoint: Endpoint) -> str:
    """`endpoint` as a target."""
    host, port = endpoint
    if "://" in host:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in host or (port and not port.startswith(":")):
            raise ValueError("brackets belong around an IPv6 address, the port behind them")
        return (host, _port(port[1:])) if port else (host, None)
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, _port(port) if colon else None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError(f"{text[:40]!r} is not a port")
    return int(text)


def _span(host: str, port: int | None) -> Span | None:
    """None where `host` is not written as an address. Raises ValueError."""
    if not (":" in host or "/" in host or _NUMERIC.fullmatch(host)):
        return None
    host, percent, zone = host.partition("%")
    if match := _RANGE.fullmatch(host):
        first, last = match[1], match[2] if "." in match[2] else f"{match[1].rpartition('.')[0]}.{match[2]}"
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
    elif ":" in host and "-" in host:
        first, _, last = host.partition("-")
        low, high = ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)
    else:
        network = ipaddress.ip_network(host, strict=False)
        low, high = network[0], network[-1]
    if int(high) < int(low):
        raise ValueError(f"the range ends ({high}) before it begins ({low})")
    if isinstance(low, ipaddress.IPv6Address) and low.ipv4_mapped:
        raise ValueError(f"write it as {low.ipv4_mapped}")  # or an exclusion of the one would not meet the other
    if percent and not (low in _LINK_LOCAL and high in _LINK_LOCAL and _ZONE.fullmatch(zone)):
        raise ValueError("only a link-local IPv6 address has a zone: fe80::1%eth0")
    covered = range(int(low), int(high) + 1)
    return Span(low.version, covered, _asked(host, covered, low.version), zone, port)


def _asked(host: str, covered: range, version: int) -> range:
    """What `ipaddress` calls the hosts of a network: neither its own (RFC 4291, section 2.6.1) nor its broadcast address."""
    if "/" not in host or covered.stop - covered.start <= 2:
        return covered
    return covered[1:-1] if version == 4 else covered[1:]


def _name(host: str, port: int | None) -> Name:
    if not _NAME.fullmatch(host):
        raise ValueError("it is neither an address nor a host name")
    return Name(host.lower().rstrip("."), port)


def _uri(text: str) -> Uri:
    shown = repr(re.sub(r"//[^/]*@", "//***@", text)[:_SHOWN])
    try:
        if not text.isprintable() or " " in text or len(text.encode()) > MAX_URI:
            raise ValueError("a URI has no blanks and no more than 1023 octets")
        parts = urlsplit(text)
        if parts.scheme not in SCHEMES:
            raise ValueError(f"its scheme is none of {', '.join(SCHEMES)}")
        if "@" in parts.netloc:
            raise ValueError("a URI with a user name or password is not taken")
        host, port = _split_port(parts.netloc.replace("%25", "%"))  # RFC 6874, section 2
        at = _span(host, None) or _name(host, None)
        if isinstance(at, Span) and at.covered[1:]:
            raise ValueError("its host is more than one address")
    except ValueError as error:
        raise SettingsError(f"target {shown}: {error}", _EXAMPLES) from None
    return Uri(parts._replace(netloc=parts.netloc.lower()).geturl(), port or SCHEMES[parts.scheme], at)


def _in_file(path: Path) -> Iterator[Place]:
    """One place a line; only the first column counts. Raises SettingsError."""
    advice = "A file of targets has one a line, in UTF-8; # begins a comment, and of a table only the first column is read."
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_OCTETS + 1)
        if len(content) > MAX_FILE_OCTETS:
            raise ValueError(f"it is larger than {MAX_FILE_OCTETS} octets")
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"the file of targets {path} cannot be read: {reason}", advice) from None
    for number, line in enumerate(lines, 1):
        text = re.split(r"[,;\t]", re.sub(r"(^|\s)#.*", "", line), maxsplit=1)[0].strip().strip("\"'").strip()
        if not text or (number == 1 and text.lower() in _HEADINGS and text != line.strip()):
            continue
        try:
            if text.startswith("@"):
                raise SettingsError("a file of targets cannot name another", advice)
            yield parse(text)
        except SettingsError as error:
            raise SettingsError(f"{path} line {number}: {error}", error.advice) from None


def _hosts(at: Span | Name, port: int, left_out: "_Exclusions", text: str) -> Iterator[str]:
    """What is asked of `at`, as it is written. Raises SettingsError for what cannot be asked address by address."""
    if isinstance(at, Name):
        return iter(() if left_out.hold(at.host, port) else (at.host,))
    address = ipaddress.IPv4Address if at.version == 4 else ipaddress.IPv6Address
    asked = list(_without([at.asked], _nobodys(at.version)))
    if not asked:
        raise SettingsError(
            f"target {text[:_SHOWN]!r}: no device has this address, it is {whose(address(at.asked.start))}",
            "Name the addresses of devices; the word 'broadcast' asks all on this computer's networks.",
        )
    asked = left_out.subtracted(asked, at, port)
    if sum(numbers.stop - numbers.start for numbers in asked) > MAX_ADDRESSES:
        if at.version == 4:
            raise _too_large()
        raise SettingsError(
            f"target {text[:_SHOWN]!r} has too many addresses to ask each",
            "Name IPv6 printers by mdns, a file or their host names.",
        )
    if at.version == 6 and not at.zone and any(address(numbers.start) in _LINK_LOCAL for numbers in asked):
        raise SettingsError(
            f"target {text[:_SHOWN]!r}: a link-local address needs its zone", "Name its interface: fe80::1%eth0"
        )
    zone = at.zone and f"%{at.zone}"
    return (f"{address(number)}{zone}" for numbers in asked for number in numbers)


Intervals = tuple[list[int], list[int]]
"""Starts and stops of disjoint intervals, ascending."""


class _Exclusions:
    """What is left out, for any number of places: an interval is looked up, never spelt out."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.uris: set[str] = set()
        self._names: set[tuple[str, int | None]] = set()
        spans: dict[tuple[int, str, int | None], list[tuple[int, int]]] = {}
        for place in places:
            match place:
                case Span():
                    key = (place.version, place.zone, place.port)
                    spans.setdefault(key, []).append((place.covered.start, place.covered.stop))
                case Name():
                    self._names.add((place.host, place.port))
                case Uri():
                    self.uris.add(place.uri)
        self._spans = {key: _merged(intervals) for key, intervals in spans.items()}

    def hold(self, name: str, port: int) -> bool:
        """Whether the host name is left out, with or without the port."""
        return (name, None) in self._names or (name, port) in self._names

    def subtracted(self, asked: list[range], span: Span, port: int) -> list[range]:
        """Of the addresses `asked`, which are in `span`, those that are not left out. An exclusion without a zone is one
        of all zones."""
        for key in {(span.version, zone, at_port) for zone in ("", span.zone) for at_port in (None, port)}:
            if key in self._spans:
                asked = list(_without(asked, self._spans[key]))
        return asked


def _without(ranges: Iterable[range], intervals: Intervals) -> Iterator[range]:
    """What is left of `ranges`, in their order."""
    starts, stops = intervals
    for numbers in ranges:
        number = numbers.start
        place = bisect_right(stops, number)  # the first that ends behind it
        while place < len(starts) and starts[place] < numbers.stop:
            if number < starts[place]:
                yield range(number, starts[place])
            number = stops[place]
            place += 1
        if number < numbers.stop:
            yield range(number, numbers.stop)


@cache
def _nobodys(version: int) -> Intervals:
    return _merged([(int(network[0]), int(network[-1]) + 1) for network in _NOBODYS if network.version == version])


def _merged(intervals: list[tuple[int, int]]) -> Intervals:
    starts: list[int] = []
    stops: list[int] = []
    for start, stop in sorted(intervals):
        if stops and start <= stops[-1]:
            stops[-1] = max(stops[-1], stop)
        else:
            starts.append(start)
            stops.append(stop)
    return starts, stops


def _too_large() -> SettingsError:
    return SettingsError(
        f"the scan is larger than {MAX_ADDRESSES} addresses", "Name smaller networks, exclude more, or scan in parts."
    )
