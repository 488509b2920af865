"""One suite for every store; then what only files and keyrings can get wrong."""

import os
import stat
import sys
from pathlib import Path

import pytest
from keys_lab import Keyring, about, days

from meterpost.errors import SettingsError, StoreError
from meterpost.keys import FileStore, Holding, KeyStore, Origin

SECRET = b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"
NAME, OTHER = about(1).key, about(2).key


# --- all stores --------------------------------------------------------------------------------------------


def test_an_empty_store_holds_nothing(store: KeyStore) -> None:
    assert store.holding() == Holding()
    store.remove(NAME)
    with pytest.raises(StoreError, match=f"no key {NAME}"):
        store.private_key(NAME)
    with pytest.raises(StoreError):
        store.certify(NAME, about(1))


def test_a_key_waits_and_is_certified(store: KeyStore) -> None:
    store.add(NAME, Origin.MADE, SECRET)
    (waiting,) = store.holding().own
    assert (waiting.name, waiting.origin, waiting.certificate) == (NAME, Origin.MADE, None)
    assert store.private_key(NAME) == SECRET
    store.certify(NAME, about(1))
    (certified,) = store.holding().own
    assert certified.certificate == read_back(about(1), certified.certificate)
    store.certify(NAME, about(1, end=days(9)))
    assert store.holding().own[0].certificate.end == days(9)
    assert store.private_key(NAME) == SECRET


def test_an_imported_key_comes_with_its_certificate(store: KeyStore) -> None:
    certificate = about(1)
    store.add(NAME, Origin.IMPORTED, SECRET, certificate)
    (key,) = store.holding().own
    assert (key.origin, key.certificate, store.private_key(NAME)) == (Origin.IMPORTED, certificate, SECRET)


def test_several_keys_and_one_goes(store: KeyStore) -> None:
    store.add(NAME, Origin.MADE, SECRET)
    store.add(OTHER, Origin.IMPORTED, SECRET[::-1], about(2))
    assert {key.name for key in store.holding().own} == {NAME, OTHER}
    store.remove(NAME)
    assert [key.name for key in store.holding().own] == [OTHER]
    assert store.private_key(OTHER) == SECRET[::-1]
    with pytest.raises(StoreError):
        store.private_key(NAME)


def test_a_key_that_was_made_here_and_is_imported_is_one_key(store: KeyStore) -> None:
    store.add(NAME, Origin.MADE, SECRET)
    store.add(NAME, Origin.IMPORTED, SECRET, about(1))
    assert [key.origin for key in store.holding().own] == [Origin.IMPORTED]


def test_keys_are_numbered_as_they_come(store: KeyStore) -> None:
    """However their names are ordered, and what has gone meanwhile."""
    names = sorted((NAME, OTHER, about(3).key), reverse=True)
    for name in names:
        store.add(name, Origin.MADE, SECRET)
    store.remove(names[0])
    store.add(names[1], Origin.IMPORTED, SECRET, about(1) if names[1] == NAME else about(2 if names[1] == OTHER else 3))
    number = {key.name: key.number for key in store.holding().own}
    assert number[names[1]] > number[names[2]]


def test_the_servers_certificates_are_what_it_said_last(store: KeyStore) -> None:
    first, second, third = about(3), about(4, kind="RSA 2048"), about(5)
    store.trust((first, second))
    assert store.holding().server == (first, second)
    store.trust((second, third))
    assert store.holding().server == (second, third)
    assert store.holding().own == ()


def test_no_private_half_shows_in_a_repr(store: KeyStore) -> None:
    store.add(NAME, Origin.MADE, SECRET)
    assert "MIGHAgEA" not in f"{store!r} {store.holding()!r}"


def read_back(expected, found):
    """Two signatures of one vendor differ, the words do not."""
    assert (expected.subject, expected.end, expected.key) == (found.subject, found.end, found.key)
    return found


# --- files -------------------------------------------------------------------------------------------------


@pytest.fixture
def files(folder: Path) -> FileStore:
    files = FileStore(folder)
    files.add(NAME, Origin.MADE, SECRET)
    files.certify(NAME, about(1))
    files.trust((about(3),))
    return files


