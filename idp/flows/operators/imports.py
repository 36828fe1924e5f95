"""Importing a file of accounts while people sign in: checked, staged, then made, a batch a unit of work.

On SQLite nobody else writes during a unit, and on PostgreSQL nobody else takes an identifier that it has: each is
short. A run that was interrupted carries on with the same file, or by its id; a file is imported once.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.flows.operators.import_file import Checked, check
from idp.flows.operators.newcomers import Newcomer, bring_in
from idp.store import Tx
from idp.store.import_runs import RowStatus, Run, RunStatus, StagedRow
from idp.store.imports import TakenMeanwhile

BATCH = 1000
TRIES = 5
MAX_FILE_NAME = 255
Step = Callable[[int], None]
"""Told after each unit of work how many lines it was about; whoever waits to write has a moment before the next."""


def no_step(_: int) -> None:
    """For whom nobody watches."""


def import_csv(desk: Desk, path: Path) -> int:
    """Make the accounts of a CSV file; none of them if a line is not sound. Returns how many."""
    return switch(desk, begin(desk, path).run_id)


def begin(desk: Desk, path: Path, step: Step = no_step) -> Run:
    """The run of this file, staged: a new one, or the one that there is. Raises InvalidOperation."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    with desk.db.read() as tx:
        known = tx.import_runs.of_file(digest)
    if known is not None and known.status is not RunStatus.STAGING:
        return known
    checked = check(desk.db, path, content)
    _refuse(path, checked)
    run = known or _new_run(desk, path, digest, len(checked.newcomers))
    rest = [StagedRow(line, new_id(), who.to_json()) for line, who in checked.newcomers.items()]
    _stage(desk, run, [row for row in rest if row.line > run.staged_line], step, is_new=known is None)
    return run


def _refuse(path: Path, checked: Checked) -> None:
    if not checked.problems:
        return
    line, problem = min(checked.problems.items())
    more = len(checked.problems) - 1
    others = f"; {more} more: --dry-run says which" if more else ""
    raise InvalidOperation(f"{path}, line {line}: {problem}; nothing was imported{others}")


def _new_run(desk: Desk, path: Path, digest: str, accounts: int) -> Run:
    return Run(
        run_id=new_id(),
        file_digest=digest,
        file_name=path.name[:MAX_FILE_NAME].encode("utf-8", "replace").decode(),
        status=RunStatus.STAGING,
        accounts=accounts,
        staged_line=0,
        switched_line=0,
        created_at=desk.now(),
        created_by=desk.actor,
        updated_at=desk.now(),
    )


def _stage(desk: Desk, run: Run, rows: Sequence[StagedRow], step: Step, *, is_new: bool) -> None:
    """Write what is to be made where nobody looks for it yet."""
    staged_line = run.staged_line
    for start in range(0, len(rows) or 1, BATCH):
        batch = rows[start : start + BATCH]
        is_last = start + BATCH >= len(rows)
        with desk.db.write() as tx:
            if not is_new and tx.import_runs.lock(run.run_id).staged_line != staged_line:
                raise InvalidOperation(f"{run.file_name}: another process is importing it")
            staged_line = batch[-1].line if batch else staged_line
            status = RunStatus.STAGED if is_last else RunStatus.STAGING
            reached: dict[str, Any] = {"staged_line": staged_line, "status": status}
            if is_new:
                tx.import_runs.add(replace(run, **reached))
            else:
                tx.import_runs.set(run.run_id, desk.now(), **reached)
            if batch:
                tx.import_runs.stage(run.run_id, batch)
        is_new = False
        step(len(batch))


# -- the accounts ----------------------------------------------------------------------


def switch(desk: Desk, run_id: str, step: Step = no_step) -> int:
    """Make the accounts of a staged run that are not made yet; returns how many.

    Lines whose identifiers somebody took since they were checked are left out; the run says which. Raises
    InvalidOperation for a run that is unknown, undone or not staged to its end.
    """
    made, is_done = 0, False
    while not is_done:
        batch, is_done = _switch_next(desk, run_id)
        made += batch
        step(batch)
    return made


def _switch_next(desk: Desk, run_id: str) -> tuple[int, bool]:
    """A unit of work: how many accounts it made, and whether nothing is left to do."""
    for attempt in range(TRIES):
        try:
            with desk.db.write() as tx:
                return _switch(desk, tx, run_id, look_first=attempt > 0)
        except TakenMeanwhile:
            continue
    raise InvalidOperation(f"{run_id}: identifiers are being taken all the time: carry on later")


def _switch(desk: Desk, tx: Tx, run_id: str, *, look_first: bool) -> tuple[int, bool]:
    run = tx.import_runs.lock(run_id)
    if run.status is RunStatus.DONE:
        return 0, True
    if run.status is not RunStatus.STAGED:
        raise InvalidOperation(f"{run_id}: {_why_not(run.status)}")
    rows = [row for row, _ in tx.import_runs.following(run_id, run.switched_line, BATCH)]
    people = {row.line: (row.account_id, Newcomer.from_json(row.person or {})) for row in rows}
    refused = _taken(tx, {line: who for line, (_, who) in people.items()}) if look_first else {}
    made = {line: None for line in people if line not in refused}
    now = desk.now()
    bring_in(desk, tx, [(people[n][1].account(people[n][0], now), people[n][1]) for n in made], now, run=run_id)
    tx.import_runs.conclude(run_id, RowStatus.DONE, made)
    tx.import_runs.conclude(run_id, RowStatus.REFUSED, refused)
    status = RunStatus.DONE if len(rows) < BATCH else RunStatus.STAGED
    tx.import_runs.set(run_id, now, switched_line=rows[-1].line if rows else run.switched_line, status=status)
    if status is RunStatus.DONE:
        desk.record(tx, "import.finished", run=run_id, lines=run.accounts)
    return len(made), status is RunStatus.DONE


def _why_not(status: RunStatus) -> str:
    if status is RunStatus.UNDONE:
        return "this run was undone"
    return "its file was not read to the end: import the file again, the run carries on"


def _taken(tx: Tx, people: Mapping[int, Newcomer]) -> Mapping[int, str]:
    taken = tx.imports.taken([ref for newcomer in people.values() for ref in newcomer.refs])
    return {
        line: "the login name or an identifier was taken after the file was checked"
        for line, newcomer in people.items()
        if not taken.isdisjoint(newcomer.refs)
    }
