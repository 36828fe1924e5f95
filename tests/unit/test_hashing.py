"""Password hashes: Argon2id, as long for nobody as for somebody, a few at once."""

from threading import Event, Lock, Thread
from typing import Any

import argon2
import pytest

from idp.hashing import PasswordHasher
from idp.settings.sections import Argon2
from tests.fakes.provider import CHEAP

SECRET = "correct cheval batterie agrafe"


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    return PasswordHasher(CHEAP)


def test_the_default_is_what_owasp_asks() -> None:
    assert (Argon2().memory_kib, Argon2().time_cost, Argon2().parallelism) == (19456, 2, 1)


def test_a_hash_is_salted_argon2id(hasher: PasswordHasher) -> None:
    first, second = hasher.hash(SECRET), hasher.hash(SECRET)
    assert first.startswith("$argon2id$v=19$m=7168,t=1,p=1$")
    assert first != second
    assert hasher.verify(first, SECRET)
    assert not hasher.verify(first, SECRET + " ")


def test_one_character_written_in_two_ways_is_one(hasher: PasswordHasher) -> None:
    composed, decomposed = "\N{LATIN SMALL LETTER E WITH ACUTE}t\N{LATIN SMALL LETTER E WITH ACUTE}", "e\u0301te\u0301"
    for chosen in (composed, decomposed):
        digest = hasher.hash(chosen)
        assert hasher.verify(digest, composed)
        assert hasher.verify(digest, decomposed)
        assert not hasher.verify(digest, "ete")
    assert not hasher.verify(None, decomposed)


def test_a_digest_of_what_was_typed_in_another_way_is_still_good(hasher: PasswordHasher) -> None:
    """Of before the rule."""
    old = hasher._argon2.hash("e\u0301te\u0301")
    assert hasher.verify(old, "e\u0301te\u0301")


def test_other_parameters_are_outdated(hasher: PasswordHasher) -> None:
    digest = hasher.hash(SECRET)
    assert not hasher.is_outdated(digest)
    stronger = PasswordHasher(CHEAP.model_copy(update={"time_cost": 2}))
    assert stronger.is_outdated(digest)
    assert stronger.verify(digest, SECRET)


OLDER, NEWER = CHEAP, CHEAP.model_copy(update={"time_cost": 2})
OLD, NEW = "$argon2id$v=19$m=7168,t=1,p=1$", "$argon2id$v=19$m=7168,t=2,p=1$"


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of each hash that is computed to check one, in order."""
    done: list[str] = []
    verify = argon2.PasswordHasher.verify

    def watched(self: argon2.PasswordHasher, digest: str, password: str) -> Any:
        done.append(digest[: -len(digest.split("$", 4)[4])])
        return verify(self, digest, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    return done


def test_nobody_costs_a_hash_and_is_never_right(hasher: PasswordHasher, work: list[str]) -> None:
    assert not hasher.verify(None, SECRET)
    assert work == [OLD]


@pytest.mark.parametrize("stored", [(), (OLD,), (OLD, NEW), (NEW,)])
def test_everybody_costs_a_hash_for_each_set_of_parameters(work: list[str], stored: tuple[str, ...]) -> None:
    old, new = PasswordHasher(OLDER).hash(SECRET), PasswordHasher(NEWER).hash(SECRET)
    hasher = PasswordHasher(NEWER, lambda: stored)
    costs = []
    known = [old, new] if OLD in stored else [new]
    for digest in (None, *known):
        for typed in (SECRET, "wrong"):
            work.clear()
            assert hasher.verify(digest, typed) is (digest is not None and typed == SECRET)
            costs.append(sorted(work))
    assert costs == [sorted({NEW, *stored})] * len(costs)


def test_parameters_that_another_process_uses_are_learnt_from_its_digests(work: list[str]) -> None:
    hasher = PasswordHasher(NEWER)
    assert hasher.verify(PasswordHasher(OLDER).hash(SECRET), SECRET)
    work.clear()
    assert not hasher.verify(None, SECRET)
    assert sorted(work) == [OLD, NEW]


def test_the_parameters_in_use_are_asked_once_and_again_if_there_was_no_answer() -> None:
    asked: list[int] = []

    def in_use() -> tuple[str, ...]:
        asked.append(1)
        if len(asked) == 1:
            raise ConnectionError
        return (OLD,)

    hasher = PasswordHasher(NEWER, in_use)
    assert not asked
    with pytest.raises(ConnectionError):
        hasher.verify(None, SECRET)
    for _ in range(3):
        assert not hasher.verify(None, SECRET)
    assert len(asked) == 2


def test_a_digest_that_cannot_be_read_stops_its_holder_alone() -> None:
    hasher = PasswordHasher(CHEAP, lambda: ("$argon2id$broken$", ""))
    assert hasher.verify(hasher.hash(SECRET), SECRET)


@pytest.mark.parametrize("work", ["hash", "verify"])
def test_no_more_hashes_at_once_than_the_setting(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six threads, two slots: never more than two inside; the others get in when these leave."""
    hasher = PasswordHasher(CHEAP.model_copy(update={"at_once": 2}))
    inside, most, lock = 0, 0, Lock()
    two_inside, go = Event(), Event()

    def slow(*_: Any) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 2:
                two_inside.set()
        assert go.wait(10)
        with lock:
            inside -= 1
        return "digest"

    monkeypatch.setattr(argon2.PasswordHasher, work, slow)
    target = (lambda: hasher.hash("x")) if work == "hash" else (lambda: hasher.verify(f"{OLD}salt$hash", "x"))
    threads = [Thread(target=target) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert two_inside.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert (inside, most) == (0, 2)


def test_a_wrong_password_gives_its_slot_back() -> None:
    hasher = PasswordHasher(CHEAP.model_copy(update={"at_once": 1}))
    digest = hasher.hash(SECRET)
    assert not hasher.verify(digest, "wrong")
    with pytest.raises(argon2.exceptions.InvalidHashError):
        hasher.verify("no digest", "wrong")
    assert hasher.verify(digest, SECRET)
