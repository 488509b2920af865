"""Fuzzing with atheris: `make fuzz` for as long as one likes, `make test` a fixed number of runs from a fixed seed.

    python tests/fuzz/fuzz_run.py [--seconds 300 | --runs] [TARGET ...]    by turns, each in a process of its own
    python tests/fuzz/fuzz_run.py --again FILE                             one finding, without atheris

What breaks a law is written to findings/TARGET, once for each place and kind of error, and the run goes on. What the longer
runs learn is kept in build/fuzz, and they begin with it.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

HERE = Path(__file__).absolute().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE))

from fuzz_kit import FINDINGS, REGRESSIONS, SEEDS, Target  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

LEARNT = HERE.parents[1] / "build" / "fuzz"
_INSTRUMENTED = ["meterpost", "meterpost_stub", "meterpost_wsdl"]
_SLOWER = 5  # instrumented code is, at most
_MOST_FINDINGS = 20
_MEMORY_MB = 1024
_FOREVER_S = 60
_SEED = 4  # of chance; 0 would be another one each time


def targets(instrumented: bool) -> "Mapping[str, Target]":
    """The table; its modules are imported here, for atheris has to see them first."""
    if instrumented:
        import atheris

        with redirect_stderr(StringIO()), atheris.instrument_imports(include=_INSTRUMENTED):
            from fuzz_table import TARGETS
    else:
        from fuzz_table import TARGETS
    return TARGETS


class _Trial:
    """One target's law, tried. Keeps what breaks it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: set[str] = set()

    def once(self, octets: bytes) -> None:
        before = time.process_time()
        try:
            self._target.law(octets)
        except Exception as error:
            self._found(octets, error)
            return
        seconds = time.process_time() - before
        if seconds > _SLOWER * self._target.seconds:
            self._found(octets, TimeoutError(f"{seconds:.1f} s of CPU"))

    def _found(self, octets: bytes, error: Exception) -> None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        at = f"{Path(frames[-1].filename).stem}-{frames[-1].lineno}" if frames else "nowhere"
        kind = f"{type(error).__name__}-{at}"
        if kind in self._known or len(self._known) >= _MOST_FINDINGS:
            return
        self._known.add(kind)
        folder = FINDINGS / self._target.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{kind}-{hashlib.sha256(octets).hexdigest()[:8]}"
        path.write_bytes(octets)
        traceback.print_exception(error)
        sys.stderr.flush()


def _fuzz(target: Target, learnt: Path, limit: str) -> None:
    """In a process of its own; libFuzzer ends it."""
    import atheris

    def mutate(octets: bytes, most: int, chance: int) -> bytes:
        assert target.mutate is not None
        made = target.mutate(octets, Random(chance), lambda plain: atheris.Mutate(plain, max(most, len(plain), 1)))
        return made if len(made) <= most else octets

    learnt.mkdir(parents=True, exist_ok=True)
    words = learnt.parent / f"{target.name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    (FINDINGS / target.name).mkdir(parents=True, exist_ok=True)
    kept = [str(folder / target.name) for folder in (SEEDS, REGRESSIONS) if (folder / target.name).is_dir()]
    arguments = [
        target.name,
        limit,
        f"-seed={_SEED}",
        f"-max_len={target.longest}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-timeout={_FOREVER_S}",
        f"-artifact_prefix={FINDINGS / target.name}/",
        *([f"-dict={words}"] if target.words else []),
        str(learnt),
        *kept,
    ]
    options = {"custom_mutator": mutate} if target.mutate else {}
    atheris.Setup(arguments, _Trial(target).once, **options)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)


def run(target: Target, seconds: int | None) -> bool:
    """Whether the law of `target` held for so many seconds, or its number of runs. Prints a line, and some for each finding."""
    before = _findings(target)
    with tempfile.TemporaryDirectory(prefix="meterpost-fuzz-") as scratch:
        folder = LEARNT if seconds else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{target.name}.log"
        began = time.monotonic()
        child = os.fork()
        if not child:
            with log.open("wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            limit = f"-max_total_time={seconds}" if seconds else f"-runs={target.runs}"
            try:
                _fuzz(target, folder / target.name, limit)
            finally:
                os._exit(70)
        _, status = os.waitpid(child, 0)
        text = log.read_text("utf-8", "replace")
    found = sorted(_findings(target) - before)
    print(_summary(target, text, status, time.monotonic() - began), flush=True)
    for path in found:
        _explain(target, path)
    ended = os.waitstatus_to_exitcode(status)
    if ended and not found:
        print(text[-3000:])
    return not found and not ended


def _summary(target: Target, text: str, status: int, seconds: float) -> str:
    """What libFuzzer says of it: places in the code that were reached by the corpus, and in the end."""
    counts = [tuple(map(int, pair)) for pair in re.findall(r"#(\d+)\s.*?cov: (\d+)", text)]
    first = re.search(r"INITED cov: (\d+)", text)
    corpus = re.findall(r"corp: (\d+)/", text)
    if not counts:
        return f"{target.name:14} ended with {status} before it began"
    runs, reached = counts[-1]
    return (
        f"{target.name:14} {runs:9} runs {runs / seconds:6.0f}/s   reached {first[1] if first else '?':>5} -> {reached:5}"
        f"   kept {corpus[-1] if corpus else '0':>5}"
    )


def _findings(target: Target) -> set[Path]:
    folder = FINDINGS / target.name
    return set(folder.iterdir()) if folder.is_dir() else set()


def _explain(target: Target, path: Path) -> None:
    here = Path(os.path.relpath(path))
    keep = Path(os.path.relpath(REGRESSIONS / target.name))
    print(
        f"  FOUND {path.name}\n"
        f"    see it:  {sys.executable} {os.path.relpath(__file__)} --again {here}\n"
        f"    keep it: mkdir -p {keep} && mv {here} {keep}/WHAT-IT-WAS && git add {keep}"
    )


def again(path: Path) -> None:
    """Raises what the law of its target raises."""
    target = targets(instrumented=False)[path.absolute().parent.name]
    before = time.process_time()
    target.law(path.read_bytes())
    print(f"the law of {target.name} holds; {time.process_time() - before:.3f} s of CPU")


def main() -> int:
    os.environ["RUST_BACKTRACE"] = "0"  # gufo_snmp panics over what authentic agents may say; it is caught, and long to tell
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--runs", action="store_true", help="the number of runs in the table instead")
    parser.add_argument("--again", type=Path, metavar="FILE", help="try this input, and nothing else")
    given = parser.parse_args()
    if given.again:
        again(given.again)
        return 0
    try:
        table = targets(instrumented=True)
    except ImportError as error:
        print(f"{error}: pip install 'meterpost[fuzz]' (it has wheels for Linux on x86-64 only)")
        return 1
    unknown = [name for name in given.targets if name not in table]
    if unknown:
        print(f"there is no target {', '.join(unknown)}; there are {', '.join(table)}")
        return 2
    held = [run(table[name], None if given.runs else given.seconds) for name in given.targets or table]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
