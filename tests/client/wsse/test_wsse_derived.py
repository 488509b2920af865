"""Keys derived from passwords, as other stacks derive them; the token that says how, read strictly."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.errors import SettingsError
from meterpost.wsse import derived
from meterpost.wsse.derived import DerivedToken
from meterpost.wsse.dialects import DRAFT_2002, OASIS_2004, Dialect
from meterpost.wsse.verdict import Reason, Refusal
from meterpost_wsdl import xmlio

SALT = bytes([1]) + bytes(range(15))
DIALECTS = pytest.mark.parametrize("dialect", [DRAFT_2002, OASIS_2004], ids=["2002", "2004"])


def element(token: str, dialect: Dialect = OASIS_2004):
    return xmlio.parse(f'<a xmlns:w="{dialect.wsse}" xmlns:u="{dialect.wsu}">{token}</a>'.encode())[0]


def written(username: str = "site-4711", salt: bytes = SALT, iterations: int = 1000, dialect: Dialect = OASIS_2004) -> str:
    return derived.write(dialect, username, salt, iterations, "U")


def test_the_iterations_are_the_hashes_in_all():
    assert derived.derive("pässword", SALT, 1) == hashlib.sha1("pässword".encode() + SALT).digest()
    assert (
        derived.derive("pässword", SALT, 3) == hashlib.sha1(hashlib.sha1(derived.derive("pässword", SALT, 1)).digest()).digest()
    )


def test_the_key_wss4j_1_6_19_derived():
    assert derived.derive("security", base64.b64decode("AWd52rmsVgfqdTf1vhHjlw=="), 1000) == base64.b64decode(
        "Lsf5aoHyjaDjabcPg667LVFuSk4="
    )


def test_the_baseline_in_wss4js_own_tests_whose_password_is_a_hash():
    octets = hashlib.sha1(b"password").digest() + base64.b64decode("LKpycbfgRzwDnBz6kkhAAQ==")
    assert derived.hashed(octets, 1049) == base64.b64decode("C7Ll/OY4TECb6hZuMMiX/5hzszo=")


@given(st.binary(min_size=16, max_size=16))
def test_a_salt_for_a_signature_keeps_all_that_is_random_but_its_first_octet(octets):
    assert derived.salt(octets) == b"\x01" + octets[1:]
    assert derived.read(element(written(salt=derived.salt(octets))), OASIS_2004).salt == derived.salt(octets)


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_salt_of_another_size_is_a_mistake_of_ours(size):
    with pytest.raises(ValueError, match="16 octets"):
        derived.salt(bytes(size))


@DIALECTS
def test_what_was_written_is_read(dialect):
    token = element(written("a <b> & c", SALT, derived.ITERATIONS, dialect), dialect)
    assert derived.read(token, dialect) == DerivedToken("a <b> & c", SALT, derived.ITERATIONS)
    assert token.get(dialect.tag("wsu", "Id")) == "U"


@pytest.mark.parametrize("username", ["", "a" * 257, "a\x00", "a  b"])
def test_a_username_that_cannot_travel_is_named_to_the_administrator(username):
    with pytest.raises(SettingsError, match=r"account\.username"):
        written(username)


@pytest.mark.parametrize("iterations", [1000, 1001, 10_000])
def test_iterations_that_are_read(iterations):
    assert derived.read(element(written(iterations=iterations)), OASIS_2004).iterations == iterations


def test_a_count_may_stand_in_white_space_as_the_schemas_numbers_may():
    assert derived.read(element(written().replace(">1000<", ">\n 1000 <")), OASIS_2004).iterations == 1000


SALT_TEXT, COUNT = base64.b64encode(SALT).decode(), "<k:Iteration>1000<"
REFUSED = {
    "999-R4218": (COUNT, "<k:Iteration>999<"),
    "0": (COUNT, "<k:Iteration>0<"),
    "negative": (COUNT, "<k:Iteration>-1000<"),
    "10-001": (COUNT, "<k:Iteration>10001<"),
    "ten-million": (COUNT, "<k:Iteration>10000000<"),
    "5000-digits": (COUNT, f"<k:Iteration>{'9' * 5000}<"),
    "fraction": (COUNT, "<k:Iteration>1e3<"),
    "arabic-digits": (COUNT, "<k:Iteration>١٠٠٠<"),
    "nothing": (COUNT, "<k:Iteration><"),
    "child-in-count": (COUNT, "<k:Iteration><k:A/>1000<"),
    "no-count-R4218": ("<k:Iteration>1000</k:Iteration>", ""),
    "two-counts": ("<k:Iteration>1000</k:Iteration>", "<k:Iteration>1000</k:Iteration>" * 2),
    "no-salt-R4217": (f"<k:Salt>{SALT_TEXT}</k:Salt>", ""),
    "salt-in-another-namespace": (f"<k:Salt>{SALT_TEXT}</k:Salt>", f"<w:Salt>{SALT_TEXT}</w:Salt>"),
    "salt-for-encryption": (SALT_TEXT, base64.b64encode(b"\x02" + SALT[1:]).decode()),
    "short-salt": (SALT_TEXT, base64.b64encode(SALT[:15]).decode()),
    "long-salt": (SALT_TEXT, base64.b64encode(SALT + b"\x01").decode()),
    "salt-not-base64": (SALT_TEXT, "*" + SALT_TEXT[1:]),
    "salt-in-two-lines": (SALT_TEXT, f"{SALT_TEXT[:4]}\n{SALT_TEXT[4:]}"),
    "salt-not-ascii": (SALT_TEXT, "ä" + SALT_TEXT[1:]),
    "password-beside": ("<k:Salt>", "<w:Password>x</w:Password><k:Salt>"),
    "nonce-beside": ("<k:Salt>", "<w:Nonce>AAAA</w:Nonce><k:Salt>"),
    "no-username": ("<w:Username>site-4711</w:Username>", ""),
    "empty-username": ("site-4711", ""),
    "long-username": ("site-4711", "a" * 257),
}


@pytest.mark.parametrize(("old", "new"), REFUSED.values(), ids=REFUSED)
def test_a_token_of_another_shape_is_refused(old, new):
    assert old in written()
    with pytest.raises(Refusal) as caught:
        derived.read(element(written().replace(old, new, 1)), OASIS_2004)
    assert caught.value.reason is Reason.DIGEST_MALFORMED


def test_a_salt_with_its_mark_at_the_other_end_is_read():
    assert derived.read(element(written(salt=SALT[1:] + b"\x01")), OASIS_2004).salt[-1] == 1


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40), st.text("019 -+_.", max_size=8))
def test_any_text_is_a_token_or_a_refusal(salt, count):
    token = written().replace(SALT_TEXT, xmlio.text(xmlio.printable(salt))).replace(COUNT, f"<k:Iteration>{count}<")
    try:
        read = derived.read(element(token), OASIS_2004)
    except Refusal:
        return
    assert read.iterations in derived.ACCEPTED
    assert len(read.salt) == derived.SALT
