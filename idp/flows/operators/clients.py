"""Relying parties, as operators manage them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from idp.domain.client import Client
from idp.domain.ids import digest, new_token
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx

MAX_OVERLAP = timedelta(days=7)
# Where a service has codes, people and logouts sent, its keys read, and what it is told: the audit has both states.
TOLD = (
    "redirect_uris",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "initiate_login_uri",
    "jwks_uri",
    "scopes",
)
MAX_TOLD = 10_000


class ChangedSinceError(InvalidOperation):
    """The client is not what whoever changes it has seen."""


def register(desk: Desk, tx: Tx, client: Client) -> str | None:
    """Register a client; returns its new secret, shown once, or None for one that has none. Raises InvalidOperation."""
    secret = new_token() if client.has_secret else None
    if secret is not None:
        client = replace(client, secret_digest=digest(secret))
    problems = client.problems()
    if problems:
        raise InvalidOperation("; ".join(problems))
    tx.clients.add(client, desk.now())
    desk.record(tx, "client.created", client_id=client.client_id, name=client.name)
    return secret


def state_of(client: Client, names: Iterable[str]) -> str:
    """What these fields of a registration hold, to tell later whether they still do."""
    return digest(repr([getattr(client, name) for name in sorted(names)]))[:16]


def secret_of(client: Client) -> str:
    """Which secret a client has, without saying it."""
    return (client.secret_digest or "")[:16]


def change(desk: Desk, client_id: str, fields: Mapping[str, Any], *, seen: str | None = None) -> str | None:
    """Give some fields of a registration other values; the rest stays, and so does what it was given before.

    Only when a scope is taken away are its grants revoked. Returns the secret, shown once, of a client that had none
    before. seen: the `state_of` these fields that it is changed from. Raises InvalidOperation, and then nothing has
    changed; ChangedSinceError where somebody else was faster.
    """
    if not fields:
        raise InvalidOperation("nothing to change was given")
    with desk.db.write() as tx:
        before = tx.clients.lock(client_id)
        if before is None:
            raise InvalidOperation(f"{client_id}: no such client")
        if seen not in (None, state_of(before, fields)):
            raise ChangedSinceError(f"{client_id}: the client has changed since")
        after = replace(before, **fields)
        if (after.subject_type, after.sector) != (before.subject_type, before.sector):
            raise InvalidOperation("pairwise-sector: it cannot change, the service would recognise nobody any more")
        secret = new_token() if after.has_secret and not before.has_secret else None
        if not after.has_secret:
            after = replace(after, secret_digest=None, previous_secret_digest=None, previous_secret_until=None)
        elif secret is not None:
            after = replace(after, secret_digest=digest(secret))
        problems = after.problems()
        if problems:
            raise InvalidOperation("; ".join(problems))
        names = sorted(name for name in Client.__slots__ if getattr(after, name) != getattr(before, name))
        if names:
            tx.clients.replace(after)
            if not set(before.scopes) <= set(after.scopes):
                tx.grants.revoke_of(client_id, desk.now())
            desk.record(tx, "client.changed", client_id=client_id, changed=" ".join(names), **_moved(before, after))
    return secret


def _moved(before: Client, after: Client) -> dict[str, str]:
    """What changed of TOLD, as it was and is."""
    moved = [name for name in TOLD if getattr(before, name) != getattr(after, name)]
    whole = {
        f"{name}_{when}": getattr(of, name) for name in moved for when, of in (("before", before), ("after", after))
    }
    told = {name: value if isinstance(value, str) else " ".join(value or ()) for name, value in whole.items()}
    return {name: text if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]}…" for name, text in told.items()}


def set_enabled(desk: Desk, client_id: str, enabled: bool) -> None:
    """Disable a client (its requests are refused at once, and what it was given is dead) or enable it again."""
    with desk.db.write() as tx:
        if not tx.clients.set_enabled(client_id, enabled):
            raise InvalidOperation(f"{client_id}: no such client")
        if not enabled:
            tx.grants.revoke_of(client_id, desk.now())
        desk.record(tx, "client.enabled" if enabled else "client.disabled", client_id=client_id)


def renew_secret(desk: Desk, client_id: str, keep_for: timedelta = timedelta(), *, seen: str | None = None) -> str:
    """Give a confidential client a new secret, shown once; the one before works for `keep_for` more, if that is given.

    seen: the `secret_of` the client that it is to replace. Raises InvalidOperation, ChangedSinceError if it is another.
    """
    if not timedelta() <= keep_for <= MAX_OVERLAP:
        raise InvalidOperation(f"the secret before is kept for {MAX_OVERLAP.days} days at most")
    secret, until = new_token(), desk.now() + keep_for if keep_for else None
    with desk.db.write() as tx:
        client = tx.clients.lock(client_id)
        if client is None or not client.has_secret:
            raise InvalidOperation(f"{client_id}: no such client with a secret")
        if seen not in (None, secret_of(client)):
            raise ChangedSinceError(f"{client_id}: the client has another secret since")
        tx.clients.set_secret(client_id, digest(secret), until)
        desk.record(tx, "client.secret_changed", client_id=client_id, previous_until=until and until.isoformat())
    return secret
