"""Exchanges kept in a JSON-lines file, and played back without a network. Nothing is interpreted: bodies are kept as
they travelled, so a recording holds whatever the messages held."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from meterpost.errors import PeerError, SettingsError
from meterpost.model import HttpReply
from meterpost.transport.port import Endpoint, Outbound, Transport, decoded


@dataclass(frozen=True, slots=True)
class _Line:
    """One exchange as it travelled; octets are base64 in the file."""

    action: str
    request: bytes
    reply: HttpReply  # its body still in its content-coding

    def to_json(self) -> str:
        reply = self.reply
        return json.dumps(
            {
                "action": self.action,
                "request_head": _text(reply.request_head),
                "request": _text(self.request),
                "request_wire": reply.request_wire,
                "status": reply.status,
                "reason": reply.reason,
                "headers": dict(reply.headers),
                "response_head": _text(reply.response_head),
                "response": _text(reply.octets),
                "response_wire": reply.response_wire,
            }
        )

    @classmethod
    def of(cls, line: str) -> Self:
        """Raises ValueError, KeyError or TypeError for what `to_json` did not write."""
        kept = json.loads(line)
        reply = HttpReply(
            status=int(kept["status"]),
            reason=str(kept["reason"]),
            headers={str(name): str(value) for name, value in kept["headers"].items()},
            body=b64decode(kept["response"]),
            request_head=b64decode(kept["request_head"]),
            response_head=b64decode(kept["response_head"]),
            request_wire=int(kept["request_wire"]),
            response_wire=int(kept["response_wire"]),
        )
        return cls(str(kept["action"]), b64decode(kept["request"]), reply)


class RecordingTransport:
    """`Transport` that passes everything to `live` and appends each exchange to the file `path`."""

    def __init__(self, live: Transport, path: Path) -> None:
        self._live = live
        self._path = path

    def head(self, message: Outbound) -> bytes:
        return self._live.head(message)

    def post(self, message: Outbound) -> HttpReply:
        reply = self._live.post(message)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_Line(message.action, message.body, reply).to_json() + "\n")
        return reply

    def close(self) -> None:
        self._live.close()


class RecordedTransport:
    """`Transport` that plays a recording back, in order. A message of another action than the recorded one is refused
    with PeerError; its body may differ, as nonces and times do, and the request is then measured as it is now."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsError when `path` holds no recording."""
        try:
            lines = [_Line.of(line) for line in path.read_text("utf-8").splitlines()]
            self._endpoint = _endpoint(lines[0].reply.request_head)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise SettingsError(f"{path} is not a recording of exchanges: {error!r}") from None
        self._path = path
        self._lines = iter(lines)

    def head(self, message: Outbound) -> bytes:
        return self._endpoint.head(message)

    def post(self, message: Outbound) -> HttpReply:
        line = next(self._lines, None)
        if line is None or line.action != message.action:
            held = f"has {line.action} next" if line else "has no further exchange"
            raise PeerError(f"no answer to {message.action}: the recording {self._path} {held}", "Record the exchanges again.")
        head = self.head(message)
        longer = len(head) + len(message.body) - len(line.reply.request_head) - len(line.request)
        reply = replace(line.reply, request_head=head, request_wire=line.reply.request_wire + longer)
        return decoded(reply, message)

    def close(self) -> None:
        pass


def _endpoint(request_head: bytes) -> Endpoint:
    parts = re.match(r"POST (\S+) HTTP/1\.1\r\nHost: (\S+)\r\n", request_head.decode("latin-1"))
    if parts is None:
        raise ValueError("no request head of ours")
    return Endpoint.of(f"https://{parts[2]}{parts[1]}")


def _text(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")
