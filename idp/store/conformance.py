"""The suite that every ephemeral store must pass. Needs pytest; nothing else of the package imports this module.

A subclass of `EphemeralSuite` gives two fixtures: `client` returns a client of an empty store, `dead_client` one of a
store that does not answer.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar

import pytest
import redis

from idp.errors import Unavailable
from idp.store.ephemeral import Ephemeral

T = TypeVar("T")
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
RACERS = 8
MINUTE = timedelta(minutes=1)
SECRET = "a-code-that-is-worth-a-login"


class ManualClock:
    """Stands still until told to advance."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        return self._now

    def advance(self, delta: timedelta) -> None:
        self._now += delta


def race(work: Callable[[int], T], racers: int = RACERS) -> list[T]:
    """Run `work(0)`, `work(1)`, … at the same moment, each in a thread; their results."""
    start = Barrier(racers)

    def run(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(run, range(racers)))


class EphemeralSuite:
    """Override the fixtures `client` and `dead_client`."""

    @pytest.fixture
    def client(self) -> redis.Redis:
        """A client of an empty store."""
        raise NotImplementedError

    @pytest.fixture
    def dead_client(self) -> redis.Redis:
        """A client of a store that does not answer."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def store(self, client: redis.Redis, clock: ManualClock) -> Ephemeral:
        return Ephemeral(client, clock)

    def test_what_is_put_is_got_as_often_as_wanted(self, store: Ephemeral) -> None:
        value = {"text": "é\u2028\x00", "list": [1, 2.5, None, True], "map": {"a": {"b": []}}}
        store.put("kind", "key", value, MINUTE)
        assert store.get("kind", "key") == value
        assert store.get_versioned("kind", "key") == (value, 0)

    def test_kinds_and_keys_are_apart(self, store: Ephemeral) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE)
        assert store.get("kind", "other") is None
        assert store.get("other", "key") is None
        assert store.take("other", "key") is None
        assert not store.swap("kind", "other", 0, {"n": 2}, START + MINUTE)
        assert store.get("kind", "key") == {"n": 1}

    def test_putting_again_replaces_and_starts_at_version_0(self, store: Ephemeral) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE)
        assert store.swap("kind", "key", 0, {"n": 2}, START + MINUTE)
        store.put("kind", "key", {"n": 3}, MINUTE)
        assert store.get_versioned("kind", "key") == ({"n": 3}, 0)

    def test_values_are_json(self, store: Ephemeral) -> None:
        with pytest.raises(TypeError):
            store.put("kind", "key", {"at": START}, MINUTE)
        assert store.get("kind", "key") is None

    def test_a_value_expires_by_our_clock(self, store: Ephemeral, clock: ManualClock) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE)
        clock.advance(MINUTE - timedelta(microseconds=1))
        assert store.get("kind", "key") == {"n": 1}
        clock.advance(timedelta(microseconds=1))
        assert store.get("kind", "key") is None
        assert not store.swap("kind", "key", 0, {"n": 2}, START + 2 * MINUTE)
        assert store.take("kind", "key") is None

    def test_the_store_forgets_by_itself(self, store: Ephemeral, client: redis.Redis) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE)
        store.put("kind", "swapped", {"n": 1}, MINUTE)
        store.swap("kind", "swapped", 0, {"n": 2}, START + MINUTE)
        store.count("counter", "key", MINUTE)
        lives = [client.ttl(name) for name in self._names(client)]
        assert len(lives) == 3
        assert all(0 < life <= 2 * MINUTE.total_seconds() for life in lives)

    def test_keys_are_digests(self, store: Ephemeral, client: redis.Redis) -> None:
        """Who reads the store learns no code, token or handle."""
        store.put("code", SECRET, {"n": 1}, MINUTE)
        store.count("tries", SECRET, MINUTE)
        names = self._names(client)
        assert len(names) == 2
        assert not any(SECRET in name for name in names)

    # -- taken once --------------------------------------------------------------

    def test_a_value_is_taken_once(self, store: Ephemeral) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE)
        assert store.take("kind", "key") == {"n": 1}
        assert store.take("kind", "key") is None
        assert store.get("kind", "key") is None

    def test_of_many_that_take_at_once_one_gets_it(self, store: Ephemeral) -> None:
        for turn in range(10):
            store.put("kind", str(turn), {"n": turn}, MINUTE)
            taken = race(lambda _, key=str(turn): store.take("kind", key))  # type: ignore[misc]
            assert [value for value in taken if value is not None] == [{"n": turn}]

    # -- swapped under a version check ---------------------------------------------

    def test_a_swap_needs_the_version_that_is_stored(self, store: Ephemeral) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE)
        assert not store.swap("kind", "key", 1, {"n": 2}, START + MINUTE)
        assert store.swap("kind", "key", 0, {"n": 2}, START + MINUTE)
        assert not store.swap("kind", "key", 0, {"n": 3}, START + MINUTE)
        assert store.get_versioned("kind", "key") == ({"n": 2}, 1)
        assert store.swap("kind", "key", 1, {"n": 3}, START + MINUTE)
        assert store.get_versioned("kind", "key") == ({"n": 3}, 2)

    def test_any_text_can_be_swapped(self, store: Ephemeral) -> None:
        """A script on the server that parsed the JSON would refuse what it does not know."""
        for text in ("\ud800", "\x00", "é\u2028", "1 2 {}"):
            store.put("kind", "key", {"text": text}, MINUTE)
            assert store.swap("kind", "key", 0, {"text": text}, START + MINUTE)
            assert store.get("kind", "key") == {"text": text}

    def test_a_swap_does_not_bring_back_what_was_taken_or_renewed(self, store: Ephemeral) -> None:
        for happens in (store.take, lambda kind, key: store.renew(kind, key, {"n": 3}, MINUTE)):
            store.renew("kind", "key", {"n": 1}, MINUTE)
            _, version = store.get_versioned("kind", "key") or (None, 0)
            happens("kind", "key")
            there = store.get("kind", "key")
            assert not store.swap("kind", "key", version, {"n": 2}, START + MINUTE)
            assert store.get("kind", "key") == there

    def test_of_many_that_swap_at_once_one_succeeds(self, store: Ephemeral) -> None:
        for turn in range(10):
            key = str(turn)
            store.put("kind", key, {"by": None}, MINUTE)
            won = race(lambda n, key=key: store.swap("kind", key, 0, {"by": n}, START + MINUTE))  # type: ignore[misc]
            assert won.count(True) == 1
            assert store.get_versioned("kind", key) == ({"by": won.index(True)}, 1)

    def test_a_take_and_a_swap_at_once_leave_nothing(self, store: Ephemeral) -> None:
        """The Interaction is completed by one request while another writes to it."""

        def work(number: int) -> Any:
            return store.take("kind", "key") if number % 2 else store.swap("kind", "key", 0, {"n": 2}, START + MINUTE)

        for _ in range(10):
            store.put("kind", "key", {"n": 1}, MINUTE)
            results = race(work, 2)
            assert results[1] == ({"n": 2} if results[0] else {"n": 1})
            assert store.get("kind", "key") is None

    # -- used once, and since when that is known ------------------------------------

    def test_a_name_is_used_once(self, store: Ephemeral, client: redis.Redis) -> None:
        assert store.once("jti", SECRET, MINUTE)
        assert not store.once("jti", SECRET, MINUTE)
        assert store.once("other", SECRET, MINUTE)
        (life, _) = [client.pttl(name) for name in self._names(client)]
        assert 0 < life <= MINUTE.total_seconds() * 1000
        assert not any(SECRET in name for name in self._names(client))

    def test_of_many_that_use_a_name_at_once_one_is_first(self, store: Ephemeral) -> None:
        for turn in range(10):
            firsts = race(lambda _, key=str(turn): store.once("jti", key, MINUTE))  # type: ignore[misc]
            assert firsts.count(True) == 1

    def test_the_birth_of_the_store_is_remembered(self, store: Ephemeral, clock: ManualClock) -> None:
        assert store.epoch() == START
        clock.advance(MINUTE)
        assert store.epoch() == START

    def test_a_store_that_was_emptied_is_born_again(
        self, store: Ephemeral, client: redis.Redis, clock: ManualClock
    ) -> None:
        """The process that knew of the first birth must not hide it."""
        store.epoch()
        clock.advance(MINUTE)
        client.flushdb()
        assert store.epoch() == START + MINUTE

    def test_the_birth_is_never_forgotten(self, store: Ephemeral, client: redis.Redis) -> None:
        store.epoch()
        assert [client.ttl(name) for name in self._names(client)] == [-1]

    # -- beside one another, and marked ----------------------------------------------

    def test_what_is_beside_a_word_is_found_beside_it_only(self, store: Ephemeral) -> None:
        store.put("kind", "key", {"n": 1}, MINUTE, beside="a")
        assert store.get("kind", "key", beside="a") == {"n": 1}
        assert store.get("kind", "key", beside="b") is None
        assert store.get("kind", "key") is None
        assert store.take("kind", "key", beside="a") == {"n": 1}
        assert store.get("kind", "key", beside="a") is None

    def test_a_mark_hides_what_is_beside_its_word(self, store: Ephemeral, client: redis.Redis) -> None:
        def look(word: str) -> Any:
            return store.get_unless_marked("kind", "key", beside=word, mark="dead")

        for word in ("a", "b", "c"):
            store.put("kind", "key", {"at": word}, MINUTE, beside=word)
        store.mark("other", ["a"], MINUTE)
        assert look("a") == {"at": "a"}
        store.mark("dead", ["a", "b"], MINUTE)
        assert [look("a"), look("b"), look("c")] == [None, None, {"at": "c"}]
        assert all(0 < client.pttl(name) <= MINUTE.total_seconds() * 1000 for name in self._names(client))

    def test_what_comes_after_the_mark_is_hidden_too(self, store: Ephemeral, clock: ManualClock) -> None:
        store.mark("dead", ["a"], MINUTE)
        store.put("kind", "key", {}, MINUTE, beside="a")
        assert store.get_unless_marked("kind", "key", beside="a", mark="dead") is None

    def test_what_has_expired_is_not_found_beside_either(self, store: Ephemeral, clock: ManualClock) -> None:
        store.put("kind", "key", {}, MINUTE, beside="a")
        clock.advance(MINUTE)
        assert store.get_unless_marked("kind", "key", beside="a", mark="dead") is None

    def test_many_can_be_marked(self, store: Ephemeral) -> None:
        words = [str(number) for number in range(2500)]
        store.put("kind", "key", {}, MINUTE, beside=words[-1])
        store.mark("dead", words, MINUTE)
        assert store.get_unless_marked("kind", "key", beside=words[-1], mark="dead") is None

    # -- counters ------------------------------------------------------------------

    def test_a_counter_counts_within_its_window(self, store: Ephemeral, clock: ManualClock) -> None:
        assert store.counted("tries", "key", MINUTE) == 0
        assert [store.count("tries", "key", MINUTE) for _ in range(3)] == [1, 2, 3]
        assert store.counted("tries", "key", MINUTE) == 3
        assert store.counted("tries", "other", MINUTE) == 0
        clock.advance(MINUTE)
        assert store.counted("tries", "key", MINUTE) == 0
        assert store.count("tries", "key", MINUTE) == 1

    def test_counts_at_once_are_all_counted(self, store: Ephemeral) -> None:
        sums = race(lambda _: store.count("tries", "key", MINUTE))
        assert sorted(sums) == list(range(1, RACERS + 1))

    # -- failure -------------------------------------------------------------------

    def test_a_store_that_answers_is_there(self, store: Ephemeral) -> None:
        store.ping()

    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.ping(),
            lambda store: store.put("kind", "key", {}, MINUTE),
            lambda store: store.get("kind", "key"),
            lambda store: store.take("kind", "key"),
            lambda store: store.swap("kind", "key", 0, {}, START),
            lambda store: store.once("kind", "key", MINUTE),
            lambda store: store.epoch(),
            lambda store: store.mark("dead", ["a"], MINUTE),
            lambda store: store.get_unless_marked("kind", "key", beside="a", mark="dead"),
            lambda store: store.count("kind", "key", MINUTE),
            lambda store: store.counted("kind", "key", MINUTE),
        ],
        ids=["ping", "put", "get", "take", "swap", "once", "epoch", "mark", "marked", "count", "counted"],
    )
    def test_a_store_that_does_not_answer_is_unavailable(
        self, dead_client: redis.Redis, clock: ManualClock, use: Callable[[Ephemeral], object]
    ) -> None:
        with pytest.raises(Unavailable):
            use(Ephemeral(dead_client, clock))

    @staticmethod
    def _names(client: redis.Redis) -> list[str]:
        return [name.decode() if isinstance(name, bytes) else str(name) for name in client.scan_iter("*")]
