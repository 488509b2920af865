"""The journal: what left and what came, with its bytes held against the documented formulas."""

import base64
import sys
from argparse import Namespace
from typing import Any

from lxml import etree

from meterpost.cli import opening, show
from meterpost.cli.budget import limit
from meterpost.cli.text import lines
from meterpost.errors import SettingsError
from meterpost.model import Exchange, Sizes, instant
from meterpost_wsdl import coding, xmlio
from meterpost_wsdl.budgets import budgets

_SHOWN = xmlio.Limits().octets
"""What stands for more is shown as it is."""


def journal(args: Namespace) -> int:
    """The last exchanges, or one of them in full."""
    if args.number is None and (args.raw or args.pretty):
        raise SettingsError("--raw and --pretty want the NUMBER of an exchange", "'meterpost journal' lists them.")
    with opening.agent(args) as agent:
        exchanges = agent.journal(args.limit, args.number)
    if args.number is None:
        if args.json:
            show.as_json([_exchange_json(exchange) for exchange in exchanges])
        else:
            _print(args, exchanges)
        return 0
    if not exchanges:
        raise SettingsError(f"there is no exchange {args.number} in the journal", "'meterpost journal' lists those there are.")
    (exchange,) = exchanges
    if args.json:
        show.as_json(_exchange_json(exchange, content=True))
    elif args.raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(exchange.request + exchange.response)
    else:
        out = show.console(args)
        _print(args, exchanges)
        if not exchange.left:
            show.prose(out, "Nothing of this message left; these are the octets that would have:")
        for octets in filter(None, (exchange.request, exchange.response)):
            out.print(message_text(octets, args.pretty), soft_wrap=True)
    return 0


def decoded(octets: bytes) -> tuple[bytes, bytes]:
    """Head and body of an HTTP message, the body out of its content-coding."""
    head, blank_line, body = octets.partition(b"\r\n\r\n")
    return head + blank_line, coding.readable(head, body, _SHOWN)


def message_text(octets: bytes, pretty: bool) -> str:
    """An HTTP message for the screen: what is not printable is written out, with `pretty` its XML is decoded and indented."""
    head, _, body = octets.partition(b"\r\n\r\n")
    if pretty:
        _, body = decoded(octets)
        try:
            root = xmlio.parse(body)
        except xmlio.BadXml:
            pass  # then it is shown as it is
        else:
            etree.indent(root)
            body = etree.tostring(root, encoding="UTF-8")
    return f"\n{lines(head)}\n\n{lines(body)}\n"


def _print(args: Namespace, exchanges: tuple[Exchange, ...]) -> None:
    out = show.console(args)
    columns = (
        ">No",
        "When",
        "Message",
        ">x",
        ">Envelope",
        ">HTTP",
        ">Wire",
        ">Formula",
        ">Headroom",
    )
    rows: list[tuple[show.Cell, ...]] = []
    for exchange in exchanges:
        when = exchange.at.astimezone().strftime("%m-%d %H:%M")
        sizes = exchange.request_sizes if exchange.left else None
        rows.append((exchange.number, when, *_sized("→", exchange.transaction, exchange.devices, sizes)))
        if exchange.response:
            rows.append(("", "", *_sized("←", exchange.answer, exchange.answer_devices, exchange.response_sizes)))
    out.print(show.table("Journal, sizes in octets", columns, rows))
    for exchange in exchanges:
        if exchange.outcome != "ok":
            show.prose(out, f"{exchange.number} {exchange.outcome}")


def _sized(arrow: str, transaction: str, devices: int, sizes: Sizes | None) -> tuple[show.Cell, ...]:
    """The cells of one message; `sizes` is None where it did not leave."""
    row = budgets().get(transaction)
    ceiling = limit(row, devices) if row else None
    return (
        f"{arrow} {transaction or 'reply'}",
        devices if row and devices else None,
        sizes.envelope if sizes else None,
        sizes.http if sizes else None,
        sizes.wire if sizes else "not sent",
        row.formula if row else None,
        ceiling - sizes.http if sizes and ceiling is not None else None,
    )


def _exchange_json(exchange: Exchange, content: bool = False) -> dict[str, Any]:
    request = _message_json(exchange.transaction, exchange.devices, exchange.request_sizes)
    response = _message_json(exchange.answer, exchange.answer_devices, exchange.response_sizes)
    if content:
        for message, octets in ((request, exchange.request), (response, exchange.response)):
            text = b"".join(decoded(octets)).decode(errors="replace")
            message |= {"text": text, "base64": base64.b64encode(octets).decode()}
    return {
        "number": exchange.number,
        "at": instant(exchange.at),
        "url": exchange.url,
        "outcome": exchange.outcome,
        "request": request,
        "response": response if exchange.response else None,
    }


def _message_json(transaction: str, devices: int, sizes: Sizes) -> dict[str, Any]:
    row = budgets().get(transaction)
    ceiling = limit(row, devices) if row else None
    return {
        "transaction": transaction,
        "devices": devices,
        "envelope": sizes.envelope,
        "http": sizes.http,
        "wire": sizes.wire,
        "formula": row.formula if row else None,
        "limit": ceiling,
        "headroom": ceiling - sizes.http if ceiling is not None else None,
    }
