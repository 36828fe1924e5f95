"""Watching the readers, with a card that answers what the test says."""

import threading

from card_reader.card import Seen, State, Token
from card_reader.watch import Watch

ABSENT, PRESENT = Seen(State.ABSENT), Seen(State.PRESENT, "ANNE PIERRE")


class Answers:
    """Says what is in the list, then its last word for ever; `looked` is set when that is reached."""

    def __init__(self, *seen: Seen) -> None:
        self._seen = list(seen)
        self.looked = threading.Event()

    def look(self) -> Seen:
        if len(self._seen) > 1:
            return self._seen.pop(0)
        self.looked.set()
        return self._seen[0]

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        raise NotImplementedError


class Broken(Answers):
    def look(self) -> Seen:
        if self.looked.is_set():
            return super().look()
        self.looked.set()
        raise RuntimeError("of a driver")


def test_whoever_asks_gets_a_look_of_now() -> None:
    watch = Watch(Answers(ABSENT, PRESENT), every_s=60)
    assert [watch.look(), watch.look()] == [ABSENT, PRESENT]
    watch.end()


def test_a_look_that_fails_is_not_the_last_one() -> None:
    with Watch(Broken(PRESENT), every_s=0.001) as watch:
        assert watch.wait_until(lambda seen: seen == PRESENT, timeout_s=10) == PRESENT


def test_it_waits_for_what_is_wanted() -> None:
    with Watch(Answers(ABSENT, ABSENT, PRESENT), every_s=0.001) as watch:
        assert watch.wait_until(lambda seen: seen.state is State.PRESENT, timeout_s=10) == PRESENT
        assert watch.look() == PRESENT


def test_what_does_not_come_ends_the_wait() -> None:
    with Watch(Answers(ABSENT), every_s=0.001) as watch:
        assert watch.wait_until(lambda seen: seen.state is State.PRESENT, timeout_s=0.01) == ABSENT


def test_the_end_of_the_watch_ends_every_wait() -> None:
    card = Answers(ABSENT)
    found: list[Seen] = []
    with Watch(card, every_s=0.001) as watch:
        waiting = threading.Thread(target=lambda: found.append(watch.wait_until(lambda _: False, timeout_s=60)))
        waiting.start()
        assert card.looked.wait(10)
    waiting.join(10)
    assert found == [ABSENT]


def test_it_stops_looking_when_it_ends() -> None:
    card = Answers(ABSENT)
    with Watch(card, every_s=0.001):
        assert card.looked.wait(10)
    assert not any(thread.name == "card-watch" for thread in threading.enumerate())
