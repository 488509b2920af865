"""How an error reaches people and programs: one line, or one JSON object, on stderr. And what the exit codes mean."""

import json
import re
import sys

from meterpost import errors
from meterpost.cli.text import one_line
from meterpost.errors import MeterpostError, Side

INCOMPLETE = 1
UNEXPECTED = MeterpostError.exit_code
INTERRUPTED = 130
CLOSED_PIPE = 141

_MEANINGS = {
    0: "Done.",
    INCOMPLETE: "Done, but not everything: a printer did not answer, a message waits.",
    **{
        kind.exit_code: re.split(r"(?<=\.)\s", kind.__doc__ or "")[0]
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, MeterpostError)
    },
    UNEXPECTED: "An error of meterpost itself.",
    INTERRUPTED: "Interrupted.",
    CLOSED_PIPE: "The reader of the output went away.",
}
EXIT_CODES = dict(sorted(_MEANINGS.items()))
"""The meaning of each exit code: the rows of the error tree, and the shell's conventions."""


def tell(error: MeterpostError, as_json: bool, trace: str = "") -> None:
    """Writes what failed, whose side it is on and what to do to stderr; `trace`, where it was raised, goes with it."""
    say(str(error), error.side, error.advice, error.exit_code, as_json, trace)


def say(what: str, side: Side, advice: str, exit_code: int, as_json: bool, trace: str = "") -> None:
    """`tell` for what is not in the error tree."""
    if as_json:
        told = {"error": what, "side": side, "advice": advice, "exit_code": exit_code}
        line = json.dumps(told | {"trace": trace} if trace else told)
    else:
        line = trace + one_line(f"meterpost: {what.rstrip('.')} ({side}). {advice}")
    sys.stderr.write(line + "\n")
