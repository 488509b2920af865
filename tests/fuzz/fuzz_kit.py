"""What laws and mutators have in common: octets as a file, and what a row of the table is."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
SEEDS, REGRESSIONS, FINDINGS = (HERE / name for name in ("seeds", "regressions", "findings"))

LONGEST_SENTENCE = 1000

Mutate = Callable[[bytes, Random, Callable[[bytes], bytes]], bytes]
"""Octets, chance, and the blind mutator, for whatever has no structure; the result may have any length."""


@dataclass(frozen=True, slots=True)
class Target:
    """What reads octets from outside. `law` raises where it is broken: AssertionError, or whatever was not documented.
    `runs` is how often `make test` has it tried; `longest` in octets; `words` are its dictionary; `seconds` of CPU are what
    one input may cost."""

    name: str
    law: Callable[[bytes], None]
    runs: int
    words: tuple[bytes, ...] = ()
    longest: int = 4096
    mutate: Mutate | None = None
    seconds: float = 2.0

    def inputs(self) -> list[Path]:
        """The seed corpus and what was found once."""
        folders = (SEEDS / self.name, REGRESSIONS / self.name)
        return sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir())


def told(error: Exception, word: str = "", own: bool = False) -> None:
    """What every documented error is: a bounded sentence, with `word` in it. Of one's `own` file it may repeat a value."""
    assert 0 < len(str(error)) < (20 if own else 1) * LONGEST_SENTENCE
    assert word in str(error)


@contextmanager
def as_file(octets: bytes) -> Iterator[Path]:
    """A file with `octets` in it, for as long as it is needed."""
    handle, name = tempfile.mkstemp(prefix="meterpost-fuzz-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
        yield Path(name)
    finally:
        Path(name).unlink()
