"""Registered relying parties."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from idp.domain.client import Client
from idp.errors import InvalidOperation
from idp.store.entitled import has_entitlement
from idp.store.meta import Meta
from idp.store.schema import client

LISTS = ("redirect_uris", "post_logout_redirect_uris", "scopes", "grant_types")


class Clients:
    """The relying parties; never deleted, only disabled."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, client_id: str) -> Client | None:
        row = self._db.execute(select(client).where(client.c.client_id == client_id)).one_or_none()
        return None if row is None else _build(row)

    def all(self) -> list[Client]:
        return [_build(row) for row in self._db.execute(select(client).order_by(client.c.client_id))]

    def open_to(self, account_id: str, now: datetime) -> list[Client]:
        """Those that sign people in and that this account may open, by name."""
        is_entitled = or_(client.c.needs_entitlement.is_(False), has_entitlement(account_id, client.c.client_id, now))
        rows = self._db.execute(select(client).where(client.c.enabled, is_entitled).order_by(client.c.name))
        return [found for found in map(_build, rows) if found.signs_people_in]

    def add(self, new: Client, now: datetime) -> None:
        """Raises InvalidOperation if the client_id is taken."""
        try:
            self._db.execute(insert(client).values(**_columns(new), created_at=now))
        except IntegrityError as error:
            raise InvalidOperation(f"{new.client_id}: this client exists already") from error
        Meta(self._db).bump_config()

    def lock(self, client_id: str) -> Client | None:
        """The client, which nobody else changes until the unit ends; logins go on meanwhile."""
        held = select(client).where(client.c.client_id == client_id).with_for_update(key_share=True)
        row = self._db.execute(held).one_or_none()
        return None if row is None else _build(row)

    def replace(self, changed: Client) -> bool:
        """Write the whole registration over the one before: `lock` comes first. False if there is no such client."""
        return self._change(changed.client_id, **_columns(changed))

    def set_enabled(self, client_id: str, enabled: bool) -> bool:
        """False if there is no such client."""
        return self._change(client_id, enabled=enabled)

    def set_secret(self, client_id: str, secret_digest: str, previous_until: datetime | None = None) -> bool:
        """previous_until: how long the secret before still works; at once no more without. False if there is none."""
        previous = client.c.secret_digest if previous_until else None
        return self._change(
            client_id,
            secret_digest=secret_digest,
            previous_secret_digest=previous,
            previous_secret_until=previous_until,
        )

    def _change(self, client_id: str, /, **values: Any) -> bool:
        changed = self._db.execute(update(client).where(client.c.client_id == client_id).values(**values))
        Meta(self._db).bump_config()
        return changed.rowcount == 1


def _columns(of: Client) -> dict[str, Any]:
    values = {name: getattr(of, name) for name in client.c.keys() if hasattr(of, name)}  # noqa: SIM118
    values |= {name: list(values[name]) for name in LISTS}
    offline = of.offline_lifetime
    return values | {
        "token_lifetime_s": int(of.token_lifetime.total_seconds()),
        "offline_lifetime_s": None if offline is None else int(offline.total_seconds()),
    }


def _build(row: Row[Any]) -> Client:
    values = dict(row._mapping)
    values.pop("created_at")
    values |= {name: tuple(values[name]) for name in LISTS}
    values["token_lifetime"] = timedelta(seconds=values.pop("token_lifetime_s"))
    offline_s = values.pop("offline_lifetime_s")
    return Client(**values, offline_lifetime=None if offline_s is None else timedelta(seconds=offline_s))
