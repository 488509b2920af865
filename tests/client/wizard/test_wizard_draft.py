"""The configuration file is replaced whole or not at all, secrets belong to their owner, and what nobody changed stays."""

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost import settings
from meterpost.errors import SettingsError
from meterpost.settings import Secret
from meterpost.wizard import questions as q
from meterpost.wizard.draft import Draft
from meterpost.wizard.questions import QUESTIONS, Kind

WRITTEN = b"""# ask Ms Weber before you change this\r
[snmp]
retries = 2   # the old Kyocera
communities = ["public"]

[server]
url = 'https://meters.example.com/mp'
"""

RIGHT = {
    q.URL.key: "https://host/path?a=b#c",
    q.DAILY_TIME.key: "23:59",
    q.HTTP_PROXY.key: "none",
    q.POLICY.key: "signed",
}
"""Of what is not any text."""

texts = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20)
answers = st.fixed_dictionaries(
    {},
    optional={
        question.key: st.lists(texts, min_size=1, max_size=3) if question.kind is Kind.LIST else texts
        for question in QUESTIONS
        if question.setting and question.kind is not Kind.SECRET and question.key not in RIGHT
    }
    | {key: st.just(answer) for key, answer in RIGHT.items()},
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "site" / "meterpost.toml"
    path.parent.mkdir()
    path.write_bytes(WRITTEN)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def listed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@given(answers, answers)
def test_any_answers_come_back_from_the_file(first: dict[str, str | list[str]], second: dict[str, str | list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "meterpost.toml"
        for given_answers in (first, second):
            with Draft(path) as draft:
                for key, value in given_answers.items():
                    draft.set(key, value)
                draft.save()
                written = path.read_bytes() if path.exists() else b""
                assert draft.save() is False
        kept = settings.load(path) if path.exists() else settings.Settings()
        for key, value in (first | second).items():
            section, name = key.split(".")
            assert getattr(getattr(kept, section), name) == (tuple(value) if isinstance(value, list) else value)
        with Draft(path) as draft:
            for key, value in (first | second).items():
                draft.set(key, value)
            assert draft.save() is False
        assert (path.read_bytes() if path.exists() else b"") == written


def test_only_what_changes_changes(config: Path) -> None:
    with Draft(config) as draft:
        draft.set("server.url", "https://other.example.com/")
        draft.set("discovery.targets", ["10.1.2.0/24"])
        assert draft.save()
    changed = config.read_bytes()
    assert changed.startswith(WRITTEN.replace(b"'https://meters.example.com/mp'", b'"https://other.example.com/"'))
    assert changed[len(WRITTEN) - 3 :].strip() == b'[discovery]\ntargets = ["10.1.2.0/24"]'


def test_what_counts_already_is_not_written(config: Path) -> None:
    with Draft(config) as draft:
        draft.set("server.url", "https://meters.example.com/mp")
        draft.set("snmp.communities", ["public"])
        draft.set("schedule.daily_time", "02:30")  # the default
        draft.set("discovery.exclude", [])
        draft.set("server.ca_file", "")
        assert draft.save() is False
    assert config.read_bytes() == WRITTEN


def test_an_empty_answer_takes_the_setting_out(config: Path) -> None:
    with Draft(config) as draft:
        draft.set("discovery.exclude", ["10.1.2.1"])
        draft.save()
        draft.set("discovery.exclude", [])
        draft.save()
    assert settings.load(config).discovery.exclude == ()


@pytest.mark.parametrize(
    "text", ["[server\n", "[serve]\n", "server = 5\n", "[server]\nurl = 5\n", "[account]\npassword = 'word'\n"]
)
def test_a_file_that_is_no_configuration(config: Path, text: str) -> None:
    config.write_text(text, "utf-8")
    with pytest.raises(SettingsError):
        Draft(config)
    assert config.read_text("utf-8") == text


# --- whole or not at all ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_on_the_way_leaves_the_old_file_with_its_old_secret(
    config: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with Draft(config) as draft:
        draft.set_secret("account.password", "old word")
        draft.save()
    before, files = config.read_bytes(), listed(config.parent)

    class PowerCut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    draft = Draft(config)  # not a context manager here: a power cut cleans nothing up
    draft.set_secret("account.password", "new word")
    draft.set("server.url", "https://other.example.com/")
    with monkeypatch.context() as patched:
        patched.setattr(*((os, "fsync", cut) if step == "fsync" else (Path, "replace", cut)))
        with pytest.raises(PowerCut):
            draft.save()
    assert config.read_bytes() == before
    assert files <= listed(config.parent)
    secret = settings.load(config).account.password
    assert secret is not None
    assert secret.resolve(config.parent) == "old word"


def test_a_full_disk_leaves_nothing_behind(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with Draft(config) as draft:
        draft.set("server.url", "https://other.example.com/")
        with pytest.raises(SettingsError, match="No space left"):
            draft.save()
        with pytest.raises(SettingsError, match="No space left"):
            draft.set_secret("account.password", "word")
    assert listed(config.parent) == {"meterpost.toml"}
    assert config.read_bytes() == WRITTEN


def test_a_folder_nobody_can_make(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Draft(tmp_path / "file" / "meterpost.toml") as draft, pytest.raises(SettingsError, match="cannot be written"):
        draft.set_secret("account.password", "word")


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_who_may_read_the_file_stays_as_it_was(config: Path) -> None:
    config.chmod(0o640)
    with Draft(config) as draft:
        draft.set("server.ca_file", "ca.pem")
        draft.save()
    assert mode(config) == 0o640


def test_a_link_to_the_file_stays_a_link(config: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    with Draft(link) as draft:
        draft.set("server.ca_file", "ca.pem")
        draft.save()
    assert link.is_symlink()
    assert b"ca.pem" in config.read_bytes()


# --- secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_a_secret_is_its_owners(config: Path) -> None:
    before = os.umask(0)
    try:
        with Draft(config) as draft:
            draft.set_secret("account.password", "Tr0ub4dor")
            draft.save()
    finally:
        os.umask(before)
    (secret,) = (config.parent / "secrets").iterdir()
    assert (mode(secret), mode(secret.parent)) == (0o600, 0o700)
    assert b"Tr0ub4dor" not in config.read_bytes()


def test_a_new_configuration_is_its_owners(tmp_path: Path) -> None:
    with Draft(tmp_path / "new" / "meterpost.toml") as draft:
        draft.set("server.url", "https://host/")
        draft.save()
    assert mode(tmp_path / "new" / "meterpost.toml") == 0o600


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_any_secret_comes_back(secret: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Draft(Path(folder) / "meterpost.toml") as draft:
            draft.set_secret("account.password", secret)
            draft.save()
        kept = settings.load(Path(folder) / "meterpost.toml").account.password
        assert kept is not None
        assert kept.resolve(Path(folder)) == secret


def test_the_same_secret_is_not_written_again(config: Path) -> None:
    with Draft(config) as draft:
        draft.set_secret("account.password", "word")
        draft.save()
    files = listed(config.parent)
    with Draft(config) as draft:
        draft.set_secret("account.password", "word")
        assert draft.save() is False
    assert listed(config.parent) == files


def test_a_new_secret_takes_the_old_ones_place_when_it_is_saved(config: Path) -> None:
    with Draft(config) as draft:
        draft.set_secret("account.password", "first")
        draft.set_secret("account.password", "second")
        draft.save()
    with Draft(config) as draft:
        draft.set_secret("account.password", "third")
        draft.save()
    (secret,) = (config.parent / "secrets").iterdir()
    assert secret.read_text("utf-8") == "third\n"


def test_a_secret_that_was_not_saved_is_gone(config: Path) -> None:
    with Draft(config) as draft:
        draft.set_secret("account.password", "first")
        draft.save()
    files = listed(config.parent)
    with Draft(config) as draft:
        draft.set_secret("account.password", "second")
    assert listed(config.parent) == files


def test_a_secret_of_the_administrators_own_stays(config: Path) -> None:
    mine = config.parent / "mine"
    mine.touch(mode=0o600)
    with Draft(config) as draft:
        draft.set("account.password", {"file": "mine"})
        draft.save()
    with Draft(config) as draft:
        draft.set_secret("account.password", "word")
        draft.save()
    assert mine.exists()


@pytest.mark.parametrize("reference", [{"env": "PASSWORD"}, {"keyring": "meterpost/site"}, {"file": "mine"}])
def test_a_reference_is_kept_as_one(config: Path, reference: dict[str, str]) -> None:
    with Draft(config) as draft:
        draft.set("account.password", reference)
        draft.save()
        draft.set("account.password", reference)
        assert draft.save() is False
    assert settings.load(config).account.password == Secret(**reference)
