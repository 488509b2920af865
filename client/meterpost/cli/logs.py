"""The log on stderr: lines for people, or a JSON object per line. Only our own loggers speak; an engine's could tell
what travels."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from meterpost.cli.text import one_line
from meterpost.model import instant


class Lines(logging.Formatter):
    """For people; nothing in a message can control the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.message)
        return super().formatMessage(record)


class JsonLines(logging.Formatter):
    """`at`, `level`, `text`; `trace` where an exception was logged."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": instant(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


@contextmanager
def on_stderr(level: int, as_json: bool) -> Iterator[None]:
    """Meanwhile our log is shown from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Lines("%(asctime)s %(levelname)s %(message)s"))
    ours = logging.getLogger("meterpost")
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(level)
    try:
        yield
    finally:
        ours.setLevel(before)
        ours.removeHandler(handler)
