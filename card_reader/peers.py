"""Whose socket is at the other end of a loopback connection? On a shared host, not everybody's is this person's.

Linux: the user of the socket, by /proc/net/tcp, and the login session where systemd tells it (peers_linux).
Windows: the user and the session of the process that owns the socket (peers_windows).
macOS: the user of the process that owns the socket, by lsof (peers_macos).
What cannot be told is somebody else's.
"""

import socket
import sys
from dataclasses import dataclass


class StrangePeer(Exception):
    """The other end is another person's, or it cannot be told whose it is. The text is for the log."""


@dataclass(frozen=True, slots=True)
class Ends:
    """A TCP connection on 127.0.0.1 as its other end sees it: `local` is the peer's port, `remote` is ours."""

    local: int
    remote: int

    @classmethod
    def of(cls, connection: socket.socket) -> "Ends":
        """Raises StrangePeer unless both ends are 127.0.0.1."""
        try:
            (peer, local), (own, remote) = connection.getpeername(), connection.getsockname()
        except OSError as gone:
            raise StrangePeer("it is gone already") from gone
        if peer != "127.0.0.1" or own != "127.0.0.1":
            raise StrangePeer("it is not on 127.0.0.1")
        return cls(local, remote)


def check(connection: socket.socket) -> None:
    """Raises StrangePeer unless the peer is a process of this user and session."""
    ends = Ends.of(connection)
    if sys.platform == "win32":
        from card_reader import peers_windows as system  # noqa: PLC0415  each system has its own
    elif sys.platform == "darwin":
        from card_reader import peers_macos as system  # noqa: PLC0415
    elif sys.platform == "linux":
        from card_reader import peers_linux as system  # noqa: PLC0415
    else:
        raise StrangePeer(f"it cannot be told on {sys.platform}")
    try:
        system.check(ends)
    except OSError as unknown:
        raise StrangePeer("it cannot be told whose it is") from unknown
