"""How many bits a password is worth to somebody who guesses as people choose: words, keyboards, dates, repeats.

static/meter.js does the same sum, and a test compares them: what the page says while one types is what we say after.
Costs are those of guides, not of a model: about 12 bits a word (five words pass 50 bits: RIE v1 EXI 25), 3.3 a digit.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

# Pairs of letters that French and English words are made of: after each letter, those that follow it.
PAIRS = (
    "abcdfgiklmnprstuvwy baeijlorsuy cacehiklnoprstuy dacdeiloprsuv eabcdefgilmnopqrstuvwxyz faefilortu gacehilnorsuy "
    "haeiortuy iabcdefglmnopqrstvz jaeo kceins ladeilmostuy mabceimopsu nacdefgiklnostuv oabcdfgiklmnoprstuvwxy "
    "paehikloprstu qu rabcdefgiklmnoprstuvy sacehiklmopstuwy tacehiloprstuwy uabcdegilmnprstv vaeio waehinos xaeipt "
    "yaemnops zae"
)
ROWS = ("azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "&é\"'(-è_çà")
LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "€": "e"}
SEPARATORS = frozenset(" -_.,'!?")
YEAR, DATE = re.compile(r"(19|20)\d\d"), re.compile(r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])((19|20)?\d\d)")
ECHO, KNOWN, WALK, YEAR_BITS, DATE_BITS, SHORT_WORD = 4.0, 3.0, 8.0, 7.0, 15.0, 6.0
_FOLLOWERS = {group[0]: frozenset(group[1:]) for group in PAIRS.split()}
_NEIGHBOURS = frozenset(pair for row in ROWS for pair in pairwise(row))
WAYS: tuple[Callable[[str, str], bool], ...] = (
    lambda a, b: a == b,
    lambda a, b: b.isalnum() and ord(b) == ord(a) + 1,
    lambda a, b: b.isalnum() and ord(b) == ord(a) - 1,
    lambda a, b: (a, b) in _NEIGHBOURS,
    lambda a, b: (b, a) in _NEIGHBOURS,
)

ALPHABETS: tuple[tuple[int, Callable[[str], bool]], ...] = (  # beside the letters from a to z
    (10, str.isdecimal),
    (32, lambda c: c.isascii() and not c.isalnum()),
    (100, lambda c: not c.isascii()),
)
Piece = tuple[str, int, float]  # what it is, characters, bits


@dataclass(frozen=True, slots=True)
class Strength:
    """weakness: what most of it is made of: "repeat", "walk", "known", "words", "date"; "" if none of these."""

    bits: int
    weakness: str


def plain(text: str) -> str:
    """Without accents, and with one way of writing each character."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def fold(text: str) -> str:
    """Without case too; as long as `plain`."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in plain(text))


def unleet(folded: str) -> str:
    """`p@ssw0rd` → `password`."""
    return "".join(LEET.get(c, c) for c in folded)


def estimate(password: str, known: Collection[str] = ()) -> Strength:
    """The lower of two readings: as it is and, if half of it is letters, with the digits and symbols as those that
    they resemble.

    known: folded words that a guesser of this account tries first. Costs some milliseconds for 128 characters.
    """
    folded = fold(password)
    words = sorted(known, key=lambda word: (-len(word), word))
    letters = 52 if sum(map(str.isupper, password)) > 1 and sum(map(str.islower, password)) > 1 else 26
    texts = [folded, unleet(folded)] if sum(map(_is_letter, folded)) * 2 >= len(folded) else [folded]
    is_upper = [c.isupper() for c in plain(password)]
    return min((_weigh(_Text(text, is_upper), words, letters) for text in texts), key=lambda reading: reading.bits)


@dataclass(frozen=True, slots=True)
class _Text:
    """A folded password, and which of its characters were capitals."""

    folded: str
    is_upper: list[bool]


def _weigh(text: _Text, known: list[str], letters: int) -> Strength:
    """What no piece explains is drawn from the alphabets of all such characters."""
    bits, unexplained, covered = 0.0, "", dict.fromkeys(("", "known", "repeat", "walk", "date", "words"), 0)
    for at, (kind, length, cost) in _pieces(text, known):
        character = text.folded[at]
        covered[kind] += length
        bits += cost
        if not kind and character in SEPARATORS:
            bits += 1.0 if character in text.folded[:at] else 3.0
        elif not kind:
            unexplained += character
    alphabet = sum(size for size, is_one in ALPHABETS if any(map(is_one, unexplained)))
    alphabet += letters if any(map(_is_letter, unexplained)) else 0
    bits += len(unexplained) * math.log2(alphabet or 1)
    return Strength(math.floor(bits + 0.5), max(covered, key=lambda kind: covered[kind]))


def _pieces(text: _Text, known: list[str]) -> Iterator[tuple[int, Piece]]:
    """The text, cut from left to right, each piece with where it begins."""
    at = 0
    while at < len(text.folded):
        piece = _piece(text, at, known)
        yield at, piece
        at += piece[1]


def _piece(text: _Text, at: int, known: list[str]) -> Piece:
    rest = text.folded[at:]
    for word in known:
        if rest.startswith(word):
            return "known", len(word), KNOWN
    if length := _echo(text.folded, at):
        return "repeat", length, ECHO
    walk = _walk(rest)
    if walk >= (4 if _is_letter(rest[0]) else 3):
        return "walk", walk, WALK
    if found := _date(rest[: _run(rest, str.isdecimal)]) or _word(text, at):
        return found
    return ("walk", walk, WALK) if walk >= 3 else ("", 1, 0.0)


def _echo(text: str, at: int) -> int:
    """How many characters, four or more, were there before."""
    length = 3
    while at + length < len(text) and text[at : at + length + 1] in text[: at + length]:
        length += 1
    return length if length > 3 else 0


def _walk(rest: str) -> int:
    """How many characters go on in one way: the same, the next, the one before, a row of keys."""
    longest = 1
    for follows in WAYS:
        length = 1
        while length < len(rest) and follows(rest[length - 1], rest[length]):
            length += 1
        longest = max(longest, length)
    return longest


def _date(digits: str) -> Piece | None:
    if len(digits) == 4 and YEAR.fullmatch(digits):
        return "date", 4, YEAR_BITS
    return ("date", len(digits), DATE_BITS) if DATE.fullmatch(digits) else None


def _word(text: _Text, at: int) -> Piece | None:
    """Letters that could be a word, or words written together: what is longer than eight costs 2 bits a letter."""
    length = _run(text.folded[at:], _is_letter)
    run, after = text.folded[at : at + length], text.folded[at + length : at + length + 1]
    if 2 <= length <= 3:
        stands_alone = (at == 0 or text.folded[at - 1] in SEPARATORS) and (not after or after in SEPARATORS)
        return ("words", length, SHORT_WORD) if stands_alone else None
    usual = sum(b in _FOLLOWERS[a] for a, b in pairwise(run))
    if length < 4 or usual * 5 < (length - 1) * 4:
        return None
    capitals = text.is_upper[at + 1 : at + length]  # the first one costs nothing
    mixed = length if any(capitals) and not all(capitals) else 0
    return "words", length, 12.0 + 2 * max(0, length - 8) + mixed


def _is_letter(character: str) -> bool:
    return "a" <= character <= "z"


def _run(text: str, is_one: Callable[[str], bool]) -> int:
    length = 0
    while length < len(text) and is_one(text[length]):
        length += 1
    return length
