"""The page of docs/reference on message security: the policies, what each takes on the wire, who is known to accept it, which
algorithms are, and how refusals are told. Drawn from the tables in the code, from measurement, and from what the tests of
interoperability run (tests/interop/known.toml)."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from figures import ADDRESS, FULL_HEAD, USED, Figure, cases, kinds, measure
from longest import CONTENTS, REPLIES, transaction
from meterpost import wsse
from meterpost.wsse import Password, Place, Policy, derived, encryption
from meterpost.wsse.algorithms import ENVELOPED, EXCLUSIVE, REFUSED, SHA256, KeyKind
from meterpost.wsse.opening import __doc__ as order
from meterpost_wsdl.budgets import find

KNOWN = Path(__file__).parent / "interop" / "known.toml"
_KINDS = {"p256": "P-256", "rsa2048": "RSA-2048", "rsa": "RSA-2048", "": ""}
_OWN_ADDRESS = len(ADDRESS.removeprefix("https://"))
_OWN_HEAD = FULL_HEAD - measure("T4", 1, "plain", "digest-2004", "").longer_head


def page() -> str:
    parts = [_HEAD, table(_SUMMARY, _summary()), _NOTES]
    for policy in wsse.POLICIES.values():
        parts += [f"## {policy.name}\n\n{policy.proves}\n", table(("", ""), _made_of(policy))]
        if policy.name in USED:
            parts += [table(*_octets(policy.name)), *_stacks(policy.name)]
    parts += ["## Algorithms\n\nAccepted, everywhere and for the key named; whatever is not here is refused.\n"]
    parts += [table(("for", "algorithm", "goes with"), _accepted())]
    parts += ["Refused by name, so that the journal says why:\n", table(("algorithm", "because"), _refused())]
    parts += [_REFUSALS, table(("reason", "fault", "what the peer is told"), _faults())]
    return "\n".join(parts)


def table(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n" for cells in lines)


_HEAD = f"""\
# Message security

A policy says how messages are sealed: `security.policy` in the configuration names the one a client uses, and a receiver names
those it accepts.

What is counted here are the longest messages: every field at its limit, filled with what takes most of {len(CONTENTS)} contents
(plain text, ampersands, quotes, CJK, emoji, random characters). Octets are those of the HTTP message, head included, as the
client sends it to the reference server and as that answers: the address (host, port and path) has {_OWN_ADDRESS} octets, the
response head {_OWN_HEAD}. Of a compressed message it is the most that the random octets in it may make of it.
"""
_SUMMARY = ("policy", "key", "travels", "formulas kept to", "least room", "longest address")
_NOTES = """\
The least room is that of the tightest message. What is over leaves the client when its texts are shorter; when they are not,
the client says so and sends nothing. An address stands in every request's head: with the longest one all requests still fit.
Of T4 and T6 the room is what another server's response head may be longer.
"""
_REFUSALS = f"""\
## Refusals

