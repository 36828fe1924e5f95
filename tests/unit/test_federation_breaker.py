"""An upstream that does not answer: who may still ask, what is said, and what is kept of its documents."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idp.methods.federation.breaker import FAILURES, SAID_FOR, Breaker
from idp.methods.federation.documents import ASK_AGAIN_AFTER, FAILED_FOR, GOOD_FOR, KEEP, SPARE, Document
from idp.methods.federation.faults import LoginRefused
from idp.outgoing import Unreachable

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def fail(breaker: Breaker, times: int = FAILURES, at: datetime = NOW) -> None:
    for _ in range(times):
        with pytest.raises(Unreachable), breaker.call(at):
            raise Unreachable("no_answer", "down")


def test_a_few_failures_are_not_said() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES - 1)
    assert not breaker.is_open(NOW)
    with breaker.call(NOW):
        pass
    fail(breaker, FAILURES - 1)
    assert not breaker.is_open(NOW)


def test_whatever_it_answers_it_answers() -> None:
    breaker = Breaker()
    fail(breaker)
    with pytest.raises(LoginRefused), breaker.call(NOW):
        raise LoginRefused("code_refused")
    assert not breaker.is_open(NOW)


def test_it_is_said_for_two_minutes_after_the_last_failure() -> None:
    breaker = Breaker()
    fail(breaker)
    assert breaker.is_open(NOW + SAID_FOR - timedelta(seconds=1))
    assert not breaker.is_open(NOW + SAID_FOR)
    fail(breaker, 1, NOW + SAID_FOR)
    assert breaker.is_open(NOW + SAID_FOR)


def test_while_it_fails_one_call_at_a_time() -> None:
    breaker = Breaker()
    fail(breaker)
    later = NOW + SAID_FOR * 2
    with breaker.call(later), pytest.raises(Unreachable, match="somebody else is trying"), breaker.call(later):
        pytest.fail("two were let in")
    with breaker.call(later), breaker.call(later):
        pass  # it answered: everybody


def test_a_turn_that_was_refused_takes_nobodys_turn_away() -> None:
    breaker = Breaker()
    fail(breaker)

    def fail_while_another_is_refused() -> None:
        with breaker.call(NOW):
            fail(breaker, 1)
            raise Unreachable("no_answer", "down")

    with pytest.raises(Unreachable):
        fail_while_another_is_refused()
    with breaker.call(NOW):
        pass


class Watched(Breaker):
    """Whoever writes of its calls has the lock."""

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, "_lock"):
            assert self._lock.locked(), name
        super().__setattr__(name, value)


def test_its_state_is_written_under_its_lock() -> None:
    breaker = Watched()
    fail(breaker, FAILURES + 1)
    with breaker.call(NOW):
        pass
    assert not breaker.is_open(NOW)


def test_of_many_threads_one_is_let_in_while_it_fails() -> None:
    breaker, many = Breaker(), 16
    fail(breaker)
    together, settled = threading.Barrier(many), threading.Semaphore(0)
    go, came = threading.Event(), list[str]()

    def try_it() -> None:
        together.wait(5)
        try:
            with breaker.call(NOW):
                came.append("in")
                settled.release()
                assert go.wait(5)
                raise Unreachable("no_answer", "still down")
        except Unreachable as failure:
            came.append(str(failure))
            settled.release()

    threads = [threading.Thread(target=try_it, daemon=True) for _ in range(many)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert settled.acquire(timeout=5)
    assert came.count("in") == 1
    assert sum("somebody else is trying" in each for each in came) == many - 1
    go.set()
    for thread in threads:
        thread.join(5)
    assert breaker.is_open(NOW)
    with breaker.call(NOW):
        pass  # the turn was given back
    assert not breaker.is_open(NOW)


class Published:
    """What an address answers; counts how often it was asked, and notes the seconds that it was given."""

    def __init__(self) -> None:
        self.asked, self.given_s = 0, list[float]()
        self.failure: Unreachable | LoginRefused | None = None

    def __call__(self, timeout_s: float) -> Mapping[str, Any]:
        self.asked += 1
        self.given_s.append(timeout_s)
        if self.failure:
            raise self.failure
        return {"version": self.asked}


DOWN = Unreachable("no_answer", "down")
UNSOUND = LoginRefused("upstream_error", "not what it was")


def test_a_document_is_kept_an_hour() -> None:
    published, document = Published(), Document()
    times = [NOW, NOW + KEEP - timedelta(seconds=1), NOW + KEEP]
    assert [document.get(published, now, wait_s=1)["version"] for now in times] == [1, 1, 2]


def test_anew_asks_again_after_a_minute() -> None:
    published, document = Published(), Document()
    times = [NOW, NOW + ASK_AGAIN_AFTER - timedelta(seconds=1), NOW + ASK_AGAIN_AFTER]
    assert [document.get(published, now, wait_s=1, anew=True)["version"] for now in times] == [1, 1, 2]


@pytest.mark.parametrize("failure", [DOWN, UNSOUND])
def test_what_is_known_serves_a_day_while_nothing_newer_or_nothing_sound_comes(
    failure: Unreachable | LoginRefused,
) -> None:
    published, document = Published(), Document()
    document.get(published, NOW, wait_s=1)
    published.failure = failure
    assert document.get(published, NOW + GOOD_FOR - timedelta(seconds=1), wait_s=1) == {"version": 1}
    with pytest.raises(type(failure)):
        document.get(published, NOW + GOOD_FOR, wait_s=1)


@pytest.mark.parametrize("failure", [DOWN, UNSOUND])
def test_a_failure_is_not_asked_for_at_every_request(failure: Unreachable | LoginRefused) -> None:
    published, document = Published(), Document()
    published.failure = failure
    for seconds in (0, 1, 14):
        with pytest.raises(type(failure)):
            document.get(published, NOW + timedelta(seconds=seconds), wait_s=1)
    assert published.asked == 1
    published.failure = None
    assert document.get(published, NOW + FAILED_FOR, wait_s=1) == {"version": 2}


def test_a_newer_copy_of_what_is_good_may_take_a_part_of_the_time_only() -> None:
    published, document = Published(), Document()
    document.get(published, NOW, wait_s=4)
    document.get(published, NOW + KEEP, wait_s=4)
    document.get(published, NOW + KEEP * 2, wait_s=4, anew=True)  # without which there is nothing to go on with
    document.get(published, NOW + KEEP * 2 + GOOD_FOR, wait_s=4)
    assert published.given_s == [4, 4 * SPARE, 4, 4]


def test_of_one_who_answered_a_copy_is_a_minute_old() -> None:
    published, document = Published(), Document()
    times = [NOW, NOW + ASK_AGAIN_AFTER - timedelta(seconds=1), NOW + ASK_AGAIN_AFTER]
    assert [document.get(published, now, wait_s=4, answered=True)["version"] for now in times] == [1, 1, 2]
    assert published.given_s == [4, 4 * SPARE]


def test_of_one_who_did_not_answer_none_will_do_and_each_asks_again_with_all_the_time() -> None:
    published, document = Published(), Document()
    document.get(published, NOW, wait_s=4)
    published.failure = DOWN
    for _ in range(2):
        with pytest.raises(Unreachable):
            document.get(published, NOW + ASK_AGAIN_AFTER, wait_s=4, answered=True)
    assert document.get(published, NOW + ASK_AGAIN_AFTER, wait_s=4) == {"version": 1}  # for what is under way
    published.failure = None
    assert document.get(published, NOW + ASK_AGAIN_AFTER, wait_s=4, answered=True) == {"version": 4}
    assert published.given_s == [4, 4 * SPARE, 4, 4]


def test_an_answer_that_is_not_sound_is_one() -> None:
    published, document = Published(), Document()
    document.get(published, NOW, wait_s=4)
    published.failure = UNSOUND
    for _ in range(2):
        assert document.get(published, NOW + ASK_AGAIN_AFTER, wait_s=4, answered=True) == {"version": 1}
    assert published.asked == 2


def test_while_one_asks_again_the_others_are_refused_at_once() -> None:
    document, entered, go = Document(), threading.Event(), threading.Event()
    known, later = Published(), NOW + ASK_AGAIN_AFTER
    document.get(known, NOW, wait_s=1)
    known.failure = DOWN
    with pytest.raises(Unreachable):
        document.get(known, later, wait_s=1, answered=True)

    def slow(_timeout_s: float) -> Mapping[str, Any]:
        entered.set()
        assert go.wait(5)
        return {"version": 2}

    thread = threading.Thread(target=lambda: document.get(slow, later, wait_s=60, answered=True), daemon=True)
    thread.start()
    assert entered.wait(5)
    with pytest.raises(Unreachable, match="down"):
        document.get(known, later, wait_s=60, answered=True)
    assert known.asked == 2
    go.set()
    thread.join(5)
    assert document.get(known, later, wait_s=1, answered=True) == {"version": 2}


def test_one_thread_asks_and_the_others_wait_for_it() -> None:
    document, entered, go = Document(), threading.Event(), threading.Event()
    asked: list[int] = []
    found: list[Any] = []

    def slow(_timeout_s: float) -> Mapping[str, Any]:
        asked.append(1)
        entered.set()
        assert go.wait(5)
        return {"version": 1}

    threads = [
        threading.Thread(target=lambda: found.append(document.get(slow, NOW, wait_s=5)), daemon=True) for _ in range(4)
    ]
    threads[0].start()
    assert entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    with pytest.raises(Unreachable, match="still being fetched"):
        document.get(slow, NOW, wait_s=0.01)
    go.set()
    for thread in threads:
        thread.join(5)
    assert found == [{"version": 1}] * 4
    assert len(asked) == 1


def test_nobody_waits_who_has_something_to_go_on_with() -> None:
    document, entered, go = Document(), threading.Event(), threading.Event()
    document.get(Published(), NOW, wait_s=1)

    def slow(_timeout_s: float) -> Mapping[str, Any]:
        entered.set()
        assert go.wait(5)
        return {"version": 2}

    thread = threading.Thread(target=lambda: document.get(slow, NOW + KEEP, wait_s=5), daemon=True)
    thread.start()
    assert entered.wait(5)
    assert document.get(slow, NOW + KEEP, wait_s=60) == {"version": 1}
    later = threading.Timer(0.05, go.set)
    later.start()
    assert document.get(slow, NOW + KEEP, wait_s=60, anew=True) == {"version": 2}  # it is what is missing
    thread.join(5)
    later.join(5)
