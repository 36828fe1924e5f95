"""Ports of a Context to what accounts enrolled by themselves: authenticator applications and passkeys."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from idp.domain.enrolled import CredentialRecord, RelyingParty

if TYPE_CHECKING:
    from idp.methods.base import Subject


class CodesBlocked(Exception):
    """Too many wrong codes since the last good one: no code counts until another means was used."""


class Codes(Protocol):
    """Checks codes of authenticator applications; the secrets stay where they are."""

    def check(self, subject: "Subject", typed: str) -> str | None:
        """The credential_id of the application of this person that shows these six digits; they are spent then.

        None if none does, or they were spent before. Same work for an unknown subject, and for one who has none.
        Raises CodesBlocked.
        """


class Passkeys(Protocol):
    """Finds passkeys. party: whom they are for."""

    @property
    def party(self) -> RelyingParty: ...

    def of(self, subject: "Subject") -> Sequence[CredentialRecord]:
        """Those of a person."""

    def find(self, webauthn_id: bytes) -> CredentialRecord | None:
        """The one with this id, whoever's it is."""

    def spend(self, challenge: bytes) -> None:
        """Of two answers at once to one challenge the second stops here, before anything of it is looked at."""

    def count(self, record: CredentialRecord, sign_count: int) -> bool:
        """Keep the counter of a use whose signature holds. False if it is not beyond the last one: there may be a copy
        of the key; that is audited, and support is alerted.
        """
