"""What is remembered of devices outlives the process, and is forgotten when nobody needs it any more."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from ledger_values import NOON

from meterpost.errors import StoreError
from meterpost.ledger import DeviceMemory, open_ledger, remembered
from meterpost.ledger.schema import upgrade
from meterpost.settings import StoreSettings

DAY = timedelta(days=1)


@contextmanager
def memory_of(folder: Path) -> Iterator[DeviceMemory]:
    """As another process would find it."""
    with closing(open_ledger(StoreSettings(path="ledger.db"), folder)) as ledger:
        yield ledger.memory()


def kept(folder: Path) -> dict[str, bytes]:
    with memory_of(folder) as memory:
        return dict(memory)


def times(folder: Path) -> dict[str, str]:
    engine = sa.create_engine(f"sqlite:///{folder / 'ledger.db'}")
    with closing(engine.raw_connection()) as connection:
        found = dict(connection.cursor().execute("select endpoint, at from remembered").fetchall())
    engine.dispose()
    return found


def test_it_outlives_the_process_once_it_is_saved(tmp_path: Path) -> None:
    with memory_of(tmp_path) as memory:
        memory.update({"10.1.2.3": b"\0one", "10.1.2.4:1161": b"two"})
        memory.save(NOON)
        memory["10.1.2.5"] = b"not saved"
    with memory_of(tmp_path) as memory:
        assert dict(memory) == {"10.1.2.3": b"\0one", "10.1.2.4:1161": b"two"}
        assert len(memory) == 2
        del memory["10.1.2.3"]
        memory["10.1.2.4:1161"] = b"three"
        memory.save(NOON)
    assert kept(tmp_path) == {"10.1.2.4:1161": b"three"}


def test_what_was_not_written_for_90_days_is_forgotten(tmp_path: Path) -> None:
    with memory_of(tmp_path) as memory:
        memory.update({"gone": b"1", "there": b"1"})
        memory.save(NOON)
        memory["there"] = b"2"
        memory.save(NOON + DAY)
        memory.save(NOON + 90 * DAY - timedelta(microseconds=1))
        assert set(memory) == {"gone", "there"}
    with memory_of(tmp_path) as memory:
        memory.save(NOON + 90 * DAY)
        assert dict(memory) == {"there": b"2"}
    assert kept(tmp_path) == {"there": b"2"}
    with memory_of(tmp_path) as memory:
        memory.save(NOON + 91 * DAY)
        assert "there" not in memory
    assert kept(tmp_path) == {}


def test_no_more_devices_are_kept_than_any_fleet_has(tmp_path: Path) -> None:
    with memory_of(tmp_path) as memory:
        memory.update({"oldest": b"0", "older": b"0"})
        memory.save(NOON)
        memory.update((f"10.1.{number >> 8}.{number & 255}", b"1") for number in range(19_999))
        memory["older"] = b"again"
        memory.save(NOON + DAY)
        assert len(memory) == 20_000
        assert "oldest" not in memory
    found = kept(tmp_path)
    assert len(found) == 20_000
    assert found["older"] == b"again"
    assert "oldest" not in found


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    with memory_of(tmp_path) as memory:
        memory.update({"a": b"1", "b": b"1"})
        memory.save(NOON)
        memory["b"] = b"2"
        memory.save(NOON + DAY)
        memory.save(NOON + 2 * DAY)
    assert times(tmp_path) == {"a": "2026-11-20T12:00:00.000000Z", "b": "2026-11-21T12:00:00.000000Z"}


def test_a_device_that_comes_back_is_kept(tmp_path: Path) -> None:
    with memory_of(tmp_path) as memory:
        memory["a"] = b"1"
        memory.save(NOON)
        del memory["a"]
        memory.save(NOON)
        memory["a"] = b"2"
        memory.save(NOON)
        memory.save(NOON)
    assert kept(tmp_path) == {"a": b"2"}


def test_what_could_not_be_written_is_written_the_next_time(tmp_path: Path) -> None:
    with memory_of(tmp_path) as memory:
        memory["old"] = memory["removed"] = b"1"
        memory.save(NOON)
        memory["new"] = b"2"
        del memory["removed"]
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
        with engine.begin() as connection:
            connection.execute(sa.text("alter table remembered rename to elsewhere"))
        with pytest.raises(StoreError):
            memory.save(NOON + 90 * DAY)
        with engine.begin() as connection:
            connection.execute(sa.text("alter table elsewhere rename to remembered"))
        engine.dispose()
        memory.save(NOON + DAY)
    assert kept(tmp_path) == {"old": b"1", "new": b"2"}


def test_an_older_version_kept_no_time_and_is_forgiven(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.begin() as connection:
        upgrade(connection, "0002")
        connection.execute(sa.text("insert into remembered (endpoint, content) values ('10.1.2.3', x'6b6e6f776e')"))
    engine.dispose()
    assert kept(tmp_path) == {"10.1.2.3": b"known"}
    with memory_of(tmp_path) as memory:
        memory.save(NOON)
    assert times(tmp_path) == {"10.1.2.3": "2026-11-20T12:00:00.000000Z"}
    with memory_of(tmp_path) as memory:
        memory.save(NOON + 90 * DAY)
    assert kept(tmp_path) == {}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from("abcde")),
        st.tuples(st.just("delete"), st.sampled_from("abcde")),
        st.tuples(st.just("save"), st.integers(0, 60)),
        st.tuples(st.just("load"), st.just(0)),
    ),
    max_size=30,
)


@given(steps)
def test_it_is_a_mapping_that_forgets_the_oldest(steps: list[tuple[str, str | int]]) -> None:
    """Against the plainest way to say the same, with room for three."""
    now, number = NOON, 0
    told: dict[str, tuple[datetime | None, bytes]] = {}
    on_disk: dict[str, tuple[datetime, bytes]] = {}
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(open_ledger(StoreSettings(path=":memory:"), Path())) as ledger,
    ):
        patch.setattr(remembered, "MOST", 3)
        memory = ledger.memory()
        for what, which in steps:
            number += 1
            if what == "set":
                memory[str(which)] = b"%d" % number
                told[str(which)] = (None, b"%d" % number)
            elif what == "delete":
                assert (memory.pop(str(which), None) is None) == (told.pop(str(which), None) is None)
            elif what == "load":  # as after a restart
                memory, told = ledger.memory(), dict(on_disk)
            else:
                now += timedelta(days=int(which), seconds=1)
                memory.save(now)
                dated = {name: (at or now, content) for name, (at, content) in told.items()}
                young = {name: row for name, row in dated.items() if row[0] > now - 90 * DAY}
                assert memory.keys() <= young.keys()
                assert len(memory) == min(len(young), 3)
                ages = [young[name][0] for name in memory]
                assert all(young[name][0] <= min(ages) for name in young.keys() - memory.keys())
                on_disk = {name: young[name] for name in memory}
                told = dict(on_disk)
                assert dict(ledger.memory()) == {name: content for name, (_, content) in on_disk.items()}
            assert dict(memory) == {name: content for name, (_, content) in told.items()}
