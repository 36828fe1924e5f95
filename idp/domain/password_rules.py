"""Which passwords may be chosen (ASVS 5 §6.2, CNIL 2022-100): length, context, lists, bits; no composition rule."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable

from idp.domain.account import Account
from idp.domain.password_strength import Strength, estimate, fold, unleet

MIN_LENGTH, MAX_LENGTH = 12, 128
CONTEXT = ("esea", "ror", "oruna", "sesame", "espace", "pro", "motdepasse", "password", "azerty", "qwerty")
MIN_REST, MIN_DIFFERENT = 8, 5  # of what is left when the context is taken out
MIN_BASE = 6
EDGE = re.compile(r"^[\W\d_]{0,8}|[\W\d_]{0,8}$")
PARTS = re.compile(r"[^\W\d_]{3,}")
# A weakness of `estimate`, as a code of what is wrong.
WEAK = {"known": "guessable", "repeat": "repetitive", "walk": "follows", "words": "few_words", "date": "dated"}


def context(account: Account, names: Iterable[str] = ()) -> frozenset[str]:
    """What somebody who guesses this account's password tries first, folded. names: of brand and services."""
    local_part = (account.email or "").partition("@")[0]
    texts = (account.login_name, account.given_name, account.family_name, local_part, *names)
    whole = [fold(text) for text in texts if len(text) >= 4]
    return frozenset((*CONTEXT, *whole, *(part for text in texts for part in PARTS.findall(fold(text)))))


def problem(
    password: str,
    words: Collection[str],
    *,
    min_bits: int,
    is_listed: Callable[[str], bool],
) -> str | None:
    """Code of what is wrong, None if the password may be used.

    "too_short", "too_long" (in characters, however they are encoded), "guessable", "common", then what makes it weak:
    a value of WEAK, or "weak". words: as `context` gives them; is_listed: asked of the password and of what it comes
    from. Looks at nothing of a password that is too long.
    """
    length = len(unicodedata.normalize("NFC", password[: MAX_LENGTH * 4]))
    if length < MIN_LENGTH:
        return "too_short"
    if length > MAX_LENGTH:
        return "too_long"
    if _is_guessable(fold(password), words):
        return "guessable"
    if any(map(is_listed, bases(password))):
        return "common"
    strength = estimate(password, words)
    return None if strength.bits >= min_bits else weakness(strength)


def weakness(strength: Strength) -> str:
    """Why a password is not worth enough."""
    return WEAK.get(strength.weakness, "weak")


def bases(password: str) -> list[str]:
    """The password, and what people make one of: other case, accents, leet, digits and marks around it, twice."""
    folded = fold(password)
    found = [password]
    for text in (unicodedata.normalize("NFC", password).lower(), folded, unleet(folded), unleet(EDGE.sub("", folded))):
        bare = EDGE.sub("", text)
        found += [text, bare, *_halves(bare)]
    return [text for text in dict.fromkeys(found) if text == password or len(text) >= MIN_BASE]


def _halves(text: str) -> list[str]:
    """`bonjourbonjour` → `bonjour`."""
    half = len(text) // 2
    return [text[:half]] if text == text[:half] * 2 else []


def _is_guessable(folded: str, words: Collection[str]) -> bool:
    rest = folded
    for word in sorted(words, key=lambda word: (-len(word), word)):  # a word before its parts
        rest = rest.replace(word, "")
    return rest != folded and (len(rest) < MIN_REST or len(set(rest)) < MIN_DIFFERENT)
