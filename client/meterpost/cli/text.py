"""Text from printers and servers made safe to show: it can neither move the cursor, nor colour, nor turn a line around."""


def visible(text: str) -> str:
    """`text` with every control, bidi, surrogate and other unprintable character written out as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """`visible`, with white space folded to single blanks."""
    return visible(" ".join(text.split()))


def lines(octets: bytes) -> str:
    """`octets` as text whose line ends are kept and whose every other control character is written out."""
    return "\n".join(visible(line) for line in octets.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"))


def printer(maker: str, model: str) -> str:
    """Maker and model, the maker once: many a model begins with it."""
    return model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}".strip()


def where(address: str, port: int) -> str:
    """An address with its port; a URI has it already, and a recording has none."""
    if not port or "://" in address:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
