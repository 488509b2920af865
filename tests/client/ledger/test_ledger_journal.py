"""The journal, the small records, and the cache of nonces."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from ledger_values import NOON, exchange, exchanges
from replay_suite import check_replay_cache

from meterpost.ledger import Ledger, ReplayCache, journal, open_ledger
from meterpost.model import Exchange, JobName
from meterpost.settings import StoreSettings

MINUTE = timedelta(minutes=1)


@given(line=exchanges)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_exchange_is_kept_to_the_octet(ledger: Ledger, line: Exchange) -> None:
    number = ledger.add_exchange(line)
    assert ledger.exchanges(number=number) == (replace(line, number=number),)


def test_the_journal_reads_oldest_first_and_ends_with_the_last(ledger: Ledger) -> None:
    for transaction in ("T1", "T2", "T3"):
        ledger.add_exchange(exchange(transaction))
    assert [(line.number, line.transaction) for line in ledger.exchanges(limit=2)] == [(2, "T2"), (3, "T3")]
    assert ledger.exchanges(number=4) == ()


def test_an_old_journal_is_cut_but_every_transaction_keeps_its_last(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_EXCHANGES", 3)
    for transaction in ("T1", "T1", "T3", "T3", "T3", "T3", "T5"):
        ledger.add_exchange(exchange(transaction))
    kept = [(line.number, line.transaction) for line in ledger.exchanges()]
    assert kept == [(2, "T1"), (5, "T3"), (6, "T3"), (7, "T5")]


def test_a_large_journal_is_cut_by_its_octets_oldest_first(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_OCTETS", 1000)
    for octets in (500, 400, 100, 500):
        ledger.add_exchange(exchange("T7", octets))
    assert [line.number for line in ledger.exchanges()] == [2, 3, 4]
    assert ledger.add_exchange(exchange("T7", 5000)) == 5  # larger than all: it is still the last of its kind
    assert [line.number for line in ledger.exchanges()] == [5]
    assert ledger.add_exchange(exchange("T3", 1)) == 6  # and no number is used twice


def test_the_journal_stops_growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_OCTETS", 1_000_000)
    ledger = open_ledger(StoreSettings(path="site.db"), tmp_path)
    for _ in range(100):
        ledger.add_exchange(exchange("T7", 100_000))
    ledger.close()
    assert (tmp_path / "site.db").stat().st_size < 2_000_000


def test_last_success_of_each_job(restart: Callable[[], Ledger]) -> None:
    ledger = restart()
    assert ledger.last_success(JobName.SYNC) is None
    ledger.set_last_success(JobName.SYNC, NOON)
    ledger.set_last_success(JobName.SYNC, NOON + MINUTE)
    ledger = restart()
    assert (ledger.last_success(JobName.SYNC), ledger.last_success(JobName.READ)) == (NOON + MINUTE, None)


def test_its_nonces_keep_the_promises_of_every_replay_cache(tmp_path: Path) -> None:
    with contextlib.ExitStack() as opened:

        def fresh() -> ReplayCache:
            ledger = open_ledger(StoreSettings(path=f"{len(list(tmp_path.iterdir()))}.db"), tmp_path)
            opened.callback(ledger.close)
            return ledger.nonce_cache()

        check_replay_cache(fresh)


def test_a_restart_does_not_open_the_window_again(restart: Callable[[], Ledger]) -> None:
    assert restart().nonce_cache().remember("n1", NOON + MINUTE, NOON)
    assert not restart().nonce_cache().remember("n1", NOON + MINUTE, NOON)
