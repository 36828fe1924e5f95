"""Browsers that accounts signed in with: for notices and for throttling, never a factor."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, select, update

from idp.store import upsert
from idp.store.prepared import Prepared
from idp.store.schema import audit_event, known_browser

MINE = (known_browser.c.browser_hash == bindparam("browser")) & (known_browser.c.account_id == bindparam("account"))
SEEN = Prepared(select(known_browser.c.last_seen_at).where(MINE))
SEEN_AGAIN = Prepared(
    update(known_browser)
    .where(MINE, known_browser.c.last_seen_at >= bindparam("since"))
    .values(last_seen_at=bindparam("now"))
)
SIGNED_IN = exists().where(audit_event.c.subject == bindparam("account"), audit_event.c.name == "login.succeeded")
REMEMBER = Prepared(
    lambda dialect: upsert.replacing(
        dialect,
        known_browser,
        browser_hash=bindparam("browser"),
        account_id=bindparam("account"),
        last_seen_at=bindparam("now"),
    ).returning(SIGNED_IN.label("has_signed_in"))
)


class Browsers:
    """Known by the digest of a cookie, each to the accounts that used it."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def knows(self, account_id: str, browser_hash: str, since: datetime) -> bool:
        """True if this account signed in with this browser after `since`."""
        row = SEEN.first(self._db, {"browser": browser_hash, "account": account_id})
        return row is not None and row["last_seen_at"] >= since

    def meet(self, account_id: str, browser_hash: str, now: datetime, *, since: datetime) -> bool:
        """Remember a browser that an account signs in with; called before the audit is told.

        True if it is new to an account that signed in before: it was not seen after `since`.
        """
        values = {"browser": browser_hash, "account": account_id, "now": now}
        if SEEN_AGAIN.run(self._db, {**values, "since": since}):
            return False
        row = REMEMBER.first(self._db, values)
        return row is not None and row["has_signed_in"] is True

    def forget(self, account_id: str) -> None:
        """Every browser is new to this account again."""
        self._db.execute(delete(known_browser).where(known_browser.c.account_id == account_id))
