"""What operators and people write to one another about a request."""

from datetime import timedelta

MAX_TEXT = 2000  # characters
ANSWER_WITHIN = timedelta(days=14)


def sound_text(typed: str) -> str | None:
    """Without what cannot be seen, or turns the order of what is seen around; None for nothing, or too much."""
    lines = typed.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    seen = "\n".join(" ".join("".join(map(_visible, line)).split()) for line in lines).strip()
    return seen if 0 < len(seen) <= MAX_TEXT else None


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else ""
