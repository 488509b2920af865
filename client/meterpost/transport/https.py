"""Sealed bytes over HTTPS, every octet counted. It must never follow a redirect, keep a cookie, read `.netrc`, or
trust anybody the settings or the operating system do not name."""

from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.util import SKIP_HEADER

from meterpost.errors import SettingsError
from meterpost.model import HttpReply
from meterpost.settings import ServerSettings
from meterpost.transport.adapter import MeteredAdapter
from meterpost.transport.certificates import Peer, trust
from meterpost.transport.http_proxy import HttpProxy
from meterpost.transport.port import BODY_LIMIT, Endpoint, Outbound, decoded, is_coded, too_large

_CHUNK = 64 * 1024
_LEAN = {"User-Agent": SKIP_HEADER, "Accept-Encoding": SKIP_HEADER}  # else urllib3 adds its own


class HttpsTransport:
    """`Transport` over verified TLS, through an HTTP proxy where there is one. The connection is kept and used again;
    opening it (CONNECT, TLS handshake) counts in the `*_wire` of the exchange it was opened for."""

    def __init__(self, server: ServerSettings, base: Path, http_proxy_password: str | None = None) -> None:
        """`base` is where relative file names start. Raises SettingsError for files or addresses that cannot be used."""
        self._url = _wire_form(server.url)
        self._endpoint = Endpoint.of(self._url)
        proxy = HttpProxy.choose(server, http_proxy_password)
        self._adapter = MeteredAdapter(self._endpoint, server, proxy, trust(server, base))
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("https://", self._adapter)

    def head(self, message: Outbound) -> bytes:
        return self._endpoint.head(message)

    def post(self, message: Outbound) -> HttpReply:
        headers = self._endpoint.headers(message) | _LEAN
        with (
            self._adapter.explaining(),
            self._session.post(self._url, message.body, headers=headers, stream=True, allow_redirects=False) as response,
        ):
            is_coded(response.headers, message)  # before anything of a body nobody agreed on is fetched
            return decoded(self._adapter.reply(response, _body(response)), message)

    def peer(self) -> Peer:
        """Whose certificate the server shows. Connects where there is no connection yet, and sends no message.
        Raises NetworkError, TlsError."""
        with self._adapter.explaining():
            return Peer.of(self._adapter.connected().tls.getpeercert(binary_form=True) or b"")

    def close(self) -> None:
        self._session.close()


def _wire_form(url: str) -> str:
    """`url` percent-encoded, its host in IDNA. Raises SettingsError for what is no plain https address."""
    try:
        wire_form = requests.Request("POST", url).prepare().url or ""
        parts = urlsplit(wire_form)
        (parts.hostname or "").encode("idna")  # a label that is empty or too long has no name in the DNS
    except (requests.RequestException, UnicodeError):
        parts = urlsplit("")
    if parts.scheme != "https" or parts.username is not None:
        raise SettingsError(
            "server.url is not an https address of the form https://host/path",
            "Copy it as the server's operator wrote it; user name and password belong under [account], never here.",
        )
    return wire_form


def _body(response: requests.Response) -> bytes:
    """The whole body as it came. Raises PeerError for one that is too large."""
    if (response.raw.length_remaining or 0) > BODY_LIMIT:
        raise too_large()
    content = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=False):
        content += chunk
        if len(content) > BODY_LIMIT:
            raise too_large()
    return bytes(content)
