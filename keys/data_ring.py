"""The ring of data keys in the secret file: one raw secret, or a line `kid:base64url` for each.

The first line, kid 1, is never removed: digests and pairwise subjects come from it. Later ones may go once nothing is
sealed under them.
"""

import base64
import os
import re
import secrets
from pathlib import Path
from typing import Final

from keys import private_directory
from keys.jwks import base64url
from keys.signer import UnsafeKeyFile

KEY_BYTES: Final = 32
FIRST_KID: Final = 1
LINE: Final = re.compile(rb"([1-9][0-9]{0,8}):([A-Za-z0-9_-]{43,}={0,2})")


def parse(content: bytes) -> dict[int, bytes]:
    """Secrets by kid, oldest first; a raw secret is kid 1.

    Raises UnsafeKeyFile for a secret of less than 32 bytes, and for a ring that is malformed or lacks kid 1.
    """
    lines = content.split(b"\n")
    is_ring = content.isascii() and (content.startswith(b"1:") or all(LINE.fullmatch(line) for line in lines))
    found = _parse_lines(lines) if is_ring else {FIRST_KID: content}
    if any(len(secret) < KEY_BYTES for secret in found.values()):
        raise UnsafeKeyFile(f"secret file: a secret needs at least {KEY_BYTES} bytes")
    return found


def read(path: Path) -> bytes:
    """Content of the secret file, trimmed. Raises UnsafeKeyFile if it cannot be read or is accessible to others."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes().strip()
    except OSError as error:
        raise UnsafeKeyFile(f"{path}: {error.strerror}") from error
    if mode & private_directory.OTHERS:
        raise UnsafeKeyFile(f"{path}: accessible to others (chmod 600)")
    return content


def append(path: Path) -> int:
    """Add a fresh key to the secret file, atomically, and tell its kid; a raw secret becomes the first line.

    Raises UnsafeKeyFile if the file is missing, is a symbolic link, is open to others or is malformed.
    """
    with private_directory.opened(path.parent, exclusive=True, private=False) as descriptor:
        found = parse(private_directory.read(descriptor, path.name).strip())
        kid = max(found) + 1
        found[kid] = secrets.token_bytes(KEY_BYTES)
        lines = "".join(f"{each}:{base64url(secret)}\n" for each, secret in found.items())
        owner = os.stat(path.name, dir_fd=descriptor)
        private_directory.write(descriptor, {path.name: lines.encode("ascii")}, owner)
    return kid


def _parse_lines(lines: list[bytes]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for number, line in enumerate(lines, start=1):
        matched = LINE.fullmatch(line)
        if not matched:
            raise UnsafeKeyFile(f"secret file, line {number}: not a line kid:base64url")
        kid, encoded = int(matched[1]), matched[2].rstrip(b"=")
        if found and kid <= max(found):
            raise UnsafeKeyFile(f"secret file, line {number}: kids only grow from line to line")
        found[kid] = base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    if FIRST_KID not in found:
        raise UnsafeKeyFile("secret file: the key 1 is missing; digests and subjects come from it, put it back")
    return found
