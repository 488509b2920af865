"""The configuration: one TOML file, strict keys, no secret in it. Known to all rooms, knows none of them.

A secret is a reference: `{ file = "path" }`, `{ env = "NAME" }` or `{ keyring = "service/user" }`.
"""

import difflib
import os
import re
import stat
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from meterpost.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept; exactly one of the three."""

    file: str = ""
    env: str = ""
    keyring: str = ""

    def resolve(self, base: Path) -> str:
        """The secret itself; relative files are looked up beside the configuration in `base`.
        Raises SettingsError when it is not there, or when others may read its file."""
        if self.env:
            if self.env not in os.environ:
                raise SettingsError(
                    f"the environment variable {self.env} is not set", "Set it for the account meterpost runs as."
                )
            return os.environ[self.env]
        if self.keyring:
            return _from_keyring(self.keyring)
        return _from_file(base / self.file)


@dataclass(frozen=True, slots=True)
class SnmpUser:
    """An SNMPv3 user (authPriv; RFC 3414, RFC 3826)."""

    name: str
    auth_password: Secret
    priv_password: Secret
    auth: str = "SHA"  # MD5, SHA, SHA224, SHA256, SHA384, SHA512
    priv: str = "AES"  # DES, AES, AES192, AES256


ENGINES = ("auto", "wire", "gufo", "pysnmp")
"""Who speaks SNMP: chosen by itself, or always the one named."""


@dataclass(frozen=True, slots=True)
class SnmpSettings:
    """How printers are asked. `communities` are tried in order, v2c before v1; `packets_per_second` bounds what reading them
    sends, to all segments together."""

    communities: tuple[str, ...] = ("public",)
    users: tuple[SnmpUser, ...] = ()
    versions: tuple[str, ...] = ("2c", "1")
    port: int = 161
    timeout_s: float = 2.0
    retries: int = 1
    concurrency: int = 64
    engine: str = "auto"  # auto, wire, gufo, pysnmp
    packets_per_second: int = 1000


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Where to look. `packets_per_second` bounds everything a discovery sends, to all segments together; `deadline_s` ends it
    with what was found by then (0: when even the slowest scan has had its time to read what answered)."""

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    packets_per_second: int = 200
    deadline_s: int = 0


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """Printers that are read at a URI. `ca_file`: PEM file of the CAs that ipps and https printers' certificates are verified
    with; '' verifies none, for printers sign their own."""

    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The communication server, and the way there. `http_proxy`: a URL without credentials; '' means the
    environment's, then the system's; 'none' means straight."""

    url: str = ""
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    http_proxy: str = ""
    http_proxy_username: str = ""
    http_proxy_password: Secret | None = None
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The account at the communication server."""

    username: str = ""
    password: Secret | None = None


KEY_STORES = ("files", "keyring")
"""Where private keys are kept: in files beside the configuration, or in the operating system's keyring."""


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """`policy` names a row of the policy table in `meterpost.wsse`, `accept` the rows a reply may follow (none: the one that
    belongs to `policy`); times in seconds.

    Without `certificate` the client makes its own key and has it certified, kept as `key_store` says. `certificate` is the
    administrator's: a PEM file, its key in the same file or in `key`, or a PKCS #12 file; `key_password` opens a key that
    is encrypted. `server_certificates`: PEM file of the certificates the server signs with; they alone are trusted then."""

    policy: str = "digest-2004"
    accept: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""
    key_password: Secret | None = None
    server_certificates: str = ""
    key_store: str = "files"
    max_age_s: int = 300
    max_skew_s: int = 60


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """`daily_time` is local time; `jitter_minutes` bounds the client's own fixed delay after it."""

    daily_time: str = "02:30"
    jitter_minutes: int = 30
    read_every_minutes: int = 120


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """`path` of the SQLite file, or `url` of another database SQLAlchemy knows."""

    path: str = "meterpost.db"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file. `base` is the folder relative paths start from; it is not in the file."""

    server: ServerSettings = ServerSettings()
    account: AccountSettings = AccountSettings()
    security: SecuritySettings = SecuritySettings()
    snmp: SnmpSettings = SnmpSettings()
    discovery: DiscoverySettings = DiscoverySettings()
    printers: PrinterSettings = PrinterSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    store: StoreSettings = StoreSettings()
    base: Path = field(default=Path(), metadata={"internal": True})


def load(path: Path) -> Settings:
    """The settings in the file `path`. Raises SettingsError that names the key, the value and what is allowed."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"there is no configuration file {path}", "Run 'meterpost wizard' to make one, or name another with --config."
        ) from None
    except (OSError, ValueError, RecursionError) as error:  # not UTF-8, no TOML, or nested without end
        raise SettingsError(f"the configuration file {path} cannot be read: {error}") from None
    return from_table(table, path.parent)


