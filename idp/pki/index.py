"""Lists that the worker read, kept in a folder as sorted serials that each process takes as they are: no login parses
a list.

A file of the folder is MAGIC, the length of the header, the header (JSON), and the table of serials. The header holds
the digest of the table, and a MAC of the provider stands over the header: what somebody else put there is not read.
"""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from idp.pki.authorities import Stamp, content, stamp
from idp.pki.crl import RevokedSerials
from idp.pki.serials import Serials

MAGIC = b"sesame card list 1\n"
LENGTH_BYTES = 4
MAX_HEADER = 64 * 1024  # bytes; the points of a list are few
MAC_BYTES = 64  # hexadecimal digits
PURPOSE = "card list"
Mac = Callable[..., str]  # (purpose, *parts): `keys.seal.DataKeys.mac`


class Index:
    """The newest list of each authority, or of each part of its certificates. Thread-safe, and safe among processes."""

    def __init__(self, folder: Path, mac: Mac, authorities: Sequence[x509.Certificate]) -> None:
        self._folder, self._mac = folder, mac
        self._authorities = {_fingerprint(each): each for each in authorities}
        self._read: dict[Path, tuple[Stamp, RevokedSerials | None]] = {}

    def lists(self) -> tuple[RevokedSerials, ...]:
        """All that stand there and are ours. A file that did not change is not read again."""
        try:
            paths = sorted(self._folder.glob("*.list"))
        except OSError:
            return ()
        read = {path: found for path in paths if (found := self._known(path))}
        self._read = read
        return tuple(listed for _, listed in read.values() if listed is not None)

    def strange(self) -> tuple[Path, ...]:
        """Files that stand there and are not ours: of another's hand, of another secret, or damaged."""
        self.lists()
        return tuple(path for path, (_, listed) in self._read.items() if listed is None)

    def keep(self, listed: RevokedSerials) -> bool:
        """Put a list there, whole or not at all; False if a newer one stands there. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / _name(listed)
        with _alone(self._folder):
            known = self._known(path)
            if known:
                self._read[path] = known  # however many lists come, it is read once
            kept = known[1] if known else None
            if kept is not None and listed.is_older_than(kept):
                return False
            header = _header(listed)
            if kept is not None and _header(kept) == header:
                return True
            stated = self._mac(PURPOSE, header.decode()).encode()
            start = (len(header) + MAC_BYTES).to_bytes(LENGTH_BYTES)
            _replace(path, (MAGIC, start, stated, header, listed.serials.table))
        return True

    def _known(self, path: Path) -> tuple[Stamp, RevokedSerials | None] | None:
        """What a file holds, None for what is not ours; None if there is no file.

        It is read and not mapped: in a map, what somebody writes to the file would count without having been checked.
        """
        try:
            stands = stamp(path)
        except OSError:
            return None
        known = self._read.get(path)
        if known is not None and known[0] == stands:
            return known
        try:
            return stands, self._opened(content(path))
        except OSError:
            return stands, None

    def _opened(self, whole: bytes) -> RevokedSerials | None:
        begin = len(MAGIC) + LENGTH_BYTES
        length = int.from_bytes(whole[len(MAGIC) : begin])
        if whole[: len(MAGIC)] != MAGIC or not MAC_BYTES < length <= MAX_HEADER:
            return None
        stated, header = whole[begin : begin + MAC_BYTES], whole[begin + MAC_BYTES : begin + length]
        expected = self._mac(PURPOSE, header.decode(errors="replace"))
        if not hmac.compare_digest(stated, expected.encode()):
            return None
        told: dict[str, Any] = json.loads(header)
        serials = Serials(whole, begin + length)
        if told["table"] != _digest(serials) or told["authority"] not in self._authorities:
            return None
        return RevokedSerials(
            authority=self._authorities[told["authority"]],
            since=datetime.fromtimestamp(told["since"], UTC),
            until=datetime.fromtimestamp(told["until"], UTC),
            number=told["number"],
            serials=serials,
            points=None if told["points"] is None else frozenset(told["points"]),
        )


def _header(listed: RevokedSerials) -> bytes:
    told = {
        "authority": _fingerprint(listed.authority),
        "since": int(listed.since.timestamp()),
        "until": int(listed.until.timestamp()),
        "number": listed.number,
        "points": None if listed.points is None else sorted(listed.points),
        "table": _digest(listed.serials),
    }
    return json.dumps(told).encode()


def _digest(serials: Serials) -> str:
    with memoryview(serials.table) as view:
        return hashlib.sha256(view[serials.start :]).hexdigest()


def _fingerprint(authority: x509.Certificate) -> str:
    return authority.fingerprint(hashes.SHA256()).hex()


def _name(listed: RevokedSerials) -> str:
    part = "full" if listed.points is None else hashlib.sha256("\n".join(sorted(listed.points)).encode()).hexdigest()
    return f"{_fingerprint(listed.authority)[:32]}-{part[:16]}.list"


def _replace(path: Path, pieces: Sequence[bytes]) -> None:
    """Written beside it, by one process at a time, then renamed. What one that was killed left is written over."""
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time compares and replaces; the lock ends with who holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
