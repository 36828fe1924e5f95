"""Port of a Context to emergency codes, which support issues."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from idp.methods.base import Subject


@dataclass(frozen=True, slots=True)
class Spent:
    """A code that was right, and is used up. until: what it opens ends then."""

    code_id: str
    until: datetime


class Emergency(Protocol):
    """Checks emergency codes; their digests stay where they are."""

    def spend(self, subject: "Subject", code: str) -> Spent | None:
        """Use the code of this person up, and tell those who must know; None if it is not theirs, or no longer good.

        code: as `idp.domain.emergency.clean` gives it. Same work for an unknown subject, and for one who has none.
        """
