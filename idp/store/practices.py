"""What was said of professionals: their practice, one row for each origin, and by whom their numbers were verified."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from idp.domain.authn import IdentityRef
from idp.domain.means import NATIONAL
from idp.domain.practice import Asserted, Practice
from idp.store import upsert
from idp.store.prepared import Prepared
from idp.store.schema import identity, practice

SAID = Prepared(
    select(practice.c.origin, practice.c.claims, practice.c.asserted_at).where(
        practice.c.account_id == bindparam("account")
    )
)
NUMBERS = Prepared(
    select(identity.c.kind, identity.c.value, identity.c.origin, identity.c.verified_at)
    .where(identity.c.account_id == bindparam("account"))
    .order_by(identity.c.kind, identity.c.value)
)


@dataclass(frozen=True, slots=True)
class Number:
    """A national identity of an account. origin: the login method that proved it, or "support"."""

    ref: IdentityRef
    origin: str
    verified_at: datetime


class Practices:
    """Read only for a service that was granted them, or for the person themselves."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, account_id: str, said: Asserted) -> None:
        """Replaces what the same origin said before."""
        values = {"claims": dict(said.practice.claims), "asserted_at": said.at}
        upsert.replace(self._db, practice, account_id=account_id, origin=said.origin, **values)

    def of(self, account_id: str) -> list[Asserted]:
        """What each origin said last."""
        rows = SAID.all(self._db, {"account": account_id})
        return [Asserted(row["origin"], Practice(row["claims"]), row["asserted_at"]) for row in rows]

    def numbers(self, account_id: str) -> list[Number]:
        """The national identities, which were all verified."""
        rows = [row for row in NUMBERS.all(self._db, {"account": account_id}) if row["kind"] in NATIONAL]
        return [Number(IdentityRef(row["kind"], row["value"]), row["origin"], row["verified_at"]) for row in rows]

    def remove(self, account_id: str) -> None:
        """All of it: of an account that is closed."""
        self._db.execute(delete(practice).where(practice.c.account_id == account_id))
