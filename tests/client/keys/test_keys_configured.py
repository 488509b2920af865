"""An administrator's own pair and the server's certificates, named in the configuration, go before what the store has."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from keys_lab import CLIENT, NOW, Vendor, about, days, key_of, on_the_wire

from meterpost.errors import SettingsError
from meterpost.keys import FileStore, Keys, Origin, Step, making, open_keys
from meterpost.lifecycle.messages import Holder
from meterpost.settings import Secret, SecuritySettings

PLAIN = SecuritySettings(policy="signed")
OWN = replace(PLAIN, certificate="own.pem")


def private(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    private(tmp_path / "own.pem", making.pem(key_of("EC P-256", 7)) + about(7, days(-1), days(99)).pem)
    (tmp_path / "server.pem").write_bytes(about(8).pem + about(9).pem)
    keys = open_keys(PLAIN, tmp_path)
    offer = keys.offer(keys.due(NOW), CLIENT)
    assert offer
    keys.certified(Vendor().answer(*offer, NOW))
    return tmp_path


def test_the_store_is_beside_the_configuration(site: Path) -> None:
    keys = open_keys(PLAIN, site)
    pair = keys.identity(NOW)
    assert pair
    assert pair.private_key == FileStore(site / "keys").private_key(keys.holding().own[0].name)
    assert keys.identity(days(366)) is None
    assert keys.server_certificates() == (Vendor().server().pem,)


def test_an_own_pair_signs_and_is_never_renewed(site: Path) -> None:
    keys = open_keys(OWN, site)
    pair = keys.identity(NOW)
    assert pair
    assert pair.certificate == about(7, days(-1), days(99)).pem
    assert making.name(pair.private_key) == about(7).key
    for force in (False, True):
        told = keys.due(days(98), force=force)
        assert (told.step, "administrator" in told.why) == (Step.NOTHING, True)
    assert keys.offer(keys.due(days(98)), CLIENT) is None


def test_an_own_pair_that_ended_is_an_error_and_not_another_key(site: Path) -> None:
    with pytest.raises(SettingsError, match=r"security.certificate: the certificate ended on"):
        open_keys(OWN, site).identity(days(100))


def test_an_own_pair_in_two_files_with_a_password(site: Path) -> None:
    (site / "own.crt").write_bytes(about(7, days(-1), days(99)).pem)
    encrypted = key_of("EC P-256", 7).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    private(site / "own.key", encrypted)
    private(site / "password", b"secret\n")
    named = replace(PLAIN, certificate="own.crt", key="own.key", key_password=Secret(file="password"))
    pair = open_keys(named, site).identity(NOW)
    assert pair
    assert making.name(pair.private_key) == about(7).key


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_the_file_with_the_key_is_its_owners_alone(site: Path, mode: int) -> None:
    (site / "own.pem").chmod(mode)
    with pytest.raises(SettingsError, match="others may read the key file") as caught:
        open_keys(OWN, site).identity(NOW)
    assert "chmod 600" in caught.value.advice


def test_a_named_file_may_be_a_link_as_other_programs_lay_them_out(site: Path) -> None:
    (site / "own.pem").rename(site / "own-2026.pem")
    (site / "own.pem").symlink_to("own-2026.pem")
    assert open_keys(OWN, site).identity(NOW)


@pytest.mark.parametrize(("named", "says"), [("missing.pem", "cannot be read"), ("keys", "is not a file")])
def test_a_file_that_cannot_be_read(site: Path, named: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        open_keys(replace(PLAIN, certificate=named), site).identity(NOW)


def test_the_servers_certificates_from_a_file_are_the_only_ones(site: Path) -> None:
    FileStore(site / "keys").trust(())
    keys = open_keys(replace(PLAIN, server_certificates="server.pem"), site)
    assert keys.server_certificates() == (about(8).pem, about(9).pem)
    assert keys.due(days(1)).step is Step.NOTHING
    keys.certified((on_the_wire(about(10), Holder.SERVER),))
    assert keys.server_certificates() == (about(8).pem, about(9).pem)


@pytest.mark.parametrize("content", [b"", b"none", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificates(site: Path, content: bytes) -> None:
    (site / "server.pem").write_bytes(content)
    with pytest.raises(SettingsError, match=r"security.server_certificates: .* does not hold certificates"):
        open_keys(replace(PLAIN, server_certificates="server.pem"), site).server_certificates()


def test_what_is_imported_counts_before_what_was_made(site: Path) -> None:
    keys = open_keys(PLAIN, site)
    before = keys.identity(NOW)
    about_it = keys.bring(site / "own.pem", None, None, NOW)
    pair = keys.identity(NOW)
    assert pair
    assert (pair.certificate, pair == before) == (about_it.pem, False)
    assert [key.origin for key in keys.holding().own if key.name == about_it.key] == [Origin.IMPORTED]
    assert keys.give_up() == 2
    assert keys.identity(NOW) is None


def test_a_certificate_for_an_imported_key_is_not_the_servers_to_give(site: Path) -> None:
    keys = open_keys(PLAIN, site)
    keys.bring(site / "own.pem", None, None, NOW)
    (wrong,) = keys.certified((on_the_wire(about(7, days(-1), days(999)), Holder.CLIENT),))
    assert "not this client's" in wrong
    assert keys.identity(days(98))
    assert keys.identity(days(100)) != keys.identity(NOW)


def test_an_answer_without_server_certificates_takes_none_away(site: Path) -> None:
    keys: Keys = open_keys(PLAIN, site)
    before = keys.server_certificates()
    assert keys.certified(()) == ()
    assert keys.server_certificates() == before
