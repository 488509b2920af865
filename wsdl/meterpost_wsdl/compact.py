"""The frame of every message both sides write: prefixes, opening and close, octet for octet.

`wsse.seal` relies on the opening; whoever writes an envelope takes it from here.
"""

from meterpost_wsdl.names import SERVICE, SOAP

PREFIX = "m"
PREFIXES = {SERVICE: PREFIX}
"""For `xmlio.write`: a Body's content has no other namespace."""

OPENING = f'<s:Envelope xmlns:s="{SOAP}" xmlns:{PREFIX}="{SERVICE}"'
"""Up to where a seal puts its declarations."""

BODY = "><s:Body>"

CLOSE = "</s:Body></s:Envelope>"


def envelope(content: str) -> bytes:
    """An envelope without header around `content`, compact XML in the prefix above."""
    return f"{OPENING}{BODY}{content}{CLOSE}".encode()
