"""Every seed and everything fuzzing ever found, through the law of its reader: plain Python, wherever it runs."""

import hmac
import time
from pathlib import Path
from random import Random

import laws_verifier
import pytest
from fuzz_kit import HERE, REGRESSIONS, SEEDS, Target
from fuzz_table import TARGETS

from meterpost.wsse import opening, signature

INPUTS = [(target, path) for target in TARGETS.values() for path in target.inputs()]


@pytest.mark.parametrize(("target", "path"), INPUTS, ids=lambda value: str(getattr(value, "name", value)))
def test_the_law_holds(target: Target, path: Path) -> None:
    octets = path.read_bytes()
    before = time.process_time()
    target.law(octets)
    assert time.process_time() - before < target.seconds


def test_every_target_has_seeds_and_every_folder_a_target() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)
    assert {path.name for path in REGRESSIONS.iterdir() if path.is_dir()} <= set(TARGETS)


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for folder in (SEEDS, REGRESSIONS) for path in folder.rglob("*") if path.is_file()) < 300_000
    assert HERE.name == "fuzz"


WEAKER = {
    "any signature": (signature, "_holds", lambda *_: True),
    "any password": (hmac, "compare_digest", lambda *_: True),
    "any replay": (opening, "_first", lambda *_: True),
}


@pytest.mark.parametrize("weakness", WEAKER)
def test_a_verifier_that_believes_more_breaks_its_law(weakness: str, monkeypatch: pytest.MonkeyPatch) -> None:
    laws_verifier._sealed()  # with the true one
    chance = Random(5)
    programmes = [chance.randbytes(chance.randrange(2, 20)) for _ in range(200)]
    for programme in programmes[:20]:
        laws_verifier.verifier(programme)
    monkeypatch.setattr(*WEAKER[weakness])
    assert any(map(broken, programmes))


def broken(programme: bytes) -> bool:
    try:
        laws_verifier.verifier(programme)
    except AssertionError:
        return True
    return False
