"""Private halves in the operating system's keyring (the extra `keyring`), each under the name of its key file."""

import importlib
from typing import Any

from meterpost.errors import SettingsError, StoreError

SERVICE = "meterpost-keys"


def put(name: str, private_key: bytes) -> None:
    """Raises SettingsError without the extra, and StoreError where the keyring will not; so do the others."""
    _call("set_password", name, private_key.decode())
    if get(name) != private_key:  # there are backends that forget
        raise StoreError("the operating system's keyring does not keep a key", 'Set security.key_store = "files".')


def get(name: str) -> bytes:
    found = _call("get_password", name)
    if found is None:
        raise StoreError(
            f"the keyring has no entry {SERVICE}/{name}", "Run meterpost as the account that has it; or renew the key."
        )
    return str(found).encode()


def forget(name: str) -> None:
    if _call("get_password", name) is not None:
        _call("delete_password", name)


def _call(function: str, name: str, *arguments: str) -> Any:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise SettingsError("the keyring extra is not installed", "pip install 'meterpost[keyring]'") from None
    try:
        return getattr(keyring, function)(SERVICE, name, *arguments)
    except Exception as error:  # each backend has errors of its own; nobody knows what their texts contain
        raise StoreError(
            f"the operating system's keyring refuses: {type(error).__name__}", "Unlock it for the account meterpost runs as."
        ) from None
