"""A validated authorization request: frozen, stored, resumed from; never re-read from the URL."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from idp.errors import ReturnPath


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """OIDC Core §3.1.2.1, after every check.

    max_age: seconds. claims_scopes: scopes that the claims asked by name belong to. hint_sub: `sub` of a verified
    id_token_hint. sub_wanted: `sub` asked by the claims parameter. Both are this client's subjects. pushed: where the
    pushed request that this one is waits for its answer (RFC 9126), None for one that came by itself.
    """

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    asked_at: datetime
    response_mode: str = "query"
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    userinfo_claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    claims_scopes: tuple[str, ...] = ()
    login_hint: str | None = None
    hint_sub: str | None = None
    sub_wanted: str | None = None
    ui_locales: tuple[str, ...] = field(default=())
    pushed: str | None = None

    @property
    def return_path(self) -> ReturnPath:
        return ReturnPath(self.redirect_uri, self.response_mode, self.state)

    @property
    def is_silent(self) -> bool:
        """prompt=none: no page may be shown."""
        return "none" in self.prompt

    @property
    def expected_sub(self) -> str | None:
        """The subject that must answer: id_token_hint, or the `sub` asked by the claims parameter."""
        return self.sub_wanted or self.hint_sub

    @property
    def plain(self) -> "AuthorizationRequest":
        """The same without what it asks of the login: for a proof that is not given to the client."""
        return replace(self, prompt=(), max_age=None, acr_values=(), acr_essential=False)

    @property
    def shared_scopes(self) -> frozenset[str]:
        """What a consent is asked for: a claim that is asked by name counts as the scope that it belongs to."""
        return frozenset(self.scope) | frozenset(self.claims_scopes)

    def to_json(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)} | {"asked_at": self.asked_at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AuthorizationRequest":
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        values["asked_at"] = datetime.fromisoformat(data["asked_at"])
        return cls(**values)
