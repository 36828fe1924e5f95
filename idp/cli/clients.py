"""`sesame client …`"""

import json
from datetime import timedelta
from typing import Any

import click

from idp.cli.context import desk_of, plainly
from idp.domain.client import ALGORITHMS, AUTH_METHODS, CONSENT, GRANT_TYPES, INTROSPECTS, Client
from idp.errors import InvalidOperation
from idp.flows.operators import clients


@click.group()
def client() -> None:
    """Relying parties."""


@client.command()
@click.argument("client_id")
@click.option("--name", required=True, help="As people read it: « ROR Nouvelle-Aquitaine ».")
@click.option("--redirect-uri", "redirect_uris", multiple=True)
@click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True)
@click.option("--auth-method", type=click.Choice(AUTH_METHODS), default="client_secret_basic")
@click.option("--jwks", "jwks_file", type=click.File(), help="File of its public keys, for private_key_jwt.")
@click.option("--jwks-uri", help="Address of its public keys, for private_key_jwt.")
@click.option(
    "--grant-type", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES), default=("authorization_code",)
)
@click.option("--scope", "scopes", multiple=True, default=("openid", "profile", "email"))
@click.option("--offline-days", type=click.IntRange(1, 90), help="Absolute end of an offline_access grant, days.")
@click.option("--id-token-alg", type=click.Choice(ALGORITHMS), default="RS256")
@click.option(
    "--token-lifetime",
    "token_lifetime_s",
    type=click.IntRange(30, 900),
    default=300,
    show_default=True,
    help="Life of ID and access tokens, seconds.",
)
@click.option("--access-token-format", type=click.Choice(["opaque", "jwt"]), default="opaque", show_default=True)
@click.option("--audience", help="The resource that its access tokens are for: an https address or a urn.")
@click.option(
    "--introspects",
    type=click.Choice(INTROSPECTS),
    default="own",
    show_default=True,
    help="Whose tokens it may ask about: its own, or those of the --audience.",
)
@click.option("--pairwise-sector", "sector", help="Pairwise subjects, for this host name (OIDC Core §8.1).")
@click.option(
    "--consent", type=click.Choice(CONSENT), default="never", show_default=True, help="When people are asked."
)
@click.option("--par-required", is_flag=True, help="Take its authorization requests by PAR only (RFC 9126).")
@click.option("--backchannel-logout-uri", help="Where logout tokens are posted.")
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
    jwks_file: Any,
    sector: str | None,
    offline_days: int | None,
    **fields: Any,
) -> None:
    """Register a client and print its secret, once. It signs nobody in before it has a policy."""
    desk = desk_of(context)
    new = Client(
        client_id=client_id,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=post_logout_redirect_uris,
        scopes=scopes,
        jwks=_read_jwks(jwks_file) if jwks_file else None,
        subject_type="pairwise" if sector else "public",
        sector=sector,
        offline_lifetime=timedelta(days=offline_days) if offline_days else None,
        require_pkce=not without_pkce,
        needs_entitlement=not for_everybody,
        token_lifetime=timedelta(seconds=token_lifetime_s),
        **fields,
    )
    with desk.db.write() as tx:
        secret = clients.register(desk, tx, new)
    click.echo(secret or "no secret: the client is public, or proves itself by its key")


def _read_jwks(file: Any) -> Any:
    try:
        found = json.load(file)
    except ValueError as error:
        raise InvalidOperation(f"{file.name}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidOperation(f"{file.name}: a JSON Web Key Set is an object (RFC 7517 §5)")
    return found


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
