"""`sesame account import …`, and back; lists of accounts and entitlements."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from idp.cli.accounts import account
from idp.cli.context import desk_of, plainly
from idp.csv_out import writer
from idp.errors import InvalidOperation
from idp.flows.operators import exports, import_undo, imports
from idp.flows.operators.desk import Desk
from idp.flows.operators.import_file import check
from idp.store.import_runs import RowStatus, Run, RunStatus

BREATH_S = 0.12  # more than SQLite sleeps at most between two looks whether it may write
FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
OUTPUT = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A new file, its owner's alone; else printed."
)


@account.command("import")
@FILE
@click.option("--dry-run", is_flag=True, help="Say of each line what is wrong; nothing is written.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="With --dry-run: a new CSV file for it."
)
@click.pass_context
@plainly
def import_file(context: click.Context, file: Path, dry_run: bool, report: Path | None) -> None:
    """Import a CSV file: login, email, given_name, family_name, civility, rpps, services. All of it or nothing.

    A file is imported once; interrupted, the same command carries on.
    """
    desk = desk_of(context)
    if dry_run:
        _dry_run(desk, file, report)
        return
    with _bar("reading", file.read_bytes().count(b"\n")) as step:
        run = imports.begin(desk, file, step)
    if run.status is RunStatus.DONE:
        click.echo(f"sesame: {file} is imported already: run {run.run_id}", err=True)
    _switch(desk, run)


@account.command("resume-import")
@click.argument("run_id")
@click.pass_context
@plainly
def resume_import(context: click.Context, run_id: str) -> None:
    """Make the accounts that a run has left to make, without its file."""
    desk = desk_of(context)
    _switch(desk, _known(desk, run_id))


@account.command("undo-import")
@click.argument("run_id")
@click.pass_context
@plainly
def undo_import(context: click.Context, run_id: str) -> None:
    """Delete the accounts that a run made and that nobody has used since; say which stay, and why."""
    desk = desk_of(context)
    with _bar("taking back", _known(desk, run_id).accounts) as step:
        undone = import_undo.undo(desk, run_id, step)
    for kept in undone.kept:
        click.echo(f"line {kept.line}: {kept.login_name} stays: {kept.why}")
    click.echo(f"{undone.removed} accounts deleted, {len(undone.kept)} kept")


@account.command("imports")
@click.argument("run_id", required=False)
@click.pass_context
@plainly
def list_imports(context: click.Context, run_id: str | None) -> None:
    """List the runs of imports, newest first; or the lines of one that were left out, or kept when it was undone."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        if run_id is not None:
            for line, status, login, problem in tx.import_runs.problems(run_id):
                click.echo(f"line {line}\t{status}\t{login or '-'}\t{problem}")
            return
        for run in tx.import_runs.all():
            counts = tx.import_runs.counts(run.run_id)
            made, left = counts[RowStatus.DONE], counts[RowStatus.STAGED]
            said = f"{made} accounts, {left} to make, {counts[RowStatus.REFUSED]} left out"
            at = run.created_at.isoformat(timespec="seconds")
            click.echo("\t".join((run.run_id, at, run.created_by, run.status.value, said, run.file_name)))


@account.command("export")
@OUTPUT
@click.pass_context
@plainly
def export_accounts(context: click.Context, output: Path | None) -> None:
    """Print every account as CSV."""
    desk = desk_of(context)
    with _out(output) as file:
        exports.accounts(desk, file)


@click.group()
def entitlement() -> None:
    """Who may open what."""


@entitlement.command("export")
@click.option("--client", "client_id", help="client_id of the only service that is asked about.")
@OUTPUT
@click.pass_context
@plainly
def export_entitlements(context: click.Context, client_id: str | None, output: Path | None) -> None:
    """Print every live entitlement as CSV."""
    desk = desk_of(context)
    with _out(output) as file:
        exports.entitlements(desk, file, client_id)


def _known(desk: Desk, run_id: str) -> Run:
    with desk.db.read() as tx:
        run = tx.import_runs.get(run_id)
    if run is None:
        raise InvalidOperation(f"{run_id}: no such run of an import")
    return run


def _switch(desk: Desk, run: Run) -> None:
    with _bar(f"run {run.run_id}", run.accounts) as step, _told(run):
        made = imports.switch(desk, run.run_id, step)
    click.echo(f"{made} accounts")
    with desk.db.read() as tx:
        left_out = tx.import_runs.counts(run.run_id)[RowStatus.REFUSED]
    if made and left_out:
        raise InvalidOperation(f"{left_out} lines were left out: `sesame account imports {run.run_id}` says which")


def _dry_run(desk: Desk, file: Path, report: Path | None) -> None:
    checked = check(desk.db, file, file.read_bytes())
    problems = sorted(checked.problems.items())
    if report is not None:
        with _out(report) as opened:
            rows = writer(opened)
            rows.writerow(("line", "problem"))
            rows.writerows(problems)
    else:
        for line, problem in problems:
            click.echo(f"line {line}: {problem}")
    click.echo(f"{len(checked.newcomers)} lines are sound, {len(problems)} are not")
    if problems:
        sys.exit(1)


@contextmanager
def _told(run: Run) -> Iterator[None]:
    """Whoever interrupts a run is told how it carries on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"sesame: interrupted: `sesame account resume-import {run.run_id}` carries on", err=True)
        raise


@contextmanager
def _bar(label: str, length: int) -> Iterator[imports.Step]:
    """A progress bar for who watches; after each unit of work a moment in which others write."""
    watched = sys.stderr.isatty()
    shown: Any = click.progressbar(length=length, label=label, file=sys.stderr, hidden=not watched)
    with shown as bar:

        def step(lines: int) -> None:
            bar.update(lines)
            time.sleep(BREATH_S)

        yield step


@contextmanager
def _out(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a new file that is its owner's alone."""
    if path is None:
        yield sys.stdout
        return
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        yield file
