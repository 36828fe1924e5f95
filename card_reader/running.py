"""The one helper of a person's session: a lock that ends with its process, beside a note of its port."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from card_reader.config import Folders


class AlreadyRunning(Exception):
    """Another process has the lock."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the helper that runs says of itself."""

    process: int
    port: int


class Running:
    """session: on Windows one person may have several on one host, each with its own helper."""

    def __init__(self, folder: Path, session: str) -> None:
        self._lock, self._note = folder / f"{session}.lock", folder / f"{session}.json"

    @classmethod
    def here(cls, folders: Folders) -> "Running":
        return cls(folders.running, f"helper{_session()}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises AlreadyRunning, OSError."""
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock.open("a", encoding="ascii") as file:
            try:
                _take(file)
            except OSError:
                raise AlreadyRunning from None
            try:
                yield
            finally:
                self._note.unlink(missing_ok=True)

    def write(self, note: Note) -> None:
        self._note.write_text(json.dumps({"process": note.process, "port": note.port}), encoding="ascii")

    def read(self) -> Note | None:
        """None if no helper runs."""
        with suppress(AlreadyRunning, OSError), self.held():
            return None
        try:
            return Note(**json.loads(self._note.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None


if sys.platform == "win32":
    import msvcrt

    from card_reader.peers_windows import session_of

    def _take(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _session() -> str:
        return f"-{session_of(os.getpid())}"

else:
    import fcntl

    def _take(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _session() -> str:
        return ""
