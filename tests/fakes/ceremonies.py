"""What a browser is asked at a registration, and an answer that somebody changed."""

import json
from collections.abc import Callable
from typing import Any

import cbor2

from idp.ceremonies import CHALLENGE_BYTES, creation_options
from idp.domain.enrolled import RelyingParty
from tests.fakes.authenticator import AT, Authenticator, b64, unb64

PARTY = RelyingParty("idp.example", "https://idp.example")
CHALLENGE = bytes(range(CHALLENGE_BYTES))


def options(**changes: Any) -> str:
    asked = {"name": "Mon compte", "user_handle": b"random", "login": "anne.pierre", "full_name": "Anne Pierre"}
    return creation_options(PARTY, CHALLENGE, **{**asked, "known": (), "timeout_ms": 600_000, **changes})


def attestation_of(answer: str) -> dict[str, Any]:
    found: dict[str, Any] = cbor2.loads(unb64(json.loads(answer)["response"]["attestationObject"]))
    return found


def with_attestation(answer: str, attestation: bytes) -> str:
    """The same answer with another attestation object."""
    parsed = json.loads(answer)
    parsed["response"]["attestationObject"] = b64(attestation)
    return json.dumps(parsed)


def tampered(answer: str, change: Callable[[dict[str, Any]], object]) -> str:
    """The same answer, something in its attestation object being another."""
    return with_attestation(answer, cbor2.dumps(change(attestation_of(answer))))


def created(public_key: bytes, *, more: int = 0, appended: bytes = b"") -> str:
    """An answer with this key; more flags, and what stands after the key."""
    key = Authenticator()
    answer = key.create(options())

    def change(found: dict[str, Any]) -> dict[str, Any]:
        data = found["authData"]
        head = data[:32] + bytes([data[32] | AT | more]) + data[33:]
        return {**found, "authData": head[: -len(key.public_key)] + public_key + appended}

    return tampered(answer, change)
