"""zeep as a peer: its client, and a small server that seals and verifies with `zeep.wsse` (see interop_peers.py).

Nothing of meterpost is imported here but what every newcomer to SOAP in Python would have: zeep, lxml, requests.
"""

import base64
import gzip
import hashlib
import importlib.metadata
import json
import ssl
import sys
import threading
import traceback
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import xmlsec
import zeep
from lxml import etree
from zeep import ns
from zeep.transports import Transport
from zeep.wsse import utils
from zeep.wsse.compose import Compose
from zeep.wsse.signature import BinarySignature, MemorySignature, Signature
from zeep.wsse.username import UsernameToken

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SERVICE = "{urn:meterpost:1}"
WSSE, WSU = f"{{{ns.WSSE}}}", f"{{{ns.WSU}}}"
PASSWORD = {"digest-2004": "PasswordDigest", "digest+signed": "PasswordDigest", "text-2004": "PasswordText"}
SIGNATURES = {"Signature": Signature, "BinarySignature": BinarySignature}
_FAULT = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>e:Client</faultcode>'
    b"<faultstring>Authentication failed</faultstring></e:Fault></e:Body></e:Envelope>"
)

How = dict[str, Any]


class NotBelieved(Exception):
    """A message that does not prove what it must."""


class Stamp:
    """A Timestamp made anew for each message; zeep's own tokens take one that was made beforehand."""

    def apply(self, envelope: Any, headers: Any) -> Any:
        now = datetime.now(UTC)
        created, expires = (utils.get_timestamp(when, zulu_timestamp=True) for when in (now, now + timedelta(minutes=5)))
        utils.get_security_header(envelope).append(utils.WSU.Timestamp(utils.WSU.Created(created), utils.WSU.Expires(expires)))
        return envelope, headers

    def verify(self, envelope: Any) -> None:
        """Nothing: `prove` does."""


class Sealed(Compose):  # type: ignore[misc]  # zeep has no types
    """zeep's objects for a policy, and the proof of what comes back: `Compose` verifies with the key it signs with."""

    def __init__(self, how: How) -> None:
        policy, options = how["policy"], how.get("options", {})
        parts: list[Any] = [Stamp()] if options.get("timestamp", True) else []
        if policy in PASSWORD:
            digest = PASSWORD[policy] == "PasswordDigest"
            parts.append(UsernameToken(how["username"], how["password"], use_digest=digest, zulu_timestamp=True))
        if "class" in options:
            names = options["signature_method"], options.get("digest_method", "SHA256")
            methods = (getattr(xmlsec.Transform, name) for name in names)
            parts.append(SIGNATURES[options["class"]](how["sign_key"], how["sign_certificate"], None, *methods))
        super().__init__(parts)
        self.how = how
        self.proof = ""

    def verify(self, envelope: Any) -> None:
        if envelope.find(f"{SOAP}Body/{SOAP}Fault") is None:  # zeep would ask a fault for a signature
            self.proof = prove(envelope, self.how, self.how["replies"], self.how.get("server_certificate"))


def prove(envelope: Any, how: How, policy: str, certificate: str | None) -> str:
    """What was found proven about a message, in words. Raises NotBelieved."""
    security = envelope.find(f"{SOAP}Header/{WSSE}Security")
    created = None if security is None else security.findtext(f"{WSU}Timestamp/{WSU}Created")
    if created is None or abs(datetime.now(UTC) - datetime.fromisoformat(created)) > timedelta(minutes=5):
        raise NotBelieved("not fresh")
    if policy in PASSWORD:
        return _password(security.find(f"{WSSE}UsernameToken"), how, PASSWORD[policy])
    if policy == "timestamp-2004":
        return "fresh"
    try:
        MemorySignature(b"", Path(certificate or "").read_bytes()).verify(envelope)
    except Exception as error:  # it raises whatever comes to hand, AttributeError for no signature
        raise NotBelieved(f"zeep does not verify it: {error!r}") from None
    return str(security.find(f".//{{{ns.DS}}}SignatureMethod").get("Algorithm")).partition("#")[2]


def _password(token: Any, how: How, kind: str) -> str:
    def said(name: str) -> str:
        return "" if token is None else token.findtext(name) or ""

    expected = how["password"]
    if kind == "PasswordDigest":
        parts = base64.b64decode(said(f"{WSSE}Nonce")) + said(f"{WSU}Created").encode() + expected.encode()
        expected = base64.b64encode(hashlib.sha1(parts).digest()).decode()
    if (said(f"{WSSE}Username"), said(f"{WSSE}Password")) != (how["username"], expected):
        raise NotBelieved("wrong user or password")
    return kind


