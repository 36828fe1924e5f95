"""The terminal device itself: a pseudo-terminal, at whose other end the test types."""

import os
import pty
import termios
import threading
from collections.abc import Iterator

import pytest

from card_reader import prompt_terminal
from card_reader.prompt import PromptFailed
from card_reader.prompt_terminal import Tty, controlling
from tests.fakes.reader import PIN
from tests.fakes.waiting import until


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    person, device = pty.openpty()
    yield person, device
    os.close(person)
    os.close(device)


def _echoes(device: int) -> bool:
    return bool(termios.tcgetattr(device)[3] & termios.ECHO)


def _type_when_asked(person: int, device: int, text: str) -> threading.Thread:
    """Once echo is off, which is when the question is read."""

    def typing() -> None:
        until(lambda: not _echoes(device))
        os.write(person, text.encode())

    thread = threading.Thread(target=typing)
    thread.start()
    return thread


def test_what_is_typed_is_read_and_not_shown(ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(termios, "tcflush", lambda *_: None)  # what the test types may come before it
    person, device = ends
    terminal = Tty(device)
    terminal.write("Code porteur > ")
    thread = _type_when_asked(person, device, f"{PIN}\n")
    assert terminal.read_line(lambda: True, hidden=True) == PIN
    thread.join()
    assert PIN not in os.read(person, 1000).decode()
    assert _echoes(device)


def test_what_was_typed_before_the_question_is_no_answer(ends: tuple[int, int]) -> None:
    person, device = ends
    os.write(person, b"1234\n")
    assert os.read(person, 4) == b"1234"  # the echo: it has arrived
    left = iter([True, False])
    assert Tty(device).read_line(lambda: next(left), hidden=True) is None


def test_the_question_ends_when_nobody_waits_and_the_echo_comes_back(ends: tuple[int, int]) -> None:
    _, device = ends
    assert Tty(device).read_line(lambda: False, hidden=True) is None
    assert _echoes(device)


def test_the_end_of_the_input_is_no_answer(ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(termios, "tcflush", lambda *_: None)
    person, device = ends
    thread = _type_when_asked(person, device, "\x04")
    assert Tty(device).read_line(lambda: True, hidden=True) is None
    thread.join()


def test_without_a_terminal_the_person_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(prompt_terminal.os, "open", without)
    with pytest.raises(PromptFailed, match="no terminal"):
        controlling()
