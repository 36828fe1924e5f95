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


def test_other_parameters_are_outdated(hasher: PasswordHasher) -> None:
    digest = hasher.hash(SECRET)
    assert not hasher.is_outdated(digest)
    stronger = PasswordHasher(CHEAP.model_copy(update={"time_cost": 2}))
    assert stronger.is_outdated(digest)
    assert stronger.verify(digest, SECRET)


def test_nobody_costs_a_hash_and_is_never_right(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def watched(self: argon2.PasswordHasher, digest: str, password: str) -> Any:
        checked.append(digest)
        return verify(self, digest, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    assert not hasher.verify(None, "nobody has this password")
    assert len(checked) == 1
    assert checked[0].rpartition("$")[0].startswith("$argon2id$v=19$m=7168,t=1,p=1$")


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
    target = (lambda: hasher.hash("x")) if work == "hash" else (lambda: hasher.verify("digest", "x"))
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
