"""Lists of known passwords: sorted files, in clear or as SHA-1."""

import hashlib
import random
from pathlib import Path

import pytest

from idp.blocklist import FREQUENT, BadBlocklist, Blocklist
from idp.errors import Unavailable

LISTED = ["!first", "Zoé", "abc", "abcd", "azerty123", "éléphant", "soleil levant", "x" * 300, "😀😀😀"]
ABSENT = ["", "!", "abcde", "ab", "zzz", "soleil", "~", "\udcff", "Azerty123"]


def in_clear(folder: Path, end: str = "\n") -> Path:
    path = folder / "list.txt"
    path.write_bytes(b"".join(sorted(each.encode() + end.encode() for each in LISTED)))
    return path


def hashed(folder: Path, *, lower: bool = False, counts: bool = True) -> Path:
    lines = sorted(hashlib.sha1(each.encode()).hexdigest() for each in LISTED)
    lines = [f"{each if lower else each.upper()}{f':{n * 99}' if counts else ''}" for n, each in enumerate(lines)]
    path = folder / "sha1.txt"
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def holds(path: Path) -> set[str]:
    found = Blocklist(path)
    return {each for each in (*LISTED, *ABSENT) if found.holds(each)}


def test_in_clear(tmp_path: Path) -> None:
    assert holds(in_clear(tmp_path)) == set(LISTED)
    assert holds(in_clear(tmp_path, "\r\n")) == set(LISTED)


def test_without_an_end_of_the_last_line(tmp_path: Path) -> None:
    path = in_clear(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert holds(path) == set(LISTED)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("counts", [True, False])
def test_as_have_i_been_pwned_gives_it(tmp_path: Path, *, lower: bool, counts: bool) -> None:
    path = hashed(tmp_path, lower=lower, counts=counts)
    assert holds(path) == set(LISTED)
    assert "SHA-1" in Blocklist(path).check()


def test_every_line_of_a_long_list_is_found(tmp_path: Path) -> None:
    drawn = random.Random(7)
    lines = sorted({drawn.randbytes(drawn.randint(1, 9)).hex() for _ in range(3000)})
    (tmp_path / "long").write_text("\n".join(lines))
    found = Blocklist(tmp_path / "long")
    assert all(found.holds(each) for each in lines)
    assert not any(found.holds(f"{each}x") for each in lines)


def test_a_list_is_replaced_while_it_is_used(tmp_path: Path) -> None:
    found = Blocklist(in_clear(tmp_path))
    assert not found.holds("new")
    (tmp_path / "other").write_text("new\n")
    (tmp_path / "other").replace(tmp_path / "list.txt")
    assert found.holds("new")


def test_a_list_that_cannot_be_read_lets_nothing_through(tmp_path: Path) -> None:
    gone = Blocklist(tmp_path / "gone")
    with pytest.raises(Unavailable, match="No such file"):
        gone.holds("x")
    with pytest.raises(BadBlocklist, match="No such file"):
        gone.check()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\nabc\n", "empty"),
        ("b\na\n", "not sorted"),
        ("".join(f"{n}\n" for n in range(5000)), "not sorted"),
        (f"{'A' * 40}\nabc\n", "no SHA-1"),
        (f"{'B' * 40}\n{'A' * 40}\n", "not sorted"),
    ],
)
def test_a_list_that_would_not_be_found_in_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "list").write_text(content)
    with pytest.raises(BadBlocklist, match=said):
        Blocklist(tmp_path / "list").check()


def test_the_list_that_comes_with_us() -> None:
    frequent = Blocklist(FREQUENT)
    assert "passwords" in frequent.check(samples=50_000)
    lines = FREQUENT.read_text(encoding="utf-8").split("\n")
    assert len(lines) > 25_000
    assert all(frequent.holds(each) for each in ("password", "motdepasse", "azertyuiop", "doudou", lines[0], lines[-2]))
    assert FREQUENT.with_suffix(".LICENSE").exists()
