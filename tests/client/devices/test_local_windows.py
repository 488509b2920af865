"""The printers of the Windows spooler, from a registry in memory; and what reads the real one, over a winreg in memory."""

import logging
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.devices.local import LocalPrinter, windows
from meterpost.devices.local.windows import PRINT, SnmpHint, Values, printers, snmp_hints
from meterpost.errors import SettingsError

SECRET = "ground-floor-7"


class MemoryRegistry:
    """Keys by path."""

    def __init__(self, tree: Mapping[str, Values]) -> None:
        self._tree = tree

    def keys(self, path: str) -> tuple[str, ...]:
        below = (key[len(path) + 1 :] for key in self._tree if key.startswith(f"{path}\\"))
        return tuple(dict.fromkeys(key.split("\\")[0] for key in below))

    def values(self, path: str) -> Values:
        return self._tree.get(path, {})


def queue(name: str, port: object, driver: str = "ACME Laser 9") -> tuple[str, Values]:
    return f"{PRINT}\\Printers\\{name}", {"Name": name, "Port": port, "Printer Driver": driver}


def port(monitor: str, name: str, **values: object) -> tuple[str, Values]:
    return f"{PRINT}\\Monitors\\{monitor}\\Ports\\{name}", {key.replace("_", " "): value for key, value in values.items()}


def tcp_ip(name: str = "IP_10.1.2.3", monitor: str = "Standard TCP/IP Port", **values: object) -> tuple[str, Values]:
    usual: dict[str, object] = {
        "Protocol": 1,
        "HostName": "10.1.2.3",
        "IPAddress": "",
        "PortNumber": 9100,
        "SNMP_Enabled": 1,
        "SNMP_Community": SECRET,
        "SNMP_Index": 1,
    }
    return port(monitor, name, **(usual | values))


def registry(*rows: tuple[str, Values]) -> MemoryRegistry:
    return MemoryRegistry(dict(rows))


def only(*rows: tuple[str, Values]) -> LocalPrinter:
    (found,) = printers(registry(*rows))
    return found


def test_a_network_printer() -> None:
    tree = registry(tcp_ip(), queue("Hall", "IP_10.1.2.3"))
    assert printers(tree) == (LocalPrinter("Hall", "ACME Laser 9", "socket://10.1.2.3:9100", "network", "10.1.2.3", 9100),)
    assert snmp_hints(tree) == (SnmpHint("10.1.2.3", SECRET, 1),)


@pytest.mark.parametrize(
    ("values", "uri", "host", "number"),
    [
        ({"HostName": "hall.example", "IPAddress": "10.1.2.3"}, "socket://hall.example:9100", "hall.example", 9100),
        ({"HostName": "", "IPAddress": "10.1.2.4"}, "socket://10.1.2.4:9100", "10.1.2.4", 9100),
        ({"HostName": "2001:db8::7"}, "socket://[2001:db8::7]:9100", "2001:db8::7", 9100),
        ({"HostName": "hall.example\0old"}, "socket://hall.example:9100", "hall.example", 9100),
        ({"PortNumber": 9101}, "socket://10.1.2.3:9101", "10.1.2.3", 9101),
        ({"PortNumber": 70000}, "socket://10.1.2.3:9100", "10.1.2.3", 9100),
        ({"PortNumber": "9101"}, "socket://10.1.2.3:9100", "10.1.2.3", 9100),
        ({"Protocol": 2, "PortNumber": 9100, "Queue": "lp 1/a"}, "lpd://10.1.2.3/lp%201%2Fa", "10.1.2.3", 515),
    ],
)
def test_where_a_network_port_leads(values: dict[str, object], uri: str, host: str, number: int) -> None:
    tree = registry(tcp_ip(**values), queue("Hall", "IP_10.1.2.3"))
    assert printers(tree) == (LocalPrinter("Hall", "ACME Laser 9", uri, "network", host, number),)
    assert snmp_hints(tree) == (SnmpHint(host, SECRET, 1),)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "two words", "two\nlines", "a/b", "h" * 254, 7, None])
def test_a_network_port_without_a_host_is_no_endpoint(host: object) -> None:
    tree = registry(tcp_ip(HostName=host), queue("Hall", "IP_10.1.2.3"))
    assert [found.connection for found in printers(tree)] == ["other"]
    assert snmp_hints(tree) == ()


