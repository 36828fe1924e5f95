"""A virtual reader for the length of the tests.

vpcd listens on all addresses, hence a network namespace of its own; pcscd has one place for its socket, hence a mount
namespace too. The socket itself is a file that a client is told by PCSCLITE_CSOCK_NAME: a reader of this machine, and
the pcscd that serves it, are left alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from demo.look_alike import Issued

REPOSITORY = Path(__file__).parents[3]
DRIVER = """FRIENDLYNAME "Virtual reader"
DEVICENAME   /dev/null:0x8C7B
LIBPATH      /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    0x8C7B
"""


class NoNamespaces(Exception):
    """This machine lets nobody make a network namespace."""


class VirtualReader:
    """Puts cards in and takes them out; they are known by a name of the test's choice."""

    def __init__(self, process: "subprocess.Popen[str]", socket: Path) -> None:
        self._process, self.socket = process, socket

    def make(self, name: str, keys: Mapping[int, Issued], pin: str, *, is_piv: bool = True) -> None:
        """A card that is not inserted yet; one that is not PIV understands nothing."""
        pems = {
            reference: (issued.private_pem().decode(), issued.certificate.public_bytes(Encoding.PEM).decode())
            for reference, issued in keys.items()
        }
        self._ask("make", name=name, keys=pems, pin=pin, is_piv=is_piv)

    def insert(self, name: str, slot: int = 0) -> None:
        self._ask("insert", name=name, slot=slot)

    def remove(self) -> None:
        """Every card."""
        self._ask("remove")

    def remove_while_signing(self) -> None:
        """The card of the first slot leaves when it is next asked for a signature."""
        self._ask("remove_while_signing")

    def counts(self, name: str) -> dict[str, int]:
        """tries_left, pins_tried, signatures: as the card itself has counted them."""
        return dict(self._ask("counts", name=name))

    def _ask(self, do: str, **rest: Any) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, **rest}) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the virtual reader ended with {self._process.wait()}")
        return json.loads(line)


def namespaces(*kinds: str) -> list[str]:
    """What a command is run by, to be in namespaces of its own; for others than root, as root of one of users."""
    return ["unshare", *kinds, *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


@contextmanager
def virtual_reader(folder: Path) -> Iterator[VirtualReader]:
    """folder: empty, with a short path, for it holds a socket."""
    drivers, run = folder / "drivers", folder / "run"
    drivers.mkdir()
    run.mkdir()
    (drivers / "vpcd").write_text(DRIVER, encoding="utf-8")
    apart = namespaces("--net", "--mount")
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        raise NoNamespaces
    command = [*apart, sys.executable, "-m", "tests.fakes.virtual_card.slot", str(drivers), str(run)]
    with (folder / "log").open("w") as log, subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=REPOSITORY
    ) as process:  # fmt: skip
        reader = VirtualReader(process, run / "pcscd.comm")
        try:
            reader.answer()
            yield reader
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(timeout=10)
