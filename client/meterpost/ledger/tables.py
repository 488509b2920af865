"""The tables. Where a row is a value of the model, its columns are the value's fields, name by name, so that
storing and loading need no mapping; a test compares them.

A change here needs a migration under `migrations/versions` and a new REVISION.
"""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table

from meterpost.ledger.columns import Choice, Instant, Json, Number, Words
from meterpost.lifecycle.messages import Cycle, RemoteSettings, Request
from meterpost.lifecycle.state import DeviceState, Proxy, RequestState
from meterpost.model import Alert, JobName, SupplyState

REVISION = "0003"
"""The newest migration: what an up-to-date store says of itself."""

metadata = MetaData()

# --- the site: SiteState, Device, BillingRequest, Outgoing -------------------------------------------------
site = Table(
    "site",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always SITE: a store holds one site
    Column("revision", Integer, nullable=False),  # counts saves, so that nobody overwrites what he has not seen
    Column("client", String(36), nullable=False),
    Column("proxy", Json(Proxy), nullable=False),
    Column("next_number", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("last_sync", Instant),
    Column("settings", Json(RemoteSettings), nullable=False),
)
device = Table(
    "device",
    metadata,
    Column("serial", Words, primary_key=True),
    Column("state", Choice(DeviceState), nullable=False),
    Column("since", Instant, nullable=False),
    Column("maker", Words, nullable=False),
    Column("model", Words, nullable=False),
    Column("asset", Words),
    Column("address", Words, nullable=False),
    Column("port", Integer, nullable=False),
    Column("life", Integer, nullable=False),
    Column("until", Date),
    Column("reason", Words, nullable=False),
)
request = Table(
    "request",
    metadata,
    Column("id", Words, primary_key=True),
    Column("serial", Words, nullable=False),
    Column("period_from", Date, nullable=False),
    Column("period_to", Date, nullable=False),
    Column("cycle", Choice(Cycle), nullable=False),
    Column("due", Date, nullable=False),
    Column("meters", Json(tuple[str, ...]), nullable=False),
    Column("received", Instant, nullable=False),
    Column("state", Choice(RequestState), nullable=False),
    Column("parts", Integer, nullable=False),
    Column("parts_acknowledged", Json(frozenset[int]), nullable=False),
)
outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("message", Json(Request), nullable=False),
    Column("queued", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Instant),
)

# --- readings: append-only ---------------------------------------------------------------------------------
reading = Table(
    "reading",
    metadata,
    Column("id", Integer, primary_key=True),  # ascending in order of arrival
    Column("reasons", Json(tuple[str, ...]), nullable=False),  # why it is held; none for a good one
    Column("address", Words, nullable=False),
    Column("port", Integer, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("manufacturer", Words, nullable=False),
    Column("model", Words, nullable=False),
    Column("serial", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("location", Words, nullable=False),
    Column("mac", Words, nullable=False),
    Column("firmware", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("profile", Words, nullable=False),
    Column("profile_version", Words, nullable=False),
    Column("sys_object_id", Words, nullable=False),
    Column("sys_descr", Words, nullable=False),
    Column("is_printer", Boolean, nullable=False),
    Column("errors", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Column("alerts", Json(tuple[Alert, ...]), nullable=False, server_default="[]"),
    Column("macs", Json(tuple[str, ...]), nullable=False, server_default="[]"),
    Index("reading_by_serial", "serial", "id"),
)
# What a device says of a meter or supply at every visit is written once; `id` is a hash of it (see `readings`).
meter = Table(
    "meter",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Words, nullable=False),
    Column("unit", Words, nullable=False),
    Column("oid", Words, nullable=False),
)
meter_value = Table(
    "meter_value",
    metadata,
    Column("reading", Integer, ForeignKey("reading.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("what", BigInteger, ForeignKey("meter.id"), nullable=False),
    Column("value", Number, nullable=False),
    sqlite_with_rowid=False,  # the key is the row's place: half the size, and a reading's rows lie together
)
supply = Table(
    "supply",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("index", Words, nullable=False),
    Column("description", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("supply_class", Words, nullable=False),
    Column("color", Words, nullable=False),
    Column("capacity", Number, nullable=False),
    Column("unit_code", Number, nullable=False),
    Column("unit", Words, nullable=False),
)
supply_value = Table(
    "supply_value",
    metadata,
    Column("reading", Integer, ForeignKey("reading.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("what", BigInteger, ForeignKey("supply.id"), nullable=False),
    Column("level", Number, nullable=False),
    Column("percent", Integer),
    Column("state", Choice(SupplyState), nullable=False),
    sqlite_with_rowid=False,
)
newest = Table(  # so that the latest reading of each device is found without a walk through all of them
    "newest",
    metadata,
    Column("serial", Words, primary_key=True),
    Column("reading", Integer, ForeignKey("reading.id"), nullable=False),
)

# --- the journal, and small things -------------------------------------------------------------------------
exchange = Table(
    "exchange",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("octets", Integer, nullable=False),  # of both messages as kept here
    Column("at", Instant, nullable=False),
    Column("url", Words, nullable=False),
    Column("transaction", Words, nullable=False),
    Column("devices", Integer, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("answer", Words, nullable=False),
    Column("answer_devices", Integer, nullable=False),
    Column("request_envelope", Integer, nullable=False),
    Column("request_http", Integer, nullable=False),
    Column("request_wire", Integer, nullable=False),
    Column("response_envelope", Integer, nullable=False),
    Column("response_http", Integer, nullable=False),
    Column("response_wire", Integer, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Index("exchange_to_prune", "number", "transaction", "octets"),  # pruning never touches the messages themselves
)
last_success = Table(
    "last_success",
    metadata,
    Column("job", Choice(JobName), primary_key=True),
    Column("at", Instant, nullable=False),
)
nonce = Table(
    "nonce",
    metadata,
    Column("key", Words, primary_key=True),
    Column("until", Instant, nullable=False, index=True),
)
remembered = Table(
    "remembered",
    metadata,
    Column("endpoint", Words, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("at", Instant),  # when it was written; none by a version that did not say
)
