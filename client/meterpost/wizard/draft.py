"""The configuration file in the making: read, changed key by key, written at once or not at all.

Comments and keys the wizard does not ask about stay as they are; a file in which nothing changed is not touched.
Secrets go into files of their own beside it.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from meterpost import settings
from meterpost.errors import SettingsError
from meterpost.settings import Settings


class Draft:
    """A configuration file that may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._before = path.read_text("utf-8") if path.exists() else ""
            self._document = tomlkit.parse(self._before)
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise SettingsError(f"the configuration file {path} cannot be read: {error}") from None

    def settings(self) -> Settings:
        """The settings as they would be. Raises SettingsError."""
        return settings.from_table(self._document.unwrap(), self.path.parent)

    def get(self, key: str) -> Any:
        """The value at `section.name`, None where there is none."""
        section, name = key.split(".")
        return self._document.get(section, {}).get(name)

    def set(self, key: str, value: str | Sequence[str] | dict[str, str]) -> None:
        """Sets `section.name`; an empty value removes it, so that the default counts."""
        section, name = key.split(".")
        if self.get(key) == value:
            return
        if section not in self._document:
            self._document[section] = tomlkit.table()
        table: Any = self._document[section]
        if isinstance(value, dict):
            reference = tomlkit.inline_table()
            reference.update(value)
            table[name] = reference
        elif value:
            table[name] = value if isinstance(value, str) else list(value)
        else:
            table.pop(name, None)

    def set_secret(self, key: str, secret: str) -> None:
        """Keeps `secret` in a file only the owner can read, and refers to it."""
        path = self.path.parent / "secrets" / key.replace(".", "-")
        write_privately(path, secret + "\n")
        self.set(key, {"file": str(path.relative_to(self.path.parent))})

    def save(self) -> bool:
        """Writes the file if anything changed; whether it did."""
        text = tomlkit.dumps(self._document)
        if text == self._before:
            return False
        write_privately(self.path, text)
        self._before = text
        return True


def write_privately(path: Path, text: str) -> None:
    """`text` at `path`, whole or not at all, for its owner only. Raises SettingsError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}", "Choose another place with --config.") from None
