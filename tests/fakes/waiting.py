"""Waiting for what another process or thread does, with a deadline."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

DEADLINE_S = 30
T = TypeVar("T")


def until(found: Callable[[], T]) -> T:
    """What `found` returns once it is true."""
    end = time.monotonic() + DEADLINE_S
    while True:
        if result := found():
            return result
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """False for a process that is gone, or that nobody has buried."""
    try:
        return _state(Path(f"/proc/{pid}/stat")) != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended before the file was opened, or before it was read
        return False


def is_stopped(pid: int) -> bool:
    """Each of its threads has stopped."""
    return all(_state(file) == "T" for file in Path(f"/proc/{pid}/task").glob("*/stat"))


def _state(file: Path) -> str:
    return file.read_text().rpartition(")")[2].split()[0]


def children(pid: int) -> set[int]:
    """The running processes that this one started from its main thread."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(child) for child in listed.split() if is_running(int(child))}
