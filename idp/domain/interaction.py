"""One login in progress: carries the validated request from `/authorize` to the answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from idp.domain.authn import IdentityRef, Proof
from idp.domain.completion import Completion
from idp.domain.means import NATIONAL, Person, Relatives
from idp.domain.practice import Practice
from idp.domain.request import AuthorizationRequest
from idp.domain.upstream_session import UpstreamSession

LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an Interaction of the portal is for, instead of an answer to a client: a fresh proof of the account, and
    then, with `method`, a means to be linked to it, or, with `without`, one (its id) to be removed. page: where the
    person goes on. registration: the draft that gets what is proven; there is no account then, and nobody is signed in.
    """

    account_id: str
    page: str
    method: str | None = None
    without: str | None = None
    registration: str | None = None


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A proof of a national identity that signs no account in yet, and the names that came with it.

    was_linked: the account that holds the identity had a link for it, which was removed. related: as of `Done`.
    completion: what the person adds to it.
    """

    proof: Proof
    person: Person
    was_linked: bool = False
    completion: Completion | None = None
    related: tuple[IdentityRef, ...] = ()

    @property
    def relatives(self) -> Relatives:
        return Relatives(self.person, self.related)

    def to_json(self) -> dict[str, Any]:
        return {
            "proof": self.proof.to_json(),
            "person": asdict(self.person),
            "was_linked": self.was_linked,
            "completion": self.completion.to_json() if self.completion else None,
            "related": [[ref.kind, ref.value] for ref in self.related],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Unlinked":
        typed = data.get("completion")
        return cls(
            Proof.from_json(data["proof"]),
            Person(**data["person"]),
            data.get("was_linked", False),
            Completion.from_json(typed) if typed else None,
            tuple(IdentityRef(*ref) for ref in data.get("related", ())),
        )


@dataclass(frozen=True, slots=True)
class Interaction:
    """Bound to one browser by `browser_hash`; written under a version check; completed once, by taking it.

    fresh: proofs made inside this Interaction that may answer it.
    factors: first factors proven inside it; they open nothing alone.
    account_id: whose proofs these are, once one was accepted.
    consented_by: the account that was asked for its consent, and gave it.
    purpose: of an Interaction of the portal. unlinked: what is to be linked to the account that proves itself next.
    upstream: sessions elsewhere that proofs of this Interaction came of, one a method.
    relatives: of the identity that the last proof names. asks_anew: who signs in elsewhere must do so anew, to be
    somebody else than before.
    practices: by method, what was said of the last person whom it named here; it counts for nobody else.
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
    purpose: Purpose | None = None
    unlinked: Unlinked | None = None
    upstream: tuple[UpstreamSession, ...] = ()
    relatives: Relatives | None = None
    asks_anew: bool = False
    practices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    version: int = 0

    def with_state(self, method_id: str, state: Mapping[str, Any]) -> "Interaction":
        return replace(self, method_state={**self.method_state, method_id: dict(state)})

    def with_upstream(self, found: UpstreamSession) -> "Interaction":
        others = tuple(each for each in self.upstream if each.method != found.method)
        return replace(self, upstream=(*others, found))

    def upstream_of(self, method_id: str) -> UpstreamSession | None:
        return next((each for each in self.upstream if each.method == method_id), None)

    def with_practice(self, proof: Proof, said: Practice | None) -> "Interaction":
        if said is None or proof.identity.kind not in NATIONAL:
            return self
        of = [proof.identity.kind, proof.identity.value]
        return replace(self, practices={**self.practices, proof.method: {"of": of, "claims": dict(said.claims)}})

    def practice_of(self, proof: Proof) -> Practice | None:
        """What was said together with this proof."""
        kept = self.practices.get(proof.method, {"of": None})
        return Practice(kept["claims"]) if kept["of"] == [proof.identity.kind, proof.identity.value] else None

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
            "purpose": asdict(self.purpose) if self.purpose else None,
            "unlinked": self.unlinked.to_json() if self.unlinked else None,
            "upstream": [each.to_json() for each in self.upstream],
            "practices": {key: dict(value) for key, value in self.practices.items()},
            "relatives": self.relatives.to_json() if self.relatives else None,
            "asks_anew": self.asks_anew,
        }

    @classmethod
    def from_json(cls, id: str, version: int, data: Mapping[str, Any]) -> "Interaction":  # noqa: A002
        purpose, unlinked, relatives = (data.get(name) for name in ("purpose", "unlinked", "relatives"))
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
            purpose=Purpose(**purpose) if purpose else None,
            unlinked=Unlinked.from_json(unlinked) if unlinked else None,
            upstream=tuple(UpstreamSession.from_json(each) for each in data.get("upstream", ())),
            practices=data.get("practices", {}),
            relatives=Relatives.from_json(relatives) if relatives else None,
            asks_anew=data.get("asks_anew", False),
        )
