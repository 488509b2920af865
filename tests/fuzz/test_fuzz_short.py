"""A short run of atheris over every reader, the same each time, where atheris is; and that fuzzing would find a defect."""

import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_kit import HERE

INSTALLED = importlib.util.find_spec("atheris") is not None
MUST = "CI" in os.environ and sys.version_info[:2] == (3, 11) and (sys.platform, platform.machine()) == ("linux", "x86_64")
with_atheris = pytest.mark.skipif(
    not INSTALLED and not MUST, reason="atheris is not installed; the fuzz extra has it for Linux on x86-64"
)
PLANTED = """
import sys
from pathlib import Path
import fuzz_run
from fuzz_kit import Target

def law(octets):
    assert octets[:1] != b"<" or octets[1:2] != b"?", "planted"

fuzz_run.FINDINGS = fuzz_run.SEEDS = fuzz_run.REGRESSIONS = Path(sys.argv[1])
sys.exit(not fuzz_run.run(Target("planted", law, 20_000, (b"<?",)), None))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=HERE, env=environment, check=False)


@with_atheris
def test_a_short_run_finds_nothing() -> None:
    run = python("fuzz_run.py", "--runs")
    assert run.returncode == 0, run.stdout + run.stderr


@with_atheris
def test_a_defect_is_found_and_kept(tmp_path: Path) -> None:
    run = python("-c", PLANTED, str(tmp_path))
    assert run.returncode == 1, run.stdout + run.stderr
    (finding,) = (tmp_path / "planted").iterdir()
    assert finding.read_bytes()[:2] == b"<?"
    assert f"FOUND {finding.name}" in run.stdout
    assert "keep it:" in run.stdout


def test_what_was_found_is_seen_again_without_atheris() -> None:
    seed = HERE / "seeds" / "counters" / "records"
    run = python("fuzz_run.py", "--again", str(seed))
    assert run.returncode == 0, run.stderr
    assert "the law of counters holds" in run.stdout
