"""Every kind of store, and a keyring that is nobody's."""

import sys
from pathlib import Path

import pytest
from keys_lab import Keyring

from meterpost.keys import FileStore, KeyStore, MemoryStore


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    made = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site" / "keys"


@pytest.fixture(params=["memory", "files", "keyring"])
def store(request: pytest.FixtureRequest, folder: Path, keyring: Keyring) -> KeyStore:
    match request.param:
        case "memory":
            return MemoryStore()
        case "files":
            return FileStore(folder)
    return FileStore(folder, in_keyring=True)
