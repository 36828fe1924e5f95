"""What a page of an allowed origin gets, and the person before it sees."""

import logging
from dataclasses import replace

import pytest

from card_reader import desk
from card_reader.card import CODES, CardError, Seen, State
from card_reader.prompt import PromptFailed, Question
from card_reader.server import Server
from tests.fakes.reader import ASKED, NONCE, ORIGIN, PIN, PRESENT, Clock, FakeCard, FakePrompt, Page
from tests.fakes.waiting import DEADLINE_S, until

OTHER = "https://other.example"


def test_the_token_is_for_the_origin_of_the_page_whatever_the_body_says(page: Page, card: FakeCard) -> None:
    answer = page.authenticate(origin=OTHER, pin="0000")
    assert (answer.status, answer.readable_by) == (200, ORIGIN)
    assert answer.json["token"]["format"] == "web-eid:1.0"
    assert card.signed == [(PIN, ORIGIN, NONCE)]


def test_the_person_reads_who_asks(page: Page, prompt: FakePrompt, card: FakeCard) -> None:
    card.seen = replace(PRESENT, tries="final")
    page.authenticate(lang="en")
    assert prompt.questions == [Question(ORIGIN, "ROR", "42", "ANNE PIERRE", "final", "en")]
    page.authenticate(lang="xx")
    assert prompt.languages == ["en", "fr"]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (PRESENT, {"card": "present", "tries": "ok"}),
        (Seen(State.ABSENT), {"card": "absent", "tries": "ok"}),
        (Seen(State.ABSENT, code="no_reader"), {"card": "absent", "tries": "ok", "reason": "no_reader"}),
        (Seen(State.LOCKED, holder="ANNE PIERRE", tries="final"), {"card": "locked", "tries": "final"}),
        (Seen(State.UNREADABLE, code="no_module"), {"card": "no_module", "tries": "ok", "reason": "no_module"}),
        (
            Seen(State.UNREADABLE, code="several_cards"),
            {"card": "unreadable", "tries": "ok", "reason": "several_cards"},
        ),
    ],
)
def test_status_says_how_the_card_is_and_not_whose(
    page: Page, card: FakeCard, seen: Seen, told: dict[str, str]
) -> None:
    card.seen = seen
    answer = page.get()
    assert {name: answer.json[name] for name in answer.json if name not in {"product", "version"}} == {
        "allowed": True,
        **told,
    }
    assert "PIERRE" not in answer.text


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (Seen(State.ABSENT), "no_card"),
        (Seen(State.ABSENT, code="no_reader"), "no_card"),
        (Seen(State.LOCKED), "pin_locked"),
        (Seen(State.UNREADABLE, code="no_certificate"), "no_certificate"),
        (Seen(State.UNREADABLE, code="no_module"), "no_module"),
    ],
)
def test_no_pin_is_asked_for_a_card_that_cannot_sign(
    page: Page, card: FakeCard, prompt: FakePrompt, seen: Seen, code: str
) -> None:
    card.seen = seen
    answer = page.authenticate()
    assert (answer.status, answer.error) == (503 if code == "no_module" else 409, code)
    assert prompt.questions == []


def test_a_wrong_pin_is_one_try_and_never_repeated(page: Page, card: FakeCard, prompt: FakePrompt) -> None:
    prompt.pin = "0000"
    answer = page.authenticate()
    assert (answer.status, answer.json) == (409, {"error": "pin_incorrect", "tries": "low"})
    assert len(card.signed) == len(prompt.questions) == 1


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12 4", "abcd", "١٢٣٤", "1234\n"])
def test_a_malformed_pin_never_reaches_the_card(page: Page, card: FakeCard, prompt: FakePrompt, pin: str) -> None:
    prompt.pin = pin
    assert page.authenticate().error == "pin_malformed"
    assert card.signed == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_refusal_of_a_card_is_told(page: Page, card: FakeCard, code: str) -> None:
    card.failure = CardError(code, "detail for the log", tries="final")
    answer = page.authenticate()
    assert (answer.json, answer.readable_by) == ({"error": code, "tries": "final"}, ORIGIN)
    assert answer.status in {409, 503}


def test_a_pin_that_is_cancelled(page: Page, card: FakeCard, prompt: FakePrompt) -> None:
    prompt.pin = None
    assert page.authenticate().error == "pin_cancelled"
    assert card.signed == []


def test_a_second_request_is_refused_at_once(page: Page, prompt: FakePrompt) -> None:
    prompt.waits = True
    with page.opened(page.written("POST", "/v1/authenticate", ASKED, {})):
        assert prompt.opened.wait(DEADLINE_S)
        assert (page.authenticate().error, Page(page.port, OTHER).post("/v1/allow", {}).error) == ("busy", "busy")
        assert page.get().json["card"] == "present"
    assert prompt.closed.wait(DEADLINE_S)


