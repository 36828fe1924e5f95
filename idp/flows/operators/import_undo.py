"""Taking an import back: only what that run made, and nobody has used since."""

from collections.abc import Collection
from dataclasses import dataclass, field

from idp.flows.operators.desk import Desk
from idp.flows.operators.imports import BATCH, Step, no_step
from idp.store import Tx
from idp.store.import_runs import RowStatus, RunStatus

WHY = {
    "access_request": "has asked for access to a service",
    "changed": "was changed since",
    "credential": "has a password or another means",
    "entitlement": "access was given or taken since",
    "identity": "an identifier was added since",
    "login_link": "a card or a federation is linked",
    "operator_role": "is an operator",
    "reset_link": "has asked for a password",
    "session": "has signed in",
    "signed_in": "has signed in",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """An account that stays. why: words for an operator."""

    line: int
    login_name: str
    why: str


@dataclass(slots=True)
class Undone:
    """removed: how many accounts were deleted."""

    removed: int = 0
    kept: list[Kept] = field(default_factory=list)


def undo(desk: Desk, run_id: str, step: Step = no_step) -> Undone:
    """Delete the accounts of a run that are as it made them; lines that are not made yet never will be.

    May be called again, after a crash for one. Raises InvalidOperation for an unknown run.
    """
    outcome, line = Undone(), 0
    while (last := _undo_next(desk, run_id, line, outcome)) is not None:
        line = last
        step(BATCH)
    with desk.db.write() as tx:
        desk.record(tx, "import.undone", run=run_id, accounts=outcome.removed, kept=len(outcome.kept))
    return outcome


def _undo_next(desk: Desk, run_id: str, after: int, outcome: Undone) -> int | None:
    """A unit of work on the lines after this one; returns the last of them, None if there was none."""
    with desk.db.write() as tx:
        if tx.import_runs.lock(run_id).status is not RunStatus.UNDONE:
            tx.import_runs.set(run_id, desk.now(), status=RunStatus.UNDONE)
        found = tx.import_runs.following(run_id, after, BATCH, status=(RowStatus.STAGED, RowStatus.DONE))
        if not found:
            return None
        logins = dict(tx.imports.lock([row.account_id for row, status in found if status is RowStatus.DONE]))
        used = tx.imports.used(logins)
        kept = [
            Kept(row.line, logins[row.account_id], _why(used[row.account_id]))
            for row, _ in found
            if row.account_id in used
        ]
        _remove(desk, tx, [account_id for account_id in logins if account_id not in used], run_id)
        stays = {each.line: each.why for each in kept}
        tx.import_runs.conclude(run_id, RowStatus.DONE, stays)
        tx.import_runs.conclude(run_id, RowStatus.UNDONE, {row.line: None for row, _ in found if row.line not in stays})
    outcome.removed += len(logins) - len(kept)
    outcome.kept += kept
    return found[-1][0].line


def _remove(desk: Desk, tx: Tx, account_ids: Collection[str], run_id: str) -> None:
    tx.imports.remove(account_ids)
    gone = [desk.event("account.import_undone", subject=account_id, run=run_id) for account_id in account_ids]
    tx.audit.record_all(gone, desk.now())


def _why(signs: Collection[str]) -> str:
    said = sorted({WHY.get(sign, f"has something: {sign.replace('_', ' ')}") for sign in signs})
    return "; ".join(said)
