"""The peer of a connection on Windows: GetExtendedTcpTable names its process, whose session and user count."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator

from card_reader.peers import Ends, StrangePeer

LOOPBACK = b"\x7f\x00\x00\x01"
ESTABLISHED = 5  # MIB_TCP_STATE_ESTAB
ROW = struct.Struct(
    "<I4sI4sII"
)  # MIB_TCPROW_OWNER_PID: state, local address and port, remote address and port, process
AF_INET = 2
CONNECTIONS_WITH_PROCESS = 4  # TCP_TABLE_OWNER_PID_CONNECTIONS
TOO_SMALL = 122  # ERROR_INSUFFICIENT_BUFFER
MOST_TRIES = 5  # the table grows while it is asked for
QUERY_LIMITED_INFORMATION = 0x1000
TOKEN_QUERY = 8
TOKEN_USER = 1


def owner(table: bytes, ends: Ends) -> int:
    """The process that has the peer's end. table: a MIB_TCPTABLE_OWNER_PID. Raises StrangePeer if there is none."""
    owners = {
        process
        for state, local, local_port, remote, remote_port, process in _rows(table)
        if (state, local, remote) == (ESTABLISHED, LOOPBACK, LOOPBACK)
        and (_port(local_port), _port(remote_port)) == (ends.local, ends.remote)
    }
    if len(owners) != 1 or 0 in owners:
        raise StrangePeer("no process has the socket")
    return owners.pop()


def _rows(table: bytes) -> Iterator[tuple[int, bytes, int, bytes, int, int]]:
    (count,) = struct.unpack_from("<I", table)
    for index in range(count):
        yield ROW.unpack_from(table, 4 + index * ROW.size)


def _port(field: int) -> int:
    """The lower 16 bits, in network order; the upper ones may hold anything."""
    return int.from_bytes((field & 0xFFFF).to_bytes(2, "little"), "big")


if sys.platform == "win32":
    from ctypes import wintypes

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _security = ctypes.WinDLL("advapi32", use_last_error=True)
    _network = ctypes.WinDLL("iphlpapi")
    _kernel.OpenProcess.restype = wintypes.HANDLE
    _kernel.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
    _kernel.CloseHandle.argtypes = [wintypes.HANDLE]
    _kernel.ProcessIdToSessionId.argtypes = [wintypes.DWORD, ctypes.POINTER(wintypes.DWORD)]
    _security.OpenProcessToken.argtypes = [wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE)]
    _security.GetTokenInformation.argtypes = [
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
        ctypes.POINTER(wintypes.DWORD),
    ]
    _security.GetLengthSid.argtypes = [ctypes.c_void_p]
    _security.GetLengthSid.restype = wintypes.DWORD

    def check(ends: Ends) -> None:
        """Raises StrangePeer, OSError."""
        process, own = owner(_table(), ends), os.getpid()
        if session_of(process) != session_of(own):
            raise StrangePeer("it is of another session")
        if _user(process) != _user(own):
            raise StrangePeer("it is of another user")

    def _table() -> bytes:
        size = wintypes.DWORD(0)
        buffer = ctypes.create_string_buffer(4)
        for _ in range(MOST_TRIES):
            told = _network.GetExtendedTcpTable(buffer, ctypes.byref(size), False, AF_INET, CONNECTIONS_WITH_PROCESS, 0)
            if told == 0:
                return buffer.raw
            if told != TOO_SMALL:
                raise OSError(None, "GetExtendedTcpTable failed", None, told)
            buffer = ctypes.create_string_buffer(size.value)
        raise StrangePeer("the table of connections does not stand still")

    def session_of(process: int) -> int:
        """The Remote Desktop Services session of a process. Raises OSError."""
        session = wintypes.DWORD()
        if not _kernel.ProcessIdToSessionId(process, ctypes.byref(session)):
            raise ctypes.WinError(ctypes.get_last_error())
        return session.value

    def _user(process: int) -> bytes:
        """The SID of the user whose process it is. Raises OSError."""
        handle = _kernel.OpenProcess(QUERY_LIMITED_INFORMATION, False, process)
        if not handle:
            raise ctypes.WinError(ctypes.get_last_error())
        token = wintypes.HANDLE()
        try:
            if not _security.OpenProcessToken(handle, TOKEN_QUERY, ctypes.byref(token)):
                raise ctypes.WinError(ctypes.get_last_error())
            return _sid(token)
        finally:
            if token:
                _kernel.CloseHandle(token)
            _kernel.CloseHandle(handle)

    def _sid(token: wintypes.HANDLE) -> bytes:
        size = wintypes.DWORD()
        _security.GetTokenInformation(token, TOKEN_USER, None, 0, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(max(size.value, ctypes.sizeof(ctypes.c_void_p)))
        if not _security.GetTokenInformation(token, TOKEN_USER, buffer, size, ctypes.byref(size)):
            raise ctypes.WinError(ctypes.get_last_error())
        (sid,) = struct.unpack_from("P", buffer)  # TOKEN_USER begins with the pointer, into the same buffer
        return ctypes.string_at(sid, _security.GetLengthSid(sid))
