r"""The printers of the Windows spooler, as its registry has them. Read-only; nothing is asked of spooler or printers.

`HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Print` has the queues (`Printers`: `Port`, `Printer Driver`) and,
below each port monitor, its ports: `Standard TCP/IP Port` with host, protocol (1 raw, 2 LPR) and what the spooler itself
asks by SNMP; `LPR Port`; `WSD Port`. What has no monitor of its own is told by the name of the port (`USB001`, `LPT1:`).
Printers a user has connected to on a print server are that server's, and not listed.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal, Protocol, TypeVar
from urllib.parse import quote, unquote, urlsplit

from meterpost.devices.local import LocalPrinter
from meterpost.errors import SettingsError

PRINT = r"SYSTEM\CurrentControlSet\Control\Print"
RAW_PORT = 9100
LPD_PORT = 515
LPR = 2
"""What stands in `Protocol` of a Standard TCP/IP port that speaks LPR (RFC 1179); 1 is raw TCP."""

MOST_KEYS = 5000
_MAX_TEXT = 255

_HOST = re.compile(r"[\w.:%-]{1,253}", re.ASCII)

Values = Mapping[str, object]
_Entry = TypeVar("_Entry")


class Registry(Protocol):
    r"""Keys below HKEY_LOCAL_MACHINE, read only. Paths are separated by `\`; a key that is not there is an empty one."""

    def keys(self, path: str) -> tuple[str, ...]:
        """The names of the keys below `path`, at most MOST_KEYS."""

    def values(self, path: str) -> Values:
        """Name -> value (text, number, octets, list of texts) of the key `path`."""


@dataclass(frozen=True, slots=True)
class SnmpHint:
    """A network printer the spooler watches by SNMP, and how. The community is a secret: in no repr and no log.
    `device_index` is the hrDeviceIndex the spooler asks for."""

    host: str
    community: str = field(repr=False)
    device_index: int


@dataclass(frozen=True, slots=True)
class _Port:
    device_uri: str
    connection: Literal["network", "usb", "other"] = "other"
    host: str = ""
    number: int = 0
    snmp: SnmpHint | None = None


def printers(registry: Registry | None = None) -> tuple[LocalPrinter, ...]:
    """One for each queue and port (a pool has several), in the order of the registry. The scheme of `device_uri` says what
    the port is: `socket`, `lpd`, `http`, `https` lead to the network; `usb`, `wsd`, `parallel`, `serial`, `share`,
    `redirected`, `file` and `port` have the name of the port behind them. Raises SettingsError where there is no Windows
    registry, or it may not be read."""
    return tuple(
        LocalPrinter(name, driver, port.device_uri, port.connection, port.host, port.number)
        for name, driver, port in _queues(registry or windows_registry())
    )


def snmp_hints(registry: Registry | None = None) -> tuple[SnmpHint, ...]:
    """The network printers behind queues that the spooler watches by SNMP, each once. Raises as `printers`."""
    hints = (port.snmp for _, _, port in _queues(registry or windows_registry()))
    return tuple(dict.fromkeys(filter(None, hints)))


def windows_registry() -> Registry:
    """This computer's. Raises SettingsError on another system."""
    try:
        return _WindowsRegistry(importlib.import_module("winreg"))
    except ModuleNotFoundError:
        raise SettingsError(
            "the printers of the Windows spooler can only be listed on Windows",
            "On other systems printers are listed through CUPS.",
        ) from None


def _queues(registry: Registry) -> Iterator[tuple[str, str, _Port]]:
    """Name, driver and port of each queue."""
    ports = {
        name.casefold(): port
        for monitor, read in _MONITORS.items()
        for name in registry.keys(f"{PRINT}\\Monitors\\{monitor}\\Ports")
        if (port := read(registry.values(f"{PRINT}\\Monitors\\{monitor}\\Ports\\{name}")))
    }
    for key in registry.keys(f"{PRINT}\\Printers"):
        values = registry.values(f"{PRINT}\\Printers\\{key}")
        for name in filter(None, (part.strip() for part in _text(values, "Port").split(","))):
            queue = _text(values, "Name") or key
            yield queue, _text(values, "Printer Driver"), ports.get(name.casefold()) or _by_name(name)


def _tcp_ip(values: Values) -> _Port | None:
    # The name is what the spooler resolves; where there is one the address may be an old one.
    host = _host(values, "HostName") or _host(values, "IPAddress")
    if not host:
        return None
    watched = _number(values, "SNMP Enabled") == 1
    snmp = SnmpHint(host, _text(values, "SNMP Community"), max(1, _number(values, "SNMP Index"))) if watched else None
    if _number(values, "Protocol") == LPR:
        return _lpd(host, _text(values, "Queue"), snmp)
    number = _number(values, "PortNumber")
    number = number if 0 < number < 65536 else RAW_PORT
    return _Port(f"socket://{_bracketed(host)}:{number}", "network", host, number, snmp)


def _lpr(values: Values) -> _Port | None:
    host = _host(values, "Server Name")
    return _lpd(host, _text(values, "Printer Name")) if host else None


def _lpd(host: str, queue: str, snmp: SnmpHint | None = None) -> _Port:
    return _Port(f"lpd://{_bracketed(host)}/{quote(queue, safe='')}", "network", host, LPD_PORT, snmp)


def _wsd(values: Values) -> _Port | None:
    uuid = _text(values, "Printer UUID").removeprefix("urn:uuid:")
    return _Port(f"wsd:{quote(uuid)}") if uuid else None


_MONITORS: Mapping[str, Callable[[Values], _Port | None]] = {
    "Standard TCP/IP Port": _tcp_ip,
    "HP Standard TCP/IP Port": _tcp_ip,  # HP's copy of it has the same values
    "LPR Port": _lpr,
    "WSD Port": _wsd,
}

_NAMES = {
    "usb": r"USB\d{3}|DOT4_\d{3}",  # DOT4: IEEE 1284.4 over USB
    "parallel": r"LPT\d+:?",
    "serial": r"COM\d+:?",
    "wsd": r"WSD-.+",
    "share": r"\\\\.+",
    "redirected": r"TS\d{3}",  # of a remote desktop session
    "file": r"FILE:|PORTPROMPT:|NUL:|XPSPort:|[A-Z]:\\.+",
}


def _by_name(name: str) -> _Port:
    if re.match("https?://", name, re.IGNORECASE):
        return _internet(name)
    word = next((word for word, pattern in _NAMES.items() if re.fullmatch(pattern, name, re.IGNORECASE)), "port")
    return _Port(f"{word}:{quote(name)}", "usb" if word == "usb" else "other")


def _internet(name: str) -> _Port:
    """A port of the Internet Print Provider: its name is the printer's URL."""
    try:
        url = urlsplit(name)
        host, number = unquote(url.hostname or ""), url.port or {"http": 80, "https": 443}[url.scheme]
    except ValueError:
        return _Port("port:")
    address = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    return _Port(address, "network", host, number) if _HOST.fullmatch(host) else _Port(f"port:{quote(address)}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host(values: Values, name: str) -> str:
    host = _text(values, name)
    return host if _HOST.fullmatch(host) and host.strip("0.:") else ""  # not the unspecified address


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    text = value[:_MAX_TEXT].partition("\0")[0] if isinstance(value, str) else ""  # REG_SZ ends with a NUL
    return "".join(character if character.isprintable() else " " for character in text).strip()


def _number(values: Values, name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


class _WindowsRegistry:
    """The registry, through the standard library's winreg."""

    def __init__(self, winreg: ModuleType) -> None:
        self._winreg = winreg

    def keys(self, path: str) -> tuple[str, ...]:
        return tuple(self._entries(path, self._winreg.EnumKey, 0))

    def values(self, path: str) -> Values:
        return {name: value for name, value, _ in self._entries(path, self._winreg.EnumValue, 1)}

    def _entries(self, path: str, entry: Callable[[object, int], _Entry], kind: int) -> list[_Entry]:
        """What `entry` gives for each number; `kind` is the place of their count in QueryInfoKey."""
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_LOCAL_MACHINE, path, 0, self._winreg.KEY_READ) as key:
                return [entry(key, place) for place in range(min(self._winreg.QueryInfoKey(key)[kind], MOST_KEYS))]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SettingsError(
                f"the registry key {path} cannot be read: {error.strerror}", "Run it as an administrator, or try again."
            ) from None
