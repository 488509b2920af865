"""Keys and certificates as files in a folder of their own: `made-NUMBER-NAME.key` and `imported-NUMBER-NAME.key`, numbered
as they came, their certificates as `.crt` beside them, the server's in `server.crt`. Nobody else may read or write there.

A file is written under another name, flushed to the disk and then renamed: it is there whole, or not at all. A key file
holds the private half, or says that the operating system's keyring does."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from meterpost.errors import SettingsError, StoreError
from meterpost.keys import keyring
from meterpost.keys.about import About, read_pem
from meterpost.keys.store import Holding, Origin, Own
from meterpost.settings import demand_private

MAX_FILE = 64 * 1024
MAX_KEYS = 100
_KEY = re.compile(r"(made|imported)-[0-9]{4,9}-[0-9a-f]{16}\.key")
_SERVER = "server.crt"
_ELSEWHERE = b"in the keyring\n"
_NOT_A_LINK = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_private(path: Path, may_be_link: bool = False) -> bytes:
    """A file that is its owner's alone and not large; what is looked at is what is read. Raises SettingsError."""
    link = 0 if may_be_link else _NOT_A_LINK
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | link | _FLAGS)
        try:
            demand_private(path, os.fstat(descriptor), "the key file")
            data = os.read(descriptor, MAX_FILE + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise SettingsError(f"the key file {path} cannot be read: {reason}") from None
    if len(data) > MAX_FILE:
        raise SettingsError(f"the key file {path} is too large for keys and certificates")
    return data


def _number(path: Path) -> int:
    return int(path.stem.split("-")[1])


class FileStore:
    """The store in `folder`, which is made when something is first written. Writers must hold the site's lock.
    `in_keyring` says where new private halves go; those that are here already stay where they are."""

    def __init__(self, folder: Path, in_keyring: bool = False) -> None:
        self._folder = folder
        self._in_keyring = in_keyring

    def holding(self) -> Holding:
        server = self._folder / _SERVER
        return Holding(tuple(self._own()), self._certificates(server) if os.path.lexists(server) else ())

    def private_key(self, name: str) -> bytes:
        path = self._path(name)
        content = read_private(path)
        return keyring.get(path.stem) if content == _ELSEWHERE else content

    def add(self, name: str, origin: Origin, private_key: bytes, certificate: About | None = None) -> None:
        """The certificate goes first: alone it is nothing, and a key alone would be one that waits."""
        self.remove(name)
        self._make_folder()
        number = max(map(_number, self._key_files()), default=0) + 1
        path = self._folder / f"{origin}-{number:04}-{name}.key"
        if certificate:
            self._write(path.with_suffix(".crt"), certificate.pem)
        if self._in_keyring:
            keyring.put(path.stem, private_key)
        self._write(path, _ELSEWHERE if self._in_keyring else private_key)

    def certify(self, name: str, certificate: About) -> None:
        self._write(self._path(name).with_suffix(".crt"), certificate.pem)

    def remove(self, name: str) -> None:
        for path in (path for path in self._key_files() if path.stem.endswith(f"-{name}")):
            if read_private(path) == _ELSEWHERE:
                keyring.forget(path.stem)
            self._unlink(path)
            self._unlink(path.with_suffix(".crt"))

    def trust(self, server: Sequence[About]) -> None:
        self._make_folder()
        self._write(self._folder / _SERVER, b"".join(certificate.pem for certificate in server))

    # --- reading -------------------------------------------------------------------------------------------

    def _own(self) -> Iterator[Own]:
        for path in self._key_files():
            origin, _, name = path.stem.split("-")
            certificate = path.with_suffix(".crt")
            found = self._certificates(certificate) if os.path.lexists(certificate) else ()
            if found and found[0].key != name:
                raise StoreError(f"the certificate {certificate} belongs to another key", "Remove it; it is asked for again.")
            where = f"keyring, {keyring.SERVICE}/{path.stem}" if read_private(path) == _ELSEWHERE else str(path)
            yield Own(name, Origin(origin), found[0] if found else None, where, _number(path))

    def _key_files(self) -> list[Path]:
        try:
            about = self._folder.lstat()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._impossible("read", self._folder, error) from None
        if not stat.S_ISDIR(about.st_mode):
            raise SettingsError(f"the key folder {self._folder} is not a folder", "A link to one is none either.")
        if os.name == "posix" and about.st_uid not in (os.getuid(), 0):
            raise SettingsError(
                f"the key folder {self._folder} belongs to another account", "Give it to the account meterpost runs as."
            )
        if os.name == "posix" and about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"others may enter the key folder {self._folder}", f"Run: chmod 700 {self._folder}")
        try:
            found = sorted(path for path in self._folder.iterdir() if _KEY.fullmatch(path.name))
        except OSError as error:
            raise self._impossible("read", self._folder, error) from None
        if len(found) > MAX_KEYS:
            raise StoreError(f"there are {len(found)} keys in {self._folder}", "Move away what does not belong there.")
        return found

    def _path(self, name: str) -> Path:
        for path in self._key_files():
            if path.stem.endswith(f"-{name}"):
                return path
        raise StoreError(f"there is no key {name} in {self._folder}")

    def _certificates(self, path: Path) -> tuple[About, ...]:
        try:
            return read_pem(read_private(path))
        except ValueError:
            raise StoreError(f"{path} is not a certificate", "Remove it; it is asked for again.") from None

    # --- writing -------------------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._impossible("made", self._folder, error) from None
        self._key_files()  # whose folder it is, before a secret goes there

    def _write(self, path: Path, data: bytes) -> None:
        new = path.with_name(f"{path.name}.new")
        try:
            with suppress(FileNotFoundError):
                new.unlink()  # from a run that was interrupted
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_A_LINK | _FLAGS, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            new.replace(path)
            self._flush_folder()
        except OSError as error:
            raise self._impossible("written", path, error) from None

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
            self._flush_folder()
        except OSError as error:
            raise self._impossible("removed", path, error) from None

    def _flush_folder(self) -> None:
        if os.name != "posix":
            return  # elsewhere a folder cannot be opened
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _impossible(self, doing: str, path: Path, error: OSError) -> StoreError:
        return StoreError(
            f"{path} cannot be {doing}: {error.strerror}", "The account meterpost runs as needs that folder for itself."
        )
