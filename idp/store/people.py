"""People as operators list, search and export them: a page at a time, by keys that an index has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)

from idp.domain.account import Account, AccountStatus, name_key, normalise_login
from idp.store.accounts import FIELDS, build
from idp.store.name_words import begins
from idp.store.schema import account, client, entitlement, identity, name_word

BATCH = 1000
MAX_WORDS = 6
MAX_TEXT = 320
FEW = 10_000  # matches that are all read and sorted
FOUND_BY = ("login_name", "email", "rpps", "adeli", "employee")
SORTS = {"name": account.c.name_key, "login": account.c.login_name, "created": account.c.created_at}
LISTED = ("account_id", "login_name", "civility", "given_name", "family_name", "email", "status")
NAMED = account.alias("named")


@dataclass(frozen=True, slots=True)
class Listed:
    """A person in a list."""

    account_id: str
    login_name: str
    civility: str | None
    given_name: str
    family_name: str
    email: str | None
    status: AccountStatus
    created_at: datetime
    signed_in_at: datetime | None

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class Page:
    """after: what the next page is asked for with; None on the last one."""

    people: Sequence[Listed]
    after: str | None


@dataclass(frozen=True, slots=True)
class AccessOf:
    """A live entitlement, of whom and to what."""

    account_id: str
    login_name: str
    given_name: str
    family_name: str
    email: str | None
    account_status: str
    client_id: str
    service: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime | None
    roles: Sequence[Any]


class People:
    """Reads; changes nothing."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def page(
        self,
        *,
        text: str = "",
        status: str | None = None,
        sort: str = "name",
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """text: words of the names (each begins one), or the beginning of a login name, an address or a national
        identifier. sort: "name", "login" or "created", with "-" before it for the other direction; anything
        else is "name".
        after: `Page.after` of the page before, an account_id: one that is unknown begins again.
        """
        key, down = SORTS.get(sort.removeprefix("-"), SORTS["name"]), sort.startswith("-")
        order = (key.desc(), account.c.account_id.desc()) if down else (key, account.c.account_id)
        query = select(*(account.c[name] for name in (*LISTED, "created_at", "signed_in_at")))
        query = self._beyond(query.where(*self._which(text, status)), key, after, down=down)
        rows = self._db.execute(query.order_by(*order).limit(limit + 1)).all()
        people = [Listed(**{**row._mapping, "status": AccountStatus(row.status)}) for row in rows[:limit]]
        return Page(people, people[-1].account_id if len(rows) > limit else None)

    def count(self, *, text: str = "", status: str | None = None) -> int:
        """How many `page` would list in all."""
        return self._db.scalar(select(func.count()).select_from(account).where(*self._which(text, status))) or 0

    def every(self) -> Iterator[Account]:
        """All accounts with their identifiers, by their ids; a batch at a time."""
        query, after = select(account).order_by(account.c.account_id).limit(BATCH), ""
        while rows := self._db.execute(query.where(account.c.account_id > after)).mappings().all():
            held: dict[str, dict[str, str]] = {row["account_id"]: {} for row in rows}
            for ref in self._db.execute(select(identity).where(identity.c.account_id.in_(held))):
                held[ref.account_id][ref.kind] = ref.value
            for row in rows:
                values = {name: row[name] for name in FIELDS}
                yield build(values, identities=held[row["account_id"]])
            after = rows[-1]["account_id"]

    def accesses(self, now: datetime, *, client_id: str | None = None) -> Iterator[AccessOf]:
        """Live entitlements, of one service or of all, by account; a batch at a time."""
        key = (entitlement.c.account_id, entitlement.c.client_id)
        people = (account.c[name] for name in ("login_name", "given_name", "family_name", "email"))
        given = (entitlement.c[name] for name in ("granted_by", "granted_at", "expires_at", "roles"))
        names = (account.c.status.label("account_status"), client.c.name.label("service"))
        live = or_(entitlement.c.expires_at.is_(None), entitlement.c.expires_at > now)
        query = (
            select(*key, *people, *given, *names)
            .join_from(entitlement, account)
            .join(client, client.c.client_id == entitlement.c.client_id)
            .where(entitlement.c.revoked_at.is_(None), live)
            .order_by(*key)
            .limit(BATCH)
        )
        if client_id is not None:
            query = query.where(entitlement.c.client_id == client_id)
        after = ("", "")
        while rows := self._db.execute(query.where(tuple_(*key) > tuple_(*map(literal, after)))).all():
            yield from (AccessOf(**row._mapping) for row in rows)
            after = (rows[-1].account_id, rows[-1].client_id)

    def _which(self, text: str, status: str | None) -> Iterator[ColumnElement[bool]]:
        if status is not None:
            yield account.c.status == status
        typed, words = normalise_login(text)[:MAX_TEXT], name_key(text[:MAX_TEXT], "").split()[:MAX_WORDS]
        if typed:
            yield self._is_found(words, begins(identity.c.value, typed) & identity.c.kind.in_(FOUND_BY))

    def _is_found(self, words: list[str], identified: ColumnElement[bool]) -> ColumnElement[bool]:
        """Where few have the rarest word or the identifier they are looked up by it; where many have, whoever reads the
        list in its order soon has a page.
        """
        with_word = [begins(name_word.c.word, word) for word in words]
        counts = [self._some(name_word, each) for each in with_word]
        *found, known = self._db.execute(select(*counts, self._some(identity, identified))).one()
        named = and_(*(_has_word(account.c.name_key, word) for word in words)) if words else literal(value=False)
        if min(found, default=0) + known > FEW:
            theirs = select(literal(1)).where(identity.c.account_id == account.c.account_id, identified)
            return or_(named, theirs.exists())
        ids = [select(identity.c.account_id).where(identified)]
        if words:
            rarest = found.index(min(found))
            having = select(name_word.c.account_id).where(with_word[rarest])
            others = [_has_word(NAMED.c.name_key, word) for word in words[:rarest] + words[rarest + 1 :]]
            ids.append(having.join(NAMED).where(*others) if others else having)
        return account.c.account_id.in_(union(*ids))

    @staticmethod
    def _some(table: Table, which: ColumnElement[bool]) -> ScalarSelect[int]:
        """How many rows there are, counted no further than it matters."""
        some = select(table.c.account_id).where(which).limit(FEW + 1).subquery()
        return select(func.count()).select_from(some).scalar_subquery()

    def _beyond(self, query: Select[Any], key: Column[Any], after: str | None, *, down: bool) -> Select[Any]:
        """The rows that follow this account in the order of the key."""
        if after is None:
            return query
        last = self._db.execute(select(key, account.c.account_id).where(account.c.account_id == after)).one_or_none()
        if last is None:
            return query
        row, value = (
            tuple_(key, account.c.account_id),
            tuple_(*(literal(each, c.type) for each, c in zip(last, (key, account.c.account_id), strict=True))),
        )
        return query.where(row < value if down else row > value)


def _has_word(key: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Words of a key have no % and no _."""
    return or_(key.like(f"{word}%"), key.like(f"% {word}%"))
