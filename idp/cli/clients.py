"""`sesame client …`"""

from datetime import timedelta
from typing import Any

import click

from idp.cli.context import desk_of, plainly
from idp.domain.client import AUTH_METHODS, Client
from idp.flows.operators import clients


@click.group()
def client() -> None:
    """Relying parties."""


@client.command()
@click.argument("client_id")
@click.option("--name", required=True, help="As people read it: « ROR Nouvelle-Aquitaine ».")
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True)
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True)
@click.option("--auth-method", type=click.Choice(AUTH_METHODS), default="client_secret_basic")
@click.option("--scope", "scopes", multiple=True, default=("openid", "profile", "email"))
@click.option("--id-token-alg", type=click.Choice(["RS256", "ES256"]), default="RS256")
@click.option(
    "--token-lifetime",
    "token_lifetime_s",
    type=click.IntRange(30, 900),
    default=300,
    show_default=True,
    help="Life of ID and access tokens, seconds.",
)
@click.option("--without-pkce", is_flag=True, help="For a confidential client that cannot do PKCE.")
@click.option("--for-everybody", is_flag=True, help="Each active account may open it, without an entitlement.")
@click.option("--initiate-login-uri", help="Where a tile of the portal starts a login.")
@click.option("--logo-uri")
@click.option("--policy-uri")
@click.option("--tos-uri")
@click.option("--description")
@click.pass_context
@plainly
def add(
    context: click.Context,
    client_id: str,
    without_pkce: bool,
    for_everybody: bool,
    token_lifetime_s: int,
    redirect_uris: tuple[str, ...],
    post_logout_redirect_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    **fields: Any,
) -> None:
    """Register a client and print its secret, once. It signs nobody in before it has a policy."""
    desk = desk_of(context)
    new = Client(
        client_id=client_id,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=post_logout_redirect_uris,
        scopes=scopes,
        require_pkce=not without_pkce,
        needs_entitlement=not for_everybody,
        token_lifetime=timedelta(seconds=token_lifetime_s),
        **fields,
    )
    with desk.db.write() as tx:
        secret = clients.register(desk, tx, new)
    click.echo(secret or "public client: no secret")


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
@click.pass_context
@plainly
def renew_secret(context: click.Context, client_id: str) -> None:
    """Print a new secret, once; the one before stops working at once."""
    click.echo(clients.renew_secret(desk_of(context), client_id))
