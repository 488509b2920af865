"""The questions are data a browser could render, and an answer the wizard takes is one the settings take."""

import json
import typing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost import settings
from meterpost.cli.main import main
from meterpost.errors import SettingsError
from meterpost.settings import Settings
from meterpost.wizard import questions as q
from meterpost.wizard.questions import QUESTIONS, Kind, Question
from meterpost.wsse import POLICIES

SETTINGS = [question for question in QUESTIONS if question.setting]
PAGE = Path(__file__).parents[3] / "docs" / "wizard.md"


def by_key(question: Question) -> str:
    return question.key


def setting(question: Question, value: Any) -> Settings:
    section, name = question.key.split(".")
    return settings.from_table({section: {name: value}}, Path())


def test_keys_and_flags_are_unique() -> None:
    assert len({question.key for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question.flag for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", SETTINGS, ids=by_key)
def test_every_setting_exists_and_has_the_default_the_question_shows(question: Question) -> None:
    section, name = question.key.split(".")
    default = getattr(getattr(Settings(), section), name)
    shown = " ".join(default) if isinstance(default, tuple) else default or ""
    assert shown == (question.default or "")


@pytest.mark.parametrize("question", SETTINGS, ids=by_key)
def test_the_kind_of_a_question_is_the_kind_of_its_setting(question: Question) -> None:
    section, name = question.key.split(".")
    kind = typing.get_type_hints(type(getattr(Settings(), section)))[name]
    expected = {str: (Kind.TEXT, Kind.OPTION), tuple[str, ...]: (Kind.LIST,), settings.Secret | None: (Kind.SECRET,)}
    assert question.kind in expected[kind]
    assert (question.kind is Kind.OPTION) == bool(question.options())


@pytest.mark.parametrize("question", QUESTIONS, ids=by_key)
def test_every_question_explains_itself(question: Question) -> None:
    assert question.text
    assert question.help.endswith(".")
    assert len(f"{question.text}  {question.key}") <= 80
    assert question.default is None or question.wrong(question.default) == ""


@pytest.mark.parametrize("question", [question for question in SETTINGS if question.kind is not Kind.SECRET], ids=by_key)
@given(
    answer=st.text(max_size=30) | st.from_regex(r"(https?://)?[a-z\[\]:@/.0-9 ]{0,20}|[0-9]{0,3}:[0-9]{0,3}", fullmatch=True)
)
def test_what_is_right_here_is_right_in_the_settings(question: Question, answer: str) -> None:
    try:
        setting(question, question.value(answer))
        fits = True
    except SettingsError:
        fits = False
    assert fits or not answer or question.wrong(answer)  # an empty answer becomes the default


@pytest.mark.parametrize("answer", ["meters.example.com", "http://a/b", "https://", "https://[", "https://a:99999/", "ftp://a"])
def test_only_https(answer: str) -> None:
    assert "https://host/path" in q.URL.wrong(answer)


@pytest.mark.parametrize(
    "answer", ["none", "", "http://proxy:3128", "proxy:3128", "proxy", "http://10.1.2.3:8080/", "http://[::1]:80"]
)
def test_an_http_proxy(answer: str) -> None:
    assert q.HTTP_PROXY.wrong(answer) == ""


@pytest.mark.parametrize(
    "answer", ["https://proxy:3128", "http://", "http://me:word@proxy", "foo bar", "socks5://a", "a:b:c", "http://["]
)
def test_what_is_no_http_proxy(answer: str) -> None:
    assert q.HTTP_PROXY.wrong(answer)


@pytest.mark.parametrize("answer", ["24:00", "2:30", "0230", "02:60", "noon", "02:30\n"])
def test_no_time_of_day(answer: str) -> None:
    assert q.DAILY_TIME.wrong(answer)


@pytest.mark.parametrize("answer", ["maybe", "0", "yess"])
def test_neither_yes_nor_no(answer: str) -> None:
    assert q.REGISTER.wrong(answer) == "Answer yes or no."


def test_a_security_policy_is_one_of_the_table_that_a_client_can_use() -> None:
    options = q.POLICY.options()
    assert set(options) == set(POLICIES) - {"timestamp-2004"}
    assert all(options.values())
    assert max(len(f"  {max(options, key=len)}  {line}") for line in options.values()) <= 80
    assert q.POLICY.wrong("digest+signed") == ""
    for answer in ("timestamp-2004", "signed-2004", "none"):
        assert q.POLICY.wrong(answer) == f"Choose one of: {', '.join(options)}."


def test_what_cannot_be_printed_is_no_answer() -> None:
    for answer in ("\x1b[31m", "a\ud800", "a\u202eb", "a\x00"):
        assert q.USERNAME.wrong(answer)
        assert q.PASSWORD.wrong(answer)


def test_an_answer_is_needed_where_there_is_no_default() -> None:
    assert q.URL.wrong("")
    assert q.PASSWORD.wrong("")
    assert q.CA_FILE.wrong("") == ""


# --- as data ---------------------------------------------------------------------------------------------------


def test_the_questions_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wizard", "--questions", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [question["key"] for question in listed] == [question.key for question in QUESTIONS]
    names = {entry.name for entry in fields(Question)} - {"check"}
    assert all(set(question) == names for question in listed)
    assert set(_rows("What a question is")) == names


def test_the_questions_for_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["wizard", "--questions"]) == 0
    out = capsys.readouterr().out
    assert all(question.key in out for question in QUESTIONS)
    assert max(map(len, out.splitlines())) <= 80


def test_the_page_lists_the_questions() -> None:
    rows = [(question.key, question.flag, question.kind, question.text) for question in QUESTIONS]
    assert _rows("The questions") == {key: (f"`{flag}`", str(kind), text) for key, flag, kind, text in rows}


def _rows(section: str) -> dict[str, tuple[str, ...]]:
    """The tables of a section, by their first column."""
    text = PAGE.read_text("utf-8").split(f"\n## {section}\n", 1)[1].split("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line.startswith("| `")]
    return {first.strip("`"): tuple(rest) for first, *rest in lines}
