"""A script stack registers a key of its own with its password, is given a certificate, and signs from then on."""

import base64
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from interop_claims import Known, known
from interop_keys import of_kind
from interop_meeting import CLIENT, Pairs, connect
from interop_peers import Fault, Peer

from meterpost_stub import StubServer

SIGNED = next(
    row for row in known() if (row.stack, row.theirs, row.policy, row.key) == ("node-soap", "client", "signed", "p256")
)
ENROLS = Known(stack="node-soap", theirs="client", policy="digest-2004", options={"passwordType": "PasswordDigest"})
OTHER = "0a1b2c3d-0000-4000-8000-00000000000d"


def test_a_script_registers_its_key_and_signs(peer: Callable[[str], Peer], stub: StubServer, pairs: Pairs, tmp_path: Path):
    theirs, key = peer("node-soap"), tmp_path / "own.key"
    connect(theirs, ENROLS, stub, pairs, tmp_path)
    made = theirs.ask("key", client=CLIENT, file=str(key))
    reply = theirs.call("RegisterProxy", client=CLIENT, name="n", os="o", version="1", **made)
    given: dict[str, Path] = {}
    for whose in ("client", "server"):
        der = [base64.b64decode(one["der"]) for one in reply["Certificate"] if one["of"] == whose]
        given[whose] = tmp_path / f"{whose}.pem"
        given[whose].write_text("".join(map(ssl.DER_cert_to_PEM_cert, der)), "ascii")
    own = {
        "sign_key": str(key),
        "sign_certificate": str(given["client"]),
        "server_certificate": of_kind(given["server"], "p256", tmp_path),
    }
    connect(theirs, SIGNED, stub, pairs, tmp_path, **own)
    assert theirs.call("SyncProxy", client=CLIENT, version="1")["time"]
    assert theirs.proofs[-1].startswith("ecdsa-sha256")
    with pytest.raises(Fault, match="SecurityTokenUnavailable"):  # the key is this client's, not the account's
        theirs.call("SyncProxy", client=OTHER, version="1")


def test_a_proof_that_is_none_registers_nothing(peer: Callable[[str], Peer], stub: StubServer, pairs: Pairs, tmp_path: Path):
    theirs = peer("node-soap")
    connect(theirs, ENROLS, stub, pairs, tmp_path)
    made = theirs.ask("key", client=OTHER, file=str(tmp_path / "own.key"))
    with pytest.raises(Fault):
        theirs.call("RegisterProxy", client=CLIENT, name="n", os="o", version="1", **made)
    assert "key-refused" in stub.journal()[-1].outcome
    assert stub.state()["proxies"] == []
