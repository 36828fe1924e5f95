"""What operators and people write to one another."""

import pytest

from idp.domain.desk_text import MAX_TEXT, sound_text


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("  Bonjour  ", "Bonjour"),
        ("une\r\ndeux\r\n\r\n", "une\ndeux"),
        ("prix\u00a0: 3\u202f€\t!", "prix : 3 € !"),
        ("a\x00b\u202ec\u200bd\ufeff", "abcd"),
        ("مرحبا", "مرحبا"),
        ("<script>", "<script>"),
        ("", None),
        (" \n\u200b ", None),
        ("x" * MAX_TEXT, "x" * MAX_TEXT),
        ("x" * (MAX_TEXT + 1), None),
    ],
)
def test_sound_text(typed: str, expected: str | None) -> None:
    assert sound_text(typed) == expected
