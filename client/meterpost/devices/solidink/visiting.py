"""The visit to a solid-ink printer's web server: a few GETs to one host, and a reading of what came back."""

from collections import deque
from datetime import datetime
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from meterpost.devices import web
from meterpost.devices.solidink.enriching import enrich
from meterpost.devices.solidink.page import MAX_OCTETS, parse
from meterpost.devices.solidink.rules import folded, model_in, rules
from meterpost.errors import DeviceError
from meterpost.model import Reading

MOST_PAGES = 12
MOST_FAILURES = 2
WHOLE_S = 10.0
"""When this long has passed no further page is asked for."""

_REFUSED = {401, 403}
_READABLE = {"", "text/html", "text/plain", "application/xhtml+xml"}
_ADVICE = "Check the address; open it in a browser."


def read_solid_ink(url: str, now: datetime, timeout_s: float = 5.0, ca_file: Path | None = None) -> Reading:
    """The reading of the solid-ink printer whose web server is at `url` (`http://10.1.2.3`), from its pages alone.
    Raises DeviceError where there is none, it asks for a password, or it is another device; SettingsError for `url`."""
    found = visit(url, timeout_s, ca_file)
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    reading = enrich(Reading(url, port, now), found)
    if not model_in(reading.model):
        named = f"it says {reading.model!r}" if reading.model else "its pages name no model"
        raise DeviceError(f"{address.netloc} is no solid-ink printer: {named}", _ADVICE)
    return reading


def visit(url: str, timeout_s: float = 5.0, ca_file: Path | None = None) -> dict[str, bytes]:
    """Path -> content of the pages of the web server at `url` that can say something: the paths of solidink.toml, and what
    links with the names given there, and frames, lead to on the same server. At most MOST_PAGES requests; it ends after
    MOST_FAILURES that failed, and WHOLE_S seconds. Raises DeviceError where nothing answers or no page can be read,
    SettingsError for `url`."""
    start = url.rstrip("/")
    queue = deque(dict.fromkeys(start + path for model in rules().models for path in model.pages))
    asked: set[str] = set()
    found: dict[str, bytes] = {}
    failures = 0
    locked = False
    until = monotonic() + WHOLE_S
    while queue and len(asked) < MOST_PAGES and failures < MOST_FAILURES and monotonic() < until:
        address = queue.popleft()
        if address in asked:
            continue
        asked.add(address)
        try:
            answer = web.get(address, timeout_s, ca_file, MAX_OCTETS)
        except DeviceError:
            if len(asked) == 1:  # nobody there: one try, not twelve
                raise
            failures += 1
            continue
        page = parse(answer.body, answer.url)
        locked = locked or answer.status in _REFUSED or page.asks_for_password
        if answer.status != 200 or answer.content_type not in _READABLE or page.asks_for_password:
            continue
        found[urlsplit(address).path or "/"] = answer.body
        queue += [goal for text, goal in page.links if not text or folded(text) in rules().links]
    if found:
        return found
    if locked:
        raise DeviceError(
            f"the web server of {urlsplit(url).netloc} asks for a password",
            "Allow the status pages to everybody, or read this printer by SNMP only.",
        )
    raise DeviceError(f"the web server of {urlsplit(url).netloc} has none of the expected pages", _ADVICE)
