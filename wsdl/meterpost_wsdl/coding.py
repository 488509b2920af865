"""The content-coding two sides can agree on: gzip (RFC 1952; RFC 9110, 8.4.1.3), written and read whole.

Reading never holds more than it was allowed to, whatever the octets promise: a thousand octets can stand for a million.
"""

import re
import struct
import zlib
from contextlib import suppress

_RAW, _GZIP = -15, 31
"""zlib's window bits: 32 KiB, bare deflate or with gzip's head and trailer."""
_HEAD = bytes.fromhex("1f8b 08 00 00000000 02 ff")
"""Deflate, no optional field, no time, compressed best, by an unknown system: the same octets wherever they are written."""
_NAMES = ("gzip", "x-gzip")
_FIELD = re.compile(rb"^content-encoding:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class BadCoding(ValueError):
    """Octets that are not exactly one gzip member (`kind` "broken"), or stand for too many ("size")."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def is_gzip(field: str) -> bool:
    """Whether a Content-Encoding names this coding, and no other with it."""
    return field.strip().lower() in _NAMES


def in_gzip(head: bytes) -> bool:
    """The same of a message's head as it was on the wire."""
    return is_gzip(b",".join(_FIELD.findall(head)).decode("latin-1"))


def gzip(plain: bytes) -> bytes:
    """`plain` as one member."""
    return _HEAD + zlib.compress(plain, 9, _RAW) + struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)


def gunzip(coded: bytes, limit: int) -> bytes:
    """What `coded` stands for, at most `limit` octets. Raises BadCoding, also for a second member or anything else behind
    the first: two readers could understand it in two ways."""
    member = zlib.decompressobj(_GZIP)
    try:
        plain = member.decompress(coded, limit + 1)
    except zlib.error as error:
        raise BadCoding("broken", f"not sound gzip: {str(error).rpartition(': ')[2]}") from None
    if len(plain) > limit:
        raise BadCoding("size", f"gzip for more than {limit} octets")
    if not member.eof:
        raise BadCoding("broken", "gzip that ends too early")
    if member.unused_data:
        raise BadCoding("broken", f"gzip with {len(member.unused_data)} octets behind it")
    return plain


def readable(head: bytes, body: bytes, limit: int) -> bytes:
    """For people: a message's `body` decoded where its `head` says gzip and it is sound; else as it is."""
    if in_gzip(head):
        with suppress(BadCoding):
            return gunzip(body, limit)
    return body
