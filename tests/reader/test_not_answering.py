"""A module that does not come back from a call: pages are told so, and the helper is there for the next ones."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from card_reader import desk, server
from card_reader.card import Seen, State, Token
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.server import Server
from tests.fakes.reader import ASKED, ORIGIN, PRESENT, FakeCard, FakePrompt, Page
from tests.fakes.waiting import DEADLINE_S, until


@dataclass
class Hanging(FakeCard):
    """Comes back from a call once `goes_on` is set."""

    looks: bool = False
    signs: bool = False
    goes_on: threading.Event = field(default_factory=threading.Event)

    def look(self) -> Seen:
        if self.looks:
            self.goes_on.wait(DEADLINE_S)
        return super().look()

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        if self.signs:
            self.goes_on.wait(DEADLINE_S)
        return super().sign(pin, origin, nonce, expected)


@pytest.fixture
def card() -> Hanging:
    return Hanging()


@pytest.fixture
def page(tmp_path: Path, card: Hanging, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setattr(desk, "LOOK_S", 0.2)
    monkeypatch.setattr(desk, "SIGN_S", 0.2)
    with Server(Desk(card, FakePrompt(), AllowedOrigins([ORIGIN], tmp_path / "origins")), 0) as running:
        yield Page(running.port)
        card.goes_on.set()


def test_a_look_that_hangs_is_told_to_every_page(page: Page, card: Hanging) -> None:
    card.looks = True
    asked = [page.opened(page.written("GET", "/v1/status", None, {})) for _ in range(server.MOST_CONNECTIONS)]
    for connection in asked:
        with connection:
            assert b'"reason": "not_answering"' in connection.recv(4096)
    until(lambda: _is_told(page))
    answer = page.authenticate()
    assert (answer.status, answer.error) == (503, "not_answering")
    card.goes_on.set()
    until(lambda: page.get().json["card"] == "present")
    assert page.authenticate().status == 200


def _is_told(page: Page) -> bool:
    try:
        return bool(page.get().json["reason"] == "not_answering")
    except (OSError, IndexError):  # the place of an answer is free a moment after it
        return False


def test_a_signature_that_hangs_is_a_timeout_and_nobody_is_told_to_wait_for_it(page: Page, card: Hanging) -> None:
    card.signs = True
    with page.opened(page.written("POST", "/v1/authenticate", ASKED, {})) as connection:
        assert b'"timeout"' in connection.recv(4096)
    assert [page.authenticate().error for _ in range(3)] == ["not_answering"] * 3
    card.goes_on.set()
    until(lambda: page.authenticate().status == 200)


def test_a_card_is_shown_as_it_is_now(page: Page, card: Hanging) -> None:
    for seen in (PRESENT, Seen(State.ABSENT), PRESENT, Seen(State.LOCKED)) * 3:
        card.seen = seen
        assert page.get().json["card"] == seen.state
