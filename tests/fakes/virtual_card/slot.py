"""The reader's side, run in namespaces of its own by `reader`: pcscd, and the slots that cards are put into.

Commands come on standard input, one JSON object a line, each answered by one line on standard output. pcscd's driver
vpcd listens on port 35963 for the first slot and 35964 for the second: a connection is a card that is put in.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.fakes.virtual_card.piv import ANSWER_TO_RESET, PivCard

FIRST_PORT = 35963
GENERAL_AUTHENTICATE = 0x87
STARTS_WITHIN_S = 10
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40


class Slot:
    """One card at most. torn_out_by: the instruction at which the card leaves the reader instead of answering."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._card: PivCard | None = None
        self.torn_out_by: int | None = None

    def insert(self, card: PivCard) -> None:
        self._socket, self._card = socket.create_connection(("127.0.0.1", self._port)), card
        threading.Thread(target=self._serve, args=(self._socket, card), daemon=True).start()

    def remove(self) -> None:
        inserted, self._socket, self._card = self._socket, None, None
        if inserted is not None:
            with contextlib.suppress(OSError):
                inserted.shutdown(socket.SHUT_RDWR)
            inserted.close()

    def _serve(self, connection: socket.socket, card: PivCard) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                (length,) = struct.unpack(">H", _receive(connection, 2))
                message = _receive(connection, length)
                if len(message) > 1 and message[1] == self.torn_out_by:
                    self.torn_out_by = None
                    self.remove()
                answer = _answer(card, message)
                if answer is not None:
                    connection.sendall(struct.pack(">H", len(answer)) + answer)
        card.reset()


def _answer(card: PivCard, message: bytes) -> bytes | None:
    if len(message) > 1:
        return card.answer(message)
    if message[0] == 4:  # what the answer to a reset is
        return ANSWER_TO_RESET
    card.reset()  # power off, power on, reset
    return None


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        # vpcd writes the length and the rest apart: else each command waits 40 ms for a delayed acknowledgement.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        portion = connection.recv(length - len(received))
        if not portion:
            raise EOFError
        received += portion
    return received


class Commands:
    def __init__(self) -> None:
        self._slots = [Slot(FIRST_PORT), Slot(FIRST_PORT + 1)]
        self._cards: dict[str, PivCard] = {}

    def make(self, name: str, keys: dict[str, list[str]], pin: str, is_piv: bool) -> None:
        """keys: private key and certificate in PEM, by reference."""
        pairs = {
            int(reference): (load_pem_private_key(key.encode(), None), x509.load_pem_x509_certificate(pem.encode()))
            for reference, (key, pem) in keys.items()
        }
        self._cards[name] = PivCard(pairs, pin, guid=os.urandom(16), is_piv=is_piv)  # type: ignore[arg-type]

    def insert(self, name: str, slot: int = 0) -> None:
        self._slots[slot].insert(self._cards[name])

    def remove(self) -> None:
        for slot in self._slots:
            slot.torn_out_by = None
            slot.remove()

    def remove_while_signing(self) -> None:
        self._slots[0].torn_out_by = GENERAL_AUTHENTICATE

    def counts(self, name: str) -> dict[str, int]:
        card = self._cards[name]
        return {"tries_left": card.tries_left, "pins_tried": card.pins_tried, "signatures": card.signatures}


def _raise_loopback() -> None:
    """A new network namespace has a loopback that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def _start_pcscd(drivers: Path, run: Path) -> subprocess.Popen[bytes]:
    """run: the folder in which others find pcscd.comm; within this mount namespace it is /run/pcscd."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/pcscd").mkdir()
    subprocess.run(["mount", "--bind", str(run), "/run/pcscd"], check=True)
    daemon = subprocess.Popen(["/usr/sbin/pcscd", "--foreground", "--config", str(drivers)], stdout=sys.stderr)
    ends_at = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends_at:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", FIRST_PORT)).close()
            return daemon
        time.sleep(0.05)
    daemon.kill()
    raise TimeoutError("pcscd did not start")


def main(drivers: Path, run: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, which then end this
    _raise_loopback()
    daemon = _start_pcscd(drivers, run)
    commands = Commands()
    try:
        print(json.dumps(None), flush=True)
        for line in sys.stdin:
            asked: dict[str, Any] = json.loads(line)
            print(json.dumps(getattr(commands, asked.pop("do"))(**asked)), flush=True)
    finally:
        commands.remove()
        daemon.terminate()
        daemon.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
