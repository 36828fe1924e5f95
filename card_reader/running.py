"""The one helper of a person's session: a lock that ends with its process, beside a note of its port."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from card_reader.config import Folders
from card_reader.file_lock import taken


class AlreadyRunning(Exception):
    """Another process has the lock."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the helper that runs says of itself."""

    process: int
    port: int


class Running:
    """session: one person may have several on one host, each with its own helper; "" where there is none."""

    def __init__(self, folder: Path, session: str) -> None:
        self._lock, self._note = folder / f"{session}.lock", folder / f"{session}.json"

    @classmethod
    def here(cls, folders: Folders) -> "Running":
        return cls(folders.running, f"helper{_session()}")

    @classmethod
    def of_no_session(cls, folders: Folders) -> "Running":
        """That of a service of the user, which serves every session of theirs."""
        return cls(folders.running, "helper")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises AlreadyRunning, OSError."""
        with taken(self._lock) as is_ours:
            if not is_ours:
                raise AlreadyRunning
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
    from card_reader.peers_windows import session_of

    def _session() -> str:
        return f"-{session_of(os.getpid())}"

elif sys.platform == "linux":
    from card_reader.peers_linux import session_of

    def _session() -> str:
        session = session_of("self")
        return f"-{session}" if session else ""

else:

    def _session() -> str:
        return ""
