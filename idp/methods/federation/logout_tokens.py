"""What a logout token says that an upstream signed (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from idp.methods.federation.faults import LoginRefused
from idp.methods.federation.tokens import SKEW

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
KINDS: Final = frozenset({"JWT", "LOGOUT+JWT"})  # `typ`, if there is one
REQUIRED: Final = ("iat", "exp", "jti", "events")
OLDEST: Final = timedelta(minutes=5)
MAX_VALUE: Final = 255


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """One session that ended at the upstream, or without `sid` each of this `sub`. at: `iat`."""

    sub: str | None = field(repr=False)
    sid: str | None = field(repr=False)
    at: datetime


def read(claims: Mapping[str, Any], now: datetime) -> LoggedOut:
    """claims: of a token that the upstream signed for us, its times checked. Raises LoginRefused."""
    if claims["iat"] <= (now - OLDEST - SKEW).timestamp():
        raise LoginRefused("expired", "iat is too long ago")
    if "nonce" in claims:
        raise LoginRefused("token_malformed", "an ID Token, for it has a nonce")
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise LoginRefused("token_malformed", "events has no logout")
    if "sub" not in claims and "sid" not in claims:
        raise LoginRefused("token_malformed", "neither sub nor sid")
    for name in ("jti", "sid"):
        if name in claims and not (isinstance(claims[name], str) and 0 < len(claims[name]) <= MAX_VALUE):
            raise LoginRefused("token_malformed", f"{name} is no short text")
    return LoggedOut(claims.get("sub"), claims.get("sid"), datetime.fromtimestamp(claims["iat"], UTC))
