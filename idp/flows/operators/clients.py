"""Relying parties, as operators manage them."""

from dataclasses import replace

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
