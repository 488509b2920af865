"""The client's own keys, and the server's certificates: made, kept, renewed, imported, shown. Signs no message and sends
none; the only place where private keys are kept."""

from meterpost.keys.about import About, read_der, read_file
from meterpost.keys.due import RENEW_BEFORE, Due, KeyState, Step, active, due, ends_soon, states
from meterpost.keys.files import FileStore
from meterpost.keys.keys import Keys, open_keys
from meterpost.keys.store import Holding, KeyStore, MemoryStore, Origin, Own

__all__ = [
    "RENEW_BEFORE",
    "About",
    "Due",
    "FileStore",
    "Holding",
    "KeyState",
    "KeyStore",
    "Keys",
    "MemoryStore",
    "Origin",
    "Own",
    "Step",
    "active",
    "due",
    "ends_soon",
    "open_keys",
    "read_der",
    "read_file",
    "states",
]