def from_table(table: Mapping[str, Any], base: Path) -> Settings:
    """Settings from a parsed TOML table. Raises SettingsError."""
    settings: Settings = _build(Settings, table, "")
    object.__setattr__(settings, "base", base)
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    url = settings.server.url
    if url and not _is_https(url):
        raise SettingsError(
            f"server.url: {url!r} is not an https address", "Meter reads only travel over TLS: https://host/path"
        )
    for key, address, advice in (
        ("server.url", url, "Use account.username and account.password."),
        ("server.http_proxy", settings.server.http_proxy, "Use server.http_proxy_username and server.http_proxy_password."),
    ):
        if re.match(r"[^/]*//[^/]*@", address):
            raise SettingsError(f"{key} must not contain credentials", advice)
    if re.match(r"[^/]*//[^/@]*:[^/@]*@", settings.store.url):
        raise SettingsError(
            "store.url must not contain a password", "Keep it where the database's own client looks for it, such as ~/.pgpass."
        )
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", settings.schedule.daily_time):
        raise SettingsError(f"schedule.daily_time: {settings.schedule.daily_time!r} is not HH:MM")
    for key, value, least, most in (
        ("schedule.jitter_minutes", settings.schedule.jitter_minutes, 0, 720),
        ("schedule.read_every_minutes", settings.schedule.read_every_minutes, 15, 1440),
        ("snmp.port", settings.snmp.port, 1, 65535),
        ("snmp.retries", settings.snmp.retries, 0, 10),
        ("snmp.concurrency", settings.snmp.concurrency, 1, 1024),
        ("snmp.packets_per_second", settings.snmp.packets_per_second, 1, 1_000_000),
        ("snmp.timeout_s", settings.snmp.timeout_s, 0.05, 60),
        ("server.connect_timeout_s", settings.server.connect_timeout_s, 0.05, 3600),
        ("server.read_timeout_s", settings.server.read_timeout_s, 0.05, 3600),
        ("discovery.packets_per_second", settings.discovery.packets_per_second, 1, 1_000_000),
        ("discovery.deadline_s", settings.discovery.deadline_s, 0, 86_400),
        ("security.max_age_s", settings.security.max_age_s, 1, 86_400),
        ("security.max_skew_s", settings.security.max_skew_s, 0, 86_400),
    ):
        if not least <= value <= most:
            raise SettingsError(f"{key}: {value} is not between {least} and {most}")
    if settings.snmp.engine not in ENGINES:
        raise SettingsError(f"snmp.engine: {settings.snmp.engine!r} is not one of {', '.join(ENGINES)}")
    if settings.security.key_store not in KEY_STORES:
        raise SettingsError(f"security.key_store: {settings.security.key_store!r} is not one of {', '.join(KEY_STORES)}")
    if settings.security.key and not settings.security.certificate:
        raise SettingsError("security.key is set, and security.certificate is not", "Set both, or neither: then one is made.")
    for version in settings.snmp.versions:
        if version not in ("1", "2c"):
            raise SettingsError(f"snmp.versions: {version!r} is not one of '1', '2c' (v3 is used where there are snmp.users)")


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket without its other half, a port that is none
        return False


def _build(kind: Any, table: Any, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where}: a table is expected, not {table!r}")
    known = {entry.name: entry for entry in fields(kind) if not entry.metadata.get("internal")}
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
            raise SettingsError(f"unknown setting {_join(where, key)!r}", hint)
        values[key] = _convert(hints[key], value, _join(where, key))
    for name, entry in known.items():
        if name not in values and entry.default is MISSING and entry.default_factory is MISSING:
            raise SettingsError(f"{_join(where, name)} is missing")
    if kind is Secret and (len(values) != 1 or not all(values.values())):
        raise SettingsError(f"{where}: name one of file, env, keyring")
    return kind(**values)


def _convert(kind: Any, value: Any, where: str) -> Any:
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if is_dataclass(kind):
        if kind is Secret and isinstance(value, str):
            raise SettingsError(
                f"{where}: a secret does not belong in this file",
                'Refer to it: { file = "…" }, { env = "…" } or { keyring = "…" }.',
            )
        return _build(kind, value, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise SettingsError(f"{where}: a list is expected, not {value!r}")
        return tuple(_convert(typing.get_args(kind)[0], item, where) for item in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64:
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SettingsError(f"{where}: {value!r} is not a {kind.__name__}")
    return value


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def demand_private(path: Path, about: os.stat_result, what: str = "the secret file") -> None:
    """Raises SettingsError where `about`, what the system says of the file `path`, lets others in."""
    if not stat.S_ISREG(about.st_mode):
        raise SettingsError(f"{what} {path} is not a file")
    if os.name == "posix" and about.st_uid not in (os.getuid(), 0):
        raise SettingsError(f"{what} {path} belongs to another account", "Give it to the account meterpost runs as.")
    if os.name == "posix" and about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"others may read {what} {path}", f"Run: chmod 600 {path}")


def _from_file(path: Path) -> str:
    try:
        demand_private(path, path.stat())
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or no path at all
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"the secret file {path} cannot be read: {reason}") from None


def _from_keyring(reference: str) -> str:
    try:
        import keyring
    except ImportError:
        raise SettingsError("the keyring extra is not installed", "pip install 'meterpost[keyring]'") from None
    service, _, user = reference.partition("/")
    secret: str | None = keyring.get_password(service, user)
    if secret is None:
        raise SettingsError(f"the keyring has no entry {reference!r}")
    return secret
