"""`meterpost keys`: what is shown of keys and certificates, warned of, imported and renewed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from keys_lab import CLIENT, about, issue, key_of
from test_cli_docs import fields, paths

from meterpost.agent import Agent
from meterpost.keys import About, FileStore, Origin, making

NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "correct horse"
KEY = key_of("EC P-256", 1)


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


def pem(number: int = 1) -> bytes:
    return making.pem(key_of("EC P-256", number))


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that signs; no server is asked anything here."""
    config = tmp_path / "meterpost.toml"
    config.write_text('[security]\npolicy = "signed"\n')
    monkeypatch.setenv("METERPOST_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "80")
    return config


@pytest.fixture
def store(configured: Path) -> FileStore:
    """A key that ends in 300 days, the one before it, and one that waits; a server's certificate and its successor."""
    store = FileStore(configured.parent / "keys")
    store.add(about(2).key, Origin.MADE, pem(2), about(2, days(-300), days(12.5)))
    store.add(about(1).key, Origin.MADE, pem(1), about(1, days(-60), days(300.5)))
    store.add(about(3).key, Origin.MADE, pem(3))
    store.trust((about(50, days(-300), days(5.5)), about(51, days(-1), days(300.5))))
    return store


def private(path: Path, content: bytes) -> str:
    path.touch(0o600)
    path.write_bytes(content)
    return str(path)


# --- what is shown -----------------------------------------------------------------------------------------


def test_everything_that_matters_is_in_the_list(meterpost, store: FileStore, configured: Path) -> None:
    result = meterpost("keys")
    text = result.out
    assert result.code == 0
    heads = [line.split()[0] for line in text.splitlines() if line[:1].islower()]
    states = [head for head in heads if head in ("pending", "active", "superseded", "trusted")]
    assert states == ["pending", "active", *["superseded"] * 2, *["trusted"] * 2]
    current = store.holding().own
    for key in current:
        assert key.where in text.replace("\n              ", "")
        if key.certificate:
            assert key.certificate.fingerprint in text
            assert f"{key.certificate.end:%Y-%m-%d}, " in text
    assert "300 days left" in text
    assert "CN=Vendor CA" in text
    assert "the operating system's store" in text
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())


def test_no_private_key_is_shown(meterpost, store: FileStore) -> None:
    body = b"".join(pem().splitlines()[1:-1]).decode()
    for result in (meterpost("keys"), meterpost("keys", "--json"), meterpost("keys", "--verbose")):
        assert body[:40] not in result.out + result.err
        assert "PRIVATE" not in result.out + result.err


def test_the_fields(meterpost, store: FileStore) -> None:
    listed = meterpost("keys", "--json").json
    assert set(paths(listed)) == fields("keys, keys import")
    assert [(entry["use"], entry["state"], entry["days"]) for entry in listed][:-1] == [
        ("own key", "pending", None),
        ("own key", "active", 300),
        ("own key", "superseded", 12),
        ("server", "superseded", 5),
        ("server", "", 300),
    ]
    assert not any(entry["ends_soon"] for entry in listed)


def test_no_key_is_promised_where_one_cannot_be_read(meterpost, configured: Path) -> None:
    promise = "one is made and certified with the next registration"
    (configured.parent / "broken.pem").touch()
    configured.write_text('[security]\npolicy = "signed"\n[printers]\nca_file = "broken.pem"\n')
    assert promise in meterpost("keys").out.replace("\n", " ")
    store = FileStore(configured.parent / "keys")
    store.add(about(1).key, Origin.MADE, pem(), about(1, days(-60), days(300)))
    Path(store.holding().own[0].where).chmod(0o644)
    result = meterpost("keys")
    assert result.code == 1
    assert "chmod 600" in result.out.replace("\n", " ")
    assert promise not in result.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("until", "says"), [(30.1, ""), (29.9, "ends on"), (0.5, "ends on"), (-0.5, "")], ids=["31", "30", "last day", "over"]
)
def test_what_ends_within_30_days_is_warned_of(meterpost, configured: Path, until: float, says: str) -> None:
    store = FileStore(configured.parent / "keys")
    store.add(about(1).key, Origin.MADE, pem(), about(1, days(-60), days(until)))
    result = meterpost("keys")
    assert result.code == (1 if says else 0)
    assert (f"CN=key 1 {says} {days(until):%Y-%m-%d}." in result.out.replace("\n", " ")) == bool(says)


