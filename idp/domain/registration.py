"""A registration: the form that a person fills in four steps, and what the desk decides of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

DRAFT_LIFETIME = timedelta(hours=24)  # since it was begun, whatever is kept meanwhile


class RegistrationStatus(StrEnum):
    """DRAFT while it is filled in; SUBMITTED until it is decided; APPROVED until its link is used."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Registration:
    """One row of `registration`.

    version: of a compare-and-set; every write raises it by one. form: what was typed, by the names of
    `idp.domain.registration_form.FIELDS`; without `birth`, which is sealed (purpose `registration:<id>`), and `reason`
    of the fourth step. proven: what a card or a federation proved: {method, kind, value, family_name, given_name,
    related: [[kind, value]], practice: claims, at, assurance: name of its level, locked: names of the
    fields that it verifies}. email: the address;
    it is verified once email_proven_at is set. login_name: as it was wished; who makes the account may add a digit.
    reason: of the decision, in the operator's words.
    """

    registration_id: str
    status: RegistrationStatus
    version: int
    lang: str
    created_at: datetime
    updated_at: datetime
    browser_digest: str | None = field(default=None, repr=False)
    form: Mapping[str, str] = field(default_factory=dict)
    birth: bytes | None = field(default=None, repr=False)
    password_digest: str | None = field(default=None, repr=False)
    proven: Mapping[str, Any] | None = None
    email: str | None = None
    email_proven_at: datetime | None = None
    login_name: str | None = None
    client_id: str | None = None
    terms_version: str | None = None
    submitted_at: datetime | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    token_digest: str | None = field(default=None, repr=False)
    token_expires_at: datetime | None = None
    account_id: str | None = None

    @property
    def is_draft(self) -> bool:
        return self.status is RegistrationStatus.DRAFT

    @property
    def expires_at(self) -> datetime:
        """Of a draft."""
        return self.created_at + DRAFT_LIFETIME

    @property
    def full_name(self) -> str:
        return f"{self.form.get('given_name', '')} {self.form.get('family_name', '')}".strip()

    @property
    def masked_name(self) -> str:
        """Enough to see whether it is one's own."""
        names = self.form.get("given_name", ""), self.form.get("family_name", "")
        return " ".join(f"{name[0]}•••" for name in names if name)

    @property
    def locked(self) -> frozenset[str]:
        """Fields that a card or a federation verified: nobody types over them."""
        return frozenset((self.proven or {}).get("locked", ()))
