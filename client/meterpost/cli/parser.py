"""The parser, made from the table of commands. A command's further arguments are asked for when it is chosen,
so that no other command pays for them."""

import argparse
import importlib
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from meterpost import __version__
from meterpost.cli.commands import COMMANDS, Command
from meterpost.cli.trouble import EXIT_CODES
from meterpost.cli.values import default_config
from meterpost.errors import SettingsError

DESCRIPTION = "Finds office printers, reads their billing meters, and reports them inside a published byte budget."


class Parser(argparse.ArgumentParser):
    """Raises SettingsError where argparse would exit, and adds the arguments `more` names when it is first used."""

    def __init__(self, *, more: str = "", **options: Any) -> None:
        super().__init__(**options, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
        self._more = more

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        more, self._more = self._more, ""
        if more:
            named(more)(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        raise SettingsError(message, f"See '{self.prog} --help'.")


def named(reference: str) -> Callable[..., Any]:
    """The function called "module:function"."""
    module, _, function = reference.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def parse(argv: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """The command and its arguments; `config`, `json`, `verbose` and `no_color` are always there. Raises SettingsError,
    and SystemExit after --help and --version."""
    parser = build()
    args = parser.parse_args(argv)
    if args.command is None:
        parser.error("name a command")
    args.config = args.config or default_config()
    return next(command for command in COMMANDS if command.name == args.command), args


def build() -> Parser:
    """The whole parser."""
    parser = Parser(prog="meterpost", description=DESCRIPTION, epilog=_epilog())
    parser.add_argument("--version", action="version", version=f"meterpost {__version__}")
    _everywhere(parser, config=None, json=False, verbose=False, no_color=False)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        sentence = f"{command.help[0].upper()}{command.help[1:]}."
        sub = commands.add_parser(command.name, help=command.help, description=sentence, more=command.more)
        for argument in command.arguments:
            sub.add_argument(*argument.flags, **argument.options)
        # Given after the command they count; left out there, what stood before the command stays.
        _everywhere(
            sub, config=argparse.SUPPRESS, json=argparse.SUPPRESS, verbose=argparse.SUPPRESS, no_color=argparse.SUPPRESS
        )
    return parser


def _everywhere(parser: Parser, config: Any, json: Any, verbose: Any, no_color: Any) -> None:
    group = parser.add_argument_group("everywhere")
    group.add_argument("--config", type=Path, default=config, metavar="FILE", help="configuration (METERPOST_CONFIG)")
    group.add_argument("--json", action="store_true", default=json, help="JSON on stdout, errors as JSON on stderr")
    group.add_argument("--verbose", action="store_true", default=verbose, help="say more on stderr; errors with their place")
    group.add_argument("--no-color", action="store_true", default=no_color, help="plain text (as NO_COLOR does)")


def _epilog() -> str:
    rows = (
        textwrap.fill(meaning, 78, initial_indent=f"  {code:<5}", subsequent_indent=" " * 7)
        for code, meaning in EXIT_CODES.items()
    )
    return "\n".join(("exit codes:", *rows))
