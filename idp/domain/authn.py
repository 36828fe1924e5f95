"""What was proven about a person: identities, assurance levels and proofs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any


class Assurance(IntEnum):
    """Level of a proof. How each shows as an `acr` value is a setting."""

    LOW = 1
    MEDIUM = 2
    SUBSTANTIAL = 3
    HIGH = 4


@dataclass(frozen=True, slots=True)
class IdentityRef:
    """An identifier: kind (login_name, email, rpps, adeli, employee) and normalised value."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Who was proven, by what, how well and when. Says nothing of accounts and never holds a secret.

    method: id of the method; `after`: id of the first factor that was composed into it.
    amr: values of RFC 8176 §2.
    anchor: what a thief must hold to repeat the proof ("knowledge", "mailbox", …): two proofs with the same
    anchor are one factor (a password that was set through the mailbox is as good as the mailbox).
    credentials: ids of the stored credentials that it rests on; it dies with any of them.
    evidence: what an investigator needs of what was shown (which certificate); kept beside the audit event with what
    is personal, and purged with it.
    held: conditions of a policy's entry that it was made under, as `name=value` (`idp.domain.policy.CONDITIONS`).
    until: None, but for a temporary proof: a session that holds one, and what is given on it, end then at the latest,
    and change nothing of the account.
    """

    method: str
    identity: IdentityRef
    assurance: Assurance
    amr: tuple[str, ...]
    at: datetime
    anchor: str
    after: str | None = None
    credentials: tuple[str, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    until: datetime | None = None

    def has_ended(self, now: datetime) -> bool:
        """A temporary proof whose time is over."""
        return self.until is not None and now >= self.until

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "identity": [self.identity.kind, self.identity.value],
            "assurance": self.assurance.name,
            "amr": list(self.amr),
            "at": self.at.isoformat(),
            "anchor": self.anchor,
            "after": self.after,
            "credentials": list(self.credentials),
            "evidence": dict(self.evidence),
            "held": list(self.held),
            **({"until": self.until.isoformat()} if self.until else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Proof":
        return cls(
            method=data["method"],
            identity=IdentityRef(*data["identity"]),
            assurance=Assurance[data["assurance"]],
            amr=tuple(data["amr"]),
            at=datetime.fromisoformat(data["at"]),
            anchor=data["anchor"],
            after=data["after"],
            credentials=tuple(data["credentials"]),
            evidence=data["evidence"],
            held=tuple(data.get("held", ())),
            until=datetime.fromisoformat(data["until"]) if "until" in data else None,
        )


def temporary_until(proofs: Iterable[Proof]) -> datetime | None:
    """When what rests on these proofs ends, if one of them is temporary."""
    return min((proof.until for proof in proofs if proof.until), default=None)


def compose(first: Proof, second: Proof, *, most: Assurance = Assurance.HIGH) -> Proof:
    """One proof of a first factor and the method that the policy asks after it.

    Two factors of different anchors give `mfa` and MEDIUM at least; the same anchor twice stays what it was
    (one mailbox is one factor). most: what the second's credentials were enrolled with; whoever had no more than the
    first factor may have enrolled them.
    """
    amr = first.amr + second.amr
    level = max(first.assurance, second.assurance)
    if first.anchor != second.anchor:
        amr, level = (*amr, "mfa"), max(level, min(Assurance.MEDIUM, most))
    return Proof(
        method=second.method,
        identity=second.identity,
        assurance=level,
        amr=tuple(dict.fromkeys(amr)),
        at=second.at,
        anchor=second.anchor,
        after=first.method,
        credentials=first.credentials + second.credentials,
        evidence={**first.evidence, **second.evidence},
        held=second.held,
        until=temporary_until((first, second)),
    )


@dataclass(frozen=True, slots=True)
class AcrNames:
    """How assurance levels show as `acr` values (OIDC Core §2), one name a level."""

    names: Mapping[Assurance, str]

    def level(self, value: str) -> Assurance | None:
        """The level that `value` names, None for a value of somebody else's vocabulary."""
        return next((level for level, name in self.names.items() if name == value), None)

    def lowest(self, values: tuple[str, ...]) -> Assurance | None:
        """The lowest level that satisfies one of `values`, None if all are unknown here."""
        return min((level for value in values if (level := self.level(value))), default=None)

    def report(self, reached: Assurance, wanted: tuple[str, ...]) -> str:
        """The `acr` to send: of the wanted values the best that was reached, else the level reached."""
        levels = [level for value in wanted if (level := self.level(value)) and level <= reached]
        return self.names[max(levels, default=reached)]
