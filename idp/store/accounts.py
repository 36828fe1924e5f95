"""Accounts, identities, credentials, entitlements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, literal, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError

from idp.domain.account import Account, AccountStatus, PasswordCredential
from idp.domain.authn import Assurance, IdentityRef
from idp.domain.ids import new_id
from idp.domain.service_access import GivenRole
from idp.errors import InvalidOperation
from idp.store import name_words, upsert
from idp.store.entitled import has_entitlement, may_open
from idp.store.prepared import Prepared, Row
from idp.store.schema import account, client, credential, entitlement, identity

WITH_IDENTITIES = select(account, identity.c.kind, identity.c.value).join(identity, isouter=True)
BY_ID = Prepared(WITH_IDENTITIES.where(account.c.account_id == bindparam("account")))
_known = identity.alias("known")
BY_IDENTITY = Prepared(
    WITH_IDENTITIES.join(_known, _known.c.account_id == account.c.account_id).where(
        _known.c.kind == bindparam("kind"), _known.c.value == bindparam("value")
    )
)
HOLD = Prepared(select(account.c.status).where(account.c.account_id == bindparam("account")).with_for_update(read=True))
_NOT_REVOKED = credential.c.revoked_at.is_(None)
LIVE = Prepared(select(credential.c.kind).where(credential.c.credential_id == bindparam("credential"), _NOT_REVOKED))
PASSWORD = Prepared(
    select(credential).where(
        credential.c.account_id == bindparam("account"), credential.c.kind == "password", _NOT_REVOKED
    )
)
FIELDS = tuple(name for name in account.c.keys() if name != "name_key")  # noqa: SIM118
ENTITLED = Prepared(
    select(has_entitlement(bindparam("account"), bindparam("client"), bindparam("now")).label("is_entitled"))
)
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True, slots=True)
class Tile:
    """A service that a person may open."""

    client_id: str
    name: str
    initiate_login_uri: str
    logo_uri: str | None
    description: str | None


class Accounts:
    """The people."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, account_id: str) -> Account | None:
        return self._one(BY_ID.all(self._db, {"account": account_id}))

    def find(self, ref: IdentityRef) -> Account | None:
        """The account that holds a verified identity."""
        return self._one(BY_IDENTITY.all(self._db, {"kind": ref.kind, "value": ref.value}))

    def find_by_login(self, typed: str) -> Account | None:
        """The account of a login name or a verified e-mail address (normalised); the two never look alike."""
        return self.find(IdentityRef("email" if "@" in typed else "login_name", typed))

    def add(self, new: Account, identities: Collection[tuple[IdentityRef, str]]) -> None:
        """identities: verified identifiers with their origin. Raises InvalidOperation if one belongs to another."""
        values = {f: getattr(new, f) for f in account.c.keys()}  # noqa: SIM118
        refs = [(IdentityRef("login_name", new.login_name), "account"), *identities]
        try:
            self._db.execute(insert(account).values({**values, "profile": dict(new.profile)}))
            self._db.execute(
                insert(identity),
                [
                    {
                        "identity_id": new_id(),
                        "account_id": new.account_id,
                        "kind": ref.kind,
                        "value": ref.value,
                        "origin": origin,
                        "verified_at": new.created_at,
                    }
                    for ref, origin in refs
                ],
            )
            name_words.add(self._db, {new.account_id: new.name_key})
        except IntegrityError as error:
            raise InvalidOperation(f"{new.login_name}: the login name or an identifier is already in use") from error

    def hold(self, account_id: str) -> bool:
        """True if the account is active; it stays so until the unit at hand ends.

        A unit that opens a session or issues a code holds the account, and one that ends them locks it: without that,
        on PostgreSQL, a session that is being opened would escape from a suspension or a new password.
        """
        return HOLD.first(self._db, {"account": account_id}) == {"status": AccountStatus.ACTIVE.value}

    def lock(self, account_id: str) -> None:
        """Wait for the units that hold the account, and keep others from holding it until this one ends."""
        self._db.execute(select(account.c.account_id).where(account.c.account_id == account_id).with_for_update())

    def are_live(self, credential_ids: Collection[str]) -> bool:
        """True if none of these credentials was revoked."""
        return all(LIVE.first(self._db, {"credential": each}) for each in credential_ids)

    def note_login(self, account_id: str, now: datetime) -> None:
        """The holder signed in by means of the account's own; the first time stands. The account is locked."""
        first = (account.c.account_id == account_id) & account.c.signed_in_at.is_(None)
        self._db.execute(update(account).where(first).values(signed_in_at=now))

    def set_status(self, account_id: str, status: AccountStatus, now: datetime) -> None:
        self.lock(account_id)
        self._db.execute(
            update(account).where(account.c.account_id == account_id).values(status=status.value, updated_at=now)
        )

    def owned(self, account_id: str) -> frozenset[str]:
        """Kinds of identities and credentials that the account has: "identity:email", "credential:password", …"""
        query = union_all(
            select(literal("identity"), identity.c.kind).where(identity.c.account_id == account_id),
            select(literal("credential"), credential.c.kind).where(
                credential.c.account_id == account_id, credential.c.revoked_at.is_(None)
            ),
        )
        return frozenset(f"{what}:{kind}" for what, kind in self._db.execute(query))

    # -- passwords -------------------------------------------------------------

    def password(self, account_id: str) -> PasswordCredential | None:
        row = PASSWORD.first(self._db, {"account": account_id})
        return None if row is None else PasswordCredential(**{name: row[name] for name in PasswordCredential.__slots__})

    def password_parameters(self) -> frozenset[str]:
        """What the digests of live passwords begin with (`$argon2id$v=19$m=…,t=…,p=…$`), salt and hash cut off."""
        without_hash = func.rtrim(func.rtrim(credential.c.digest, BASE64), "$")
        query = (
            select(func.rtrim(without_hash, BASE64))
            .distinct()
            .where(
                credential.c.kind == "password",
                credential.c.revoked_at.is_(None),
                credential.c.digest.startswith("$argon2id$"),
            )
        )
        return frozenset(self._db.scalars(query))

    def set_password(
        self, account_id: str, digest: str, anchor: str, now: datetime, assurance: Assurance = Assurance.LOW
    ) -> str:
        """Replace the account's password; the one before is revoked. Returns the credential_id.

        assurance: of the proof by which the holder set it.
        """
        self.lock(account_id)
        self._db.execute(
            update(credential)
            .where(
                credential.c.account_id == account_id,
                credential.c.kind == "password",
                credential.c.revoked_at.is_(None),
            )
            .values(revoked_at=now)
        )
        credential_id = new_id()
        self._db.execute(
            insert(credential).values(
                credential_id=credential_id,
                account_id=account_id,
                kind="password",
                digest=digest,
                anchor=anchor,
                enrolled_assurance=assurance.name,
                created_at=now,
            )
        )
        return credential_id

    def renew_password_digest(self, old: PasswordCredential, digest: str) -> bool:
        """Store the same password under new parameters; False if it was replaced meanwhile."""
        changed = self._db.execute(
            update(credential)
            .where(
                credential.c.credential_id == old.credential_id,
                credential.c.digest == old.digest,
                credential.c.revoked_at.is_(None),
            )
            .values(digest=digest)
        )
        return changed.rowcount == 1

    def confirm_password(self, account_id: str) -> bool:
        """Something else than the mailbox confirmed who set the password; False if there is none to confirm."""
        changed = self._db.execute(
            update(credential)
            .where(
                credential.c.account_id == account_id,
                credential.c.kind == "password",
                credential.c.anchor == "mailbox",
                credential.c.revoked_at.is_(None),
            )
            .values(anchor="knowledge")
        )
        return changed.rowcount == 1

    # -- entitlements ----------------------------------------------------------

    def may_open(self, account_id: str, client_id: str, now: datetime) -> bool:
        """True if the client is enabled, and is for everybody or the account is entitled to it."""
        return self._db.scalar(select(may_open(account_id, client_id, now))) is True

    def is_entitled(self, account_id: str, client_id: str, now: datetime) -> bool:
        """True if the account has a live entitlement for the client."""
        row = ENTITLED.first(self._db, {"account": account_id, "client": client_id, "now": now})
        return row is not None and row["is_entitled"] is True

    def grant(
        self,
        account_id: str,
        client_id: str,
        by: str,
        now: datetime,
        expires_at: datetime | None,
        *,
        roles: Collection[GivenRole] = (),
    ) -> None:
        """Give access; replaces what was given or taken before, and its roles."""
        pair = {"account_id": account_id, "client_id": client_id}
        given = {"granted_by": by, "granted_at": now, "expires_at": expires_at, "revoked_at": None}
        with_it = {"roles": [asdict(role) for role in roles], "expiry_told_at": None}
        upsert.replace(self._db, entitlement, **pair, **given, **with_it)

    def revoke(self, account_id: str, client_id: str, now: datetime) -> bool:
        """Take access away; False if there was none."""
        self.lock(account_id)
        changed = self._db.execute(
            update(entitlement)
            .where(
                entitlement.c.account_id == account_id,
                entitlement.c.client_id == client_id,
                entitlement.c.revoked_at.is_(None),
            )
            .values(revoked_at=now)
        )
        return changed.rowcount == 1

    def tiles(self, account_id: str, now: datetime) -> list[Tile]:
        """The services that this person may open, by name; only those that can be started from outside."""
        entitled = has_entitlement(account_id, client.c.client_id, now)
        query = (
            select(client)
            .where(client.c.enabled, client.c.initiate_login_uri.is_not(None))
            .where(or_(client.c.needs_entitlement.is_(False), entitled))
            .order_by(client.c.name)
        )
        return [
            Tile(row.client_id, row.name, row.initiate_login_uri, row.logo_uri, row.description)
            for row in self._db.execute(query)
        ]

    # --------------------------------------------------------------------------

    @staticmethod
    def _one(rows: Sequence[Row]) -> Account | None:
        """The account of rows that differ in their identity."""
        return build(rows[0], identities={row["kind"]: row["value"] for row in rows if row["kind"]}) if rows else None


def build(row: Row, prefix: str = "", *, identities: Mapping[str, str] | None = None) -> Account:
    """The account in a row whose columns of it begin with `prefix`."""
    values = {name: row[prefix + name] for name in FIELDS}
    return Account(**{**values, "status": AccountStatus(values["status"])}, identities=identities or {})
