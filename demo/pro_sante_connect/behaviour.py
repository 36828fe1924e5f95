"""How the simulator behaves: as the sandbox does, or with the failures that somebody switched on."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Algorithm = Literal["RS256", "PS256", "ES256"]
ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256")
DEMO_SLOW_S = 12.0  # longer than a client should wait


class Endpoint(StrEnum):
    """What can be slow or down by itself."""

    DISCOVERY = "discovery"
    JWKS = "jwks"
    AUTHORIZATION = "authorization"
    TOKEN = "token"
    USERINFO = "userinfo"
    END_SESSION = "end_session"


class Signed(StrEnum):
    """The JWTs that the simulator signs. A fault of the signature touches one of them."""

    ID_TOKEN = "id_token"
    USERINFO = "userinfo"
    LOGOUT_TOKEN = "logout_token"


class Switch(StrEnum):
    """A failure, or a manner that a client must live with."""

    SLOW = "slow"
    DOWN = "down"
    TOKEN_REFUSED = "token_refused"
    AUTHORIZATION_ERROR = "authorization_error"
    RESPONSE_WRONG_ISS = "response_wrong_iss"
    RESPONSE_WITHOUT_ISS = "response_without_iss"
    WRONG_ISS = "wrong_iss"
    WRONG_AUDIENCE = "wrong_audience"
    EXPIRED = "expired"
    UNKNOWN_KID = "unknown_kid"
    BAD_SIGNATURE = "bad_signature"
    ALG_NONE = "alg_none"
    HS256 = "hs256"
    WRONG_NONCE = "wrong_nonce"
    WITHOUT_NONCE = "without_nonce"
    WRONG_AT_HASH = "wrong_at_hash"
    OLD_AUTH_TIME = "old_auth_time"
    ACR_MISSING = "acr_missing"
    ACR_UNEXPECTED = "acr_unexpected"
    MODE_UNKNOWN = "mode_unknown"
    USERINFO_SIGNED = "userinfo_signed"
    OTHER_SUBJECT = "other_subject"
    UUID_SUBJECT = "uuid_subject"


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is switched on, at one moment.

    endpoints: those that SLOW and DOWN touch. slow_s: seconds. forged: the JWT that WRONG_ISS to HS256 touch.
    id_token, userinfo: claims put over the others; one that is None is taken away.
    """

    switches: frozenset[Switch] = frozenset()
    endpoints: frozenset[Endpoint] = frozenset(Endpoint)
    slow_s: float = DEMO_SLOW_S
    forged: Signed = Signed.ID_TOKEN
    algorithm: Algorithm = "RS256"
    id_token: Mapping[str, Any] = field(default_factory=dict)
    userinfo: Mapping[str, Any] = field(default_factory=dict)

    def has(self, switch: Switch) -> bool:
        return switch in self.switches

    def forges(self, switch: Switch, signed: Signed) -> bool:
        return self.has(switch) and self.forged is signed

    def touches(self, switch: Switch, endpoint: Endpoint) -> bool:
        return self.has(switch) and endpoint in self.endpoints


class Behaviour:
    """The conduct in force, shared by the threads of the simulator, the page of the switches, and tests."""

    def __init__(self, *switches: Switch, **details: Any) -> None:
        """details: the other fields of `Conduct`."""
        self._changed = threading.Condition()
        self._conduct = _conduct(switches, details)

    @property
    def conduct(self) -> Conduct:
        return self._conduct

    def become(self, *switches: Switch, **details: Any) -> None:
        """In place of all that was set before: without arguments, the sandbox on a good day. Ends every wait."""
        with self._changed:
            self._conduct = _conduct(switches, details)
            self._changed.notify_all()

    def wait(self, endpoint: Endpoint) -> None:
        """As long as SLOW says, or until the conduct changes."""
        with self._changed:
            found = self._conduct
            if found.touches(Switch.SLOW, endpoint):
                self._changed.wait_for(lambda: self._conduct is not found, found.slow_s)


def _conduct(switches: Iterable[Switch], details: Mapping[str, Any]) -> Conduct:
    return Conduct(frozenset(switches), **details)


def over(claims: Mapping[str, Any], overriding: Mapping[str, Any]) -> dict[str, Any]:
    """The claims with others over them; one that is None is taken away."""
    merged = {**claims, **overriding}
    return {name: value for name, value in merged.items() if name not in overriding or value is not None}
