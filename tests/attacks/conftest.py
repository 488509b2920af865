from collections.abc import Iterator

import attack_lab
import pytest


@pytest.fixture
def trap() -> Iterator[attack_lab.Trap]:
    with attack_lab.trap() as trap:
        yield trap
    assert trap.visits == [], "something was fetched"
