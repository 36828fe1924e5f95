"""Which passwords may be chosen."""

import gzip
from importlib.resources import files

import pytest

from idp.blocklist import FREQUENT, Blocklist
from idp.domain.account import Account, AccountStatus
from idp.domain.password_rules import MAX_LENGTH, MIN_LENGTH, bases, context, problem
from tests.fakes.clock import START

ANNE = Account(
    account_id="1",
    login_name="anne.pierre",
    status=AccountStatus.ACTIVE,
    given_name="Anne-Lise",
    family_name="Pïerre",
    email="docteur.pierre@chu.example",
    email_verified=True,
    created_at=START,
    updated_at=START,
)
WORDS = context(ANNE, ("Mon compte ESEA", "Annuaire régional", "Agenda"))
LISTED = Blocklist(FREQUENT).holds


def wrong(password: str, least: int = 50) -> str | None:
    return problem(password, WORDS, min_bits=least, is_listed=LISTED)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", "too_short"),
        ("Xk9#mQ2vLp7", "too_short"),
        ("x" * 129, "too_long"),
        ("x" * 10_000, "too_long"),
        # the words of this account and of this place
        ("anne.pierre123", "guessable"),
        ("ANNE.PIERRE-2026", "guessable"),
        ("Anne.Pierre1980", "guessable"),
        ("docteur.pierre1", "guessable"),
        ("piérre-piérre-piérre", "guessable"),
        ("MotDePasse-esea-1", "guessable"),
        ("azertyqwerty12", "guessable"),
        ("oruna-ror-2026", "guessable"),
        ("Agenda-Regional-1", "guessable"),
        # known, or made of what is known
        ("1qaz2wsx3edc4rfv", "common"),
        ("1QAZ2wsx3edc4rfv", "common"),
        ("hd764nw5d7e1vb1", "common"),  # looks drawn, and was leaked
        ("bonjourbonjour", "common"),
        ("Marseille2026!", "common"),
        ("--soleil--2026--", "common"),
        ("P@ssw0rd2026!!", "common"),
        ("Infirmière54!!", "common"),
        ("ch0c0l@t123456", "common"),
        # worth too little
        ("abcabcabcabcabc", "repetitive"),
        ("aaaaaaaaaaaaaaaa", "follows"),
        ("gfhj67gfhj67gfhj67", "repetitive"),
        ("poiuytreza98765", "follows"),
        ("CHU-de-Nancy-2026", "few_words"),
        ("CHRU Lille 59000", "few_words"),
        ("jaime le chocolat", "few_words"),
        ("éléphant à roulettes", "few_words"),
        ("correctcheval", "few_words"),
        ("12031984+04051986", "dated"),
        ("X#12031984@b", "dated"),
        # good
        ("Xk9#mQ2vLp7!", None),
        ("correct cheval batterie agrafe", None),
        ("lapin rouge table vélo nuage", None),
        ("six mots tirés au hasard chantent", None),
        ("sept petits cailloux bleus roulent vers demain", None),
        ("hyxwof-1derca-Vyvnek", None),
        ("849203847561427", None),
        ("anne.pierre aime les chevaux bleus du lac", None),
        ("😀😃😄😁😆😅🤣😂🙂🙃🫠😉", None),
    ],
)
def test_problem(password: str, expected: str | None) -> None:
    assert wrong(password) == expected


def test_lengths_are_of_characters_however_they_are_encoded() -> None:
    assert (MIN_LENGTH, MAX_LENGTH) == (12, 128)
    decomposed = "e\N{COMBINING ACUTE ACCENT}"
    assert wrong(decomposed * 11) == "too_short"
    longest = "".join(chr(0x4E00 + n * 37) for n in range(128))
    assert wrong(longest) is None
    assert wrong(longest + "x") == "too_long"
    assert wrong("".join(f"{decomposed}{chr(0x4E00 + n * 37)}" for n in range(64))) is None


def test_the_first_that_is_wrong_is_told() -> None:
    """Length, then context, then lists, then bits."""
    asked: list[str] = []

    def ask(password: str) -> bool:
        asked.append(password)
        return True

    for password in ("court", "x" * 129, "anne.pierre123"):
        problem(password, WORDS, min_bits=50, is_listed=ask)
    assert asked == []
    assert problem("aaaaaaaaaaaaaaaa", WORDS, min_bits=50, is_listed=ask) == "common"


def test_an_operator_may_ask_for_more_bits() -> None:
    assert wrong("correct cheval batterie agrafe", 80) == "few_words"
    assert wrong("Xk9#mQ2vLp7!", 80) == "weak"
    assert wrong("la girafe bleue danse sur sept toits gelés", 80) is None


def test_names_of_two_letters_are_nobodys_password() -> None:
    assert not {"le", "a"} & context(ANNE, ("Le A",))
    assert {"annuaire", "regional", "pierre", "anne-lise", "lise"} <= WORDS


def test_bases() -> None:
    found = bases("P@ssw0rd2026!")
    assert found[0] == "P@ssw0rd2026!"
    assert {"p@ssw0rd", "password"} <= set(found)
    assert "bonjour" in bases("Bonjour-bonjour1") or "bonjour" in bases("BonjourBonjour1")
    assert all(len(each) >= 6 for each in bases("abc123456789")[1:])


def test_nothing_on_our_list_may_be_chosen() -> None:
    """ASVS 6.2.4."""
    long = [each for each in FREQUENT.read_text(encoding="utf-8").split() if len(each) >= MIN_LENGTH]
    assert len(long) > 200
    assert [each for each in long if wrong(each) is None] == []


def test_next_to_nothing_of_another_list_may_be_chosen() -> None:
    """The frequent passwords that Django ships, of other leaks. What is left looks drawn: an operator's list has it."""
    packed = files("django.contrib.auth").joinpath("common-passwords.txt.gz").read_bytes()
    theirs = [each for each in gzip.decompress(packed).decode().split() if len(each) >= MIN_LENGTH]
    assert len(theirs) > 150
    assert sum(wrong(each) is None for each in theirs) <= len(theirs) // 10
