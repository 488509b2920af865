"""A ledger to test: in a file, in memory, and started again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meterpost.ledger import Ledger, open_ledger
from meterpost.settings import StoreSettings


@pytest.fixture(params=["file", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """Every promise of the port holds in both."""
    opened = open_ledger(StoreSettings(path="site.db" if request.param == "file" else ":memory:"), tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def restart(tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
    """Opens the ledger in `tmp_path/site.db` as a new process would; the one opened before is closed."""
    opened: list[Ledger] = []

    def start() -> Ledger:
        if opened:
            opened[-1].close()
        opened.append(open_ledger(StoreSettings(path="site.db"), tmp_path))
        return opened[-1]

    yield start
    if opened:
        opened[-1].close()
