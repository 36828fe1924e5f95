"""Letters in plain text: no sentence sticks to the next one."""

import re
from pathlib import Path

import pytest

import idp

LETTERS = sorted((Path(idp.__file__).parent / "templates" / "mail").glob("*.txt"))


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.name)
def test_a_line_that_ends_with_a_tag_is_followed_by_an_empty_one(letter: Path) -> None:
    """Jinja takes the line break after a tag away (`trim_blocks`)."""
    glued = re.findall(r"}}{% endif %}\n(?!\n).*", letter.read_text(encoding="utf-8"))
    assert glued == []


def test_there_are_letters() -> None:
    assert len(LETTERS) > 20
