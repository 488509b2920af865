"""The configuration file: strict, clear about what is wrong, and without secrets in it."""

import os
import re
from pathlib import Path

import pytest

from meterpost import settings
from meterpost.errors import SettingsError
from meterpost.settings import Secret


def load(tmp_path: Path, text: str) -> settings.Settings:
    path = tmp_path / "meterpost.toml"
    path.write_text(text, "utf-8")
    return settings.load(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[server]\nur = "https://a/b"', "unknown setting 'server.ur' .*Did you mean 'url'"),
        ("[sever]", "unknown setting 'sever' .*Did you mean 'server'"),
        ("[schedule]\nquux = 1", "Known here: daily_time, jitter_minutes, read_every_minutes"),
        ('[server]\nurl = "http://a/b"', "server.url: 'http://a/b' is not an https address .*TLS"),
        ('[server]\nhttp_proxy = "http://me:secret@proxy:8080"', "must not contain credentials"),
        ('[server]\nurl = "https://me:secret@host/mp"', "server.url must not contain credentials"),
        ('[store]\nurl = "postgresql://me:hunter2@host/db"', "store.url must not contain a password"),
        ('[account]\npassword = { file = "" }', "name one of file, env, keyring"),
        ('[account]\npassword = { env = "" }', "name one of file, env, keyring"),
        ('[account]\npassword = "hunter2"', "account.password: a secret does not belong in this file"),
        ('[account]\npassword = { file = "a", env = "B" }', "account.password: name one of file, env, keyring"),
        ("[account]\npassword = {}", "name one of file, env, keyring"),
        ('[schedule]\ndaily_time = "24:00"', "schedule.daily_time: '24:00' is not HH:MM"),
        ("[schedule]\nread_every_minutes = 1", "schedule.read_every_minutes: 1 is not between 15 and 1440"),
        ("[snmp]\nport = 0", "snmp.port: 0 is not between"),
        ('[snmp]\nversions = ["3"]', "snmp.versions: '3'"),
        ("[snmp]\nretries = true", "snmp.retries: True is not a int"),
        ("[snmp]\ntimeout_s = nan", "snmp.timeout_s"),
        ('[snmp]\ncommunities = "public"', "snmp.communities: a list is expected"),
        ('[[snmp.users]]\nname = "x"', "snmp.users.auth_password is missing"),
        ('[security]\nkey_store = "safe"', "security.key_store: 'safe' is not one of files, keyring"),
        ('[security]\nkey = "own.key"', "security.key is set, and security.certificate is not"),
        ('[security]\nkey_password = "hunter2"', "security.key_password: a secret does not belong in this file"),
        ('[security]\naccept = "signed"', "security.accept: a list is expected"),
        ("snmp = 3", "snmp: a table is expected"),
        ("[server", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert re.search(says, f"{caught.value} {caught.value.advice}")
    assert "hunter2" not in f"{caught.value} {caught.value.advice}"
    assert "me:secret" not in f"{caught.value} {caught.value.advice}"


def test_a_missing_file_leads_to_the_wizard(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no configuration file") as caught:
        settings.load(tmp_path / "nothing.toml")
    assert "wizard" in caught.value.advice


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    loaded = load(tmp_path, "")
    assert loaded == settings.Settings(base=tmp_path)
    assert (loaded.schedule.read_every_minutes, loaded.snmp.versions) == (120, ("2c", "1"))


def test_users_and_whole_numbers_for_seconds(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        '[snmp]\ntimeout_s = 3\n[[snmp.users]]\nname = "m"\nauth_password = { env = "A" }\npriv_password = { file = "p" }\n',
    )
    assert loaded.snmp.timeout_s == 3.0
    assert loaded.snmp.users[0].priv_password == Secret(file="p")


def test_keys_and_what_replies_may_follow(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        '[security]\npolicy = "signed"\naccept = ["signed", "hmac"]\ncertificate = "a.p12"\nkey_password = { env = "P" }\n'
        'server_certificates = "s.pem"\nkey_store = "keyring"\n',
    ).security
    assert (loaded.accept, loaded.certificate, loaded.key_password) == (("signed", "hmac"), "a.p12", Secret(env="P"))
    assert (loaded.server_certificates, loaded.key_store) == ("s.pem", "keyring")


def test_a_secret_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("hunter2\n", "utf-8")
    path.chmod(0o600)
    assert Secret(file="password").resolve(tmp_path) == "hunter2"
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(SettingsError, match="others may read") as caught:
            Secret(file="password").resolve(tmp_path)
        assert "chmod 600" in caught.value.advice
        assert "hunter2" not in str(caught.value)
    path.chmod(0o600)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        Secret(file="password").resolve(tmp_path)
    path.unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        Secret(file="password").resolve(tmp_path)
    with pytest.raises(SettingsError, match="is not a file"):
        Secret(file=".").resolve(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch(0o600)
    os.chown(path, 12345, 12345)
    with pytest.raises(SettingsError, match="belongs to another account"):
        Secret(file="password").resolve(tmp_path)


def test_a_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERPOST_TEST_SECRET", "hunter2")
    assert Secret(env="METERPOST_TEST_SECRET").resolve(Path()) == "hunter2"
    monkeypatch.delenv("METERPOST_TEST_SECRET")
    with pytest.raises(SettingsError, match="is not set"):
        Secret(env="METERPOST_TEST_SECRET").resolve(Path())


def test_a_secret_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    held = {("meterpost", "site"): "hunter2"}
    monkeypatch.setitem(
        sys.modules, "keyring", types.SimpleNamespace(get_password=lambda service, user: held.get((service, user)))
    )
    assert Secret(keyring="meterpost/site").resolve(Path()) == "hunter2"
    with pytest.raises(SettingsError, match="no entry 'meterpost/other'"):
        Secret(keyring="meterpost/other").resolve(Path())
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match="extra is not installed"):
        Secret(keyring="meterpost/site").resolve(Path())