def test_a_server_certificate_that_ended_is_warned_of(meterpost, configured: Path) -> None:
    FileStore(configured.parent / "keys").trust((about(50, days(-300), days(-1)),))
    result = meterpost("keys")
    assert result.code == 1
    assert f"CN=key 50 ended on {days(-1):%Y-%m-%d}." in result.out.replace("\n", " ")


def test_files_of_certificates_are_listed_and_a_broken_one_is_said(meterpost, configured: Path) -> None:
    (configured.parent / "ca.pem").write_bytes(about(5, days(-1), days(99.5)).pem + about(6, days(-300), days(20)).pem)
    configured.write_text('[server]\nca_file = "ca.pem"\nclient_certificate = "ca.pem"\n[printers]\nca_file = "missing.pem"\n')
    result = meterpost("keys", "--json")
    assert result.code == 1
    assert [(entry["use"], entry["subject"], entry["ends_soon"]) for entry in result.json] == [
        ("tls client", "CN=key 5", False),
        ("tls client", "CN=key 6", True),
        ("tls ca", "CN=key 5", False),
        ("tls ca", "CN=key 6", True),
        ("printer ca", "", False),
    ]
    assert "printers.ca_file" in result.json[-1]["note"]
    assert "cannot be read" in meterpost("keys").out


def test_an_administrators_own_pair_and_server_certificates(meterpost, store: FileStore, configured: Path) -> None:
    own = about(7, days(-1), days(99.5))
    private(configured.parent / "own.pem", own.pem + pem(7))
    (configured.parent / "server.pem").write_bytes(about(8, days(-1), days(99.5)).pem)
    configured.write_text('[security]\npolicy = "signed"\ncertificate = "own.pem"\nserver_certificates = "server.pem"\n')
    listed = meterpost("keys", "--json").json
    assert [(e["subject"], e["state"]) for e in listed if e["use"] == "own key" and e["state"] == "active"] == [
        ("CN=key 7", "active")
    ]
    assert [e["subject"] for e in listed if e["use"] == "server"] == ["CN=key 8"]


def test_without_a_key_it_says_when_there_will_be_one(meterpost, configured: Path) -> None:
    assert "with the next registration or sync" in meterpost("keys").out
    configured.write_text("")
    assert "registration or sync" not in meterpost("keys").out
    assert not (configured.parent / "keys").exists()


def test_a_folder_that_others_may_enter(meterpost, store: FileStore, configured: Path) -> None:
    (configured.parent / "keys").chmod(0o755)
    result = meterpost("keys")
    assert result.code == 1
    assert "chmod 700" in result.out


def test_hostile_names_do_not_reach_the_terminal(meterpost, configured: Path) -> None:
    subject = "evil\x1b[31m\u202e"
    certificate = About.of(issue(KEY.public_key(), subject, days(-1), days(9)))
    FileStore(configured.parent / "keys").trust((certificate,))
    out = meterpost("keys").out
    assert "evil" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


# --- import ------------------------------------------------------------------------------------------------


def bundle(password: bytes | None) -> bytes:
    certificate = issue(KEY.public_key(), CLIENT, days(-1), days(99.5))
    encryption = BestAvailableEncryption(password) if password else None
    return pkcs12.serialize_key_and_certificates(b"site", KEY, certificate, None, encryption or NoEncryption())


def test_importing_a_pem_file(meterpost, configured: Path, tmp_path: Path) -> None:
    file = private(tmp_path / "pair.pem", pem() + about(1, days(-1), days(99.5)).pem)
    result = meterpost("keys", "import", file)
    assert result.code == 0, result.err
    assert "Imported: CN=key 1, EC P-256, until" in result.out
    (key,) = FileStore(configured.parent / "keys").holding().own
    assert key.origin is Origin.IMPORTED
    (entry,) = [entry for entry in meterpost("keys", "--json").json if entry["use"] == "own key"]
    assert (entry["state"], entry["note"]) == ("active", "imported")


