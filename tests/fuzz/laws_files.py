"""Laws of the files people write: configuration, answers of the wizard, targets; and of the texts the ledger keeps."""

from contextlib import suppress
from dataclasses import fields, is_dataclass
from math import isfinite

from fuzz_kit import as_file, told

from meterpost import settings
from meterpost.devices.finding import addresses
from meterpost.errors import SettingsError
from meterpost.ledger import typed_json
from meterpost.lifecycle.messages import Message
from meterpost.wizard import answers
from meterpost.wizard.questions import QUESTIONS, Kind


def configuration(octets: bytes) -> None:
    """A configuration is Settings, whole and of the right types, or a SettingsError."""
    try:
        with as_file(octets) as path:
            found = settings.load(path)
    except SettingsError as error:
        told(error, own=True)
        return
    assert all(map(isfinite, (found.server.connect_timeout_s, found.server.read_timeout_s, found.snmp.timeout_s)))
    assert settings.from_table(_table(found), path.parent) == found


def _table(value: object) -> dict[str, object]:
    """Settings as the table they could have come from; what is '' or absent is left out where there is no choice."""
    rows = {field.name: getattr(value, field.name) for field in fields(value) if not field.metadata.get("internal")}  # type: ignore[arg-type]
    return {
        name: _plain(row) for name, row in rows.items() if row is not None and (row or not isinstance(value, settings.Secret))
    }


def _plain(value: object) -> object:
    if is_dataclass(value):
        return _table(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def answer_file(octets: bytes) -> None:
    """An answer file answers the wizard's questions, or is a SettingsError that does not repeat what may be a secret."""
    said: list[str] = []
    try:
        with as_file(octets) as path:
            given = answers.load(path)
        unattended = answers.Answers(given, said.append)
        for question in QUESTIONS:
            try:
                if question.kind is Kind.SECRET:
                    assert isinstance(unattended.secret(question, False), dict | str)
                else:
                    answer = unattended.ask(question, "", "SERIAL")
                    assert not answer or question.wrong(answer) == ""
            except SettingsError as error:
                told(error, "answer", own=True)
    except SettingsError as error:
        told(error, own=True)


def targets(octets: bytes) -> None:
    """A line is endpoints or a SettingsError; an endpoint, written as a target, is itself."""
    text = octets.decode("utf-8", "replace")
    for target in text.split("\n")[:4]:
        try:
            found = addresses.endpoints([target.replace("@", "")], [], 161)
        except SettingsError:
            continue
        assert len(found) <= addresses.MAX_ADDRESSES
        for endpoint in found[:3]:
            assert addresses.endpoints([addresses.written(endpoint)], [], endpoint[1]) == (endpoint,)
        assert addresses.endpoints([target.replace("@", "")], [target.replace("@", "")], 161) == ()
    with as_file(octets) as path, suppress(SettingsError):
        addresses.endpoints([f"@{path}"], [], 161)


def stored(octets: bytes) -> None:
    """What the ledger keeps comes back as it was written, or is a BadValue."""
    try:
        message = typed_json.loads(octets.decode("utf-8", "replace"), Message)
    except typed_json.BadValue:
        return
    text = typed_json.dumps(message, Message)
    assert text.isascii()
    assert typed_json.loads(text, Message) == message
