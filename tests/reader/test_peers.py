"""Whose socket is at the other end: told by the system, and refused when it does not tell."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from card_reader import peers, peers_linux, peers_macos, peers_windows
from card_reader.desk import Desk
from card_reader.origins import AllowedOrigins
from card_reader.peers import Ends, StrangePeer
from card_reader.server import Server
from tests.fakes.reader import ORIGIN, FakeCard, FakePrompt, Page

ENDS = Ends(local=51000, remote=35810)
NOBODY = 65534
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ASK = """
import encodings.idna, os, socket, sys  # all that must be read before it is another user
host, port, user = sys.argv[1:]
os.setuid(int(user))
with socket.create_connection((host, int(port)), timeout=30) as connection:
    try:
        connection.sendall(sys.stdin.buffer.read())
        print(connection.recv(65536)[:12].decode())
    except OSError:
        print()
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="speaks of /proc")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    desk = Desk(FakeCard(), FakePrompt(), AllowedOrigins([ORIGIN], tmp_path / "origins"))
    with Server(desk, 0) as running:
        yield Page(running.port)


def _answer_to(page: Page, *, user: int | None = None, host: str = "127.0.0.1") -> str:
    """What another process, of that user, is answered."""
    asked = [sys.executable, "-I", "-c", ASK, host, str(page.port), str(os.getuid() if user is None else user)]
    sent = page.written("GET", "/v1/status", None, {})
    return subprocess.run(asked, input=sent, capture_output=True, check=True, timeout=60).stdout.decode().strip()


@on_linux
@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_of_the_host_gets_no_byte(page: Page) -> None:
    assert _answer_to(page, user=NOBODY) == ""
    assert _answer_to(page) == "HTTP/1.1 200"


@on_linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_another_process_of_this_user_is_answered(page: Page, host: str) -> None:
    assert _answer_to(page, host=host) == "HTTP/1.1 200"


class Elsewhere:
    """A connection between two addresses."""

    def __init__(self, peer: str, own: str) -> None:
        self.peer, self.own = peer, own

    def getpeername(self) -> tuple[str, int]:
        return self.peer, 51000

    def getsockname(self) -> tuple[str, int]:
        return self.own, 35810


@pytest.mark.parametrize(
    ("peer", "own"), [("192.0.2.1", "127.0.0.1"), ("127.0.0.1", "192.0.2.1"), ("127.0.0.2", "127.0.0.1")]
)
def test_a_connection_that_is_not_on_loopback_is_refused(peer: str, own: str) -> None:
    connection: Any = Elsewhere(peer, own)
    with pytest.raises(StrangePeer, match="not on"):
        peers.check(connection)


def test_a_connection_that_is_gone_is_refused() -> None:
    with socket.socket() as unconnected, pytest.raises(StrangePeer, match="gone"):
        peers.check(unconnected)


def test_a_system_that_tells_nothing_has_strangers_only(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    with page.opened(b"") as connection:
        monkeypatch.setattr(sys, "platform", "plan9")
        with pytest.raises(StrangePeer, match="cannot be told on plan9"):
            peers.check(connection)


@on_linux
def test_tables_that_cannot_be_read_make_a_stranger(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise PermissionError

    with page.opened(b"") as connection:
        monkeypatch.setattr(peers_linux, "find", unreadable)
        with pytest.raises(StrangePeer, match="cannot be told"):
            peers.check(connection)


def _row(local: str, remote: str, *, state: str = "01", uid: int = 1000, inode: int = 77) -> str:
    return (
        f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  {uid}  0 {inode} 1 0 20 4 30 10 -1\n"
    )


PEER = ("0100007F:C738", "0100007F:8BE2")  # as a little-endian kernel writes 127.0.0.1:51000 to 127.0.0.1:35810


def _proc(folder: Path, *rows: str) -> Path:
    (folder / "net").mkdir()
    (folder / "net" / "tcp").write_text(HEADER + "".join(rows))
    return folder


@on_linux
def test_the_entry_of_the_peer_is_read_and_not_our_own_end(tmp_path: Path) -> None:
    own = _row(PEER[1], PEER[0], uid=0, inode=78)
    assert peers_linux.find(ENDS, _proc(tmp_path, own, _row(*PEER))) == peers_linux.Socket(1000, 77)


@on_linux
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [_row(PEER[1], PEER[0])],
        [_row("0100007F:C739", PEER[1])],
        [_row("0200007F:C738", PEER[1])],
        [_row(PEER[0], "0100007F:8BE3")],
        [_row(*PEER, state="06")],  # TIME_WAIT: nobody's, written as root's
        [_row(*PEER, state="04")],
        [_row(*PEER, inode=0)],
        [_row(*PEER), _row(*PEER, uid=1001)],
    ],
)
def test_no_entry_of_the_peer_or_several_make_a_stranger(tmp_path: Path, rows: list[str]) -> None:
    with pytest.raises(StrangePeer):
        peers_linux.find(ENDS, _proc(tmp_path, *rows))


