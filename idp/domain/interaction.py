"""One login in progress: carries the validated request from `/authorize` to the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from idp.domain.authn import Proof
from idp.domain.request import AuthorizationRequest

LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Interaction:
    """Bound to one browser by `browser_hash`; written under a version check; completed once, by taking it.

    fresh: proofs made inside this Interaction that may answer it.
    factors: first factors proven inside it; they open nothing alone.
    account_id: whose proofs these are, once one was accepted.
    consented_by: the account that was asked for its consent, and gave it.
    session_id: the session that keeps them, or that was here when they were made; they count no longer than it lives.
    """

    id: str = field(repr=False)
    request: AuthorizationRequest
    browser_hash: str
    expires_at: datetime
    account_id: str | None = None
    session_id: str | None = None
    fresh: tuple[Proof, ...] = ()
    factors: tuple[Proof, ...] = ()
    method_state: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    account_chosen: bool = False
    consented_by: str | None = None
    version: int = 0

    def with_state(self, method_id: str, state: Mapping[str, Any]) -> "Interaction":
        return replace(self, method_state={**self.method_state, method_id: dict(state)})

    def to_json(self) -> dict[str, Any]:
        return {
            "request": self.request.to_json(),
            "browser_hash": self.browser_hash,
            "expires_at": self.expires_at.isoformat(),
            "account_id": self.account_id,
            "session_id": self.session_id,
            "fresh": [proof.to_json() for proof in self.fresh],
            "factors": [proof.to_json() for proof in self.factors],
            "method_state": {key: dict(value) for key, value in self.method_state.items()},
            "account_chosen": self.account_chosen,
            "consented_by": self.consented_by,
        }

    @classmethod
    def from_json(cls, id: str, version: int, data: Mapping[str, Any]) -> "Interaction":  # noqa: A002
        return cls(
            id=id,
            version=version,
            request=AuthorizationRequest.from_json(data["request"]),
            browser_hash=data["browser_hash"],
            expires_at=datetime.fromisoformat(data["expires_at"]),
            account_id=data["account_id"],
            session_id=data["session_id"],
            fresh=tuple(Proof.from_json(proof) for proof in data["fresh"]),
            factors=tuple(Proof.from_json(proof) for proof in data["factors"]),
            method_state=data["method_state"],
            account_chosen=data["account_chosen"],
            consented_by=data["consented_by"],
        )
