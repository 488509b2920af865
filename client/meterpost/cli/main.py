"""The entry point: argv in, exit code out. No error leaves it as a traceback, unless --verbose asks for one."""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from meterpost.cli import trouble
from meterpost.cli.parser import named, parse
from meterpost.errors import MeterpostError, Side


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (`trouble.EXIT_CODES`)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json, verbose = "--json" in arguments, "--verbose" in arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to fail
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except SystemExit as done:  # argparse after --help and --version
        return int(done.code or 0)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return trouble.CLOSED_PIPE
    except KeyboardInterrupt:
        trouble.say("interrupted", Side.OPERATOR, "What was done before is kept.", trouble.INTERRUPTED, as_json)
        return trouble.INTERRUPTED
    except MeterpostError as error:
        trouble.tell(error, as_json, traceback.format_exc() if verbose else "")
        return error.exit_code
    except Exception as error:
        trace = traceback.format_exc() if verbose else ""
        advice = (
            "Please report it with what is above." if verbose else "Run it again with --verbose to see where, and report it."
        )
        # Only the kind: nobody knows what the text of an error nobody expected contains.
        trouble.say(f"unexpected {type(error).__name__}", Side.OURS, advice, trouble.UNEXPECTED, as_json, trace)
        return trouble.UNEXPECTED


def _run(arguments: Sequence[str]) -> int:
    command, args = parse(arguments)
    with _log(args.verbose, command.name, args.json):
        code: int = named(command.run)(args)
    return code


def _log(verbose: bool, command: str, as_json: bool) -> AbstractContextManager[None]:
    """What is logged while the command runs: `run` and a wizard that prints JSON have nobody else to talk to."""
    if not (verbose or command == "run" or (command == "wizard" and as_json)):
        return nullcontext()
    import logging

    from meterpost.cli.logs import on_stderr

    return on_stderr(logging.DEBUG if verbose else logging.INFO, as_json)


if __name__ == "__main__":
    sys.exit(main())
