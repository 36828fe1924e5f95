"""How many bits a password is worth, and that the page's script comes to the same sum."""

import json
import random
import shutil
import string
import subprocess
import time
from itertools import product
from pathlib import Path

import pytest

from idp.domain.password_strength import Strength, estimate, fold, unleet

METER = Path(__file__).parents[2] / "idp" / "static" / "meter.js"
KNOWN = ("anne", "pierre", "anne.pierre")
DRAWN = random.Random(20260101)


@pytest.mark.parametrize(
    ("password", "bits", "weakness"),
    [
        ("", 0, ""),
        ("azertyuiop123", 16, "walk"),  # two walks
        ("1234567890azertyuiop", 16, "walk"),
        ("poiuytreza987654", 16, "walk"),  # backwards
        ("aaaaaaaaaaaaaaaaaaaaaaaaa", 8, "walk"),
        ("abcabcabcabcabc", 12, "repeat"),
        ("bonjourbonjour", 24, "words"),
        ("Motdepasse2026!", 26, "words"),
        ("Infirmiere54000!", 28, "words"),
        ("vive les vacances", 34, "words"),
        ("éléphant à roulettes", 35, "words"),
        ("correct cheval batterie agrafe", 53, "words"),
        ("correctchevalbatterieagrafe", 50, "words"),
        ("lapin rouge table vélo nuage", 66, "words"),
        ("Anne.Pierre1980", 10, "known"),
        ("12031984ABcd", 23, "date"),
        ("849203847561427", 50, ""),  # 15 digits (RIE v1 EXI 25)
        ("Xk9#mQ2vLp7!", 75, ""),  # 12 characters of 4 classes (CNIL 2022-100)
        ("xkqjwmzpvbtr", 56, ""),  # letters that no word has
    ],
)
def test_estimate(password: str, bits: int, weakness: str) -> None:
    assert estimate(password, KNOWN) == Strength(bits, weakness)


def test_capitals_within_a_word_cost_a_bit_a_letter_and_one_at_its_head_none() -> None:
    assert estimate("Vacances").bits == estimate("VACANCES").bits == estimate("vacances").bits
    assert estimate("vaCanCes").bits == estimate("vacances").bits + 8


def test_leet_hides_nothing() -> None:
    assert estimate("ch0c0l@tin3s").bits == estimate("chocolatines").bits
    assert unleet(fold("É1€phant")) == "eiephant"


def test_accents_and_ways_of_writing_change_nothing() -> None:
    assert fold("É") == fold("E\N{COMBINING ACUTE ACCENT}") == "e"
    assert estimate("e\N{COMBINING ACUTE ACCENT}le\N{COMBINING ACUTE ACCENT}phant").bits == estimate("éléphant").bits


def test_what_a_password_manager_draws_is_mostly_worth_fifty_bits() -> None:
    """12 characters of 4 classes, and 20 letters: a chance word in them is taken for one."""
    marks = string.ascii_letters + string.digits + '!"?$%^&@(/:+*#-_'
    for length, alphabet, share in ((12, marks, 0.9), (16, marks, 0.99), (20, string.ascii_lowercase, 0.97)):
        drawn = ["".join(DRAWN.choices(alphabet, k=length)) for _ in range(500)]
        assert sum(estimate(each).bits >= 50 for each in drawn) >= 500 * share


def hard(length: int) -> list[str]:
    """What the estimate has most to do with."""
    units = ("a", "ab", "abc1", "x@a4s5$1", "e3@4a0o1i!", "azerty", "é", "😀", "19121991")
    drawn = ["".join(DRAWN.choices(string.printable, k=length)) for _ in range(20)]
    return [(unit * length)[:length] for unit in units] + drawn


def test_it_is_quick_whatever_is_typed() -> None:
    """Processor time; a hundred milliseconds are ten times what was measured."""
    known = [f"word{n}" for n in range(300)]
    for password in hard(128):
        before = time.thread_time()
        estimate(password, known)
        assert time.thread_time() - before < 0.1


PIECES = (
    *("correct", "cheval", "agrafe", "éléphant", "Motdepasse", "vaCances", "azertyuiop", "soleil", "P@ssw0rd", "abc"),
    *("2026", "1980", "12031984", "123", "!!", "anne.pierre", "ß", "œuvre", "😀", "qsdf", "Ünïc", "ﬁn", "Ωμέγα", "١٢٣"),
    *("-", "_", "'", "le", "la"),
)


def sample() -> list[str]:
    joined = ["".join(pair) for pair in product(PIECES, repeat=2)]
    phrases = [DRAWN.choice(("", "-", " ", ".")).join(DRAWN.choices(PIECES, k=4)) for _ in range(400)]
    drawn = ["".join(DRAWN.choices(string.printable[:95], k=DRAWN.randint(12, 40))) for _ in range(200)]
    return [each for each in (*joined, *phrases, *drawn, *hard(64)) if 12 <= len(each) <= 120]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_page_says_the_same() -> None:
    passwords = sample()
    rules = json.dumps({"least": 9999, "words": KNOWN})
    script = (
        f"{METER.read_text(encoding='utf-8')};"
        f"console.log(JSON.stringify(JSON.parse(process.argv[1]).map((each) => judge(each, {rules}))))"
    )
    ran = subprocess.run(["node", "-e", script, json.dumps(passwords)], capture_output=True, text=True, check=True)
    said = json.loads(ran.stdout)
    for password, judged in zip(passwords, said, strict=True):
        assert Strength(judged["bits"], judged["reason"]) == estimate(password, KNOWN), password
