"""Opening the store, holding it, and what goes wrong with it: each has a sentence for the administrator."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ledger_values import changed, site, visit

from meterpost.errors import Busy, MeterpostError, StoreError
from meterpost.ledger import Ledger, database, open_ledger, tables
from meterpost.ledger.schema import upgrade
from meterpost.settings import StoreSettings


def open_store(folder: str | Path) -> Ledger:
    return open_ledger(StoreSettings(path="site.db"), Path(folder))


def trouble(base: Path, store: StoreSettings = StoreSettings(path="site.db"), kind: type[MeterpostError] = StoreError) -> str:
    """What the administrator is told when `store` is opened: the failure, and always an advice."""
    with pytest.raises(kind) as caught:
        open_ledger(store, base)
    assert caught.value.advice
    return str(caught.value)


# --- files -------------------------------------------------------------------------------------------------
def test_the_folder_and_files_are_made_for_the_owner_only(tmp_path: Path) -> None:
    ledger = open_ledger(StoreSettings(path="new/folder/site.db"), tmp_path)
    with ledger.writer("a test"):
        ledger.save_site(site())
        made = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new/folder").iterdir()}
    ledger.close()
    assert made == dict.fromkeys(("site.db", "site.db-wal", "site.db-shm", "site.db.lock"), 0o600)
    assert (tmp_path / "new/folder").stat().st_mode & 0o777 == 0o700


def test_a_database_url_may_name_the_file_too(tmp_path: Path) -> None:
    open_ledger(StoreSettings(url="sqlite:///site.db"), tmp_path).close()
    assert (tmp_path / "site.db").is_file()


def test_a_site_is_read_as_of_one_moment_while_another_process_saves(tmp_path: Path) -> None:
    reader, writer = open_store(tmp_path), open_store(tmp_path)
    later = replace(changed(site(), "S00000", reason="meanwhile"), paused=True)
    writer.save_site(site())

    def save_in_between(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("SELECT") and "site.client" in statement and not saved:
            saved.append(statement)
            writer.save_site(later)

    saved: list[str] = []
    sa.event.listen(sa.Engine, "after_cursor_execute", save_in_between)
    try:
        assert reader.load_site() == site()
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", save_in_between)
    assert saved
    assert reader.load_site() == later
    reader.close()
    writer.close()


def test_two_that_write_at_once_wait_for_each_other(tmp_path: Path) -> None:
    first, second = open_store(tmp_path), open_store(tmp_path)

    def read_for_a_day(ledger: Ledger) -> list[bool]:
        return [ledger.add_reading(visit(total=1, hours=hour)).held for hour in range(24)]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read_for_a_day, (first, second))) == [[False] * 24] * 2
    assert len(first.readings("3377-A")) == 48
    first.close()
    second.close()


def test_a_commit_is_on_disk_and_no_value_is_without_its_reading(tmp_path: Path) -> None:
    opened = database.Database(StoreSettings(path="site.db"), tmp_path)
    with opened.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL: a power cut takes nothing back
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    with pytest.raises(sa.exc.IntegrityError), opened.writing() as connection:
        connection.execute(sa.insert(tables.newest).values(serial="3377-A", reading=1))
    opened.close()


# --- trouble -----------------------------------------------------------------------------------------------
def test_a_path_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "site.db").mkdir()
    assert "cannot be opened or written (Is a directory)" in trouble(tmp_path)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be opened or written" in trouble(tmp_path, StoreSettings(path="file/site.db"))


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Without root's right to everything."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)


def test_a_folder_that_is_forbidden(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    with as_somebody_else():
        assert "cannot be opened or written (Permission denied)" in trouble(tmp_path, StoreSettings(path="closed/site.db"))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "site.db").write_bytes(b"[store]\npath = 'site.db'\n" * 100)
    assert "is damaged, or was not written by meterpost (file is not a database)" in trouble(tmp_path)
    assert (tmp_path / "site.db").read_bytes().startswith(b"[store]")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "site.db")
    other.execute("CREATE TABLE recipe (name TEXT)")
    other.commit()
    assert "was not written by meterpost" in trouble(tmp_path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("recipe",)]
    other.close()


def test_a_store_of_a_newer_version(restart: Callable[[], Ledger], tmp_path: Path) -> None:
    restart().close()
    raw = sqlite3.connect(tmp_path / "site.db")
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    assert "was written by a newer version of meterpost" in trouble(tmp_path)


def test_damage_inside_the_file(tmp_path: Path) -> None:
    ledger = open_store(tmp_path)
    ledger.save_site(site(devices=2_000))
    ledger.close()
    with (tmp_path / "site.db").open("r+b") as file:
        file.seek(50 * 4096)
        file.write(b"\xff" * 4096 * 8)
    ledger = open_store(tmp_path)
    with pytest.raises(StoreError, match="is damaged"):
        ledger.load_site()
    ledger.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE device SET state = 'lost'",
        "UPDATE device SET since = '2026-11-20T12:00:00'",
        "UPDATE site SET settings = '[]'",
        "UPDATE outbox SET message = '{\"SyncProxy\":{}}'",
    ],
)
def test_a_value_nobody_wrote_is_an_error_and_not_a_guess(restart: Callable[[], Ledger], tmp_path: Path, damage: str) -> None:
    restart().save_site(site())
    raw = sqlite3.connect(tmp_path / "site.db")
    raw.execute(damage)
    raw.commit()
    raw.close()
    with pytest.raises(StoreError, match="is damaged"):
        restart().load_site()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    def small(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 100")

    sa.event.listen(sa.Engine, "connect", small)
    try:
        ledger = open_store(tmp_path)
        ledger.save_site(site())
        with pytest.raises(StoreError, match="the disk is full") as caught:
            ledger.save_site(replace(site(devices=20_000), paused=True))
        assert "Free some space" in caught.value.advice
        assert ledger.load_site() == site()
        ledger.close()
    finally:
        sa.event.remove(sa.Engine, "connect", small)
    ledger = open_store(tmp_path)
    assert ledger.load_site() == site()
    ledger.save_site(site(devices=20_000))
    ledger.close()


def test_another_program_that_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    ledger = open_store(tmp_path)
    browser = sqlite3.connect(tmp_path / "site.db", isolation_level=None)
    browser.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="is held by another program"):
        ledger.add_reading(visit(total=1))
    browser.close()
    ledger.add_reading(visit(total=1))
    ledger.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "store.url is not the address"),
        ("nosuch://u:geheim@h/d", "nosuch"),
        ("mysql+nosuch://u:geheim@h/d", "nosuch"),
    ],
)
def test_an_address_nobody_can_use_is_named_without_its_password(tmp_path: Path, url: str, message: str) -> None:
    said = trouble(tmp_path, StoreSettings(url=url))
    assert message in said
    assert "geheim" not in said


# --- one writer --------------------------------------------------------------------------------------------
def test_one_writer_at_a_time(ledger: Ledger) -> None:
    with ledger.writer("meterpost run"):
        with pytest.raises(Busy, match=r"is being written by meterpost run .*since \d{4}-.*Z") as caught, ledger.writer("x"):
            pass
        assert caught.value.retry
        assert "Wait" in caught.value.advice
        assert ledger.load_site() is None  # reading needs no lock
    with ledger.writer("meterpost sync"):
        pass


def test_threads_are_kept_apart_as_processes_are(ledger: Ledger) -> None:
    outcome: list[str] = []

    def second() -> None:
        try:
            with ledger.writer("second"):
                outcome.append("both")
        except Busy as busy:
            outcome.append(str(busy))

    with ledger.writer("first"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "being written by first" in outcome[0]


def test_the_right_ends_with_an_error(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.writer("first"):
        raise ZeroDivisionError
    with ledger.writer("second"):
        pass


def test_a_lock_file_that_cannot_be_made(tmp_path: Path) -> None:
    ledger = open_store(tmp_path)
    (tmp_path / "site.db.lock").mkdir()
    with pytest.raises(StoreError, match=r"site.db.lock cannot be locked: Is a directory"), ledger.writer("meterpost run"):
        pass
    ledger.close()


# --- other processes, and their death ----------------------------------------------------------------------
PREAMBLE = """
import sys
sys.path.insert(0, sys.argv[2])
from dataclasses import replace
from sqlalchemy import Engine, event
from ledger_values import changed, exchange, site
from test_ledger_store import open_store
ledger = open_store(sys.argv[1])
"""


@contextmanager
def another_process(code: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process with a ledger in `folder` that runs `code`; it and we talk through pipes, nobody sleeps."""
    command = [sys.executable, "-c", PREAMBLE + code, str(folder), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


HOLD = """
with ledger.writer("meterpost wizard"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_process_is_told_who_the_first_is_and_death_frees_the_store(tmp_path: Path) -> None:
    ledger = open_store(tmp_path)
    with another_process(HOLD, tmp_path) as process:
        assert line(process) == "held"
        with pytest.raises(Busy) as caught, ledger.writer("meterpost run"):
            pass
        assert f"site.db is being written by meterpost wizard (process {process.pid}) since 20" in str(caught.value)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with ledger.writer("meterpost run"):
            pass
    ledger.close()


SAVE_FOREVER = """
count = 0
while True:
    count += 1
    state = site(devices=200)
    devices = {key: replace(device, life=count) for key, device in state.devices.items()}
    ledger.save_site(replace(state, next_number=count, devices=devices))
    print(count, flush=True)
"""


def test_killed_between_and_inside_saves_the_store_is_whole(tmp_path: Path) -> None:
    acknowledged = 0
    for rounds in range(3):
        with another_process(SAVE_FOREVER, tmp_path) as process:
            for _ in range(5 + rounds):
                acknowledged = int(line(process))
            process.send_signal(signal.SIGKILL)
            process.wait()
        ledger = open_store(tmp_path)
        state = ledger.load_site()
        ledger.close()
        assert state is not None
        assert state.next_number >= acknowledged
        assert {device.life for device in state.devices.values()} == {state.next_number}
        assert len(state.devices) == 200


STOP_BEFORE_COMMIT = """
ledger.save_site(site())
ledger.add_exchange(exchange())
def stop(connection):
    print("written, not committed", flush=True)
    sys.stdin.read()
event.listen(Engine, "commit", stop)
ledger.save_site(changed(site(), "S00000", reason="never"))
"""


def test_killed_before_the_commit_the_save_never_was(tmp_path: Path) -> None:
    with another_process(STOP_BEFORE_COMMIT, tmp_path) as process:
        assert line(process) == "written, not committed"
        process.send_signal(signal.SIGKILL)
        process.wait()
    ledger = open_store(tmp_path)
    assert ledger.load_site() == site()
    assert len(ledger.exchanges()) == 1
    ledger.save_site(changed(site(), "S00000", reason="now"))
    ledger.close()
    raw = sqlite3.connect(tmp_path / "site.db")
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()


OPEN = "print(ledger.load_site(), flush=True)"


def test_two_processes_may_make_the_store_at_the_same_time(tmp_path: Path) -> None:
    with another_process(OPEN, tmp_path) as first, another_process(OPEN, tmp_path) as second:
        assert (line(first), line(second)) == ("None", "None")


def test_the_port_loads_no_engine() -> None:
    code = "import sys, meterpost.ledger; print({'sqlalchemy', 'alembic'} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_an_up_to_date_store_opens_without_alembic(restart: Callable[[], Ledger], tmp_path: Path) -> None:
    restart().close()
    with another_process("print('alembic' in sys.modules, flush=True)", tmp_path) as process:
        assert line(process) == "False"


def test_a_store_of_the_first_version_keeps_its_readings(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.begin() as connection:
        upgrade(connection, "0001")
        row = {column: "" for column in ("address", "manufacturer", "model", "name", "location", "mac", "firmware", "status")}
        row |= {column: "" for column in ("profile", "profile_version", "sys_object_id", "sys_descr")}
        row |= {"serial": "AC1", "reasons": "[]", "taken_at": "2026-11-20T12:00:00.000000Z", "port": 161, "is_printer": True}
        connection.execute(sa.insert(sa.table("reading", *map(sa.column, row))).values(row))
    engine.dispose()
    with closing(open_ledger(StoreSettings(path="ledger.db"), tmp_path)) as ledger:
        ((kept, _),) = ledger.readings("AC1")
        assert (kept.serial, kept.errors, kept.alerts, kept.macs) == ("AC1", (), (), ())
