"""Opening what peers of five years of drafts wrote, and answering them in their own words."""

from itertools import product

import pytest
from lxml import etree
from wsse_messages import ACCOUNT, DRAFT, ENVELOPE, NOON, OASIS, altered, opened, sealed
from zeep.wsse import UsernameToken

from meterpost.wsse import UNDERSTOOD, Identity, Reason, seal
from meterpost.wsse.dialects import NAMESPACES
from meterpost_wsdl import xmlio

DRAFT_WSSE, _ = NAMESPACES["2002/07"]
OASIS_WSSE, OASIS_WSU = NAMESPACES["2004/01"]
STAMP = "<u:Timestamp><u:Created>2026-11-20T12:00:00Z</u:Created></u:Timestamp>"
BESIDE = (f'<w:Security s:mustUnderstand="1">{STAMP}', f'{STAMP}<w:Security s:mustUnderstand="1">')
INSIDE = (BESIDE[1], BESIDE[0])


def message_of(wsse_date: str, wsu_date: str, beside: bool) -> bytes:
    """A message in the pair of namespaces of these dates, with its Timestamp beside Security or in it."""
    policy = OASIS if wsse_date == "2004/01" else DRAFT
    message = altered(
        sealed(policy),
        (f'"{policy.dialect.wsse}"', f'"{NAMESPACES[wsse_date][0]}"'),
        (f'"{policy.dialect.wsu}"', f'"{NAMESPACES[wsu_date][1]}"'),
    )
    if beside == policy.dialect.timestamp_beside:
        return message
    return altered(message, BESIDE if beside else INSIDE)


@pytest.mark.parametrize("beside", [True, False], ids=["beside", "inside"])
@pytest.mark.parametrize(("wsse_date", "wsu_date"), list(product(NAMESPACES, NAMESPACES)))
def test_every_pair_of_namespaces_opens_and_is_answered_in_kind(wsse_date, wsu_date, beside):
    verdict = opened(message_of(wsse_date, wsu_date, beside))
    assert verdict.ok, verdict.reasons
    assert verdict.reply_policy.name == ("digest-2004" if wsse_date == "2004/01" else "digest-2002")
    assert (verdict.dialect.wsse, verdict.dialect.wsu) == (NAMESPACES[wsse_date][0], NAMESPACES[wsu_date][1])

    reply = seal(ENVELOPE, verdict.reply_policy, Identity(ACCOUNT), NOON, bytes(16))
    answer = opened(reply)
    assert answer.ok, answer.reasons
    assert answer.dialect == verdict.dialect
    header = xmlio.parse(reply)[0]
    assert header[0].tag.endswith("Timestamp") == beside


def test_the_pairs_we_write_are_the_draft_of_july_2002_and_the_standard():
    assert (DRAFT.dialect.wsse, DRAFT.dialect.wsu) == (
        "http://schemas.xmlsoap.org/ws/2002/07/secext",
        "http://schemas.xmlsoap.org/ws/2002/07/utility",
    )
    assert OASIS.dialect.wsse.startswith("http://docs.oasis-open.org/wss/2004/01/")


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([('Type="w:', 'xmlns:q="' + DRAFT_WSSE + '" Type="q:')], id="the value's own prefix"),
        pytest.param([('Type="w:', f'xmlns="{DRAFT_WSSE}" Type="')], id="the default namespace"),
        pytest.param([("<w:Nonce>", '<w:Nonce EncodingType="w:Base64Binary">')], id="encoding written out"),
        pytest.param(
            [("12:00:00Z</u:Created></u:T", '12:00:00Z</u:Created><u:Received Actor="urn:x" Delay="1"/></u:T')], id="trace"
        ),
        pytest.param([("<u:Created>", '<u:Created ValueType="xsd:dateTime">')], id="ValueType"),
    ],
)
def test_a_draft_means_the_same_in_other_letters(edits):
    verdict = opened(altered(sealed(DRAFT), *edits))
    assert verdict.ok, verdict.reasons


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param(
            [('Type="http://docs.', 'Type="http://www.docs.'), ('Type="http://docs.', 'Type="http://www.docs.')], id="www"
        ),
        pytest.param([("12:00:00Z</u:Created></u:T", "12:00:00.999999999Z</u:Created></u:T")], id="fractions"),
        pytest.param([("12:00:00Z</u:Created></u:T", "12:00:00+00:00</u:Created></u:T")], id="Z as an offset"),
        pytest.param(
            [("12:00:00Z</u:Created></u:T", "12:00:00Z</u:Created><u:Expires>2026-11-20T12:05:00Z</u:Expires></u:T")],
            id="Expires",
        ),
        pytest.param([("<w:Security ", '<w:Security s:actor="http://schemas.xmlsoap.org/soap/actor/next" ')], id="next actor"),
        pytest.param(
            [("<s:Header>", f'<s:Header><w:Security s:actor="urn:else" xmlns:w="{OASIS_WSSE}"/>')], id="another's header"
        ),
        pytest.param([("<s:Header>", '<s:Header><r:path xmlns:r="http://schemas.xmlsoap.org/rp"/>')], id="another block"),
        pytest.param([("<w:UsernameToken>", '<w:UsernameToken u:Id="t">')], id="an Id"),
        pytest.param([("<w:Username>", "\n  <!-- a comment --><w:Username>")], id="white space between"),
    ],
)
def test_the_standard_means_the_same_in_other_letters(edits):
    verdict = opened(altered(sealed(OASIS), *edits))
    assert verdict.ok, verdict.reasons


def test_any_prefix_will_do():
    message = sealed(DRAFT).replace(b":w=", b":wsse=").replace(b"w:", b"wsse:")
    assert b"<wsse:Security" in message
    assert opened(message).ok


@pytest.mark.parametrize("zulu", [True, False])
def test_a_message_of_stock_zeep_opens(zulu):
    stamp = etree.Element(f"{{{OASIS_WSU}}}Timestamp")
    etree.SubElement(stamp, f"{{{OASIS_WSU}}}Created").text = "2026-11-20T12:00:00Z"
    token = UsernameToken(
        ACCOUNT.username, ACCOUNT.password, use_digest=True, created=NOON, timestamp_token=stamp, zulu_timestamp=zulu
    )
    envelope, _ = token.apply(xmlio.parse(ENVELOPE), {})
    verdict = opened(etree.tostring(envelope))
    assert verdict.ok, verdict.reasons
    assert verdict.reply_policy == OASIS


def test_the_header_blocks_a_guard_may_take_for_understood():
    assert len(UNDERSTOOD) == 10
    for policy in (DRAFT, OASIS):
        blocks = {block.tag for block in xmlio.parse(sealed(policy))[0]}
        assert blocks <= UNDERSTOOD


def test_prefix_text_decides_nothing():
    message = altered(sealed(DRAFT), ('Type="w:', 'xmlns:wsse="urn:elsewhere" Type="wsse:'))
    assert opened(message).reason is Reason.DIGEST_REQUIRED
