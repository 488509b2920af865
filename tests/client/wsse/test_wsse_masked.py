"""Passwords in the clear do not stand in journals."""

import pytest
from wsse_messages import ACCOUNT, DRAFT, ENVELOPE, NONCE_OCTETS, NOON, OASIS, sealed

from meterpost.wsse import POLICIES, Identity, masked, seal
from meterpost_wsdl import coding

TEXT = POLICIES["text-2004"]


def test_a_password_is_stars_and_everything_else_as_it_was():
    message = seal(ENVELOPE, TEXT, Identity(ACCOUNT), NOON, NONCE_OCTETS)
    written = "pässword &amp; &lt;key&gt;".encode()
    assert written in message
    assert masked(message) == message.replace(written, b"*" * len(written))


@pytest.mark.parametrize(
    "element",
    [
        b"<Password>secret</Password>",
        b"<x:Password>secret</x:Password>",
        b"<x:Password\nType='x:PasswordText' >secret</x:Password >",
        b"<w:Password><![CDATA[secret]]></w:Password>",
        b"<w:Password>sec<!-- -->ret</w:Password>",
        b"<w:Password>secret",
        "<é:Password>secret</é:Password>".encode(),
        b"<w:Password Note='PasswordDigest'>secret</w:Password>",
        b"<w:Password>secret</w:Password><w:Password>secret</w:Password>",
    ],
)
def test_however_it_is_written(element):
    shown = masked(element)
    assert len(shown) == len(element)
    assert b"sec" not in shown


@pytest.mark.parametrize("policy", [DRAFT, OASIS], ids=lambda policy: policy.name)
def test_a_digest_stays(policy):
    assert masked(sealed(policy)) == sealed(policy)


def test_what_cannot_be_searched_is_masked_whole():
    message = "<Password>secret</Password>".encode("utf-16")
    assert masked(message) == b"*" * len(message)


def test_what_is_compressed_is_masked_whole_where_a_password_is_in_it():
    clear, digest = seal(ENVELOPE, TEXT, Identity(ACCOUNT), NOON, NONCE_OCTETS), sealed(OASIS)
    assert masked(coding.gzip(clear), clear) == b"*" * len(coding.gzip(clear))
    assert masked(coding.gzip(digest), digest) == coding.gzip(digest)
