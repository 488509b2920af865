"""A key of one's own, and its proof, held against the contract."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from keys_lab import CLIENT, proves

from meterpost.errors import StoreError
from meterpost.keys import making
from meterpost.lifecycle import messages as m
from meterpost.soap import Codec


def test_a_key_is_p256_and_another_one_each_time() -> None:
    first, second = making.make(), making.make()
    key = load_pem_private_key(first, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert making.name(first) != making.name(second)


@given(st.integers(1, 2**250))
@settings(max_examples=50, deadline=None)
def test_the_proof_is_of_the_contract_whatever_the_numbers(seed: int) -> None:
    """Coordinates, r and s that begin with zeros have their full length all the same."""
    private = making.pem(ec.derive_private_key(seed, ec.SECP256R1()))
    key, proof = making.offer(private, CLIENT)
    assert proves(key, proof)
    Codec().encode(m.RegisterProxy(CLIENT, "", "", "1", key, proof))


def test_a_proof_is_of_one_client_and_one_key() -> None:
    key, proof = making.offer(making.make(), CLIENT)
    other, _ = making.offer(making.make(), CLIENT)
    assert not proves(key, proof, CLIENT.replace("6", "7"))
    assert not proves(other, proof)


@pytest.mark.parametrize(
    "content", [b"", b"in the keyring\n", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_key_that_cannot_be_read(content: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        making.offer(content, CLIENT)
