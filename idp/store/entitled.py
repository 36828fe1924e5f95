"""Who may open a service, as a condition of other statements."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_

from idp.store.schema import client, entitlement


def has_entitlement(account_id: Any, client_id: Any, now: Any) -> ColumnElement[bool]:
    """Whether this account, or that of a column, has access to this client: a live entitlement."""
    live = or_(entitlement.c.expires_at.is_(None), entitlement.c.expires_at > now)
    return exists().where(
        and_(
            entitlement.c.account_id == account_id,
            entitlement.c.client_id == client_id,
            entitlement.c.revoked_at.is_(None),
            live,
        )
    )


def may_open(account_id: Any, client_id: Any, now: Any) -> ColumnElement[bool]:
    """Whether this client is enabled, and is for everybody or this account, or that of a column, is entitled to it."""
    is_entitled = or_(client.c.needs_entitlement.is_(False), has_entitlement(account_id, client_id, now))
    return exists().where(client.c.client_id == client_id, client.c.enabled, is_entitled)
