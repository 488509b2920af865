"""Hypothesis strategies for every message of the contract, at its limits and with hostile text."""

from base64 import b64encode
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from meterpost.lifecycle import messages as m
from meterpost_wsdl import xmlio


def text(limit: int, least: int = 0) -> st.SearchStrategy[str]:
    """Text that survives clipping unchanged: printable, inside `limit` octets escaped."""
    characters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"))
    return (
        st.text(characters | st.sampled_from("&<>\"'字"), min_size=least, max_size=limit)
        .map(lambda value: xmlio.clip(value, limit))
        .filter(lambda value: len(value) >= least)
    )


clients = st.uuids().map(str)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC))
days = st.dates(date(2000, 1, 1), date(2099, 1, 1))
serials = text(32, 1)
names = text(40, 1)
ids = st.from_regex(r"[A-Za-z0-9._:\-]{1,36}", fullmatch=True)
counts = st.integers(0, 9_999_999_999)
amounts = st.integers(-3, 9_999_999_999)
parts = st.integers(1, 99)


def several(item: st.SearchStrategy[object], least: int = 1) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(item, min_size=least, max_size=4).map(tuple)


optional_text = st.none() | text(64)
keys = st.binary(min_size=32, max_size=32).map(lambda x: b64encode(b"\x02" + x).decode())
proofs = st.binary(min_size=64, max_size=64).map(lambda rs: b64encode(rs).decode())
certificates = st.builds(
    m.Certificate, st.sampled_from(m.Holder), st.binary(min_size=1, max_size=3072).map(lambda der: b64encode(der).decode())
)
meters = st.builds(m.MeterValue, names, counts)
supplies = st.builds(m.SupplyUsage, names, amounts, amounts, st.integers(1, 99))
reads = st.builds(m.DeviceReads, serials, ids, instants, parts, parts, several(meters, 0), several(supplies, 0))
bills = st.builds(m.Bill, serials, ids, days, days, st.sampled_from(m.Cycle), days, several(names, 0))
settings = st.builds(
    m.RemoteSettings, st.none() | st.just("23:59"), st.none() | st.integers(0, 720), st.none() | st.integers(15, 1440)
).filter(lambda value: value != m.RemoteSettings())  # settings that set nothing are not sent

requests = st.one_of(
    st.builds(m.RegisterProxy, clients, text(64), text(64), text(16, 1), st.none() | keys, st.none() | proofs),
    st.builds(
        m.RegisterProxyDevices, clients, several(st.builds(m.DeviceToRegister, serials, text(32), text(64), optional_text))
    ),
    st.builds(m.SyncProxy, clients, text(16, 1)),
    st.builds(
        m.SyncProxyStatus, clients, several(st.builds(m.DeviceStatus, serials, st.sampled_from(m.ServiceState), instants))
    ),
    st.builds(m.BillingTransaction, clients, several(reads)),
)
replies = st.one_of(
    st.builds(m.RegisterProxyResponse, clients, instants, several(certificates, 0)),
    st.builds(
        m.RegisterProxyDevicesResponse,
        instants,
        several(st.builds(m.RegisteredDevice, serials, st.sampled_from(m.Registration), st.none() | days, optional_text)),
    ),
    st.builds(
        m.SyncProxyResponse,
        instants,
        st.none() | settings,
        several(st.builds(m.TurnOn, serials), 0),
        several(st.builds(m.TurnOff, serials, optional_text), 0),
        several(bills, 0),
    ),
    st.builds(m.SyncProxyStatusResponse, several(st.builds(m.StatusReceipt, serials, st.sampled_from(m.Receipt)))),
    st.builds(
        m.BillingTransactionResponse, several(st.builds(m.BillingReceipt, serials, ids, parts, st.sampled_from(m.Receipt)))
    ),
)

REQUEST_OF = {
    m.RegisterProxyResponse: m.RegisterProxy("", "", "", ""),
    m.RegisterProxyDevicesResponse: m.RegisterProxyDevices("", ()),
    m.SyncProxyResponse: m.SyncProxy("", ""),
    m.SyncProxyStatusResponse: m.SyncProxyStatus("", ()),
    m.BillingTransactionResponse: m.BillingTransaction("", ()),
}
"""A request that each reply may answer."""