@on_linux
def test_an_entry_told_twice_is_the_peer(tmp_path: Path) -> None:
    assert peers_linux.find(ENDS, _proc(tmp_path, _row(*PEER), _row(*PEER))) == peers_linux.Socket(1000, 77)


@on_linux
def test_an_entry_that_the_kernel_left_out_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = iter(["", "", _row(*PEER), ""])  # tcp and tcp6, twice
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: HEADER + next(tables))
    assert peers_linux.find(ENDS) == peers_linux.Socket(1000, 77)


@on_linux
@pytest.mark.parametrize(
    ("own", "other", "is_refused"),
    [
        ("4", "5", True),
        ("4", "4", False),
        ("4", None, False),  # a program that the desktop started: the user alone counts
        (None, "5", False),
    ],
)
def test_another_login_session_is_refused_where_it_is_told(
    page: Page, monkeypatch: pytest.MonkeyPatch, own: str | None, other: str | None, is_refused: bool
) -> None:
    sessions = {"self": own, str(os.getpid()): other}
    monkeypatch.setattr(peers_linux, "session_of", sessions.get)
    answered = _status_or_none(page)
    assert answered == (None if is_refused else 200)


def _status_or_none(page: Page) -> int | None:
    try:
        return page.get().status
    except (OSError, IndexError):  # closed without an answer
        return None


@on_linux
@pytest.mark.parametrize(
    ("cgroup", "session"),
    [
        ("0::/user.slice/user-1000.slice/session-4.scope\n", "4"),
        ("1:name=systemd:/user.slice/user-1000.slice/session-c12.scope\n0::/\n", "c12"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox.scope\n", None),
        ("0::/\n", None),
        (None, None),
    ],
)
def test_the_session_is_that_of_the_scope(tmp_path: Path, cgroup: str | None, session: str | None) -> None:
    if cgroup is not None:
        (tmp_path / "7").mkdir()
        (tmp_path / "7" / "cgroup").write_text(cgroup)
    assert peers_linux.session_of("7", tmp_path) == session


LSOF = "p4242\nu501\nf33\nn127.0.0.1:51000->127.0.0.1:35810\np4243\nu502\nf9\nn127.0.0.1:35810->127.0.0.1:51000\n"


def test_lsof_of_macos_names_the_user_of_the_peers_end() -> None:
    assert peers_macos.owners_of(LSOF, ENDS) == {501}
    assert peers_macos.owners_of(LSOF, Ends(local=51001, remote=35810)) == set()
    assert peers_macos.owners_of("p1\nn127.0.0.1:51000->127.0.0.1:35810\n", ENDS) == {-1}


def test_without_lsof_everybody_is_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_macos, "LSOF", str(tmp_path / "lsof"))
    with pytest.raises(OSError):
        peers_macos.check(ENDS)


def _table(*rows: tuple[int, str, int, str, int, int]) -> bytes:
    """A MIB_TCPTABLE_OWNER_PID: ports in network order, in the lower half of their fields."""
    packed = (
        struct.pack("<I4sHHI", state, socket.inet_aton(local), socket.htons(local_port), 0xABCD, 0)[:12]
        + struct.pack("<4sHHI", socket.inet_aton(remote), socket.htons(remote_port), 0, process)
        for state, local, local_port, remote, remote_port, process in rows
    )
    return struct.pack("<I", len(rows)) + b"".join(packed)


OWN_ROW = (5, "127.0.0.1", 35810, "127.0.0.1", 51000, 99)
PEER_ROW = (5, "127.0.0.1", 51000, "127.0.0.1", 35810, 4242)


def test_the_table_of_windows_names_the_process_of_the_peers_end() -> None:
    assert peers_windows.owner(_table(OWN_ROW, PEER_ROW), ENDS) == 4242


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [OWN_ROW],
        [(8, *PEER_ROW[1:])],
        [(*PEER_ROW[:5], 0)],
        [(5, "127.0.0.2", *PEER_ROW[2:])],
        [PEER_ROW, (*PEER_ROW[:5], 4243)],
    ],
)
def test_no_row_of_the_peer_or_several_make_a_stranger(rows: list[tuple[int, str, int, str, int, int]]) -> None:
    with pytest.raises(StrangePeer):
        peers_windows.owner(_table(*rows), ENDS)
