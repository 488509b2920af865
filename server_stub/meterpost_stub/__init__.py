"""The reference server and the simulated printers of meterpost. For tests only, never for real meter reads.

`StubServer` and `StubOptions` are loaded on first use, so that the simulated printers start without the engine.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meterpost_stub.serve import StubOptions, StubServer

__all__ = ["StubOptions", "StubServer"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from meterpost_stub import serve

        return getattr(serve, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
