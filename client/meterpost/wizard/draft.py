"""The configuration file in the making: read, changed key by key, replaced whole or not at all.

Comments and keys the wizard does not ask about stay as they are; a file in which nothing changed is not touched.
A secret goes into a new file of its own, which counts from the moment the configuration file refers to it: whatever
happens before, the old configuration works with its old secrets.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomlkit
from tomlkit.exceptions import TOMLKitError

from meterpost import settings
from meterpost.errors import SettingsError
from meterpost.settings import Secret, Settings

_HEADING = "Written by 'meterpost wizard'. Change it by hand as you like: the wizard keeps what it does not ask about."
_SECRETS = "secrets"


class Draft:
    """A configuration file that may not exist yet. A context manager: secrets that were not saved go with it."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsError for a file that is there and is no configuration."""
        self.path = path
        self._base = path.parent
        try:
            self._before = path.read_bytes().decode("utf-8") if path.exists() else ""
            self._document = tomlkit.parse(self._before)
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise SettingsError(f"the configuration file {path} cannot be read: {error}") from None
        self._saved = self.settings()
        self._secrets: dict[Path, str] = {}  # files this draft made or gave up, with their keys

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for path, key in self._secrets.items():
            if self._file_of(_value(self._saved, key)) != path:
                path.unlink(missing_ok=True)

    def settings(self) -> Settings:
        """The settings as they would be. Raises SettingsError."""
        return settings.from_table(self._document.unwrap(), self._base)

    def get(self, key: str) -> Any:
        """What counts at `section.name`: the value in the file, else the default."""
        return _value(self.settings(), key)

    def set(self, key: str, value: str | Sequence[str] | dict[str, str]) -> None:
        """Makes `value` count at `section.name`; an empty one takes the key out. What counts already is not written."""
        now = _plain(self.get(key))
        if value == now or not (value or now):
            return
        section, name = key.split(".")
        if value:
            self._table(section)[name] = _item(value)
        else:
            self._table(section).pop(name)

    def set_secret(self, key: str, secret: str) -> None:
        """Keeps `secret` in a file only its owner can read, and refers to it."""
        now = self.get(key)
        with suppress(SettingsError):
            if now and now.resolve(self._base) == secret:
                return
        given_up = self._file_of(now)
        if given_up and given_up.parent == self._base / _SECRETS:
            self._secrets[given_up] = key
        path = _write(self._base / _SECRETS, key.replace(".", "-") + "-", secret + "\n")
        self._secrets[path] = key
        self.set(key, {"file": path.relative_to(self._base).as_posix()})

    def save(self) -> bool:
        """Replaces the file if anything changed; whether it did. Raises SettingsError."""
        text = tomlkit.dumps(self._document)
        if text == self._before:
            return False
        target = self.path.resolve()  # the file, where `path` is a link to it
        new = _write(target.parent, f".{target.name}.", text)
        try:
            if target.exists():
                _copy_rights(target, new)
            new.replace(target)
        except OSError as error:
            new.unlink()
            raise _unwritable(target, error) from None
        self._before, self._saved = text, self.settings()
        return True

    def _table(self, section: str) -> Any:
        if section not in self._document:
            self._document.add(tomlkit.nl() if self._document.body else tomlkit.comment(_HEADING))
            self._document.add(section, tomlkit.table())
        return self._document[section]

    def _file_of(self, secret: Secret | None) -> Path | None:
        return self._base / secret.file if secret and secret.file else None


def _value(of: Settings, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(of, section), name)


def _plain(value: Any) -> Any:
    """A setting as a settings file holds it."""
    if isinstance(value, Secret):
        return {place: where for place in Secret.__slots__ if (where := getattr(value, place))}
    return list(value) if isinstance(value, tuple) else value


def _item(value: str | Sequence[str] | dict[str, str]) -> Any:
    if not isinstance(value, dict):
        return value if isinstance(value, str) else list(value)
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _write(folder: Path, prefix: str, text: str) -> Path:
    """A new file with `text` in `folder`, on the disk and for its owner only. Raises SettingsError."""
    path = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder, prefix=prefix)  # made with mode 0600
        path = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if path:
            path.unlink()
        raise _unwritable(folder, error) from None
    return path


def _copy_rights(of: Path, to: Path) -> None:
    """Who may read the file stays as the administrator set it."""
    shutil.copymode(of, to)
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # only root can give a file away
            os.chown(to, of.stat().st_uid, of.stat().st_gid)


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"{path} cannot be written: {error.strerror}", "Name another configuration file with --config.")
