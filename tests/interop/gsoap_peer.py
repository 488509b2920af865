"""gSOAP's wsse plug-in as a peer (see interop_peers.py): a program in C does the work, this puts its lines into JSON and back.

With `--build` it only makes that program: types and stubs by wsdl2h and soapcpp2 from our WSDL, and gsoap/peer.c.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from lxml import etree

HERE = Path(__file__).parent
PACKAGES = "gsoap libgsoap-dev gcc libc6-dev libssl-dev zlib1g-dev"
"""Debian's."""

_SERVICE = "urn:meterpost:1"
_SOURCE = HERE / "gsoap" / "peer.c"
_GSOAP = Path("/usr/share/gsoap")
_PARTS = ("plugin/wsseapi.c", "plugin/smdevp.c", "plugin/mecevp.c", "plugin/threads.c", "custom/struct_timeval.c")
_CONTRACT = files("meterpost_wsdl")


def _program() -> Path:
    """Named after all it is made of."""
    made_of = [_SOURCE, *(_CONTRACT / name for name in ("meterpost.wsdl", "meterpost.xsd"))]
    version = hashlib.sha256(b"".join(part.read_bytes() for part in made_of)).hexdigest()[:16]
    return HERE.parent.parent / ".venv" / "peers" / "gsoap" / version


def build() -> None:
    """Makes the program where there is none; several test processes may want it at the same time."""
    program = _program()
    if program.exists():
        return
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder, as_file(_CONTRACT) as contract:

        def run(*command: object) -> None:
            subprocess.run([str(part) for part in command], cwd=folder, check=True, capture_output=True)

        run("wsdl2h", "-c", "-s", "-o", "meterpost.h", contract / "meterpost.wsdl")
        with Path(folder, "meterpost.h").open("a") as header:
            header.write('#import "wsse.h"\n')
        run("soapcpp2", "-c", "-L", "-x", f"-I{_GSOAP / 'import'}:{_GSOAP}", "meterpost.h")
        features = ("-DWITH_OPENSSL", "-DWITH_DOM", "-DWITH_GZIP", "-DWITH_IPV6")  # those the library was built with
        sources = ("soapC.c", "soapClient.c", "soapServer.c", *(_GSOAP / part for part in _PARTS), _SOURCE)
        libraries = ("-lgsoapssl", "-lssl", "-lcrypto", "-lz", "-lpthread")
        run("gcc", "-w", *features, "-I.", f"-I{_GSOAP}", f"-I{_GSOAP / 'plugin'}", *sources, "-o", "peer", *libraries)
        Path(folder, "peer").rename(program)


def element(name: str, message: dict[str, Any]) -> etree._Element:
    """A message as XML."""
    made = etree.Element(f"{{{_SERVICE}}}{name}", nsmap={"m": _SERVICE})
    for key, value in message.items():
        if isinstance(value, list):
            made.extend(element(key, child) for child in value)
        else:
            made.set(key, str(value))
    return made


def message(of: etree._Element) -> dict[str, Any]:
    """And back."""
    found: dict[str, Any] = {str(key): value for key, value in of.attrib.items()}
    for child in of:
        found.setdefault(etree.QName(child).localname, []).append(message(child))
    return found


def text(name: str, content: dict[str, Any]) -> str:
    return etree.tostring(element(name, content), encoding="unicode")


class Bridge:
    """Between the lines of the program and those of the tests."""

    def __init__(self, folder: Path) -> None:
        self._tls = folder / "tls.pem"
        self._asked = ""
        self._program = subprocess.Popen([_program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        threading.Thread(target=self._listen, daemon=True).start()

    def _tell(self, *words: str) -> None:
        assert self._program.stdin
        self._program.stdin.write(" ".join(words) + "\n")
        self._program.stdin.flush()

    def _listen(self) -> None:
        assert self._program.stdout
        for line in self._program.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            about, _, xml = rest.partition("\t")
            if word == "reply":
                say(reply=message(etree.fromstring(xml.encode())), proof=about)
            elif word == "asked":
                root = etree.fromstring(xml.encode())
                self._asked = etree.QName(root).localname
                say(asked=self._asked, message=message(root), proof=about)
            elif word == "fault":
                code, _, why = rest.partition(" ")
                say(fault={"code": code, "text": why})
            else:  # version, url, refused, stopped
                say(**{word: rest or True})

    def do(self, asked: dict[str, Any]) -> None:
        """One line of the tests."""
        if "answer" in asked:
            self._tell("answer", text(f"{self._asked}Response", asked["answer"]))
            return
        match asked["do"]:
            case "call":
                self._tell("call", asked["operation"], text(asked["operation"], asked["message"]))
            case "client":
                self._set(asked, "server_certificate", url=asked["wsdl"].partition("?")[0])
                say(ready=True)
            case "serve":
                self._tls.write_text(Path(asked["key"]).read_text("ascii") + Path(asked["certificate"]).read_text("ascii"))
                self._set(asked, "client_certificate", tls=str(self._tls))
                self._tell("serve")
            case other:  # hello, stop
                self._tell(other)

    def _set(self, how: dict[str, Any], peer: str, **more: str) -> None:
        names = ("policy", "replies", "username", "password", "ca", "sign_key", "sign_certificate")
        known = {name: str(how.get(name, "")) for name in names}
        known["spoil"] = "tampered" if "tamper" in how else how.get("spoil", "")
        for name, value in (known | {"peer_certificate": str(how.get(peer, ""))} | more).items():
            self._tell("set", name, value)


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bridge = Bridge(Path(folder))
        for line in sys.stdin:
            bridge.do(json.loads(line))


if __name__ == "__main__":
    if sys.argv[1:] == ["--build"]:
        if not all(shutil.which(tool) for tool in ("wsdl2h", "soapcpp2", "gcc")):
            sys.exit(1)
        build()
    else:
        main()
