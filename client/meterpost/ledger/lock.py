"""One writer at a time. The operating system holds the lock and gives it back when the process dies, however it dies;
the lock file's content only tells the next one who it is. The file itself stays: removing it would make two locks of it."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from meterpost.errors import Busy, StoreError
from meterpost.model import instant

MAX_NOTE = 400

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        # A locked octet can be read by nobody else on Windows, so one far behind the note is locked.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        # flock belongs to the open file, not to the process: it parts threads too, and a child does not inherit it twice.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Between all processes and threads of this machine, through the file `path`."""

    def __init__(self, path: Path, store: str) -> None:
        self._path = path
        self._store = store

    @contextmanager
    def hold(self, who: str) -> Iterator[None]:
        """Holds the lock as `who`. Raises Busy, naming who holds it and since when; StoreError if there can be no lock file."""
        with self._open() as descriptor:
            try:
                _try_lock(descriptor)
            except (BlockingIOError, PermissionError):  # POSIX, Windows
                os.lseek(descriptor, 0, os.SEEK_SET)
                raise _busy(self._store, os.read(descriptor, MAX_NOTE).decode("utf-8", "replace")) from None
            except OSError as error:
                raise self._impossible(error) from None
            _write_note(descriptor, f"{who} (process {os.getpid()}) since {instant(datetime.now(UTC))}")
            try:
                yield
            finally:
                _write_note(descriptor, "")

    @contextmanager
    def _open(self) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._impossible(error) from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)  # and with it the lock

    def _impossible(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self._path} cannot be locked: {error.strerror}",
            "Give the account meterpost runs as the right to write in that folder, on a disk of this machine.",
        )


class MemoryLock:
    """Between the threads that share a store in memory; no process can see it."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._holder = ""

    @contextmanager
    def hold(self, who: str) -> Iterator[None]:
        """Holds the lock as `who`. Raises Busy."""
        if not self._lock.acquire(blocking=False):
            raise _busy(self._store, self._holder)
        try:
            self._holder = f"{who} since {instant(datetime.now(UTC))}"
            yield
        finally:
            self._lock.release()


def _write_note(descriptor: int, note: str) -> None:
    with suppress(OSError):  # on a full disk the lock still holds, it is only nameless
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, note.encode("utf-8")[:MAX_NOTE])


def _busy(store: str, holder: str) -> Busy:
    return Busy(
        f"{store} is being written by {holder.strip() or 'another meterpost process'}",
        "Wait until it has finished, or stop that process, then run this again.",
    )
