"""Deleting what is over, by the worker every hour or by an operator at once."""

from collections.abc import Callable
from datetime import timedelta

from idp.flows.operators.desk import Desk
from idp.settings import Settings
from idp.store.purge import BATCH, TABLES, Ages


def purge(desk: Desk, settings: Settings, *, is_stopped: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """How many rows of each table were deleted. Audit and entitlements stay; a batch is a unit of its own."""
    ages = Ages(
        now=desk.now(),
        retention=timedelta(days=settings.retention_days),
        remember_browser=timedelta(days=settings.remember_browser_days),
        idle=settings.session_idle,
    )
    deleted = {kind: _purge_rows(desk, kind, ages, is_stopped) for kind in TABLES}
    deleted["throttle"] = _purge_counts(desk, is_stopped)
    deleted["audit_personal"] = _forget_personal(desk, timedelta(days=settings.audit_personal_days), is_stopped)
    found = {kind: count for kind, count in deleted.items() if count}
    if found:
        with desk.db.write() as tx:
            desk.record(tx, "purge.done", **found)
    return found


def _purge_rows(desk: Desk, kind: str, ages: Ages, is_stopped: Callable[[], bool]) -> int:
    deleted = 0
    while not is_stopped():
        with desk.db.read() as tx:
            keys = tx.purge.find(kind, ages)
        if not keys:
            break
        with desk.db.write() as tx:
            gone = tx.purge.delete(kind, ages, keys)
        deleted += gone
        if not gone or len(keys) < BATCH:
            break
    return deleted


def _purge_counts(desk: Desk, is_stopped: Callable[[], bool]) -> int:
    deleted, last = 0, ""
    while not is_stopped():
        with desk.db.read() as tx:
            spent, following = tx.purge.counts_after(last, desk.now())
        if spent:
            with desk.db.write() as tx:
                deleted += tx.purge.delete_counts(spent, desk.now())
        if following is None:
            break
        last = following
    return deleted


def _forget_personal(desk: Desk, age: timedelta, is_stopped: Callable[[], bool]) -> int:
    """Networks and browsers beside old audit events; the chain does not need them."""
    deleted = 0
    while not is_stopped():
        with desk.db.write() as tx:
            gone = tx.audit.forget_personal(desk.now() - age, limit=BATCH)
        deleted += gone
        if gone < BATCH:
            break
    return deleted