def test_hp_has_a_monitor_of_its_own() -> None:
    assert only(tcp_ip(monitor="HP Standard TCP/IP Port"), queue("Hall", "ip_10.1.2.3")).connection == "network"


@pytest.mark.parametrize("enabled", [0, "1", None, 2])
def test_only_a_port_with_snmp_is_an_endpoint(enabled: object) -> None:
    assert snmp_hints(registry(tcp_ip(SNMP_Enabled=enabled), queue("Hall", "IP_10.1.2.3"))) == ()


def test_a_port_without_a_queue_is_nobodys_printer() -> None:
    assert (printers(registry(tcp_ip())), snmp_hints(registry(tcp_ip()))) == ((), ())


def test_two_queues_of_one_printer_are_one_endpoint() -> None:
    tree = registry(tcp_ip(), queue("Hall", "IP_10.1.2.3"), queue("Hall, grey", "IP_10.1.2.3"))
    assert [found.name for found in printers(tree)] == ["Hall", "Hall, grey"]
    assert len(snmp_hints(tree)) == 1


def test_a_pool_has_a_printer_for_each_port() -> None:
    found = printers(registry(tcp_ip(), queue("Pool", "IP_10.1.2.3,USB001,")))
    assert [(one.name, one.connection) for one in found] == [("Pool", "network"), ("Pool", "usb")]


@pytest.mark.parametrize(("index", "meant"), [(3, 3), (0, 1), (None, 1)])
def test_the_device_index(index: object, meant: int) -> None:
    (hint,) = snmp_hints(registry(tcp_ip(SNMP_Index=index), queue("Hall", "IP_10.1.2.3")))
    assert hint.device_index == meant


def test_a_community_is_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tree = registry(tcp_ip(), queue("Hall", "IP_10.1.2.3"))
    (hint,) = snmp_hints(tree)
    assert hint.community == SECRET
    assert SECRET not in f"{hint!r} {hint} {printers(tree)!r} {caplog.text}"


LPR = port("LPR Port", "unix:lp", Server_Name="unix", Printer_Name="lp")
WSD = port("WSD Port", "WSD-1-2", Printer_UUID="urn:uuid:1-2-3")


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("unix:lp", ("lpd://unix/lp", "network", "unix", 515)),
        ("http://10.1.2.3:631/ipp/print", ("http://10.1.2.3:631/ipp/print", "network", "10.1.2.3", 631)),
        ("HTTPS://me:secret@hall.example/ipp", ("https://hall.example/ipp", "network", "hall.example", 443)),
        ("http://[2001:db8::7]/ipp", ("http://[2001:db8::7]/ipp", "network", "2001:db8::7", 80)),
        ("http://me:secret@[", ("port:", "other")),
        ("http://me:secret@two words/", ("port:http%3A//two%20words/", "other")),
        ("USB001", ("usb:USB001", "usb")),
        ("usb014", ("usb:usb014", "usb")),
        ("DOT4_001", ("usb:DOT4_001", "usb")),
        ("USB0012", ("port:USB0012", "other")),
        ("WSD-1-2", ("wsd:1-2-3", "other")),
        ("WSD-3-4", ("wsd:WSD-3-4", "other")),
        ("LPT1:", ("parallel:LPT1%3A", "other")),
        ("COM1:", ("serial:COM1%3A", "other")),
        ("TS004", ("redirected:TS004", "other")),
        (r"\\server\hall", ("share:%5C%5Cserver%5Chall", "other")),
        ("FILE:", ("file:FILE%3A", "other")),
        ("PORTPROMPT:", ("file:PORTPROMPT%3A", "other")),
        ("nul:", ("file:nul%3A", "other")),
        (r"C:\out\a.prn", ("file:C%3A%5Cout%5Ca.prn", "other")),
        ("SHRFAX:", ("port:SHRFAX%3A", "other")),
    ],
)
def test_other_ports_are_listed_as_what_they_are(name: str, rest: tuple[str, str, str, int]) -> None:
    tree = registry(LPR, WSD, queue("One", name))
    assert printers(tree) == (LocalPrinter("One", "ACME Laser 9", *rest),)
    assert snmp_hints(tree) == ()


