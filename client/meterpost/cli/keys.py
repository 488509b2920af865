"""Whom this client trusts and who trusts it, until when: shown, renewed, imported."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from getpass import getpass
from itertools import groupby

from rich.text import Text

from meterpost.agent import Agent, Use, Voucher
from meterpost.cli import opening, reports, show, trouble
from meterpost.errors import SettingsError
from meterpost.settings import Secret

TITLES = {
    Use.OWN: "This client's keys, which sign its messages",
    Use.SERVER: "The server's certificates, which its messages are signed with",
    Use.TLS_CLIENT: "This client's certificate for TLS",
    Use.TLS_CA: "Who vouches for the server's TLS certificate",
    Use.PRINTER_CA: "Who vouches for printers that are read at URIs",
}


def keys(args: Namespace) -> int:
    """Shows, renews or imports."""
    if args.file and args.action != "import":
        raise SettingsError(f"'keys {args.action}' takes no file", "See 'meterpost keys --help'.")
    with opening.agent(args) as agent:
        match args.action:
            case "renew":
                return reports.finish(args, agent.renew_key(args.released))
            case "import":
                _import(args, agent)
        return _show(args, agent)


def _show(args: Namespace, agent: Agent) -> int:
    """Exit code 1 where something in use ends soon, has ended, or cannot be read."""
    now, found = agent.now(), agent.trusted()
    soon = [voucher for voucher in found if voucher.ends_soon(now)]
    if args.json:
        show.as_json([voucher.to_json(now) for voucher in found])
    else:
        out = show.console(args)
        for use, group in groupby(found, key=lambda voucher: voucher.use):
            out.print(Text(TITLES[use], "bold"))
            for voucher in group:
                out.print(show.pairs(_lines(voucher, agent)))
                out.print()
        own = [voucher for voucher in found if voucher.use is Use.OWN]
        if agent.needs_key and not any(voucher.broken or voucher.state == "active" for voucher in own):
            show.prose(out, "There is no key to sign with yet: one is made and certified with the next registration or sync.")
        for voucher in soon:
            _warn(args, voucher, agent)
    broken = any(voucher.broken for voucher in found)
    return trouble.INCOMPLETE if soon or broken else 0


def _lines(voucher: Voucher, agent: Agent) -> Iterator[tuple[str, show.Cell]]:
    about, days = voucher.about, voucher.days(agent.now())
    head = voucher.state or ("cannot be read" if voucher.broken else "trusted")
    if about is None:
        yield head, voucher.note
    else:
        yield head, f"{about.subject or '(no name)'}, {about.kind}" + (f", {voucher.note}" if voucher.note else "")
        yield "issued by", "itself" if about.issuer == about.subject else about.issuer
        left = f"{days} days left" if days is not None and days >= 0 else "ended"
        yield "valid", f"{about.start:%Y-%m-%d} to {about.end:%Y-%m-%d}, {left}"
        yield "SHA-256", about.fingerprint
    if voucher.where:
        yield "private part" if voucher.use is Use.OWN else "where", voucher.where


def _warn(args: Namespace, voucher: Voucher, agent: Agent) -> None:
    if about := voucher.about:
        verb = "ended" if about.end < agent.now() else "ends"
        show.prose(show.console(args), f"{TITLES[voucher.use]}: {about.subject} {verb} on {about.end:%Y-%m-%d}.", "yellow")


def _import(args: Namespace, agent: Agent) -> None:
    if not args.file:
        raise SettingsError("'keys import' needs a file", "A PEM file with key and certificate, or a PKCS #12 file.")
    password = Secret(file=str(args.password_file.absolute())).resolve(agent.settings.base) if args.password_file else None
    try:
        about = agent.import_key(args.file, args.key, password)
    except SettingsError as error:
        if password is not None or "there is no password" not in str(error) or not sys.stdin.isatty():
            raise
        about = agent.import_key(args.file, args.key, getpass(f"Password of {args.file}: "))
    if not args.json:
        show.prose(show.console(args), f"Imported: {about.subject}, {about.kind}, until {about.end:%Y-%m-%d}.")
