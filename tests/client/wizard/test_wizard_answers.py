"""The wizard without a person: an answer file, flags, and what is said about answers that are missing or wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from wizard_lab import BROTHER, KYOCERA, LEXMARK, Place

from meterpost.cli.main import main
from meterpost.errors import SettingsError
from meterpost.lifecycle.state import DeviceState
from meterpost.wizard import answers
from meterpost.wizard import questions as q
from meterpost.wizard.answers import Answers
from meterpost.wizard.questions import QUESTIONS

EXAMPLE = Path(__file__).parents[3] / "docs" / "answers.example.toml"


def unattended(**given: Any) -> Answers:
    return Answers({key.replace("__", "."): value for key, value in given.items()}, lambda _: None)


@pytest.fixture
def file(place: Place) -> Path:
    """The documented example, with the addresses of this place and the serials of its printers."""
    table = tomlkit.parse(EXAMPLE.read_text("utf-8"))
    table["server"].update({"url": place.stub.soap_url, "ca_file": str(place.stub.ca_file)})
    table["account"]["username"] = place.stub.username
    table["discovery"]["targets"] = place.targets.split()
    table["panel"] = {}
    place.folder.mkdir()
    (place.folder / "password").touch(mode=0o600)
    (place.folder / "password").write_text(place.stub.password, "utf-8")
    path = place.folder / "answers.toml"
    path.write_text(tomlkit.dumps(table), "utf-8")
    return path


def run(place: Place, *arguments: str) -> int:
    return main(["wizard", "--config", str(place.config), *arguments])


# --- the documented example ------------------------------------------------------------------------------------


def test_the_example_answers_every_question_there_is() -> None:
    uncommented = EXAMPLE.read_text("utf-8").replace("# http_proxy", "http_proxy")
    path_of = {question.key for question in QUESTIONS}
    table = tomlkit.parse(uncommented).unwrap()
    whole = {name for name in table if name in path_of}
    keys = whole | {f"{section}.{name}" for section in table.keys() - whole for name in table[section]}
    assert keys == path_of


def test_the_documented_example_runs(place: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "--answers", str(file), "--json") == 0
    out, err = capsys.readouterr()
    outcome = json.loads(out)
    assert set(outcome["registered"]) == {BROTHER, KYOCERA, LEXMARK}
    assert outcome["left_out"] == []
    assert {device["serial"] for device in outcome["devices"]} == {BROTHER, KYOCERA, LEXMARK}
    assert "T2 register proxy devices" in err
    assert place.stub.password not in out + err
    config = place.config.read_bytes()
    assert place.sent() == ["T3", "T1", "T2"]

    assert run(place, "--answers", str(file), "--json") == 0
    assert place.config.read_bytes() == config
    assert place.sent() == ["T3"]


def test_the_fields_of_the_outcome_are_documented(place: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.stub.set_eligibility(KYOCERA, "ineligible", reason="not under contract")
    assert run(place, "--answers", str(file), "--json") == 1
    outcome = json.loads(capsys.readouterr().out)
    fields = {f"{key}[]" for key in ("devices", "registered", "left_out")} | {"waiting"}
    fields |= {f"notices[].{key}" for key in outcome["notices"][0]}
    page = (EXAMPLE.parent / "wizard.md").read_text("utf-8")
    assert all(f"| `{field}` |" in page for field in fields)
    assert {key.split(".")[0].removesuffix("[]") for key in fields} == set(outcome)


def test_a_panel_that_does_not_agree_is_exit_code_1(place: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text("utf-8").replace("\n[panel]\n", f'\n[panel]\n"{KYOCERA}" = 1\n'), "utf-8")
    assert run(place, "--answers", str(file)) == 1
    assert f"{KYOCERA} is left out: no meter" in capsys.readouterr().out
    states = {serial: device.state for serial, device in place.state().devices.items()}
    assert states == {BROTHER: DeviceState.REGISTERED, LEXMARK: DeviceState.REGISTERED, KYOCERA: DeviceState.SEEN}


def test_flags_alone(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_PASSWORD", place.stub.password)
    arguments = {
        q.URL: place.stub.soap_url,
        q.CA_FILE: str(place.stub.ca_file),
        q.HTTP_PROXY: "none",
        q.USERNAME: place.stub.username,
        q.PASSWORD: "env:SITE_PASSWORD",
        q.TARGETS: place.targets,
        q.CHOOSE: f"{KYOCERA},{BROTHER}",
        q.PANEL: f"{BROTHER}=1",
        q.ANYWAY: f"{BROTHER}=yes",
    }
    assert run(place, "--json", *(word for question, answer in arguments.items() for word in (question.flag, answer))) == 0
    assert set(json.loads(capsys.readouterr().out)["registered"]) == {KYOCERA, BROTHER}
    assert 'password = {env = "SITE_PASSWORD"}' in place.config.read_text("utf-8")


def test_what_is_known_already_need_not_be_answered_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.walk(place.person({"devices.choose": BROTHER}))
    config = place.config.read_bytes()
    assert run(place, "--choose", KYOCERA, "--panel", "QZTYPO=5") == 0
    assert place.config.read_bytes() == config
    out = capsys.readouterr().out
    assert f"Registered: {KYOCERA}." in out
    assert "QZTYPO was not found" in out


def test_a_flag_counts_more_than_the_file(place: Place, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place, "--answers", str(file), "--json", "--choose", LEXMARK, "--http-proxy", "none", "--exclude", "") == 0
    assert json.loads(capsys.readouterr().out)["registered"] == [LEXMARK]


def test_without_a_terminal_nothing_is_asked(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(place) == 2
    err = capsys.readouterr().err
    assert "server.url" in err
    assert "--server-url" in err


# --- answers one by one ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [question for question in QUESTIONS if question.default is None], ids=lambda q: q.key)
def test_a_missing_answer_is_told_with_its_key_and_flag(question: q.Question) -> None:
    with pytest.raises(SettingsError, match=question.key) as caught:
        unattended().ask(question, question.default)
    assert question.flag in caught.value.advice
    with pytest.raises(SettingsError, match=question.key):
        unattended().secret(question, kept=False)


@pytest.mark.parametrize(
    ("key", "near"), [("server.ur", "server.url"), ("pannel", "panel"), ("snmp.community", "snmp.communities")]
)
def test_an_unknown_key_is_told_with_its_neighbour(key: str, near: str) -> None:
    with pytest.raises(SettingsError, match=key) as caught:
        Answers({key: "x"}, lambda _: None)
    assert near in caught.value.advice


def test_a_wrong_answer_is_told_with_what_is_allowed_before_anything_is_sent(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, "--server-url", place.stub.soap_url, "--daily-time", "25:00") == 2
    err = capsys.readouterr().err
    assert "schedule.daily_time" in err
    assert "HH:MM" in err
    assert place.sent() == []


@pytest.mark.parametrize(
    ("question", "value", "answer"),
    [
        (q.SCAN, False, "no"),
        (q.SCAN, True, "yes"),
        (q.TARGETS, ["10.1.2.3", "10.1.3.0/24"], "10.1.2.3 10.1.3.0/24"),
        (q.CHOOSE, ["A1", "B2"], "A1 B2"),
        (q.CHOOSE, "all", "all"),
        (q.USERNAME, 4711, "4711"),
        (q.CA_FILE, "", ""),
        (q.DAILY_TIME, "", "02:30"),
    ],
)
def test_answers_as_toml_has_them(question: q.Question, value: Any, answer: str) -> None:
    assert Answers({question.key: value}, lambda _: None).ask(question, question.default) == answer


@pytest.mark.parametrize(
    ("question", "value"),
    [(q.URL, ["https://host/"]), (q.USERNAME, 1.5), (q.SCAN, {}), (q.PANEL, 5), (q.PANEL, {"S1": "five"}), (q.ANYWAY, True)],
)
def test_answers_of_another_kind_are_refused(question: q.Question, value: Any) -> None:
    with pytest.raises(SettingsError, match=question.key):
        Answers({question.key: value}, lambda _: None)


def test_answers_per_device() -> None:
    given = unattended(panel={"S1": 12345})
    assert given.ask(q.PANEL, "", "S1") == "12345"
    assert given.ask(q.PANEL, "", "S2") == ""


@pytest.mark.parametrize("secret", ["hunter2", 5, True])
def test_a_secret_in_the_answers_is_refused_and_not_repeated(secret: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        unattended(account__password=secret)
    assert str(secret) not in str(caught.value) + caught.value.advice
    assert "env" in caught.value.advice


@pytest.mark.parametrize("given", ["hunter2", "pw:", "file:", "http:hunter2", ""])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(SettingsError) as caught:
        answers.from_flag(q.PASSWORD, given)
    assert "hunter2" not in str(caught.value) + caught.value.advice
    assert "env:NAME" in caught.value.advice


def test_flags_per_device() -> None:
    assert answers.from_flag(q.PANEL, ["S=1=12", "S2=5"]) == {"S=1": "12", "S2": "5"}
    for wrong in ("12", "=12"):
        with pytest.raises(SettingsError, match="SERIAL=ANSWER"):
            answers.from_flag(q.PANEL, [wrong])


def test_nothing_is_asked_again() -> None:
    assert not unattended().again(SettingsError("wrong"))


@pytest.mark.parametrize("text", ["[server", "a = 02:30"])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        answers.load(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        answers.load(tmp_path / "missing.toml")
