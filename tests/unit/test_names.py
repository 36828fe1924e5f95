"""Names that may be the same person's."""

import pytest

from idp.domain.names import are_near, is_same, likeness, plain


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Hélène", "helene"),
        ("DUPONT-MARTIN", "dupont martin"),
        ("d’Ornano", "d ornano"),
        ("Cœur", "coeur"),
        ("  Le   Goff ", "le goff"),
        ("STRAẞE", "strasse"),
        ("\u202eeimA\x00", "eima"),
        ("<script>", "script"),
        ("", ""),
    ],
)
def test_plain(typed: str, expected: str) -> None:
    assert plain(typed) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("DUPONT MARTIN", "Dupont-Martin", True),
        ("Martin Dupont", "Dupont-Martin", True),
        ("Anne", "Anne-Marie", True),
        ("Anne", "Annie", False),
        ("Anne", "", False),
        ("", "", False),
        ("--", "!!", False),
    ],
)
def test_is_same(one: str, other: str, expected: bool) -> None:
    assert is_same(one, other) is expected
    assert is_same(other, one) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Pierre Anne", "Pierre Anne", True),
        ("Pierre Anne", "Anne Pierre", True),  # exchanged
        ("Benali Karim", "Ben-Ali Karim", True),
        ("Lefebvre Sophie", "Lefèbvre Sophie", True),
        ("Lefebvre Sophie", "Lefevbre Sophie", True),  # two letters exchanged
        ("Lefebvre Sophie", "Lefebvre Sopihe", True),
        ("Lefebvre Sophie", "Lefebure Sophie", True),
        ("Lefebvre Sophie", "Lefebvre Julie", False),
        ("Lefebvre Sophie", "Durand Sophie", False),
        ("Roy Luc", "Roi Luc", False),  # a letter of three
    ],
)
def test_are_near(one: str, other: str, expected: bool) -> None:
    assert are_near(*one.split(), *other.split()) is expected
    assert are_near(*other.split(), *one.split()) is expected


def test_nothing_is_near_to_nothing() -> None:
    assert not are_near("", "", "", "")
    assert likeness("abc", "") == 0
