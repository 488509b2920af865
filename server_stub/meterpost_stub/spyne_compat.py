"""Makes spyne 2.14.0 importable on Python 3.12 and newer. Import this before spyne; it does nothing else.

spyne carries a copy of six whose import hook only has `find_module`, which Python 3.12 no longer calls, so that
`spyne.util.six.moves` is not found. This finder hands out that very module and its children as six made them.
(Python 3.13 also lacks `cgi`; the distribution legacy-cgi of the extra `stub` brings it back.)
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_SIX = "spyne.util.six"


class _SixMoves:
    """A meta path finder and loader for what six itself has registered under `spyne.util.six.moves`."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith(_SIX + ".moves"):
            return None
        return importlib.util.spec_from_loader(name, self)  # type: ignore[arg-type]  # has the two methods a loader needs

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        (importer,) = (finder for finder in sys.meta_path if type(finder).__module__ == _SIX)
        module: ModuleType = importer.load_module(spec.name)  # type: ignore[attr-defined]  # six's own old-style importer
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: six's module is complete."""


if sys.version_info >= (3, 12) and not any(isinstance(finder, _SixMoves) for finder in sys.meta_path):
    sys.meta_path.append(_SixMoves())
