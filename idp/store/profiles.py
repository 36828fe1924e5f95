"""What may change of a person's account itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import IntegrityError

from idp.domain.account import name_key
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store import name_words
from idp.store.schema import account, identity


class Profiles:
    """The unit that writes has locked the account, and read it afterwards."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def set_email(self, account_id: str, address: str, origin: str, now: datetime) -> None:
        """A verified address, normalised, in place of the one before. origin: who verified it.

        Raises InvalidOperation if another account holds it; the unit is then to be given up.
        """
        mine = (identity.c.account_id == account_id) & (identity.c.kind == "email")
        values = {"identity_id": new_id(), "account_id": account_id, "kind": "email", "value": address}
        self._db.execute(delete(identity).where(mine))
        try:
            self._db.execute(insert(identity).values(**values, origin=origin, verified_at=now))
        except IntegrityError as error:
            raise InvalidOperation("the e-mail address is already in use") from error
        self._set(account_id, now, email=address, email_verified=True)

    def distrust_email(self, account_id: str, now: datetime, *, set_since: datetime | None) -> bool:
        """Believe no more an address that the holder set since an instant (None: ever); False if there is none.

        It is nobody's then, and stays in the account as one that nobody has verified.
        """
        mine = (identity.c.account_id == account_id) & (identity.c.kind == "email") & (identity.c.origin == "holder")
        which = mine if set_since is None else mine & (identity.c.verified_at >= set_since)
        if self._db.execute(delete(identity).where(which)).rowcount == 0:
            return False
        self._set(account_id, now, email_verified=False)
        return True

    def set_names(self, account_id: str, given_name: str, family_name: str, now: datetime) -> None:
        key = name_key(family_name, given_name)
        self._set(account_id, now, given_name=given_name, family_name=family_name, name_key=key)
        name_words.remove(self._db, [account_id])
        name_words.add(self._db, {account_id: key})

    def set_profile(self, account_id: str, profile: Mapping[str, Any], now: datetime) -> None:
        """All of it: what is not named is gone."""
        self._set(account_id, now, profile=dict(profile))

    def set_civility(self, account_id: str, civility: str | None, now: datetime) -> None:
        self._set(account_id, now, civility=civility)

    def _set(self, account_id: str, now: datetime, **values: Any) -> None:
        mine = account.c.account_id == account_id
        self._db.execute(update(account).where(mine).values(**values, updated_at=now))