def test_everything_is_its_owners_alone(files: FileStore, folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    names = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert names == {f"made-0001-{NAME}.key": 0o600, f"made-0001-{NAME}.crt": 0o600, "server.crt": 0o600}


def test_a_wide_umask_changes_nothing(folder: Path) -> None:
    before = os.umask(0)
    try:
        FileStore(folder).add(NAME, Origin.MADE, SECRET)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / f"made-0001-{NAME}.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [f"made-0001-{NAME}.key", f"made-0001-{NAME}.crt", "server.crt"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_others_could_have_read_or_changed_is_not_used(files: FileStore, folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    with pytest.raises(SettingsError, match="others may read the key file") as caught:
        files.holding()
    assert "chmod 600" in caught.value.advice


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o720])
def test_a_folder_others_may_enter_is_not_used(files: FileStore, folder: Path, mode: int) -> None:
    folder.chmod(mode)
    for use in (
        files.holding,
        lambda: files.private_key(NAME),
        lambda: files.add(OTHER, Origin.MADE, SECRET),
        lambda: files.certify(NAME, about(1, end=days(9))),
        lambda: files.trust((about(5),)),
    ):
        with pytest.raises(SettingsError, match="others may enter") as caught:
            use()
        assert "chmod 700" in caught.value.advice
    assert not (folder / f"made-0002-{OTHER}.key").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", [f"made-0001-{NAME}.key", f"made-0001-{NAME}.crt", "server.crt", "."])
def test_what_belongs_to_somebody_else_is_not_used(files: FileStore, folder: Path, name: str) -> None:
    os.chown(folder / name, 12345, 12345)
    with pytest.raises(SettingsError, match="belongs to another account"):
        files.holding()


@pytest.mark.parametrize("name", [f"made-0001-{NAME}.key", f"made-0001-{NAME}.crt", "server.crt"])
def test_links_are_not_followed(files: FileStore, folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="it is a link"):
        files.holding()


def test_a_link_to_nowhere_is_not_absence(files: FileStore, folder: Path) -> None:
    (folder / "server.crt").unlink()
    (folder / "server.crt").symlink_to("nowhere")
    with pytest.raises(SettingsError, match="it is a link"):
        files.holding()


def test_a_folder_that_is_a_link_is_none(files: FileStore, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="is not a folder"):
        files.holding()


def test_what_is_no_file_does_not_stop_the_program(files: FileStore, folder: Path) -> None:
    (folder / "server.crt").unlink()
    os.mkfifo(folder / "server.crt", 0o600)
    with pytest.raises(SettingsError, match="is not a file"):
        files.holding()


def test_a_file_is_bounded(files: FileStore, folder: Path) -> None:
    (folder / "server.crt").write_bytes(b" " * (64 * 1024 + 1))
    with pytest.raises(SettingsError, match="too large"):
        files.holding()


def test_so_is_the_number_of_keys(files: FileStore, folder: Path) -> None:
    for number in range(101):
        (folder / f"made-{number + 2:04}-{number:016x}.key").touch(0o600)
    with pytest.raises(StoreError, match="102 keys"):
        files.holding()


def test_a_certificate_that_was_cut_short_is_noticed(files: FileStore, folder: Path) -> None:
    certificate = folder / f"made-0001-{NAME}.crt"
    certificate.write_bytes(certificate.read_bytes()[:-30])
    with pytest.raises(StoreError, match="is not a certificate"):
        files.holding()


def test_a_key_without_its_certificate_waits_for_it(files: FileStore, folder: Path) -> None:
    (folder / f"made-0001-{NAME}.crt").write_bytes(b"")
    assert files.holding().own[0].certificate is None


def test_the_certificate_of_another_key_is_noticed(files: FileStore, folder: Path) -> None:
    (folder / f"made-0001-{NAME}.crt").write_bytes(about(2).pem)
    with pytest.raises(StoreError, match="belongs to another key"):
        files.holding()


def test_other_files_are_left_alone(files: FileStore, folder: Path) -> None:
    (folder / "notes.key").write_text("mine")
    (folder / "made-xyz.key").write_text("mine")
    assert len(files.holding().own) == 1


