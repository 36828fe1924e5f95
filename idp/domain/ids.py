"""Identifiers and random values."""

import hashlib
import secrets
import time
from uuid import UUID


def new_id() -> str:
    """A UUIDv7: sorts by the time of its making, to a quarter of a microsecond (RFC 9562 §5.7, §6.2 method 3)."""
    ms, rest_ns = divmod(time.time_ns(), 1_000_000)
    value = (ms << 80) | (0x7 << 76) | (rest_ns * 4096 // 1_000_000 << 64)
    return str(UUID(int=value | (0b10 << 62) | secrets.randbits(62)))


def new_token() -> str:
    """256 random bits, base64url."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """SHA-256 of a token, hex: what is stored in its place."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
