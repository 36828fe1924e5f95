"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """FAIL: it cannot work so, or is not safe. WARN: somebody should look, or it could not be checked from here."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """part: what was looked at; text: what was found and, if it is not well, what to do. No secret in it."""

    level: Level
    part: str
    text: str


def ok(part: str, text: str) -> Finding:
    return Finding(Level.OK, part, text)


def warn(part: str, text: str) -> Finding:
    return Finding(Level.WARN, part, text)


def fail(part: str, text: str) -> Finding:
    return Finding(Level.FAIL, part, text)