{(order or "").partition(chr(10))[0]} The first thing that is wrong is the reason, which is
for the journal. The peer is told the fault, with a detail where that says nothing of users and keys.
"""


# --- what a policy is made of ----------------------------------------------------------------------------


def _made_of(policy: Policy) -> Iterator[tuple[str, str]]:
    yield "namespaces", "the drafts' (2002/07); Timestamp beside the Security header" if policy.dialect.draft else "OASIS 2004"
    yield "in the header", ", ".join(_parts(policy))
    if policy.covers:
        yield "signed", ", ".join(policy.covers)
        yield "signature", ", ".join(_methods(policy))
    if policy.encrypted:
        yield "encrypted", "the Body's content, AES-256-GCM; its key RSA-OAEP for the receiver; before it is signed"
        yield "at most", f"{encryption.LONGEST:,} octets of content in one message".replace(",", " ")
    yield "travels", "in gzip, both ways" if policy.compressed else "as it is"
    if policy.reply != policy.name:
        yield "replies", f"`{policy.reply}`"
    if policy.enrols_with:
        yield "enrols with", f"`{policy.enrols_with}`, while the client has no key"


def _parts(policy: Policy) -> Iterator[str]:
    yield "Timestamp"
    if policy.password is Password.DIGEST:
        yield "UsernameToken (PasswordDigest, Nonce, Created)"
    elif policy.password is Password.TEXT:
        yield "UsernameToken (PasswordText)"
    elif policy.password is Password.DERIVED:
        yield f"UsernameToken (Salt, Iteration: {derived.ITERATIONS})"
    if policy.covers:
        yield "Signature"
    if policy.encrypted:
        yield "EncryptedKey; in replies a ReferenceList"


def _methods(policy: Policy) -> Iterator[str]:
    if policy.password is Password.DERIVED:
        yield "HMAC-SHA256 with the derived key; KeyInfo refers to the UsernameToken"
    else:
        yield "ECDSA P-256 or RSA (2048 bits or more) with SHA-256"
        yield "no KeyInfo" if Place.ENVELOPE in policy.covers else "key named by issuer and serial number"


# --- octets ----------------------------------------------------------------------------------------------


@cache
def _worst(case: str, devices: int, policy: str, kind: str) -> Figure:
    """The most of each figure, whatever the content."""
    of = [measure(case, devices, content, policy, kind) for content in CONTENTS]
    envelope, plain, coded = (max(getattr(figure, name) for figure in of) for name in ("envelope", "plain", "coded"))
    return Figure(envelope, plain, coded, of[0].compressed, of[0].longer_head)


def _room(case: str, devices: int, policy: str, kind: str) -> int:
    return find(transaction(case)).limit(devices) - _worst(case, devices, policy, kind).sent


def _rows(policy: str, kind: str) -> Iterator[tuple[str, int]]:
    """Each case with the x in which it is tightest, and T4 with a device as well."""
    for case in cases(policy, kind):
        budget = find(transaction(case))
        if case != "T6":
            yield case, budget.minimum_devices
        if case in REPLIES:
            yield case, 1


def _summary() -> Iterator[tuple[str, ...]]:
    for policy in USED:
        for kind in kinds(policy):
            rooms = {(case, x): _room(case, x, policy, kind) for case, x in _rows(policy, kind)}
            over = dict.fromkeys(transaction(case) for (case, _), room in rooms.items() if room < 0)
            tightest = min(rooms, key=lambda row: rooms[row])
            requests = min(room for (case, _), room in rooms.items() if case not in REPLIES)
            yield (
                f"[`{policy}`](#{policy.replace('+', '')})",
                _KINDS[kind],
                "gzip" if wsse.POLICIES[policy].compressed else "plain",
                f"all but {', '.join(over)}" if over else "all",
                f"{_signed(rooms[tightest])} ({tightest[0]})",
                "" if requests < 0 else str(_OWN_ADDRESS + requests),
            )


def _octets(policy: str) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    first, *others = kinds(policy)
    columns = ("", "x", "formula", "envelope", "HTTP, plain", "HTTP, gzip", "room as sent", "a further device", "of")
    return (*columns, *(f"room, {_KINDS[kind]}" for kind in others)), _lines(policy, first, others)


def _lines(policy: str, first: str, others: list[str]) -> Iterator[tuple[str, ...]]:
    for case, x in _rows(policy, first):
        budget = find(transaction(case))
        figure = _worst(case, x, policy, first)
        sloping = bool(budget.per_device and x)
        yield (
            case,
            str(x) if budget.per_device else "",
            str(budget.limit(x)),
            str(figure.envelope),
            str(figure.plain),
            str(figure.coded),
            _signed(_room(case, x, policy, first)),
            str(_slope(case, policy, first)) if sloping else "",
            str(budget.per_device) if sloping else "",
            *(_signed(_room(case, x, policy, kind)) if case in cases(policy, kind) else "" for kind in others),
        )


def _slope(case: str, policy: str, kind: str) -> int:
    """Octets that each of 99 further devices adds, at most, with the content that is longest as it is sent."""
    content = "noise" if wsse.POLICIES[policy].compressed else "plain"
    one, hundred = (measure(case, x, content, policy, kind).sent for x in (1, 100))
    return ceil((hundred - one) / 99)


def _signed(room: int) -> str:
    return f"+{room}" if room >= 0 else f"**{-room} over**"


# --- other people's stacks -------------------------------------------------------------------------------


def _stacks(policy: str) -> list[str]:
    known = tomllib.loads(KNOWN.read_text("utf-8"))
    rows = [row for row in known["known"] if row["policy"] == policy]
    if not rows:
        return ["No stack of other people's is known to speak it.\n"]
    columns = ("stack", "theirs is the", "key", "what one has to set there, and know")
    return [table(columns, (_stack(row, known["stack"][row["stack"]]) for row in rows))]


def _stack(row: Mapping[str, Any], stack: Mapping[str, str]) -> tuple[str, ...]:
    options = {**row.get("options", {}), **row.get("reply_options", {})}
    said = [row.get("note", ""), ", ".join(f"`{name} = {json.dumps(value)}`" for name, value in options.items())]
    if row.get("over_budget"):
        said.append("The client's messages are over their formulas, and sent only where that is lifted.")
    key = _KINDS.get(row.get("key", ""), row.get("key", ""))
    return f"{row['stack']} {stack['version']} ({stack['language']})", row["theirs"], key, " ".join(filter(None, said))


# --- algorithms and refusals -----------------------------------------------------------------------------


def _accepted() -> Iterator[tuple[str, str, str]]:
    yield "canonicalisation", f"`{EXCLUSIVE}`", "every signature, every part"
    yield "transform", f"`{ENVELOPED}`", "a reference to the whole envelope, before canonicalisation"
    yield "digest of a part", f"`{SHA256}`", "every reference"
    goes = {KeyKind.P256: "P-256", KeyKind.RSA: "RSA of 2048 bits or more", KeyKind.SECRET: "the key derived from the password"}
    for kind in KeyKind:
        yield "signature", f"`{kind.value}`", goes[kind]
    for uri, octets in encryption.CIPHERS.items():
        yield "encryption", f"`{uri}`", f"the Body's content, a key of {octets} octets"
    for uri, parameters in encryption.TRANSPORTS.items():
        names = (parameter.rpartition("}")[2] for parameter in parameters)
        yield "key transport", f"`{uri}`", f"RSA of 2048 bits or more; {', '.join(names)} may say SHA-1 or SHA-256"
    yield "password digest", "SHA-1 over nonce, time and password", "UsernameToken Profile 1.0, which knows no other"
    yield "derived key", f"SHA-1, {derived.ACCEPTED[0]} to {derived.ACCEPTED[-1]} times", "UsernameToken Profile 1.1, as above"


def _refused() -> Iterator[tuple[str, str]]:
    yield from ((f"`{uri}`", why) for uri, why in REFUSED.items())


def _faults() -> Iterator[tuple[str, str, str]]:
    yield from ((f"`{reason}`", f"`{code}`", sentence) for reason, (code, sentence) in wsse.FAULTS.items())
