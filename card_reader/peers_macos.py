"""The peer of a loopback connection on macOS: lsof, which shows a person their own processes only. Users are compared;
each login session of macOS has a user of its own."""

import os
import subprocess  # nosec B404 - asks a program of the system

from card_reader.peers import Ends, StrangePeer

LSOF = "/usr/sbin/lsof"
TIMEOUT_S = 5


def check(ends: Ends) -> None:
    """Raises StrangePeer, OSError."""
    asked = [LSOF, "-nP", f"-iTCP@127.0.0.1:{ends.local}", "-sTCP:ESTABLISHED", "-Fun"]
    try:
        told = subprocess.run(asked, capture_output=True, check=False, timeout=TIMEOUT_S).stdout  # noqa: S603 # nosec B603
    except subprocess.TimeoutExpired as late:
        raise StrangePeer("lsof does not answer") from late
    owners = owners_of(told.decode(errors="replace"), ends)
    if owners != {os.getuid()}:
        raise StrangePeer(f"it is of user {min(owners)}" if owners else "no process of this user has the socket")


def owners_of(told: str, ends: Ends) -> set[int]:
    """The users of the processes that have the peer's end. told: what `lsof -Fun` prints, a field a line."""
    owners, uid = set(), -1
    for line in told.splitlines():
        if line.startswith("p"):
            uid = -1  # of the process before
        elif line.startswith("u") and line[1:].isdigit():
            uid = int(line[1:])
        elif line == f"n127.0.0.1:{ends.local}->127.0.0.1:{ends.remote}":
            owners.add(uid)
    return owners
