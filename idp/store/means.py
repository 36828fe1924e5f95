"""Means of authentication, as their holder sees them: credentials and login links."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from idp.domain.authn import Assurance, IdentityRef
from idp.domain.ids import new_id
from idp.domain.means import Credential, LoginLink
from idp.errors import InvalidOperation
from idp.store.prepared import Prepared
from idp.store.schema import account, credential, identity, login_link, practice

LISTED = select(
    *(credential.c[name] for name in ("credential_id", "kind", "anchor", "created_at", "name", "last_used_at")),
    credential.c.enrolled_assurance,
).where(credential.c.revoked_at.is_(None))
USE_CREDENTIAL = Prepared(
    update(credential)
    .where(credential.c.credential_id == bindparam("credential"), credential.c.revoked_at.is_(None))
    .values(last_used_at=bindparam("now"))
)
USE_LINK = Prepared(
    update(login_link)
    .where(login_link.c.account_id == bindparam("account"), login_link.c.method == bindparam("method"))
    .where(login_link.c.revoked_at.is_(None))
    .values(last_used_at=bindparam("now"))
)
LINK = select(*(c for c in login_link.c if c.name != "account_id"))
KINDS = (
    (credential, credential.c.credential_id, credential.c.kind),
    (login_link, login_link.c.link_id, login_link.c.method),
)  # table, id, and of which kind a means is


class Means:
    """What accounts have to sign in with."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def credentials(self, account_id: str) -> list[Credential]:
        """The live ones, oldest first."""
        query = LISTED.where(credential.c.account_id == account_id).order_by(credential.c.credential_id)
        return [
            Credential(enrolled=Assurance[row.pop("enrolled_assurance")], **row)
            for row in (dict(found) for found in self._db.execute(query).mappings())
        ]

    def enrolments(self, credential_ids: Collection[str]) -> list[Assurance]:
        """With what these live credentials were enrolled; one that is gone is not among them."""
        if not credential_ids:
            return []
        query = select(credential.c.enrolled_assurance).where(
            credential.c.credential_id.in_(set(credential_ids)), credential.c.revoked_at.is_(None)
        )
        return [Assurance[name] for name in self._db.scalars(query)]

    def links(self, account_id: str) -> list[LoginLink]:
        """The live ones, oldest first."""
        query = LINK.where(login_link.c.account_id == account_id, login_link.c.revoked_at.is_(None))
        return [LoginLink(**row) for row in self._db.execute(query.order_by(login_link.c.link_id)).mappings()]

    def links_removed_since(self, account_id: str, since: datetime) -> list[str]:
        """Methods whose link was removed after an instant, and was not made again."""
        mine = login_link.c.account_id == account_id
        removed = select(login_link.c.method).where(mine, login_link.c.revoked_at > since)
        live = {link.method for link in self.links(account_id)}
        return [method for method in self._db.scalars(removed) if method not in live]

    def link(self, account_id: str, method: str) -> LoginLink | None:
        """The live link of a method, or else the last that was removed; None if there never was one."""
        query = LINK.where(login_link.c.account_id == account_id, login_link.c.method == method)
        rows = self._db.execute(query.order_by(login_link.c.link_id.desc())).mappings().all()
        live = next((row for row in rows if row["revoked_at"] is None), None)
        found = live or next(iter(rows), None)
        return LoginLink(**found) if found else None

    def add_link(self, account_id: str, method: str, now: datetime) -> str:
        """Returns the link_id. The account is locked, and has no live link of this method."""
        link_id = new_id()
        values = {"link_id": link_id, "account_id": account_id, "method": method, "created_at": now}
        self._db.execute(insert(login_link).values(values))
        return link_id

    def use(self, account_id: str, credential_ids: Collection[str], method: str | None, now: datetime) -> bool:
        """Note the use of these credentials, and of the link of `method` if given; False if one of them is not live."""
        noted = (USE_CREDENTIAL.run(self._db, {"credential": each, "now": now}) for each in sorted(set(credential_ids)))
        if not all(noted):
            return False
        return method is None or USE_LINK.run(self._db, {"account": account_id, "method": method, "now": now}) == 1

    def origin(self, ref: IdentityRef) -> str | None:
        """Who verified an identity; None if nobody holds it."""
        query = select(identity.c.origin).where(identity.c.kind == ref.kind, identity.c.value == ref.value)
        return self._db.scalar(query)

    def add_identity(self, account_id: str, ref: IdentityRef, origin: str, now: datetime) -> str:
        """Returns the identity_id. Raises InvalidOperation if another account holds it, or this one one of its kind."""
        identity_id = new_id()
        values = {"identity_id": identity_id, "account_id": account_id, "kind": ref.kind, "value": ref.value}
        try:
            self._db.execute(insert(identity).values(**values, origin=origin, verified_at=now))
        except IntegrityError as error:
            raise InvalidOperation("the identifier is already in use") from error
        return identity_id

    def kind_of(self, account_id: str, identity_id: str) -> str | None:
        """Of which kind an identity of this account is; None if it holds it no more."""
        mine = (identity.c.account_id == account_id) & (identity.c.identity_id == identity_id)
        return self._db.scalar(select(identity.c.kind).where(mine))

    def drop_identity(self, account_id: str, kind: str, now: datetime) -> bool:
        """Take an identity, every login link, and what was said of its holder away; False if the account has none of
        this kind. What a federation says is related to another identity is not added by itself from then on.
        """
        mine = (identity.c.account_id == account_id) & (identity.c.kind == kind)
        if self._db.execute(delete(identity).where(mine)).rowcount == 0:
            return False
        live = (login_link.c.account_id == account_id) & login_link.c.revoked_at.is_(None)
        self._db.execute(update(login_link).where(live).values(revoked_at=now))
        self._db.execute(update(account).where(account.c.account_id == account_id).values(identity_dropped_at=now))
        self._db.execute(delete(practice).where(practice.c.account_id == account_id))
        return True

    def add_credential(self, account_id: str, made: Credential) -> None:
        """One that holds nothing itself: what it is compared with is kept beside it. The account is locked."""
        values = {name: getattr(made, name) for name in ("credential_id", "kind", "anchor", "created_at", "name")}
        enrolled = made.enrolled.name
        self._db.execute(
            insert(credential).values(**values, account_id=account_id, digest="", enrolled_assurance=enrolled)
        )

    def revoke_kinds(
        self, account_id: str, kinds: Collection[str], now: datetime, *, made_since: datetime | None = None
    ) -> None:
        """Revoke the credentials of these kinds, or those of them that were made since an instant."""
        which = (credential.c.account_id == account_id) & credential.c.kind.in_(kinds)
        if made_since is not None:
            which &= credential.c.created_at >= made_since
        self._db.execute(update(credential).where(which, credential.c.revoked_at.is_(None)).values(revoked_at=now))

    def confirm(self, credential_id: str, assurance: Assurance) -> None:
        """A later proof by another means stands for a credential: it is worth that, and no mailbox's any more."""
        which = credential.c.credential_id == credential_id
        anchor = case((credential.c.anchor == "mailbox", "knowledge"), else_=credential.c.anchor)
        self._db.execute(update(credential).where(which).values(enrolled_assurance=assurance.name, anchor=anchor))

    def remove(self, account_id: str, means_id: str, now: datetime) -> bool:
        """Revoke a credential or a link of this account; False if it has no such live one."""
        return self._change(account_id, means_id, revoked_at=now)

    def rename(self, account_id: str, means_id: str, name: str) -> bool:
        """Give a credential or a link of this account a name; False if it has no such live one."""
        return self._change(account_id, means_id, name=name)

    def revoke_since(self, account_id: str, means_id: str, now: datetime) -> None:
        """Revoke a means and those of its kind that came after it: whoever had it may have made them.

        What was said by way of a link goes with it.
        """
        for table, own, kind in KINDS:
            mine = table.c.account_id == account_id
            known = self._db.execute(select(kind, table.c.created_at).where(mine, own == means_id))
            for same, created_at in known.all():
                later = mine & (kind == same) & (table.c.created_at >= created_at) & table.c.revoked_at.is_(None)
                self._db.execute(update(table).where(later).values(revoked_at=now))
                if table is login_link:
                    self._forget_practice(account_id, [same])

    def revoke_all(self, account_id: str, now: datetime, *, made_since: datetime | None = None) -> None:
        """Revoke every credential and link of this account, or those that were made since an instant.

        What was said by way of a link goes with it, be it live or not.
        """
        made = login_link.c.account_id == account_id
        if made_since is not None:
            made &= login_link.c.created_at >= made_since
        self._forget_practice(account_id, self._db.scalars(select(login_link.c.method).where(made)).all())
        for table, _, _ in KINDS:
            live = (table.c.account_id == account_id) & table.c.revoked_at.is_(None)
            which = live if made_since is None else live & (table.c.created_at >= made_since)
            self._db.execute(update(table).where(which).values(revoked_at=now))

    def _forget_practice(self, account_id: str, methods: Collection[str]) -> None:
        said = (practice.c.account_id == account_id) & practice.c.origin.in_(methods)
        self._db.execute(delete(practice).where(said))

    def _change(self, account_id: str, means_id: str, **values: Any) -> bool:
        changed = 0
        for table, own, _ in KINDS:
            mine = (own == means_id) & (table.c.account_id == account_id) & table.c.revoked_at.is_(None)
            changed += self._db.execute(update(table).where(mine).values(values)).rowcount
        return changed == 1
