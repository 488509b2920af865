"""Which HTTP proxy stands between us and the server, and what it wants to know of us. Opens no connection."""

from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import unquote, urlsplit

from requests.utils import get_environ_proxies, select_proxy

from meterpost.errors import SettingsError
from meterpost.model import Credentials
from meterpost.settings import ServerSettings

_DEFAULT_PORT = 80
_SURROUNDINGS = "HTTPS_PROXY in the environment, or this computer's settings; server.http_proxy comes before both"


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """An HTTP proxy that is asked to CONNECT. `credentials` go to it and to nobody else; `found`: where it is named,
    for a person who has to correct it."""

    host: str
    port: int
    credentials: Credentials | None = None
    found: str = "server.http_proxy"

    @classmethod
    def choose(cls, server: ServerSettings, password: str | None) -> Self | None:
        """The setting's, else the environment's (HTTPS_PROXY, ALL_PROXY, except for NO_PROXY; lower case wins),
        else the system's; None for straight. Raises SettingsError for what is no HTTP proxy's address."""
        if server.http_proxy == "none":
            return None
        if server.http_proxy:
            return cls._parse(server.http_proxy, server.http_proxy_username, password or "")
        url = select_proxy(server.url, get_environ_proxies(server.url))
        return replace(cls._parse(url, server.http_proxy_username, password or ""), found=_SURROUNDINGS) if url else None

    @classmethod
    def _parse(cls, url: str, username: str, password: str) -> Self:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            host, port = parts.hostname, parts.port or _DEFAULT_PORT
        except ValueError:
            host, port = None, 0
        if parts.scheme != "http" or not host:
            # The URL itself may hold a password, so it is not repeated.
            raise SettingsError(
                "the HTTP proxy's address is not of the form http://host:port",
                "Correct server.http_proxy, or HTTPS_PROXY in the environment; 'none' means no HTTP proxy.",
            )
        if username:
            return cls(host, port, Credentials(username, password))
        if parts.username:
            return cls(host, port, Credentials(unquote(parts.username), unquote(parts.password or "")))
        return cls(host, port)

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def headers(self) -> dict[str, str]:
        """Headers of the CONNECT (RFC 7617, in UTF-8)."""
        if self.credentials is None:
            return {}
        pair = f"{self.credentials.username}:{self.credentials.password}".encode()
        return {"Proxy-Authorization": f"Basic {b64encode(pair).decode('ascii')}"}
