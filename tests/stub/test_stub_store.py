"""What the server keeps, and what it forgets: bounded however much and however large it comes."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from replay_suite import check_replay_cache

from meterpost.errors import StoreError
from meterpost_stub import store
from meterpost_stub.rules import Proxy
from meterpost_stub.store import Entry, Note, Store

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "stub.db" if request.param == "file" else None


@pytest.fixture
def kept(path: Path | None) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def exchange(octets: int) -> Entry:
    return Entry(0, NOW, "ok", 200, "T3", 0, "T4", 0, b"", bytes(octets), b"", b"")


def numbers(kept: Store) -> list[int]:
    return [entry.number for entry in kept.all(Entry)]


def test_its_nonces_keep_the_promises_of_every_replay_cache(tmp_path: Path):
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store(tmp_path / f"{len(opened)}.db"))
        return opened[-1]

    check_replay_cache(make)
    for one in opened:
        one.close()


def test_of_sixteen_threads_with_one_nonce_a_single_one_wins(kept: Store):
    def remember(number: int) -> bool:
        return kept.remember(f"{number % 20:064d}", NOW + timedelta(minutes=7), NOW)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(remember, range(320))) == 20


def test_the_journal_has_so_many_entries(kept: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "_JOURNAL_LENGTH", 3)
    for _ in range(5):
        kept.journal(exchange(1))
    assert numbers(kept) == [3, 4, 5]


def test_the_journal_has_so_many_octets(kept: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "_JOURNAL_OCTETS", 100)
    for octets in (1, 1, 40, 59, 1, 1, 98):
        kept.journal(exchange(octets))
    assert numbers(kept) == [5, 6, 7]
    kept.clear()
    kept.journal(exchange(100))
    assert numbers(kept) == [1]


def test_the_octets_of_an_earlier_run_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "_JOURNAL_OCTETS", 100)
    for octets in (60, 60, 40):
        again = Store(tmp_path / "stub.db")
        again.journal(exchange(octets))
        left = numbers(again)
        again.close()
    assert left == [2, 3]


def test_all_or_nothing(kept: Store):
    def half() -> None:
        with kept.transaction():
            kept.put(Note("first", "1"))
            with kept.transaction():
                kept.put(Note("second", str(1 // 0)))

    with pytest.raises(ZeroDivisionError):
        half()
    assert kept.all(Note) == ()
    kept.put(Note("third", "1"))
    assert [note.name for note in kept.all(Note)] == ["third"]


def test_a_full_disk_leaves_no_transaction_open(tmp_path: Path):
    full, other = Store(tmp_path / "stub.db"), Store(tmp_path / "stub.db")
    full._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(sqlite3.OperationalError, match="full"), full.transaction():
        full.put(Note("much", "x" * 1_000_000))
    other.put(Note("little", "1"))  # nobody holds a lock
    assert [note.name for note in full.all(Note)] == ["little"]
    for one in (full, other):
        one.close()


def test_what_is_no_store_is_named(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(StoreError, match="letter"):
        Store(tmp_path / "letter.txt")


def test_a_record_comes_back_as_it_went(kept: Store):
    proxy = Proxy("c", "a", "n & \x22", "o\u2028", "1", NOW, NOW + timedelta(hours=1))
    kept.put(proxy)
    assert kept.get(Proxy, "c") == proxy
