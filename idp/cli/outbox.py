"""`sesame outbox …`"""

import click

from idp.cli.context import desk_of, plainly
from idp.errors import InvalidOperation
from idp.flows.operators import outbox as operations


@click.group()
def outbox() -> None:
    """Letters and notices of logout that were given up."""


@outbox.command("list")
@click.pass_context
@plainly
def show(context: click.Context) -> None:
    """List them, oldest first: ID, kind, instant, age, attempts. What they say is not shown."""
    desk = desk_of(context)
    with desk.db.read() as tx:
        for message in tx.outbox.given_up():
            hours = (desk.now() - message.created_at).total_seconds() / 3600
            written = f"{message.created_at.isoformat(timespec='seconds')}\t{hours:.1f} h"
            click.echo(f"{message.outbox_id}\t{message.kind}\t{written}\t{message.attempts} attempts")


@outbox.command()
@click.argument("outbox_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Whatever was given up.")
@click.pass_context
@plainly
def retry(context: click.Context, outbox_ids: tuple[str, ...], everything: bool) -> None:
    """Put them back for the worker, for as many tries as at first. A code that has expired is not sent any more."""
    if everything == bool(outbox_ids):
        raise InvalidOperation("either the messages to try again are named, or --all is")
    click.echo(f"{operations.retry(desk_of(context), None if everything else outbox_ids)} messages")
