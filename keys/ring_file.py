"""`ring.json`: the dates of the signing keys, without the keys. Each back end keeps one in its directory."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from keys.signer import SigningKey, UnsafeKeyFile

RING: Final = "ring.json"
RING_VERSION: Final = 1
KID: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256, base64url: no path, no NUL

Ring = tuple[SigningKey, ...]


def parse_ring(raw: bytes) -> Ring:
    """What a file says. Raises UnsafeKeyFile if it is malformed."""
    try:
        document = json.loads(raw)
        if document["version"] != RING_VERSION:
            raise ValueError("unknown version")
        ring = tuple(_parse_entry(entry) for entry in document["keys"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnsafeKeyFile(f"{RING}: malformed ({error})") from error
    if len({key.kid for key in ring}) != len(ring):
        raise UnsafeKeyFile(f"{RING}: a key is listed twice")
    return ring


def ring_json(ring: Sequence[SigningKey]) -> bytes:
    """The content of the file."""
    entries = [
        {
            "kid": key.kid,
            "alg": key.alg,
            "not_before": key.not_before.astimezone(UTC).isoformat(),
            "retire_at": key.retire_at and key.retire_at.astimezone(UTC).isoformat(),
        }
        for key in ring
    ]
    return (json.dumps({"version": RING_VERSION, "keys": entries}, indent=2) + "\n").encode()


def _parse_entry(entry: Mapping[str, Any]) -> SigningKey:
    kid, alg, not_before, retire_at = entry["kid"], entry["alg"], entry["not_before"], entry["retire_at"]
    if set(entry) != {"kid", "alg", "not_before", "retire_at"}:
        raise ValueError("unknown member")
    if not KID.fullmatch(kid) or not isinstance(alg, str):
        raise ValueError("kid is no thumbprint, or alg no name")
    end = None if retire_at is None else datetime.fromisoformat(retire_at)
    return SigningKey(kid=kid, alg=alg, not_before=datetime.fromisoformat(not_before), retire_at=end)