def test_importing_two_files(meterpost, configured: Path, tmp_path: Path) -> None:
    (tmp_path / "certificate.pem").write_bytes(about(1, days(-1), days(99.5)).pem)
    key = private(tmp_path / "key.pem", pem())
    assert meterpost("keys", "import", str(tmp_path / "certificate.pem"), "--key", key, "--json").code == 0
    assert len(FileStore(configured.parent / "keys").holding().own) == 1


def test_importing_pkcs12_with_a_password_file(meterpost, configured: Path, tmp_path: Path) -> None:
    file = private(tmp_path / "pair.p12", bundle(PASSWORD.encode()))
    password = private(tmp_path / "password", PASSWORD.encode() + b"\n")
    assert meterpost("keys", "import", file).code == 2  # nobody to ask
    assert meterpost("keys", "import", file, "--password-file", password).code == 0
    (key,) = FileStore(configured.parent / "keys").holding().own
    assert key.certificate
    assert key.certificate.subject == f"CN={CLIENT}"


def test_importing_asks_a_person_for_the_password(
    meterpost, configured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = private(tmp_path / "pair.p12", bundle(PASSWORD.encode()))
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("meterpost.cli.keys.getpass", lambda prompt: (asked.append(prompt), PASSWORD)[1])
    assert meterpost("keys", "import", file).code == 0
    assert asked == [f"Password of {file}: "]


def test_a_wrong_password_is_said_and_not_shown(meterpost, configured: Path, tmp_path: Path) -> None:
    file = private(tmp_path / "pair.p12", bundle(PASSWORD.encode()))
    password = private(tmp_path / "password", b"hunter2")
    result = meterpost("keys", "import", file, "--password-file", password)
    assert result.code == 2
    assert "cannot be opened with this password" in result.err
    assert "hunter2" not in result.err
    assert not (configured.parent / "keys").exists()


def test_a_key_file_that_others_may_read(meterpost, configured: Path, tmp_path: Path) -> None:
    file = tmp_path / "pair.pem"
    file.write_bytes(pem() + about(1, days(-1), days(9)).pem)
    file.chmod(0o644)
    result = meterpost("keys", "import", str(file))
    assert result.code == 2
    assert "chmod 600" in result.err


@pytest.mark.parametrize("argv", [["import"], ["renew", "x.pem"], ["show", "x.pem"], ["sing"]], ids=str)
def test_usage(meterpost, configured: Path, argv: list[str]) -> None:
    assert meterpost("keys", *argv).code == 2


# --- renew -------------------------------------------------------------------------------------------------


def test_renewing_needs_a_registered_client(meterpost, configured: Path) -> None:
    result = meterpost("keys", "renew")
    assert result.code == 2
    assert "not registered yet" in result.err


@pytest.mark.parametrize("flags", [[], ["--released"]], ids=str)
def test_renewing(meterpost, config: Path, server, flags: list[str]) -> None:
    """Against the server, over TLS, by an administrator who changed to a policy that signs and does not wait for the sync."""
    meterpost("discover")
    meterpost("enrol", "--all")
    config.write_text(f'{config.read_text("utf-8")}\n[security]\npolicy = "signed"\n', "utf-8")
    store = FileStore(config.parent / "keys")
    first = meterpost("keys", "renew", "--json", *flags)
    assert first.code == 0, first.err
    assert [message["transaction"] for message in first.json["messages"]] == ["T1"]
    (key,) = store.holding().own
    assert key.certificate
    assert store.holding().server
    assert [e["state"] for e in meterpost("keys", "--json").json if e["use"] == "own key"] == ["active"]


def test_status_has_a_line_when_one_ends_soon(meterpost, configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(configured.parent / "keys")
    store.add(about(1).key, Origin.MADE, pem(), about(1, days(-60), days(31)))
    assert "Certificates" not in meterpost("status").out
    store.trust((about(50, days(-300), days(20)),))
    assert "Certificates" in meterpost("status").out
    assert meterpost("status", "--json").json["certificates_end"] == f"{days(20):%Y-%m-%dT%H:%M:%SZ}"
    store.certify(about(1).key, about(1, days(-1), days(15)))
    store.trust((about(50, days(-300), days(20)),))
    assert f"one ends {days(20).astimezone():%Y-%m-%d}" in meterpost("status").out, "the other has most of its life before it"
    monkeypatch.setattr(Agent, "needs_key", False)
    assert "Certificates" not in meterpost("status").out
