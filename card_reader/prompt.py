"""How the helper asks the person: a PIN for one signature, or whether an origin may use the card at all."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from card_reader.card import Tries

Language = Literal["fr", "en"]
Wanted = Callable[[], bool]  # False as soon as nobody waits for the answer: the page went away, or the time is over


class PromptFailed(Exception):
    """No window and no terminal to ask in. The text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the person reads before typing the PIN. `origin` is as the browser sent it; the rest may be anything.

    service, number: what the page shows too. holder: the name on the card. tries: "low" or "final" is announced.
    """

    origin: str
    service: str
    number: str
    holder: str
    tries: Tries
    language: Language = "fr"


class Prompt(Protocol):
    """Asks in the helper's own window or terminal, one question at a time, and goes away once `wanted` says False."""

    def ask_pin(self, question: Question, wanted: Wanted) -> str | None:
        """What the person typed; None if they cancelled or nobody waits any more. Raises PromptFailed."""

    def allow(self, origin: str, language: Language, wanted: Wanted) -> bool | None:
        """What the person decided, which is remembered; None if they only closed the question. Raises PromptFailed."""


BLANK = "\u115f\u1160\u2800\u3164\uffa0\U0001d159"  # letters and signs with nothing to see


def printable(text: str, most: int = 60) -> str:
    """A line that cannot pass for something else: no control, invisible or bidirectional mark, nor heap of accents."""
    shown = (
        " " if character.isspace() or character in BLANK else character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace() or unicodedata.category(character)[0] not in "CM"
    )
    line = " ".join("".join(shown).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
