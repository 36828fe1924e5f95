"""Whose pages may ask, and how often: the person decides, and is not worn down."""

from pathlib import Path

from card_reader import desk
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.prompt import PromptFailed
from card_reader.server import Server
from tests.fakes.reader import ORIGIN, PIN, Clock, FakeCard, FakePrompt, Page
from tests.fakes.waiting import DEADLINE_S

OTHER = "https://other.example"


def test_after_two_cancellations_in_a_row_an_origin_is_not_heard_for_a_minute(
    page: Page, prompt: FakePrompt, clock: Clock, allowed: AllowedOrigins
) -> None:
    allowed.add(OTHER)
    prompt.pin = None
    assert [page.authenticate().error for _ in range(3)] == ["pin_cancelled", "pin_cancelled", "busy"]
    prompt.pin = PIN
    assert Page(page.port, OTHER).authenticate().status == 200
    clock.seconds += 59
    assert page.authenticate().error == "busy"
    clock.seconds += 1
    assert page.authenticate().status == 200


def test_cancellations_count_only_in_a_row(page: Page, prompt: FakePrompt) -> None:
    for pin in (None, PIN, None, PIN):
        prompt.pin = pin
        assert page.authenticate().status == (409 if pin is None else 200)


def test_a_page_cannot_open_windows_and_leave_for_ever(page: Page, prompt: FakePrompt, clock: Clock) -> None:
    def late() -> None:
        clock.seconds += desk.WHOLE_S

    prompt.meanwhile = late
    assert [page.authenticate().error for _ in range(6)] == [*["timeout"] * 5, "busy"]


def test_the_person_is_asked_whether_an_origin_may_use_the_card(page: Page, prompt: FakePrompt) -> None:
    other = Page(page.port, OTHER)
    answer = other.post("/v1/allow", {"lang": "en"})
    assert (answer.json, answer.readable_by) == ({"allowed": True}, OTHER)
    assert (prompt.questions, prompt.languages) == ([OTHER], ["en"])
    assert other.authenticate().status == 200
    assert other.post("/v1/allow", {}).json == {"allowed": True}
    assert len(prompt.questions) == 2  # the second was for the PIN


def test_an_origin_that_was_refused_is_not_asked_about_again(page: Page, prompt: FakePrompt) -> None:
    prompt.allows = False
    other = Page(page.port, OTHER)
    assert [other.post("/v1/allow", {}).json for _ in range(2)] == [{"allowed": False}] * 2
    assert prompt.questions == [OTHER]
    assert other.authenticate().error == "origin_not_allowed"


def test_having_many_names_asks_no_more_often(page: Page, prompt: FakePrompt, clock: Clock) -> None:
    prompt.allows = False
    strangers = [Page(page.port, f"https://{number}.example") for number in range(3)]
    answers = [stranger.post("/v1/allow", {}) for stranger in strangers]
    assert [answer.status for answer in answers] == [200, 200, 409]
    clock.seconds += 60
    assert strangers[2].post("/v1/allow", {}).status == 200


def test_a_consent_that_came_too_late_is_none(page: Page, prompt: FakePrompt, clock: Clock) -> None:
    def late() -> None:
        clock.seconds += desk.WHOLE_S

    prompt.meanwhile = late
    other = Page(page.port, OTHER)
    assert other.post("/v1/allow", {}).error == "timeout"
    assert other.get().json["allowed"] is False


def test_where_the_administrator_decides_nobody_is_asked(tmp_path: Path, card: FakeCard, prompt: FakePrompt) -> None:
    origins = AllowedOrigins([ORIGIN], tmp_path / "origins", person_may_allow=False)
    with Server(Desk(card, prompt, origins), 0) as running:
        assert Page(running.port, OTHER).post("/v1/allow", {}).json == {"allowed": False}
        assert Page(running.port).post("/v1/allow", {}).json == {"allowed": True}
    assert prompt.questions == []


def test_a_question_that_was_only_closed_may_come_again_and_counts_as_cancelled(page: Page, prompt: FakePrompt) -> None:
    prompt.allows = None
    other = Page(page.port, OTHER)
    answers = [other.post("/v1/allow", {}) for _ in range(3)]
    assert [answer.json.get("allowed", answer.json.get("error")) for answer in answers] == [False, False, "busy"]
    assert prompt.questions == [OTHER] * 2


def test_the_quiet_time_doubles_up_to_an_hour_until_the_person_answers(
    page: Page, prompt: FakePrompt, clock: Clock
) -> None:
    def cancel_until_quiet() -> None:
        prompt.pin = None
        assert [page.authenticate().error for _ in range(3)] == ["pin_cancelled", "pin_cancelled", "busy"]

    for quiet_s in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        cancel_until_quiet()
        clock.seconds += quiet_s - 1
        assert page.authenticate().error == "busy"
        clock.seconds += 1
    prompt.pin = PIN
    assert page.authenticate().status == 200
    cancel_until_quiet()
    clock.seconds += 60
    prompt.pin = PIN
    assert page.authenticate().status == 200


def test_a_strangers_question_stays_for_half_a_minute_only(page: Page, prompt: FakePrompt, clock: Clock) -> None:
    def late() -> None:
        clock.seconds += 30

    prompt.meanwhile = late
    assert Page(page.port, OTHER).post("/v1/allow", {}).error == "timeout"
    assert page.authenticate().status == 200


def test_a_strangers_question_gives_way_to_an_origin_that_is_allowed(page: Page, prompt: FakePrompt) -> None:
    other = Page(page.port, OTHER)
    prompt.waits_to_allow = True
    with other.opened(other.written("POST", "/v1/allow", {}, {})) as asking:
        assert prompt.opened.wait(DEADLINE_S)
        assert page.authenticate().status == 200
        assert b"timeout" in asking.recv(4096)
    assert other.get().json["allowed"] is False


def test_a_window_that_cannot_open_counts_as_abandoned(page: Page, prompt: FakePrompt) -> None:
    prompt.failure = PromptFailed("there is no display")
    assert [page.authenticate().error for _ in range(6)] == [*["failed"] * 5, "busy"]
