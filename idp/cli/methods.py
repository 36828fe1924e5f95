"""`sesame method …`"""

from datetime import datetime

import click

from idp.cli.context import desk_of, plainly
from idp.cli.policies import INSTANTS
from idp.domain.suspension import MethodSuspension
from idp.flows.operators import suspensions


@click.group()
def method() -> None:
    """Methods suspended for every service at once."""


@method.command()
@click.argument("method_id", metavar="METHOD")
@click.option("--until", type=INSTANTS, required=True, help="2026-07-02T18:00:00+02:00; in 90 days at most.")
@click.option("--reason", required=True)
@click.pass_context
@plainly
def suspend(context: click.Context, method_id: str, until: datetime, reason: str) -> None:
    """Take METHOD off every policy until an instant; what it proved before then counts no more.

    Services that are left without a method are told of, and are suspended all the same: the console too.
    """
    desk = desk_of(context)
    made = suspensions.suspend(desk, method_id, until=until, reason=reason)
    click.echo(f"{made.suspension_id}\tuntil {made.until.isoformat()}")
    with desk.db.read() as tx:
        effects = suspensions.effects(desk, tx, method_id)
    for each in effects:
        left = "warning: nobody can sign in any more" if each.is_closed else "one method less"
        click.echo(f"{each.client.client_id}\t{left}", err=each.is_closed)


@method.command()
@click.argument("wanted", metavar="METHOD|ID")
@click.pass_context
@plainly
def restore(context: click.Context, wanted: str) -> None:
    """End the suspension of METHOD now."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        found = {e.suspension_id: e.method for e in tx.method_suspensions.all() if e.is_in_force(desk.now())}
    suspensions.restore(desk, found.get(wanted, wanted))


@method.command("list")
@click.pass_context
@plainly
def show_all(context: click.Context) -> None:
    """List all suspensions, oldest first; `*` marks those in force."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        found = tx.method_suspensions.all()
    for each in found:
        click.echo(_line(each, is_current=each.is_in_force(desk.now())))


def _line(each: MethodSuspension, *, is_current: bool) -> str:
    mark = "*" if is_current else " "
    ended = f" ended by {each.ended_by}" if each.ended_by else ""
    span = f"{each.began_at.isoformat()} - {each.ends_at.isoformat()}{ended}"
    return f"{mark} {each.suspension_id}\t{each.method}\t{span}\t{each.created_by}\t{each.reason}"
