"""Clients, policies and suspended methods as one process knows them: read once, and again after each change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import structlog

from idp.clock import Clock
from idp.domain.client import CLIENT_ID, Client
from idp.domain.policy import Policy, in_force
from idp.domain.suspension import Suspensions
from idp.store.database import Database

MAX_AGE = timedelta(seconds=1)


@dataclass(slots=True)
class Snapshot:
    """What was read since the configuration had `version`. A thread that still reads into an old one harms nobody."""

    version: int
    checked_at: datetime
    suspensions: Suspensions
    clients: dict[str, tuple[Client, Sequence[Policy]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Follower:
    """is_behind: it has not followed the last change yet. is_told: and the log says so."""

    call: Callable[[], object]
    fails_with: type[Exception]
    is_behind: bool = False
    is_told: bool = False


class Configuration:
    """The configuration, never older than `max_age`: one statement in that time asks whether it has changed.

    Neither a message nor the ephemeral store is needed: a change by another process is seen as soon as the database
    tells it. Raises Unavailable when the database does not answer. Thread-safe: a snapshot is replaced, not emptied.
    """

    def __init__(self, db: Database, clock: Clock, *, max_age: timedelta = MAX_AGE) -> None:
        self._db, self._clock, self.max_age = db, clock, max_age
        self._snapshot: Snapshot | None = None
        self._followers: list[_Follower] = []
        self._following = Lock()
        self._followed: tuple[int | None, datetime] = None, clock.now()  # the version, and when that was tried last

    def on_change(self, follower: Callable[[], object], *, fails_with: type[Exception]) -> None:
        """Call `follower` whenever the version was seen to change, and again each `max_age` while it fails so."""
        self._followers.append(_Follower(follower, fails_with))

    def client(self, client_id: str) -> Client | None:
        """The client, None if it is unknown or disabled."""
        found = self._find(self.refresh(), client_id)
        return found[0] if found and found[0].enabled else None

    def policy(self, client_id: str) -> Policy | None:
        """The client's policy in force now, without what is suspended: each process switches at its instant, with no
        job.
        """
        snapshot, now = self.refresh(), self._clock.now()
        found = self._find(snapshot, client_id)
        policy = in_force(found[1], now) if found else None
        return policy.under(snapshot.suspensions, now) if policy else None

    def suspensions(self) -> Suspensions:
        """Which methods are suspended for every client, and were."""
        return self.refresh().suspensions

    def _find(self, snapshot: Snapshot, client_id: str) -> tuple[Client, Sequence[Policy]] | None:
        if not CLIENT_ID.fullmatch(client_id):  # not even a question: PostgreSQL takes no NUL
            return None
        if client_id in snapshot.clients:
            return snapshot.clients[client_id]
        with self._db.read() as tx:
            client = tx.clients.get(client_id)
            if client is None:  # not kept: a stranger could fill the memory with names
                return None
            found = (client, tx.policies.of(client_id))
        snapshot.clients[client_id] = found
        return found

    def refresh(self) -> Snapshot:
        """The snapshot at hand, after asking for the version if the last answer is older than `max_age`."""
        snapshot, now = self._snapshot, self._clock.now()
        if snapshot is not None and timedelta(0) <= now - snapshot.checked_at < self.max_age:
            return snapshot
        found = snapshot
        with self._db.read() as tx:
            version = tx.meta.config_version
            if found is None or found.version != version:
                found = Snapshot(version, now, Suspensions.of(tx.method_suspensions.all()))
        if found is snapshot:
            found.checked_at = now
            self.catch_up()
        else:
            self._snapshot = found
            self._follow(version)  # the first time too: what they hold may be older than this version
        return found

    def catch_up(self) -> bool:
        """Call those that could not follow the last change, if `max_age` has passed; True if none is behind."""
        version, tried_at = self._followed
        is_early = timedelta(0) <= self._clock.now() - tried_at < self.max_age
        if version is not None and not is_early and any(follower.is_behind for follower in self._followers):
            self._follow(version)
        return not any(follower.is_behind for follower in self._followers)

    def _follow(self, version: int) -> None:
        with self._following:
            if self._followed[0] != version:
                for follower in self._followers:
                    follower.is_behind, follower.is_told = True, False
            self._followed = version, self._clock.now()
            for follower in self._followers:
                if follower.is_behind:
                    self._call(follower)

    @staticmethod
    def _call(follower: _Follower) -> None:
        log = structlog.get_logger()
        try:
            follower.call()
        except follower.fails_with as error:
            if not follower.is_told:
                log.error("a change is not followed, tried again each second", cause=str(error))
            follower.is_told = True
            return
        if follower.is_told:
            log.warning("a change is followed at last")
        follower.is_behind = follower.is_told = False
