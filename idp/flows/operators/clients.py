"""Relying parties, as operators manage them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.domain.client import Client
from idp.domain.ids import digest, new_token
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx


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


def change(desk: Desk, client_id: str, fields: Mapping[str, Any]) -> str | None:
    """Give some fields of a registration other values; the rest stays, and so does what it was given before.

    Only when a scope is taken away are its grants revoked. Returns the secret, shown once, of a client that had none
    before. Raises InvalidOperation, and then nothing has changed.
    """
    if not fields:
        raise InvalidOperation("nothing to change was given")
    with desk.db.write() as tx:
        before = tx.clients.lock(client_id)
        if before is None:
            raise InvalidOperation(f"{client_id}: no such client")
        after = replace(before, **fields)
        if (after.subject_type, after.sector) != (before.subject_type, before.sector):
            raise InvalidOperation("pairwise-sector: it cannot change, the service would recognise nobody any more")
        secret = new_token() if after.has_secret and not before.has_secret else None
        if not after.has_secret:
            after = replace(after, secret_digest=None)
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
            desk.record(tx, "client.changed", client_id=client_id, changed=" ".join(names))
    return secret


def set_enabled(desk: Desk, client_id: str, enabled: bool) -> None:
    """Disable a client (its requests are refused at once, and what it was given is dead) or enable it again."""
    with desk.db.write() as tx:
        if not tx.clients.set_enabled(client_id, enabled):
            raise InvalidOperation(f"{client_id}: no such client")
        if not enabled:
            tx.grants.revoke_of(client_id, desk.now())
        desk.record(tx, "client.enabled" if enabled else "client.disabled", client_id=client_id)


def renew_secret(desk: Desk, client_id: str) -> str:
    """Give a confidential client a new secret, shown once; the one before stops working at once."""
    secret = new_token()
    with desk.db.write() as tx:
        client = tx.clients.get(client_id)
        if client is None or not client.has_secret:
            raise InvalidOperation(f"{client_id}: no such client with a secret")
        tx.clients.set_secret(client_id, digest(secret))
        desk.record(tx, "client.secret_changed", client_id=client_id)
    return secret
