"""A lock between processes, on a file: it ends with the process that has it, however that ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def taken(file: Path) -> Iterator[bool]:
    """False at once if another has it. The folder is made where it is missing. Raises OSError."""
    with _opened(file) as lock:
        try:
            _take(lock, waits=False)
        except OSError:
            is_ours = False
        else:
            is_ours = True
        yield is_ours


@contextmanager
def waited_for(file: Path) -> Iterator[None]:
    """Once nobody else has it; on Windows for ten seconds at most. Raises OSError."""
    with _opened(file) as lock:
        _take(lock, waits=True)
        yield


def _opened(file: Path) -> IO[str]:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return file.open("a", encoding="ascii")


if sys.platform == "win32":
    import msvcrt

    def _take(lock: IO[str], *, waits: bool) -> None:
        msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK if waits else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(lock: IO[str], *, waits: bool) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
