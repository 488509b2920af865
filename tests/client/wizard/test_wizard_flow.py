"""The wizard's road with every part real but the person: what is asked, shown, sent and kept."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from wizard_lab import BROTHER, KYOCERA, LEXMARK, Person, Place

from meterpost.agent import Preview
from meterpost.errors import AuthenticationError, NetworkError, SettingsError
from meterpost.lifecycle.state import DeviceState
from meterpost.wizard.choice import Standing
from meterpost.wizard.questions import QUESTIONS
from meterpost.wsse import Acceptance
from meterpost_stub import StubServer
from meterpost_stub.serve import StubOptions


def states(place: Place) -> dict[str, DeviceState]:
    return {serial: device.state for serial, device in place.state().devices.items()}


def test_the_whole_road(place: Place) -> None:
    person = place.person({"schedule.daily_time": "04:45"})
    outcome = place.walk(person)
    assert set(outcome.registered) == {BROTHER, KYOCERA, LEXMARK}
    assert outcome.whole
    assert place.sent() == ["T3", "T1", "T2"]  # the connection test, then what was agreed to
    assert set(states(place).values()) == {DeviceState.REGISTERED}
    assert set(person.appeared) == {BROTHER, KYOCERA, LEXMARK}
    assert person.heard("does not know this client yet")
    assert person.heard("sign the devices up at the vendor's web site")
    assert person.heard("'meterpost run'")
    assert 'daily_time = "04:45"' in place.config.read_text("utf-8")
    assert place.stub.password not in place.config.read_text("utf-8")


@pytest.mark.parametrize("policy", ["digest+signed", "text-2004"])
def test_under_another_policy(place: Place, policy: str) -> None:
    """The server takes nothing else, but for a registration: without a key the first test cannot show it the account."""
    with StubServer(StubOptions(accept=Acceptance((policy,)))) as stub:
        place = Place(place.folder, stub, place.fleet)
        person = place.person({"security.policy": ["signed-2004", policy]})
        assert place.walk(person).whole
        assert person.complaints[0].startswith("Choose one of: ")
        assert person.heard("tried when this one is registered") == (policy == "digest+signed")
        assert f'policy = "{policy}"' in place.config.read_text("utf-8")
        assert place.sent() == ["T3", "T1", "T2"]
        assert len(stub.keys()["clients"]) == (policy == "digest+signed")
        again = place.person({"devices.choose": ""})
        place.walk(again)
        assert again.heard("the account is right. The server knows this client")


def test_a_password_that_is_wrong_is_told_under_a_policy_that_signs(place: Place) -> None:
    person = place.person({"security.policy": "signed", "account.password": "wrong"})
    with pytest.raises(AuthenticationError, match="FailedAuthentication"):
        place.walk(person)


def test_questions_come_in_the_order_of_the_list(place: Place) -> None:
    person = place.person({"compare": "yes"})
    place.walk(person)
    order = [question.key for question in QUESTIONS]
    assert [order.index(key) for key in person.asked] == sorted(order.index(key) for key in person.asked)


def test_the_preview_is_what_is_sent_to_the_octet(place: Place) -> None:
    person = place.person()
    place.walk(person)
    with place.agent() as agent:
        exchanges = agent.journal()[1:]
    assert [preview.verdict.octets for preview in person.previews] == [e.request_sizes.http for e in exchanges]
    for preview, exchange in zip(person.previews, exchanges, strict=True):
        assert (preview.head + preview.body).split(b"<s:Body>")[1] == exchange.request.split(b"<s:Body>")[1]


def test_no_is_no(place: Place) -> None:
    person = place.person({"register": "no"})
    outcome = place.walk(person)
    assert outcome.registered == ()
    assert place.sent() == ["T3"]
    assert set(states(place).values()) == {DeviceState.SEEN}
    assert person.heard("nothing is enrolled")


def test_nothing_is_enrolled_that_was_not_chosen(place: Place) -> None:
    outcome = place.walk(place.person({"devices.choose": ""}))
    assert place.sent() == ["T3"]
    assert outcome.registered == ()
    outcome = place.walk(place.person({"devices.choose": [f"{KYOCERA[:-1]}", KYOCERA]}))
    assert outcome.registered == (KYOCERA,)
    assert states(place)[BROTHER] is DeviceState.SEEN


def test_a_serial_that_is_not_there_is_told_with_what_is(place: Place) -> None:
    person = place.person({"devices.choose": [KYOCERA[:-1], "nonsense", KYOCERA]})
    place.walk(person)
    near, far = person.complaints
    assert f"Did you mean {KYOCERA}?" in near
    assert BROTHER in far
    assert LEXMARK in far


# --- again -----------------------------------------------------------------------------------------------------


def test_running_it_again_changes_nothing(place: Place) -> None:
    place.enrol()
    commented = place.config.read_bytes().replace(b"[account]", b"# ask Ms Weber\r\n[account] # ours") + b"\n[store]\n"
    place.config.write_bytes(commented)
    secrets = place.secrets
    before = place.state()
    place.sent()
    person = place.person()
    outcome = place.walk(person)
    assert place.config.read_bytes() == commented
    assert place.secrets == secrets
    assert place.sent() == ["T3"]
    assert place.state() == before
    assert outcome.whole
    assert outcome.registered == ()
    assert set(person.shown.values()) == {Standing.ENROLLED}
    assert person.heard("There is nothing to register.")


def test_enter_keeps_every_setting(place: Place) -> None:
    place.enrol()
    config = place.config.read_bytes()
    place.walk(place.person(dict.fromkeys(place.script, "")))
    assert place.config.read_bytes() == config


def test_running_it_again_adds_a_new_device_and_nothing_else(place: Place) -> None:
    place.walk(place.person({"devices.choose": BROTHER}))
    place.sent()
    before = place.state().devices[BROTHER]
    outcome = place.walk(place.person())
    assert set(outcome.registered) == {KYOCERA, LEXMARK}
    assert place.sent() == ["T3", "T2"]
    assert place.state().devices[BROTHER] == before


def test_all_does_not_bring_back_what_was_withdrawn(place: Place) -> None:
    place.enrol()
    with place.agent() as agent:
        agent.withdraw(BROTHER)
    person = place.person()
    assert place.walk(person).registered == ()
    assert person.shown[BROTHER] is Standing.ENDED
    assert place.walk(place.person({"devices.choose": BROTHER})).registered == (BROTHER,)


def test_what_waits_from_before_is_shown_and_registered(place: Place) -> None:
    place.walk(place.person({"devices.choose": ""}))
    with place.agent() as agent:
        agent.select([KYOCERA])
    assert place.walk(place.person({"devices.choose": ""})).registered == (KYOCERA,)


# --- devices ---------------------------------------------------------------------------------------------------


def test_a_device_without_a_serial_is_shown_and_cannot_be_chosen(place: Place) -> None:
    place.set_serial(b"")
    person = place.person()
    outcome = place.walk(person)
    assert person.shown[""] is Standing.NO_SERIAL
    assert len(outcome.found) == 3
    assert set(outcome.registered) == {KYOCERA, LEXMARK}


def test_a_serial_the_contract_has_no_room_for_cannot_be_chosen(place: Place) -> None:
    place.set_serial(b"AC42&&&&&<7")
    person = place.person()
    assert set(place.walk(person).registered) == {KYOCERA, LEXMARK}
    assert person.shown["AC42&&&&&<7"] is Standing.LONG_SERIAL


def test_stopping_the_search_keeps_what_was_found(place: Place) -> None:
    silent = " ".join(f"127.33.99.{number}" for number in range(1, 120))
    person = place.person({"discovery.targets": f"{place.targets} {silent}"}, stop_after=3)
    outcome = place.walk(person)
    assert set(outcome.registered) == {BROTHER, KYOCERA, LEXMARK}


def test_a_silent_network_may_be_looked_at_elsewhere(place: Place) -> None:
    person = place.person({"discovery.targets": ["127.33.99.1", place.targets]}, persist=1)
    outcome = place.walk(person)
    (trouble,) = person.troubles
    assert "community" in trouble.advice
    assert len(outcome.registered) == 3


def test_a_bad_place_is_told_at_once_with_what_is_allowed(place: Place) -> None:
    person = place.person({"discovery.targets": ["10.1.2.999", "10.0.0.0/8", place.targets]})
    place.walk(person)
    octet, large = person.complaints
    assert "10.1.2.0/24" in octet
    assert "65536" in large


def test_no_scan_changes_settings_only(place: Place) -> None:
    outcome = place.walk(place.person({"scan": "no"}))
    assert outcome.found == ()
    assert place.sent() == ["T3"]


# --- replacement -----------------------------------------------------------------------------------------------


def replaced(place: Place) -> None:
    place.enrol()
    place.sent()
    place.set_serial(b"QZNEW00001")


def test_a_replaced_device_is_told_from_a_new_one(place: Place) -> None:
    replaced(place)
    person = place.person({"devices.replaced": {BROTHER: "yes"}, "devices.choose": ""})
    outcome = place.walk(person)
    assert person.heard(BROTHER)
    assert outcome.registered == ("QZNEW00001",)
    assert states(place)[BROTHER] is DeviceState.REPLACED
    assert [preview.verdict.budget.id for preview in person.previews] == ["T5", "T2"]
    assert place.sent() == ["T3", "T5", "T2"]


def test_without_a_yes_the_old_device_stays_enrolled(place: Place) -> None:
    replaced(place)
    outcome = place.walk(place.person())
    assert outcome.registered == ("QZNEW00001",)
    assert states(place)[BROTHER] is DeviceState.REGISTERED


def test_a_device_that_moved_was_not_replaced(place: Place) -> None:
    place.walk(place.person({"devices.choose": BROTHER}))
    place.set_serial(b"QZNEW00001")
    place.set_serial(BROTHER.encode(), printer=1)
    person = place.person({"devices.replaced": {BROTHER: "yes"}})
    assert set(place.walk(person).registered) == {"QZNEW00001", LEXMARK}
    assert "devices.replaced" not in person.asked
    assert place.state().devices[BROTHER].address == place.fleet.printers[1].address


def test_no_to_the_messages_is_no_to_the_replacement(place: Place) -> None:
    replaced(place)
    place.walk(place.person({"devices.replaced": {BROTHER: "yes"}, "register": "no"}))
    assert place.sent() == ["T3"]
    assert states(place)[BROTHER] is DeviceState.REGISTERED


def test_a_replacement_whose_panel_does_not_agree_is_left_out(place: Place) -> None:
    place.walk(place.person({"devices.choose": BROTHER}))
    place.set_serial(b"QZNEW00001")
    person = place.person({"devices.replaced": {BROTHER: "yes"}, "compare": "yes", "panel": {"QZNEW00001": "1"}})
    outcome = place.walk(person)
    assert outcome.left_out == ("QZNEW00001",)
    assert set(outcome.registered) == {KYOCERA, LEXMARK}
    assert states(place)[BROTHER] is DeviceState.REGISTERED


# --- trouble ---------------------------------------------------------------------------------------------------


def test_wrong_answers_can_be_changed_until_the_connection_works(place: Place) -> None:
    answers = {
        "server.url": ["ftp://nonsense", "https://[", "https://127.0.0.1:1/mp", place.stub.soap_url, ""],
        "account.password": ["guess", "guess", place.stub.password],
    }
    person = place.person(answers, persist=2)
    assert place.walk(person).whole
    assert [type(trouble) for trouble in person.troubles] == [NetworkError, AuthenticationError]
    assert all("https://host/path" in complaint for complaint in person.complaints)
    assert len(person.complaints) == 2
    (secret,) = place.secrets
    assert secret.read_text("utf-8").strip() == place.stub.password
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_giving_up_leaves_nothing_behind(place: Place) -> None:
    with pytest.raises(AuthenticationError):
        place.walk(place.person({"account.password": "guess"}))
    assert not place.config.exists()
    assert place.secrets == []


def test_giving_up_leaves_what_was_there(place: Place) -> None:
    place.enrol()
    config, secrets = place.config.read_bytes(), place.secrets
    with pytest.raises(AuthenticationError):
        place.walk(place.person({"account.password": "guess"}))
    assert place.config.read_bytes() == config
    assert place.secrets == secrets
    assert secrets[0].read_text("utf-8").strip() == place.stub.password


def test_ctrl_c_leaves_nothing_half_done(place: Place) -> None:
    for key in ("server.url", "account.password", "discovery.targets", "devices.choose", "panel", "register"):
        person = place.person({"compare": "yes"})

        def interrupted(question, *_, key=key, ask=person._next):
            if question == key:
                raise KeyboardInterrupt
            return ask(question, *_)

        person._next = interrupted
        with pytest.raises(KeyboardInterrupt):
            place.walk(person)
        assert set(place.sent()) <= {"T3"}
        with place.agent() as agent:
            assert {device.state for device in agent.status().site.devices.values()} <= {DeviceState.SEEN}
            assert agent.status().site.outbox == ()


def test_a_registration_that_fails_is_kept_and_made_by_the_next_run(place: Place) -> None:
    @dataclass
    class Unlucky(Person):
        def preview(self, previews: Sequence[Preview]) -> None:
            place.stub.close()

    with StubServer() as place.stub:
        unlucky = Unlucky(place.script)
        with pytest.raises(NetworkError):
            place.walk(unlucky)
    assert unlucky.heard("The registration is kept")
    assert set(states(place).values()) == {DeviceState.SELECTED}


def test_a_device_the_vendor_does_not_accept_is_told(place: Place) -> None:
    place.stub.set_eligibility(KYOCERA, "ineligible", reason="not under contract")
    person = place.person()
    outcome = place.walk(person)
    assert set(outcome.registered) == {BROTHER, LEXMARK}
    assert not outcome.whole
    assert person.heard("not under contract")


def test_while_communication_is_off_nothing_is_sent(place: Place) -> None:
    place.walk(place.person({"devices.choose": BROTHER}))
    place.sent()
    with place.agent() as agent:
        agent.pause()
    person = place.person()
    outcome = place.walk(person)
    assert place.sent() == []
    assert not outcome.whole
    assert person.heard("'meterpost resume'")
    with place.agent() as agent:
        agent.resume()
        agent.flush()
    assert set(states(place).values()) == {DeviceState.REGISTERED}


def test_a_broken_configuration_is_told_before_the_first_question(place: Place) -> None:
    place.folder.mkdir()
    place.config.write_text("[serve]\nurl = 'https://host/'\n", "utf-8")
    person = place.person()
    with pytest.raises(SettingsError, match="serve"):
        place.walk(person)
    assert person.asked == []


def test_the_http_proxy_is_asked_for_its_password_only_where_it_has_a_user(place: Place) -> None:
    for changes, asked in (({}, 0), ({"server.http_proxy": "http://127.0.0.1:1"}, 1)):
        person = place.person({**changes, "server.http_proxy_username": "me", "server.http_proxy_password": "pw"})
        if asked:
            with pytest.raises(NetworkError, match=r"HTTP proxy 127\.0\.0\.1:1"):
                place.walk(person)
        else:
            place.walk(person)
        assert person.asked.count("server.http_proxy_password") == asked
