"""A site in memory for each test."""

from pathlib import Path

import pytest
from agent_lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)
