"""The wizard's flags, one for each question; apart from the wizard, so that `meterpost wizard --help` loads no engine."""

import argparse
from pathlib import Path
from typing import Any

from meterpost.wizard.questions import QUESTIONS, Kind, Question

_DEST = "answer:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The wizard's own flags: an answer file, and one flag per question."""
    parser.add_argument("--answers", type=Path, metavar="FILE", help="answers as TOML; nothing is asked")
    parser.add_argument("--questions", action="store_true", help="list the questions, with --json as data; ask nothing")
    group = parser.add_argument_group("answers", "one flag for each question; with any of them nothing is asked")
    for question in QUESTIONS:
        action, metavar = _form(question)
        group.add_argument(question.flag, action=action, dest=_DEST + question.key, metavar=metavar, help=question.text)


def given(args: argparse.Namespace, question: Question) -> Any:
    """What the question's flag said, None where it was not used."""
    return getattr(args, _DEST + question.key)


def _form(question: Question) -> tuple[str, str]:
    """How argparse takes the answer. A secret on a command line is none: there it is said where the secret is."""
    if question.per_device:
        return "append", "SERIAL=ANSWER"
    return "store", "file:PATH|env:NAME|keyring:NAME" if question.kind is Kind.SECRET else "ANSWER"
