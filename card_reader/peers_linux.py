"""The peer of a loopback connection on Linux: proc_pid_net(5), proc_pid_cgroup(5).

The user counts always. The login session counts where it can be told: both processes stand in a session scope of
systemd (`session-4.scope`); a program that the desktop started may stand in its user's service instead, and then the
user alone counts. A user may read the memory of all their own processes anyway.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from card_reader.peers import Ends, StrangePeer

PROC = Path("/proc")
MOST_READS = 8  # of the tables
_ESTABLISHED = "01"
_LOOPBACK = {  # 127.0.0.1 as the kernel writes it: words of 32 bits in the machine's own order; also mapped to IPv6
    "little": ("0100007F", "0000000000000000FFFF00000100007F"),
    "big": ("7F000001", "00000000000000000000FFFF7F000001"),
}[sys.byteorder]
_SESSION_SCOPE = re.compile(r"/session-([^/]+)\.scope")


@dataclass(frozen=True, slots=True)
class Socket:
    uid: int
    inode: int


def check(ends: Ends) -> None:
    """Raises StrangePeer, OSError."""
    peer = find(ends)
    if peer.uid != os.getuid():
        raise StrangePeer(f"it is of user {peer.uid}")
    own = session_of("self")
    if own is not None and (other := _session_of_socket(peer)) not in {None, own}:
        raise StrangePeer(f"it is of login session {other}")


def find(ends: Ends, proc: Path = PROC) -> Socket:
    """The one established socket whose own address is the peer's. Raises StrangePeer if there is none.

    The kernel tells a table by pages and goes on by position: where other connections come and go meanwhile, a row may
    be left out or told twice. So a row that is not there is looked for again.
    """
    for _ in range(MOST_READS):
        found = {
            Socket(int(fields[7]), int(fields[9]))
            for name, address in zip(("tcp", "tcp6"), _LOOPBACK, strict=True)
            for fields in _rows(proc / "net" / name)
            if fields[1:4] == [f"{address}:{ends.local:04X}", f"{address}:{ends.remote:04X}", _ESTABLISHED]
        }
        if len(found) == 1 and all(peer.inode for peer in found):  # 0: no process has it, and the user is not told
            return found.pop()
    raise StrangePeer("no process has the socket")


def _rows(table: Path) -> Iterator[list[str]]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return  # a kernel without IPv6
    yield from (line.split() for line in lines[1:])


def session_of(process: str, proc: Path = PROC) -> str | None:
    """The login session in whose scope a process stands; None if it cannot be told."""
    try:
        scope = _SESSION_SCOPE.search((proc / process / "cgroup").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return scope[1] if scope else None


def _session_of_socket(peer: Socket) -> str | None:
    """That of the first process that has the socket; None if none is shown (a browser's sandbox hides its own)."""
    wanted = f"socket:[{peer.inode}]"
    for process in PROC.iterdir():
        if process.name.isdigit() and wanted in _descriptors(process):
            return session_of(process.name)
    return None


def _descriptors(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            yield str(descriptor.readlink())
    except OSError:
        return  # another user's, or it ended
