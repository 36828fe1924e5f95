"""The PIN of a token: read from a private file at each login, and never tried again once it was refused.

A token locks itself after a few wrong PINs, of all processes together. What was refused is therefore remembered beside
the ring, by what the file was and not by what it held: the PIN leaves no trace.
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keys.private_directory import FILE_MODE, OTHERS
from keys.signer import SignerUnavailable, UnsafeKeyFile

REFUSED: Final = "refused-pin"
WAS_TRIED, WAS_REFUSED = b"tried   ", b"refused "  # of one length: the second is written over the first


class Attempt:
    """The one try of a login. `text` is the PIN: not for a variable, whose frame a traceback may show."""

    def __init__(self, memory: int, pin_file: Path, label: str) -> None:
        self._memory, self._pin_file, self._token = memory, pin_file, f"{label}\n".encode()
        status = check_pin_file(pin_file)
        self._changed_at_ns = status.st_ctime_ns
        self._stamp = self._token + f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}\n".encode()

    def refuse_a_second(self) -> None:
        """Raises SignerUnavailable if the token refused what the file holds.

        Or what another file held, such as the copy that each service has of a secret: they would take turns, and use up
        the tries. Only a file that was changed since then is tried.
        """
        told = self._read()
        is_older = self._changed_at_ns <= os.fstat(self._memory).st_mtime_ns
        if told == WAS_REFUSED + self._stamp or (told.startswith(WAS_REFUSED + self._token) and is_older):
            raise SignerUnavailable(f"the PIN of {self._pin_file} was refused: it is not tried again until it changes")

    def prepare(self) -> None:
        """Make room for what may have to be remembered: a full disk must not cost a second try. Raises OSError."""
        if self._read() != WAS_TRIED + self._stamp:
            os.ftruncate(self._memory, 0)
            os.pwrite(self._memory, WAS_TRIED + self._stamp, 0)
            os.fsync(self._memory)

    def remember(self) -> None:
        """The token refused it."""
        os.pwrite(self._memory, WAS_REFUSED, 0)
        os.fsync(self._memory)

    def _read(self) -> bytes:
        return os.pread(self._memory, len(WAS_TRIED) + len(self._stamp) + 1, 0)

    @property
    def text(self) -> str:
        try:
            return self._pin_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):  # whose message would show what was read
            raise SignerUnavailable(f"{self._pin_file}: cannot be read as text") from None


@contextlib.contextmanager
def attempt(directory: Path, pin_file: Path, label: str) -> Iterator[Attempt]:
    """For one process at a time, so that a wrong PIN is tried once by all of them. directory: of the ring.

    Raises SignerUnavailable, UnsafeKeyFile.
    """
    try:
        owner = directory.stat()
        memory = os.open(
            directory / REFUSED, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, FILE_MODE
        )
    except OSError as error:
        raise SignerUnavailable(f"{directory / REFUSED}: {error.strerror}") from error
    try:
        if owner.st_uid != os.geteuid():  # root at work: the provider must be able to open it
            os.fchown(memory, owner.st_uid, owner.st_gid)
        fcntl.flock(memory, fcntl.LOCK_EX)
        yield Attempt(memory, pin_file, label)
    finally:
        os.close(memory)


def check_pin_file(pin_file: Path) -> os.stat_result:
    """Raises UnsafeKeyFile if it is missing, no plain file, or open to group or others."""
    try:
        status = pin_file.stat()
    except OSError as error:
        raise UnsafeKeyFile(f"{pin_file}: not a file that can be opened ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeKeyFile(f"{pin_file}: not a plain file")
    if status.st_mode & OTHERS:
        raise UnsafeKeyFile(f"{pin_file}: lets group or others in; remove it with chmod go=")
    return status
