"""Lists of known passwords, in sorted files that are looked into by bisection: no size costs memory or time."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from idp.errors import Unavailable

FREQUENT = Path(__file__).parent / "data" / "frequent_passwords.txt"
SHA1 = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?")
LONGEST_LINE = 4096


class BadBlocklist(Exception):
    """A list cannot be used; the text says why."""


class Blocklist:
    """A file of one entry a line, sorted by bytes: passwords (UTF-8), or their SHA-1 in hexadecimal as HIBP gives it.

    It is opened at each use: an operator replaces it while the provider runs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, password: str) -> bool:
        """True if the password is listed. Raises Unavailable if the file cannot be read: then none may be chosen."""
        try:
            with self._path.open("rb") as file:
                return _find(file, _wanted(_first(file), password))
        except OSError as error:
            raise Unavailable(f"password_blocklist: {error.strerror}: {self._path}") from error

    def check(self, samples: int = 2000) -> str:
        """What the list is. Raises BadBlocklist if it is unreadable, empty or, as far as is looked at, not sorted."""
        try:
            with self._path.open("rb") as file:
                first, size = _first(file), file.seek(0, 2)
                is_hashed = SHA1.fullmatch(first) is not None
                previous = b""
                for line in _sampled(file, size, samples):
                    if SHA1.fullmatch(line) is None and is_hashed:
                        raise BadBlocklist(f"{self._path}: some lines are no SHA-1")
                    if _key(line, is_hashed=is_hashed) < previous:
                        raise BadBlocklist(f"{self._path}: it is not sorted by bytes (LC_ALL=C sort -u)")
                    previous = _key(line, is_hashed=is_hashed)
        except OSError as error:
            raise BadBlocklist(f"{error.strerror}: {self._path}") from error
        if not first:
            raise BadBlocklist(f"{self._path}: it is empty, or begins with an empty line")
        return f"{self._path}, {size} bytes of {'SHA-1' if is_hashed else 'passwords'}"


def _first(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.readline(LONGEST_LINE).rstrip(b"\r\n")


def _wanted(first: bytes, password: str) -> tuple[bytes, bool]:
    """What to look for in a list that begins so, and whether the list is of digests."""
    written = password.encode("utf-8", "surrogatepass")
    if SHA1.fullmatch(first) is None:
        return written, False
    return hashlib.sha1(written, usedforsecurity=False).hexdigest().upper().encode(), True


def _find(file: BinaryIO, wanted: tuple[bytes, bool]) -> bool:
    """Bisection over the bytes of the file: of the lines that begin at `low` or later, is one the wanted?"""
    key, is_hashed = wanted
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        line = _line_from(file, middle)
        if line is not None and _key(line, is_hashed=is_hashed) < key:
            low = middle + 1
        else:
            high = middle
    line = _line_from(file, low)
    return line is not None and _key(line, is_hashed=is_hashed) == key


def _line_from(file: BinaryIO, at: int) -> bytes | None:
    """The first line that begins at `at` or later, None after the last one."""
    file.seek(max(0, at - 1))
    if at:
        file.readline()
    line = file.readline()
    return line.rstrip(b"\r\n") if line else None


def _key(line: bytes, *, is_hashed: bool) -> bytes:
    return line[:40].upper() if is_hashed else line


def _sampled(file: BinaryIO, size: int, samples: int) -> Iterator[bytes]:
    """Lines in the order of the file, at equal distances."""
    for at in sorted({size * n // samples for n in range(samples)}):
        line = _line_from(file, at)
        if line is not None:
            yield line
