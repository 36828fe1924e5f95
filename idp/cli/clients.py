"""`sesame client …`"""

from datetime import timedelta
from typing import Any

import click

from idp.cli.context import desk_of, plainly
from idp.cli.registration import CLEARED, fields_of, registration_options
from idp.domain.client import Client
from idp.flows.operators import clients


@click.group()
def client() -> None:
    """Relying parties."""


@client.command()
@click.argument("client_id")
@click.option("--name", required=True, help="As people read it: « ROR Nouvelle-Aquitaine ».")
@registration_options
@click.pass_context
@plainly
def add(context: click.Context, client_id: str, **options: Any) -> None:
    """Register a client and print its secret, once. It signs nobody in before it has a policy."""
    desk, fields = desk_of(context), fields_of(options)
    new = Client(client_id=client_id, **{"redirect_uris": (), **fields})
    with desk.db.write() as tx:
        secret = clients.register(desk, tx, new)
    click.echo(secret or "no secret: the client is public, or proves itself by its key")


@client.command("set")
@click.argument("client_id")
@click.option("--name", help="As people read it: « ROR Nouvelle-Aquitaine ».")
@registration_options
@click.option("--clear", "cleared", multiple=True, type=click.Choice(list(CLEARED)), help="Take this value away.")
@click.pass_context
@plainly
def change(context: click.Context, client_id: str, cleared: tuple[str, ...], **options: Any) -> None:
    """Change what is given of a client, and no more; a list (addresses, scopes, …) is given whole.

    A client that has a secret from now on prints it, once. Without a scope that it had, what it was given is revoked.
    """
    secret = clients.change(desk_of(context), client_id, fields_of(options, cleared))
    if secret:
        click.echo(secret)


@client.command("list")
@click.pass_context
@plainly
def show_all(context: click.Context) -> None:
    """List the clients."""
    with desk_of(context).db.read() as tx:
        for each in tx.clients.all():
            click.echo(f"{each.client_id}\t{'enabled' if each.enabled else 'disabled'}\t{each.name}")


@client.command()
@click.argument("client_id")
@click.pass_context
@plainly
def disable(context: click.Context, client_id: str) -> None:
    """Refuse a client's requests from now on."""
    clients.set_enabled(desk_of(context), client_id, enabled=False)


@client.command()
@click.argument("client_id")
@click.pass_context
@plainly
def enable(context: click.Context, client_id: str) -> None:
    """Serve a client again."""
    clients.set_enabled(desk_of(context), client_id, enabled=True)


@client.command("renew-secret")
@click.argument("client_id")
@click.option("--keep-hours", type=click.IntRange(0, 168), default=0, help="How long the one before still works.")
@click.pass_context
@plainly
def renew_secret(context: click.Context, client_id: str, keep_hours: int) -> None:
    """Print a new secret, once; the one before stops working at once, or after --keep-hours."""
    click.echo(clients.renew_secret(desk_of(context), client_id, timedelta(hours=keep_hours)))
