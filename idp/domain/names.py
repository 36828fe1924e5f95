"""Names that are nearly alike: « DUPONT-MARTIN Anne Marie » is « Dupont Martin, Anne-Marie »."""

import unicodedata
from collections.abc import Callable
from functools import cache

NEAR = 0.8
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})


def plain(name: str) -> str:
    """Without case, accents and marks: words of a-z, with one space between them."""
    apart = unicodedata.normalize("NFKD", name.casefold().translate(LIGATURES))
    letters = (c for c in apart if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def is_same(one: str, other: str) -> bool:
    """The same words, in any order: a second given name that one of the two leaves out does not matter."""
    return _has_same_words(plain(one), plain(other))


def _has_same_words(one: str, other: str) -> bool:
    few, many = sorted((set(one.split()), set(other.split())), key=len)
    return bool(few) and few <= many


def are_near(family: str, given: str, other_family: str, other_given: str) -> bool:
    """The person may be the other: names alike but for a letter or two, or family and given name exchanged."""
    return near_to(family, given)(other_family, other_given)


def near_to(family: str, given: str) -> Callable[[str, str], bool]:
    """`are_near` of this person and each of many, of whom many share a name."""

    @cache
    def is_near(one: str, other: str) -> bool:
        return likeness(one, other) >= NEAR

    def may_be(other_family: str, other_given: str) -> bool:
        """Given names are soon known, for there are few."""
        straight = is_near(given, other_given) and is_near(family, other_family)
        return straight or (is_near(family, other_given) and is_near(given, other_family))

    return may_be


def likeness(one: str, other: str) -> float:
    """From 0 to 1: 1 less the share of letters to change, put in, leave out, or exchange with their neighbour; or 0 of
    two whose lengths differ by more than would be near.
    """
    first, second = plain(one), plain(other)
    if _has_same_words(first, second):
        return 1.0
    first, second = first.replace(" ", ""), second.replace(" ", "")
    longest = max(len(first), len(second))
    if abs(len(first) - len(second)) > (1 - NEAR) * longest + 1e-9:
        return 0.0
    return 1 - _distance(first, second) / longest if longest else 0.0


def _distance(one: str, other: str) -> int:
    """Optimal string alignment distance (Damerau 1964); both are short."""
    before, last = list[int](), list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, opposite in enumerate(other, 1):
            best = min(line[-1] + 1, last[column] + 1, last[column - 1] + (letter != opposite))
            crosses = row > 1 and column > 1 and (letter, one[row - 2]) == (other[column - 2], opposite)
            line.append(min(best, before[column - 2] + 1) if crosses else best)
        before, last = last, line
    return last[-1]
