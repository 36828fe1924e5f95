"""Access tokens: records in the ephemeral store, dead at once when their grant is revoked."""

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol

from idp.clock import Clock
from idp.domain.access_token import AccessToken, handle_of, handle_of_grant
from idp.domain.client import MAX_TOKEN_LIFETIME
from idp.store.database import Database
from idp.store.ephemeral import EMBEDDED, Ephemeral, connect

KIND, REVOKED = "access", "revoked"
MARK_FOR = MAX_TOKEN_LIFETIME + timedelta(minutes=1)  # by then every token of the grant has expired


class AccessTokens(Protocol):
    """Where access tokens are kept. Raises Unavailable."""

    def put(self, token: str, record: AccessToken) -> None:
        """Keep what is known of a token until it expires."""

    def find(self, token: str) -> AccessToken | None:
        """What is known of a token; None if it is unknown, expired, dropped, or its grant was revoked."""

    def drop(self, token: str) -> None:
        """Let one token die."""

    def announce(self, grant_ids: Collection[str]) -> None:
        """These grants are about to be revoked: their tokens die now, and those to come are born dead."""


class MarkedAccessTokens:
    """For several processes and Redis: a mark beside the record says that the grant was revoked; one call reads both.

    The mark is written before the revocation is committed: if it cannot be, nothing is revoked and nobody was told so.
    """

    def __init__(self, ephemeral: Ephemeral, clock: Clock) -> None:
        self._ephemeral, self._clock = ephemeral, clock

    def put(self, token: str, record: AccessToken) -> None:
        _put(self._ephemeral, self._clock, token, record)

    def find(self, token: str) -> AccessToken | None:
        handle = handle_of(token)
        found = self._ephemeral.get_unless_marked(KIND, token, beside=handle, mark=REVOKED) if handle else None
        return AccessToken.from_json(found) if found else None

    def drop(self, token: str) -> None:
        if handle := handle_of(token):
            self._ephemeral.take(KIND, token, beside=handle)

    def announce(self, grant_ids: Collection[str]) -> None:
        self._ephemeral.mark(REVOKED, [handle_of_grant(grant_id) for grant_id in grant_ids], MARK_FOR)


class CheckedAccessTokens:
    """For the embedded store of one process, which no other can write to: SQL says whether the grant lives."""

    def __init__(self, ephemeral: Ephemeral, clock: Clock, db: Database) -> None:
        self._ephemeral, self._clock, self._db = ephemeral, clock, db

    def put(self, token: str, record: AccessToken) -> None:
        _put(self._ephemeral, self._clock, token, record)

    def find(self, token: str) -> AccessToken | None:
        handle = handle_of(token)
        found = self._ephemeral.get(KIND, token, beside=handle) if handle else None
        record = AccessToken.from_json(found) if found else None
        if record is None or record.grant_id is None:
            return record
        with self._db.read() as tx:
            return record if tx.grants.live(record.grant_id) else None

    def drop(self, token: str) -> None:
        if handle := handle_of(token):
            self._ephemeral.take(KIND, token, beside=handle)

    def announce(self, grant_ids: Collection[str]) -> None:
        """SQL knows by itself."""


def _put(ephemeral: Ephemeral, clock: Clock, token: str, record: AccessToken) -> None:
    handle = handle_of(token)
    if handle is None:
        raise ValueError("an access token without a handle")
    life = timedelta(seconds=record.expires_at - clock.now().timestamp())
    ephemeral.put(KIND, token, record.to_json(), life, beside=handle)


def open_stores(
    database_url: str, ephemeral_url: str, clock: Clock, *, connections: int = 5
) -> tuple[Database, Ephemeral, AccessTokens]:
    """The stores of one process, which no revocation can pass unseen. Connects to nothing yet."""
    is_embedded = ephemeral_url == EMBEDDED
    ephemeral = Ephemeral(connect(ephemeral_url), clock, sweeps=is_embedded)
    if is_embedded:
        db = Database(database_url, connections=connections)
        return db, ephemeral, CheckedAccessTokens(ephemeral, clock, db)
    tokens = MarkedAccessTokens(ephemeral, clock)
    return Database(database_url, connections=connections, announce=tokens.announce), ephemeral, tokens