class Posting(Transport):  # type: ignore[misc]  # as above
    """zeep's transport, which can neither send gzip nor be told to spoil a message."""

    def __init__(self, how: How) -> None:
        session = requests.Session()
        session.trust_env, session.verify = False, how["ca"]
        super().__init__(session=session, timeout=20, operation_timeout=20)
        self.how = how

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        if "tamper" in self.how:
            old, new = (text.encode() for text in self.how["tamper"])
            message = message.replace(old, new)
        if self.how.get("gzip"):
            message, headers = gzip.compress(message), headers | {"Content-Encoding": "gzip"}
        return super().post(address, message, headers)


def as_message(element: Any) -> How:
    """An element as JSON: attributes, and children as lists."""
    message: How = dict(element.attrib)
    for child in element:
        message.setdefault(etree.QName(child).localname, []).append(as_message(child))
    return message


class Handler(BaseHTTPRequestHandler):
    """One request of our client's."""

    protocol_version = "HTTP/1.1"
    peer: "Peer"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        coded = self.headers["Content-Encoding"] == "gzip"
        if coded:
            body = gzip.decompress(body)
        status, reply = self.peer.judge(etree.fromstring(body), ", gzip" if coded else "")
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        if coded:
            reply = gzip.compress(reply)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Peer:
    """Does what the lines say."""

    def __init__(self) -> None:
        self.how: How = {}

    def hello(self, _: How) -> How:
        return {"version": importlib.metadata.version("zeep")}

    def client(self, how: How) -> How:
        self.wsse = Sealed(how)
        self.service = zeep.Client(how["wsdl"], transport=Posting(how), wsse=self.wsse).service
        return {"ready": True}

    def call(self, asked: How) -> How:
        try:
            reply = self.service[asked["operation"]](**asked["message"])
        except zeep.exceptions.Fault as fault:
            return {"fault": {"code": fault.code.rpartition(":")[2], "text": fault.message}}
        except NotBelieved as error:
            return {"fault": {"code": "not-believed", "text": str(error)}}
        message = zeep.helpers.serialize_object(reply, dict)
        if isinstance(message, list):  # zeep leaves out what wraps nothing but one list
            message = {"Device": message}
        if isinstance(message.get("Settings"), dict):
            message["Settings"] = [message["Settings"]]
        return {"reply": message, "proof": self.wsse.proof}

    def serve(self, how: How) -> How:
        self.how = how
        self.contract = zeep.Client(str(Path(how["contract"]) / "meterpost.wsdl"))
        handler = type("Bound", (Handler,), {"peer": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(how["certificate"], how["key"])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return {"url": f"https://127.0.0.1:{self.server.server_port}/mp"}

    def stop(self, _: How) -> How:
        self.server.shutdown()
        self.server.server_close()
        return {"stopped": True}

    def judge(self, envelope: Any, coding: str) -> tuple[int, bytes]:
        """The answer to an envelope: the vendor's where it is believed."""
        try:
            proof = prove(envelope, self.how, self.how["policy"], self.how.get("client_certificate"))
        except NotBelieved as error:
            say({"refused": str(error)})
            return 500, _FAULT
        request = envelope.find(f"{SOAP}Body")[0]
        operation = etree.QName(request).localname
        say({"asked": operation, "message": as_message(request), "proof": proof + coding})
        return 200, self.sealed(operation, ANSWERS.get())

    def sealed(self, operation: str, answer: How) -> bytes:
        """A reply, written and sealed by zeep."""
        spoil = self.how.get("spoil")
        envelope = etree.Element(f"{SOAP}Envelope", nsmap={"s": SOAP[1:-1]})
        etree.SubElement(envelope, f"{SOAP}Header")
        body = etree.SubElement(envelope, f"{SOAP}Body")
        element = self.contract.get_element(f"{SERVICE}{operation}Response")
        element.render(body, element(**answer))
        if spoil != "bare":
            password = self.how["password"] + ("!" if spoil == "wrong-password" else "")
            how = self.how | {"policy": self.how["replies"], "password": password, "options": self.how.get("reply_options", {})}
            (Stamp() if how["policy"] == "timestamp-2004" else Sealed(how)).apply(envelope, {})
        if spoil == "tampered":
            body[0].set("time", "2001-01-01T00:00:00Z")
        return etree.tostring(envelope)


def say(said: How) -> None:
    with SAYING:
        sys.stdout.write(json.dumps(said, default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import queue

    SAYING = threading.Lock()
    ANSWERS: queue.SimpleQueue[How] = queue.SimpleQueue()
    peer = Peer()
    for line in sys.stdin:
        asked = json.loads(line)
        if "answer" in asked:
            ANSWERS.put(asked["answer"])
            continue
        try:
            say(getattr(peer, asked["do"])(asked))
        except Exception as error:
            say({"broken": repr(error)})
            traceback.print_exc()
