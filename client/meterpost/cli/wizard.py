"""The command `meterpost wizard`: a person at a terminal answers, or a file and flags do."""

import logging
import sys
from argparse import Namespace
from typing import Any

from meterpost.cli import show, trouble
from meterpost.cli import wizard_flags as flags
from meterpost.cli.terminal import Terminal
from meterpost.cli.text import one_line
from meterpost.cli.values import default_config
from meterpost.wizard import answers
from meterpost.wizard.answers import Answers
from meterpost.wizard.asker import Asker
from meterpost.wizard.draft import Draft
from meterpost.wizard.flow import Wizard
from meterpost.wizard.questions import QUESTIONS

log = logging.getLogger(__name__)


def run(args: Namespace) -> int:
    """0 when everything chosen is registered; 1 when a panel did not agree, the vendor did not accept a device, or a
    message waits. With --json nothing is asked, what was done is one object on stdout, and what is said goes to the log."""
    if args.questions:
        return _list(args)
    given = answers.load(args.answers) if args.answers else {}
    for question in QUESTIONS:
        answer = flags.given(args, question)
        if answer is not None:
            given[question.key] = answers.from_flag(question, answer)
    out = show.console(args)
    attended = not (given or args.answers or args.json) and sys.stdin.isatty() and sys.stdout.isatty()
    say = log.info if args.json else lambda line: out.print(one_line(line), soft_wrap=True)
    asker: Asker = Terminal(out) if attended else Answers(given, say)
    with Draft(args.config) as draft:
        outcome = Wizard(asker, draft).run()
    if args.config != default_config():
        asker.say(f"Other commands find the settings with --config {args.config}, or with METERPOST_CONFIG set so.")
    if args.json:
        show.as_json(outcome.to_json())
    return 0 if outcome.whole else trouble.INCOMPLETE


def _list(args: Namespace) -> int:
    if args.json:
        show.as_json([question.to_json() for question in QUESTIONS])
        return 0
    rows: list[tuple[Any, ...]] = [(q.key, q.text, "required" if q.default is None else q.default) for q in QUESTIONS]
    show.console(args).print(show.table("Questions", ("=Key", "Question", "Default"), rows))
    return 0