@pytest.mark.parametrize("leftover", ["half a key", ""])
def test_an_interrupted_write_is_begun_again(folder: Path, leftover: str) -> None:
    files = FileStore(folder)
    files.trust(())
    new = folder / f"made-0001-{NAME}.key.new"
    new.write_text(leftover)
    assert files.holding().own == ()
    files.add(NAME, Origin.MADE, SECRET)
    assert files.private_key(NAME) == SECRET
    assert not new.exists()


def test_a_trap_where_the_new_file_goes_is_not_written_through(folder: Path, tmp_path: Path) -> None:
    files = FileStore(folder)
    files.trust(())
    (folder / f"made-0001-{NAME}.key.new").symlink_to(tmp_path / "trap")
    files.add(NAME, Origin.MADE, SECRET)
    assert not (tmp_path / "trap").exists()
    assert files.private_key(NAME) == SECRET


def test_a_write_that_fails_leaves_what_was(files: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files.holding()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (lambda: files.certify(NAME, about(1, end=days(9))), lambda: files.trust((about(5),))):
        with pytest.raises(StoreError, match="No space left"):
            write()
    assert files.holding() == before


def test_each_file_is_on_the_disk_before_it_has_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (happened.append(f"fsync {kind(fd)}"), fsync(fd)))
    monkeypatch.setattr(Path, "replace", lambda new, path: (happened.append("rename"), replace(new, path))[1])
    FileStore(folder).add(NAME, Origin.MADE, SECRET)
    assert happened == ["fsync file", "rename", "fsync folder"]


def kind(descriptor: int) -> str:
    return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="Not a directory") as caught:
        FileStore(tmp_path / "site" / "keys").add(NAME, Origin.MADE, SECRET)
    assert "MIGHAgEA" not in f"{caught.value} {caught.value.advice}"


# --- the keyring -------------------------------------------------------------------------------------------


def test_the_private_half_is_in_the_keyring_alone(folder: Path, keyring: Keyring) -> None:
    store = FileStore(folder, in_keyring=True)
    store.add(NAME, Origin.MADE, SECRET)
    assert keyring.held == {("meterpost-keys", f"made-0001-{NAME}"): SECRET.decode()}
    assert not any(b"PRIVATE" in path.read_bytes() for path in folder.iterdir())
    assert store.holding().own[0].where == f"keyring, meterpost-keys/made-0001-{NAME}"
    store.remove(NAME)
    assert keyring.held == {}


def test_a_key_stays_where_it_is_when_the_setting_changes(folder: Path, keyring: Keyring) -> None:
    FileStore(folder).add(NAME, Origin.MADE, SECRET)
    FileStore(folder, in_keyring=True).add(OTHER, Origin.MADE, SECRET[::-1])
    for store in (FileStore(folder), FileStore(folder, in_keyring=True)):
        assert (store.private_key(NAME), store.private_key(OTHER)) == (SECRET, SECRET[::-1])


def test_a_keyring_without_the_entry(folder: Path, keyring: Keyring) -> None:
    store = FileStore(folder, in_keyring=True)
    store.add(NAME, Origin.MADE, SECRET)
    keyring.held.clear()
    with pytest.raises(StoreError, match=f"no entry meterpost-keys/made-0001-{NAME}"):
        store.private_key(NAME)
    store.remove(NAME)
    assert store.holding().own == ()


def test_a_keyring_that_forgets_at_once_gets_no_key(folder: Path, keyring: Keyring) -> None:
    keyring.get_password = lambda service, user: "something else"
    with pytest.raises(StoreError, match="does not keep a key") as caught:
        FileStore(folder, in_keyring=True).add(NAME, Origin.MADE, SECRET)
    assert "files" in caught.value.advice
    assert FileStore(folder).holding().own == ()


def test_a_locked_keyring_says_so_and_not_what_it_was_given(folder: Path, keyring: Keyring) -> None:
    def refuse(*arguments: str) -> None:
        raise RuntimeError(f"locked: {arguments}")

    keyring.set_password = refuse
    with pytest.raises(StoreError, match="refuses: RuntimeError") as caught:
        FileStore(folder, in_keyring=True).add(NAME, Origin.MADE, SECRET)
    assert "MIGHAgEA" not in f"{caught.value} {caught.value.advice}"
    assert caught.value.__suppress_context__


def test_without_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match="extra is not installed"):
        FileStore(folder, in_keyring=True).add(NAME, Origin.MADE, SECRET)
