"""Access tokens: what is known of one, frozen when it was issued."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import uuid4

from idp.domain.ids import new_token

IDENTIFIER = re.compile(r"([0-9a-f]{32})\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Everything that /userinfo and /introspect say of a token. Times are NumericDates (whole seconds).

    subject: the `sub` that its client knows, the client itself for client_credentials. grant_id: what it came of, None
    for client_credentials. claims: values for /userinfo.
    """

    client_id: str
    subject: str
    scope: tuple[str, ...]
    audience: str
    issued_at: int
    expires_at: int
    grant_id: str | None = None
    auth_time: int | None = None
    acr: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)

    def is_expired(self, now: datetime) -> bool:
        return now.timestamp() >= self.expires_at

    def to_json(self) -> dict[str, Any]:
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AccessToken":
        values = {name: data[name] for name in NAMES if name in data}
        return cls(**{**values, "scope": tuple(data["scope"])})


NAMES = tuple(item.name for item in fields(AccessToken))


def new_identifier(grant_id: str | None) -> str:
    """`<handle>.<256 random bits>`: an opaque token, or the `jti` of one that is a JWT (RFC 9068 §2.2)."""
    return f"{handle_of_grant(grant_id) if grant_id else uuid4().hex}.{new_token()}"


def handle_of_grant(grant_id: str) -> str:
    """What the tokens of a grant, and the mark that it was revoked, have in common: 32 hexadecimal digits."""
    return grant_id.replace("-", "")


def handle_of(token: str) -> str | None:
    """The handle that a token names, None for what cannot be one of ours. Nothing of the token is believed by that."""
    if token.count(".") == 2:
        token = _jti(token)
    found = IDENTIFIER.fullmatch(token)
    return found[1] if found else None


def _jti(jwt: str) -> str:
    encoded = jwt.split(".")[1]
    try:
        payload = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        return ""
    jti = payload.get("jti") if isinstance(payload, dict) else None
    return jti if isinstance(jti, str) else ""