def test_a_page_that_goes_away_closes_the_window_and_what_was_typed_is_not_used(
    page: Page, card: FakeCard, prompt: FakePrompt
) -> None:
    prompt.waits = True
    with page.opened(page.written("POST", "/v1/authenticate", ASKED, {})):
        assert prompt.opened.wait(DEADLINE_S)
    assert prompt.closed.wait(DEADLINE_S)
    prompt.waits = False
    until(lambda: page.authenticate().status == 200)
    assert len(card.signed) == 1


def test_a_person_who_does_not_answer_in_time(page: Page, card: FakeCard, prompt: FakePrompt, clock: Clock) -> None:
    def late() -> None:
        clock.seconds += desk.WHOLE_S

    prompt.meanwhile = late
    assert page.authenticate().error == "timeout"
    assert card.signed == []


def test_the_window_closes_when_the_helper_ends(server: Server, page: Page, prompt: FakePrompt) -> None:
    prompt.waits = True
    with page.opened(page.written("POST", "/v1/authenticate", ASKED, {})):
        assert prompt.opened.wait(DEADLINE_S)
        server.__exit__()
        assert prompt.closed.is_set()  # before the process may end


@pytest.mark.parametrize(
    ("path", "method"), [("/v1/status", "GET"), ("/v1/allow", "POST"), ("/v1/authenticate", "POST")]
)
def test_a_preflight_is_answered(page: Page, path: str, method: str) -> None:
    answer = page.send("OPTIONS", path, None, {"access_control_request_method": method, "sec_fetch_mode": "cors"})
    assert (answer.status, answer.readable_by, answer.text) == (204, ORIGIN, "")
    assert answer.headers["access-control-allow-methods"] == method
    assert answer.headers["access-control-allow-headers"] == "Content-Type"
    assert "access-control-allow-private-network" not in answer.headers


def test_a_preflight_of_private_network_access_is_answered(page: Page) -> None:
    asked = {"access_control_request_method": "POST", "access_control_request_private_network": "true"}
    answer = page.send("OPTIONS", "/v1/authenticate", None, asked)
    assert answer.headers["access-control-allow-private-network"] == "true"


def test_what_browsers_say_of_a_fetch_is_accepted(page: Page) -> None:
    headers = {"sec_fetch_mode": "cors", "sec_fetch_site": "cross-site", "sec_fetch_dest": "empty"}
    headers["content_type"] = "application/json; charset=utf-8"
    assert page.post("/v1/authenticate", ASKED, **headers).status == 200


class Careless(Exception):
    """Of a driver that repeats what it was given."""


@pytest.mark.parametrize(
    "failure", [None, CardError("pin_incorrect"), Careless(f"C_Login failed for {PIN}"), OSError(f"PIN {PIN}: no card")]
)
def test_the_pin_and_the_signature_are_in_no_log_and_the_pin_in_no_answer(
    page: Page,
    card: FakeCard,
    failure: Exception | None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    card.failure = failure
    answer = page.authenticate()
    assert card.signed  # the card was given the PIN
    assert PIN not in answer.text
    printed = "".join(capfd.readouterr())
    logged = " ".join(f"{record.getMessage()} {record.exc_info} {record.__dict__}" for record in caplog.records)
    assert ORIGIN in logged or "Careless" in logged or "OSError" in logged
    for secret in (PIN, NONCE, "signature of"):
        assert secret not in logged + printed


def test_what_a_token_calls_itself_writes_no_line_of_its_own(
    page: Page, card: FakeCard, caplog: pytest.LogCaptureFixture
) -> None:
    card.failure = CardError("failed", "token \x1b[2J\nauthenticate https://other.example: signed")
    page.authenticate()
    assert [record.getMessage() for record in caplog.records] == [
        f"authenticate {ORIGIN}: failed token [2J authenticate https://other.example: signed"
    ]


def test_a_person_who_cannot_be_asked_is_logged(
    page: Page, prompt: FakePrompt, caplog: pytest.LogCaptureFixture
) -> None:
    prompt.failure = PromptFailed("there is no display")
    answer = page.authenticate()
    assert (answer.status, answer.error, answer.readable_by) == (503, "failed", ORIGIN)
    assert "there is no display" in caplog.text


def test_the_desk_is_free_again_after_a_failure(page: Page, card: FakeCard) -> None:
    card.failure = Careless()
    assert page.authenticate().status == 503
    card.failure = None
    assert page.authenticate().status == 200


def test_each_code_has_a_status() -> None:
    assert set(desk.STATUS) > CODES
    assert set(desk.STATUS.values()) == {400, 403, 409, 503}


def test_a_page_that_sends_more_than_it_announced_is_gone(page: Page, prompt: FakePrompt) -> None:
    prompt.waits = True
    with page.opened(page.written("POST", "/v1/authenticate", ASKED, {})) as connection:
        assert prompt.opened.wait(DEADLINE_S)
        connection.sendall(b"x")
        assert prompt.closed.wait(DEADLINE_S)
