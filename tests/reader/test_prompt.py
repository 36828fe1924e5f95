"""What the person reads and may type, in French and in English, window or terminal."""

from dataclasses import fields, replace
from typing import Any

import pytest

from card_reader.prompt import Question, Wanted, printable
from card_reader.prompt_terminal import TerminalPrompt
from card_reader.prompt_texts import ENGLISH, FRENCH, lines
from tests.fakes.reader import ORIGIN, PIN

QUESTION = Question(ORIGIN, "ROR Île-de-France", "42", "ANNE PIERRE", "ok")


def always() -> bool:
    return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ROR", "ROR"),
        ("  ROR \n\t Île-de-France\u2028", "ROR Île-de-France"),
        ("R\x1b[2JO\x07R\x00\x9b", "R[2JOR"),
        ("ror\u202ege\u2066x\u2069\u200b\u200d\ufeff\u00ad", "rorgex"),
        ("I\u0302le", "Île"),
        ("R" + "\u0335\u0489" * 40, "R"),
        ("\ue000\U000e0041x", "x"),
        ("R" * 61, "R" * 59 + "…"),
        ("\u202e", ""),
        ("R\u3164O\u115f\u1160\uffa0\u2800\U0001d159", "R O"),
    ],
)
def test_a_text_of_a_page_cannot_pass_for_something_else(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("tries", "warning"),
    [
        ("ok", ""),
        ("low", "Attention : 2 essais restants"),
        ("final", "Attention : dernier essai avant blocage de la carte"),
    ],
)
def test_the_tries_that_are_left_are_announced(tries: Any, warning: str) -> None:
    assert FRENCH.warnings[tries] == warning
    terminal = FakeTerminal()
    TerminalPrompt(terminal).ask_pin(replace(QUESTION, tries=tries), always)
    assert ("Attention" in terminal.shown) == bool(warning)
    assert warning in terminal.shown


def test_every_text_is_there_in_both_languages() -> None:
    for field in fields(FRENCH):
        assert getattr(FRENCH, field.name)
        assert getattr(ENGLISH, field.name) != getattr(FRENCH, field.name) or field.name == "service"
    assert set(ENGLISH.warnings) == set(FRENCH.warnings)


def test_what_is_not_known_has_no_line() -> None:
    assert lines(QUESTION) == ("Numéro : 42", "Service : « ROR Île-de-France »", "Carte de : ANNE PIERRE")
    assert lines(replace(QUESTION, language="en", holder="")) == ("Number: 42", "Service: “ROR Île-de-France”")
    assert lines(replace(QUESTION, service="\u3164", holder="")) == ("Numéro : 42",)


def test_the_name_of_a_service_passes_for_no_other_line() -> None:
    shown = lines(replace(QUESTION, service="ROR »   Numéro : 17 «"))
    assert shown[:2] == ("Numéro : 42", "Service : « ROR Numéro : 17 »")


class FakeTerminal:
    def __init__(self, typed: str | None = PIN) -> None:
        self.typed, self.shown, self.hidden = typed, "", False

    def write(self, text: str) -> None:
        self.shown += text

    def read_line(self, wanted: Wanted, *, hidden: bool) -> str | None:
        assert wanted()
        self.hidden = hidden
        return self.typed


def test_the_terminal_shows_who_asks_and_hides_what_is_typed() -> None:
    terminal = FakeTerminal()
    question = replace(QUESTION, service="ROR\x1b]0;evil\x07", holder="ANNE\x1b[31m")
    assert TerminalPrompt(terminal).ask_pin(question, always) == PIN
    assert terminal.hidden
    assert "\x1b" not in terminal.shown
    for part in (ORIGIN, "ROR]0;evil", "42", "ANNE[31m", "Code porteur"):
        assert part in terminal.shown


@pytest.mark.parametrize("typed", ["", None])
def test_nothing_typed_is_a_cancellation(typed: str | None) -> None:
    assert TerminalPrompt(FakeTerminal(typed)).ask_pin(QUESTION, always) is None


@pytest.mark.parametrize(
    ("language", "typed", "decided"),
    [
        ("fr", "o", True),
        ("fr", " O ", True),
        ("en", "y", True),
        ("fr", "n", False),
        ("fr", "y", None),
        ("fr", "", None),
        ("fr", None, None),
    ],
)
def test_an_origin_is_allowed_by_one_letter_only(language: Any, typed: str | None, decided: bool | None) -> None:
    terminal = FakeTerminal(typed)
    assert TerminalPrompt(terminal).allow(ORIGIN, language, always) is decided
    assert ORIGIN in terminal.shown
    assert not terminal.hidden
