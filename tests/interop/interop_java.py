"""The peer in Java, compiled. As a program it compiles where that was not done yet, and fails where a part is missing."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = "default-jdk-headless libwss4j-java libgoogle-gson-java"
"""Debian's."""

_NAMES = ("wss4j", "xmlsec", "slf4j-api", "slf4j-nop", "commons-logging", "commons-codec", "gson")
_JARS = [Path("/usr/share/java", f"{name}.jar") for name in _NAMES]
_SOURCES = sorted((HERE / "java").glob("*.java"))
_VERSION = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()[:16]
_CLASSES = HERE.parent.parent / ".venv" / "peers" / "java" / _VERSION

COMMAND = (
    "java",
    "-XX:TieredStopAtLevel=1",  # a short life: the second compiler does not pay
    "-cp",
    ":".join(map(str, (_CLASSES, *_JARS))),
    "Peer",
)


def compile_peer() -> None:
    """Fills the folder of these sources' classes, at once: several test processes may want it at the same time."""
    if _CLASSES.exists():
        return
    _CLASSES.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CLASSES.parent) as folder:
        made = Path(folder, "classes")
        subprocess.run(["javac", "-cp", ":".join(map(str, _JARS)), "-d", made, *_SOURCES], check=True)
        try:
            made.rename(_CLASSES)
        except OSError:
            if not _CLASSES.exists():  # else somebody was faster
                raise


if __name__ == "__main__":
    if not (shutil.which("javac") and all(jar.exists() for jar in _JARS)):
        sys.exit(1)
    compile_peer()
