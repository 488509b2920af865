"""The state of the site: what was saved is loaded, whatever it is, and only what changed is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_values import NOON, changed, site, sites

from meterpost.errors import Busy
from meterpost.ledger import Ledger, open_ledger, tables
from meterpost.lifecycle.messages import BillingTransaction, DeviceReads, MeterValue
from meterpost.lifecycle.state import BillingRequest, Device, DeviceState, Outgoing, SiteState
from meterpost.settings import StoreSettings


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Every statement any engine is given meanwhile, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        seen.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def changes(seen: list[tuple[str, Any]]) -> list[str]:
    return [text.split(" SET ")[0] for text, _ in seen if not text.startswith(("BEGIN", "SELECT"))]


def test_a_new_store_has_no_site(ledger: Ledger) -> None:
    assert ledger.load_site() is None


@given(history=st.lists(sites, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_site_after_any_other_comes_back_as_it_was(ledger: Ledger, history: list[SiteState]) -> None:
    for state in history:
        ledger.save_site(state)
        assert ledger.load_site() == state


def test_a_site_outlives_a_restart(restart: Callable[[], Ledger]) -> None:
    restart().save_site(site())
    assert restart().load_site() == site()


def test_one_event_writes_one_row_of_a_large_site(ledger: Ledger) -> None:
    large = site(devices=2_000)
    ledger.save_site(large)
    with statements() as seen:
        ledger.save_site(changed(large, "S00007", state=DeviceState.SELECTED))
    assert changes(seen) == ["UPDATE site", "UPDATE device"]


def test_an_unchanged_site_is_not_written(ledger: Ledger) -> None:
    ledger.save_site(site())
    with statements() as seen:
        ledger.save_site(site())
    assert changes(seen) == []


def test_counting_an_attempt_does_not_write_the_message_again(ledger: Ledger) -> None:
    reads = DeviceReads("S00001", "b-1", NOON, 1, 1, (MeterValue("Total Impressions", 987_654_321),), ())
    state = replace(site(), outbox=(Outgoing(1, BillingTransaction("c", (reads,)), NOON),))
    ledger.save_site(state)
    with statements() as seen:
        ledger.save_site(replace(state, outbox=(replace(state.outbox[0], attempts=1, not_before=NOON + timedelta(minutes=1)),)))
    assert changes(seen) == ["UPDATE site", "UPDATE outbox"]
    assert "987654321" not in str(seen)


def test_devices_and_messages_that_are_gone_are_gone(ledger: Ledger) -> None:
    ledger.save_site(site(devices=3))
    ledger.save_site(replace(site(devices=1), outbox=()))
    loaded = ledger.load_site()
    assert loaded is not None
    assert (list(loaded.devices), loaded.outbox) == (["S00000"], ())


def test_times_are_kept_in_utc_to_the_microsecond_and_naive_ones_refused(ledger: Ledger) -> None:
    exact = NOON + timedelta(microseconds=1)
    ledger.save_site(replace(site(), last_sync=exact))
    loaded = ledger.load_site()
    assert loaded is not None
    assert loaded.last_sync == exact
    with pytest.raises(sa.exc.StatementError, match="without zone"):
        ledger.save_site(replace(site(), last_sync=NOON.replace(tzinfo=None)))
    assert ledger.load_site() == loaded


def test_an_outbox_out_of_order_is_a_bug_and_not_saved(ledger: Ledger) -> None:
    ledger.save_site(site())
    (first,) = site().outbox
    with pytest.raises(ValueError, match="order of its numbers"):
        ledger.save_site(replace(site(), outbox=(replace(first, number=2), first)))
    assert ledger.load_site() == site()


def test_nobody_overwrites_what_another_process_saved_meanwhile(tmp_path: Path) -> None:
    store = StoreSettings(path="site.db")
    agent, wizard = open_ledger(store, tmp_path), open_ledger(store, tmp_path)
    try:
        agent.save_site(site())
        assert wizard.load_site() == site()
        agent.save_site(changed(site(), "S00000", reason="by the agent"))
        with pytest.raises(Busy, match="changed"):
            wizard.save_site(changed(site(), "S00001", reason="by the wizard"))
        seen = wizard.load_site()
        assert seen is not None
        both = changed(seen, "S00001", reason="by the wizard")
        wizard.save_site(both)
        assert agent.load_site() == both
        assert both.devices["S00000"].reason == "by the agent"
    finally:
        agent.close()
        wizard.close()


@pytest.mark.parametrize(
    ("kind", "table"), [(Device, tables.device), (BillingRequest, tables.request), (Outgoing, tables.outbox)]
)
def test_a_table_has_exactly_the_fields_of_its_value(kind: Any, table: sa.Table) -> None:
    assert {field.name for field in fields(kind)} == set(table.c.keys())


def test_the_site_is_its_own_row_and_three_tables() -> None:
    apart = {"devices", "requests", "outbox"}
    assert {field.name for field in fields(SiteState)} - apart == set(tables.site.c.keys()) - {"id", "revision"}
