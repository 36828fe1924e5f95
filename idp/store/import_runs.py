"""Runs of imports: what is staged, how far it is switched, and what became of each line."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from idp.errors import InvalidOperation
from idp.store import bulk
from idp.store.schema import account, import_row, import_run


class RunStatus(StrEnum):
    STAGING = "staging"
    STAGED = "staged"
    DONE = "done"
    UNDONE = "undone"


class RowStatus(StrEnum):
    STAGED = "staged"
    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Run:
    """accounts: how many the file has. staged_line, switched_line: the last of the file that is; 0 before the first."""

    run_id: str
    file_digest: str
    file_name: str
    status: RunStatus
    accounts: int
    staged_line: int
    switched_line: int
    created_at: datetime
    created_by: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A line of the file, and the account that it is or will be. person: None once the account was made."""

    line: int
    account_id: str
    person: Mapping[str, Any] | None


class ImportRuns:
    """A run is changed by whoever locked it: `lock` first."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, run_id: str) -> Run | None:
        return self._one(self._db.execute(select(import_run).where(import_run.c.run_id == run_id)).one_or_none())

    def of_file(self, file_digest: str) -> Run | None:
        """The run of this file that was not undone."""
        query = select(import_run).where(import_run.c.file_digest == file_digest)
        return self._one(self._db.execute(query.where(import_run.c.status != RunStatus.UNDONE)).one_or_none())

    def all(self) -> list[Run]:
        """Newest first."""
        query = select(import_run).order_by(import_run.c.created_at.desc(), import_run.c.run_id.desc())
        return [_run(row) for row in self._db.execute(query)]

    def lock(self, run_id: str) -> Run:
        """Keep others from this run until the unit at hand ends. Raises InvalidOperation for an unknown one."""
        query = select(import_run).where(import_run.c.run_id == run_id).with_for_update()
        found = self._one(self._db.execute(query).one_or_none())
        if found is None:
            raise InvalidOperation(f"{run_id}: no such run of an import")
        return found

    def add(self, new: Run) -> None:
        """Raises InvalidOperation if another process has begun this file meanwhile."""
        try:
            self._db.execute(insert(import_run).values({name: getattr(new, name) for name in Run.__slots__}))
        except IntegrityError as error:
            raise InvalidOperation(f"{new.file_name}: another process is importing it") from error

    def set(self, run_id: str, now: datetime, **values: Any) -> None:
        mine = import_run.c.run_id == run_id
        self._db.execute(update(import_run).where(mine).values(**values, updated_at=now))

    # -- lines -----------------------------------------------------------------

    def stage(self, run_id: str, rows: Collection[StagedRow]) -> None:
        values = [
            {"run_id": run_id, "line": row.line, "account_id": row.account_id, "status": "staged", "person": row.person}
            for row in rows
        ]
        bulk.put(self._db, import_row, values)

    def following(
        self, run_id: str, line: int, limit: int, *, status: Collection[RowStatus] = (RowStatus.STAGED,)
    ) -> list[tuple[StagedRow, RowStatus]]:
        """The next lines after this one that are in one of these states."""
        query = (
            select(import_row)
            .where(import_row.c.run_id == run_id, import_row.c.line > line, import_row.c.status.in_(status))
            .order_by(import_row.c.line)
            .limit(limit)
        )
        rows = self._db.execute(query).all()
        return [(StagedRow(row.line, row.account_id, row.person), RowStatus(row.status)) for row in rows]

    def conclude(self, run_id: str, status: RowStatus, problems: Mapping[int, str | None]) -> None:
        """What became of these lines, and why if it is not what was wanted; who they speak of is forgotten here."""
        for why in set(problems.values()):
            lines = [line for line, said in problems.items() if said == why]
            mine = (import_row.c.run_id == run_id) & bulk.among(self._db, import_row.c.line, lines)
            self._db.execute(update(import_row).where(mine).values(status=status, person=None, problem=why))

    def counts(self, run_id: str) -> Mapping[RowStatus, int]:
        query = select(import_row.c.status, func.count()).where(import_row.c.run_id == run_id)
        rows = self._db.execute(query.group_by(import_row.c.status))
        found = {status: count for status, count in rows}  # noqa: C416 - a row is no pair to dict()
        return {status: found.get(status, 0) for status in RowStatus}

    def problems(self, run_id: str) -> Sequence[tuple[int, str, str | None, str]]:
        """line, status, login name where there is an account, and the problem: of the lines that have one."""
        query = (
            select(import_row.c.line, import_row.c.status, account.c.login_name, import_row.c.problem)
            .join(account, account.c.account_id == import_row.c.account_id, isouter=True)
            .where(import_row.c.run_id == run_id, import_row.c.problem.is_not(None))
            .order_by(import_row.c.line)
        )
        return [tuple(row) for row in self._db.execute(query)]

    @staticmethod
    def _one(row: Row[Any] | None) -> Run | None:
        return None if row is None else _run(row)


def _run(row: Row[Any]) -> Run:
    return Run(**{**row._mapping, "status": RunStatus(row.status)})