def test_an_lpr_port_without_a_server_leads_nowhere() -> None:
    lost = port("LPR Port", "unix:lp", Server_Name="", Printer_Name="lp")
    assert only(lost, queue("One", "unix:lp")).device_uri == "port:unix%3Alp"


@pytest.mark.parametrize("values", [{}, {"Port": 7}, {"Port": None}, {"Port": ""}, {"Port": " , "}, {"Port": b"USB001"}])
def test_a_queue_without_a_port_is_none(values: dict[str, object]) -> None:
    assert printers(registry((f"{PRINT}\\Printers\\Odd", values))) == ()


def test_texts_are_bounded_and_printable() -> None:
    found = only((f"{PRINT}\\Printers\\Odd", {"Port": "USB001", "Printer Driver": "a\nb" + "c" * 1000}))
    assert (found.name, found.make_and_model) == ("Odd", "a b" + "c" * 252)


@given(
    st.dictionaries(st.sampled_from(["Port", "Name", "Printer Driver"]), st.none() | st.integers() | st.text() | st.binary())
)
def test_any_values_of_a_queue_are_survived(values: dict[str, object]) -> None:
    for found in printers(registry((f"{PRINT}\\Printers\\Odd", values))):
        assert found.name
        assert found.device_uri.isprintable()


class Key:
    """An open key of the winreg in memory, which has to be closed."""

    open = 0

    def __init__(self, subkeys: list[str], values: list[tuple[str, object, int]]) -> None:
        self.subkeys, self.values = subkeys, values

    def __enter__(self) -> "Key":
        Key.open += 1
        return self

    def __exit__(self, *_: object) -> None:
        Key.open -= 1


@pytest.fixture
def winreg(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The five functions and two constants of the standard library's winreg that reading needs, and nothing that writes."""
    module = ModuleType("winreg")
    tree = dict([tcp_ip(), queue("Hall", "IP_10.1.2.3")])

    def open_key(root: object, path: str, reserved: int, access: int) -> Key:
        assert (root, reserved, access) == ("HKLM", 0, 0x20019)
        if path.endswith("LPR Port\\Ports"):
            raise PermissionError(13, "Access is denied") if module.locked else FileNotFoundError(2, "not found")
        memory = MemoryRegistry(tree)
        subkeys, values = memory.keys(path), memory.values(path)
        if not subkeys and not values:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return Key(list(subkeys), [(name, value, 1) for name, value in values.items()])

    module.locked = False  # type: ignore[attr-defined]
    module.HKEY_LOCAL_MACHINE = "HKLM"  # type: ignore[attr-defined]
    module.KEY_READ = 0x20019  # type: ignore[attr-defined]
    module.OpenKey = open_key  # type: ignore[attr-defined]
    module.QueryInfoKey = lambda key: (len(key.subkeys), len(key.values), 0)  # type: ignore[attr-defined]
    module.EnumKey = lambda key, place: key.subkeys[place]  # type: ignore[attr-defined]
    module.EnumValue = lambda key, place: key.values[place]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "winreg", module)
    yield module
    assert Key.open == 0


def test_this_computers_registry(winreg: ModuleType) -> None:
    assert printers() == (LocalPrinter("Hall", "ACME Laser 9", "socket://10.1.2.3:9100", "network", "10.1.2.3", 9100),)
    assert snmp_hints() == (SnmpHint("10.1.2.3", SECRET, 1),)


def test_a_registry_that_may_not_be_read(winreg: ModuleType) -> None:
    winreg.locked = True
    with pytest.raises(SettingsError, match="LPR Port") as caught:
        printers()
    assert "administrator" in caught.value.advice


def test_a_registry_without_end_is_cut(winreg: ModuleType) -> None:
    winreg.QueryInfoKey = lambda _: (10**9, 10**9, 0)
    winreg.EnumKey = lambda _, place: f"key {place}"
    assert len(windows.windows_registry().keys(f"{PRINT}\\Printers")) == windows.MOST_KEYS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a registry")
@pytest.mark.parametrize("ask", [printers, snmp_hints])
def test_on_another_system(ask: object) -> None:
    with pytest.raises(SettingsError, match="only be listed on Windows") as caught:
        ask()  # type: ignore[operator]
    assert "CUPS" in caught.value.advice
