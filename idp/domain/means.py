"""What an account has to sign in with: stored credentials, and login links to a national identity."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from idp.domain.authn import Assurance, IdentityRef, Proof

NATIONAL = frozenset({"rpps", "adeli", "employee"})  # identity kinds that a card or a federation proves


@dataclass(frozen=True, slots=True)
class Person:
    """Whose names a card or a federation states, verified by them."""

    given_name: str
    family_name: str

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def is_named(self) -> bool:
        """False if it agrees with nobody's names: a card that a service shares."""
        return self.agrees_with(self.given_name, self.family_name)

    def agrees_with(self, given_name: str, family_name: str) -> bool:
        """The same names, but for accents, case, hyphens, and further first names that only one of the two states."""
        if not _words(self.family_name) or _words(self.family_name) != _words(family_name):
            return False
        mine, theirs = _words(self.given_name), _words(given_name)
        shared = min(len(mine), len(theirs))
        return shared > 0 and mine[:shared] == theirs[:shared]


@dataclass(frozen=True, slots=True)
class Relatives:
    """Further national identities that a means says are its holder's, and the names that it states."""

    person: Person
    identities: tuple[IdentityRef, ...]

    def to_json(self) -> dict[str, Any]:
        return {"person": asdict(self.person), "identities": [[ref.kind, ref.value] for ref in self.identities]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Relatives":
        return cls(Person(**data["person"]), tuple(IdentityRef(*ref) for ref in data["identities"]))


def _words(name: str) -> list[str]:
    """A name as it is compared: `Anne-Lise` and `ANNE LISE` are the same."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe").replace("æ", "ae").replace("ø", "o"))
    return re.findall(r"[^\W\d_]+", "".join(c for c in plain if not unicodedata.combining(c)))


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored credential, without what it holds.

    enrolled: assurance of the proof that enrolled it; what it proves alone is never worth more. anchor: as a Proof's.
    """

    credential_id: str
    kind: str
    anchor: str
    enrolled: Assurance
    created_at: datetime
    name: str | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LoginLink:
    """Lets a method that proves a national identity sign this account in. The identity outlives it."""

    link_id: str
    method: str
    created_at: datetime
    name: str | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


def confirmed_by(known: Credential, proof: Proof) -> Assurance | None:
    """What a later proof makes of a credential's enrolment; None if it says nothing new of it.

    Only a higher level by another means raises it: nothing can vouch for itself, and one mailbox is one means.
    """
    rests_on_it = known.credential_id in proof.credentials or proof.anchor == known.anchor
    says_more = proof.assurance > known.enrolled or known.anchor == "mailbox"
    return max(proof.assurance, known.enrolled) if says_more and not rests_on_it else None


def claimable(ceiling: Assurance, enrolments: Collection[Assurance]) -> Assurance:
    """What a proof may claim: the lower of its method's ceiling and of what its credentials were enrolled with."""
    return min((ceiling, *enrolments))
