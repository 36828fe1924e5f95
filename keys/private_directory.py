"""A directory that only its owner can reach: refused otherwise, read under a lock, written atomically (POSIX)."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from keys.signer import UnsafeKeyFile

OTHERS: Final = 0o077  # permission bits of group and others
FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700


@contextlib.contextmanager
def opened(directory: Path, *, exclusive: bool = False, private: bool = True) -> Iterator[int]:
    """Descriptor of the directory, locked: many readers or one writer, so nobody sees half of a change.

    Every later call names files relative to the descriptor: swapping the directory in between changes nothing.
    private: False for a directory that only has to keep a private file, and is the operator's in all else.
    Raises UnsafeKeyFile if it is missing, is a symbolic link or no directory, or is open to group or others.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise UnsafeKeyFile(f"{directory}: not a directory that can be opened ({error.strerror})") from error
    try:
        if private:
            _refuse_others(os.fstat(descriptor), str(directory))
        fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


def names(descriptor: int) -> frozenset[str]:
    """What the directory holds, hidden files too."""
    return frozenset(os.listdir(descriptor))


def read(descriptor: int, name: str) -> bytes:
    """Content of a file. Raises UnsafeKeyFile if it is missing, not a plain file, or open to group or others."""
    try:
        # O_NONBLOCK: a pipe put there must not hang the start.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
    except OSError as error:
        raise UnsafeKeyFile(f"{name}: not a file that can be opened ({error.strerror})") from error
    with os.fdopen(file, "rb") as opened_file:
        status = os.fstat(opened_file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnsafeKeyFile(f"{name}: not a plain file")
        _refuse_others(status, name)
        return opened_file.read()


def write(descriptor: int, contents: Mapping[str, bytes], owner: os.stat_result | None = None) -> None:
    """Write files, the last of which makes the others count; on an error nothing is left but what was there.

    owner: of the files, that of the directory unless told.
    All reach the disk under temporary names before the first takes its own. A machine that dies meanwhile leaves files
    that count for nothing; temporary ones are replaced by the next writer.
    """
    made: list[str] = []
    owner = owner or os.fstat(descriptor)
    remove(descriptor, map(_temporary, contents))
    try:
        for name, content in contents.items():
            made.append(_temporary(name))
            _write_new(descriptor, _temporary(name), content, owner)
        for name in contents:
            os.replace(_temporary(name), name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
            made.append(name)
    except OSError:  # the last rename did not happen, so nothing counts yet
        remove(descriptor, made)
        raise
    os.fsync(descriptor)


def remove(descriptor: int, unwanted: Iterable[str]) -> None:
    """Delete these files, where they exist."""
    for name in unwanted:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=descriptor)


def _temporary(name: str) -> str:
    return f".{name}.tmp"


def _write_new(descriptor: int, name: str, content: bytes, owner: os.stat_result) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, FILE_MODE, dir_fd=descriptor), "wb") as file:
        if owner.st_uid != os.geteuid():  # root at work: the provider must be able to read what is written for it
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _refuse_others(status: os.stat_result, name: str) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & OTHERS:
        raise UnsafeKeyFile(f"{name}: mode {mode:04o} lets group or others in; remove it with chmod go=")
