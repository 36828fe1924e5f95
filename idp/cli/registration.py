"""The options that a client is registered with, and changed by."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import click

from idp.domain.client import ALGORITHMS, AUTH_METHODS, CONSENT, GRANT_TYPES, INTROSPECTS
from idp.errors import InvalidOperation

Command = Callable[..., Any]

# None of them has a default here: what is not given is as `Client` says, or as it was. Flags have both ways.
OPTIONS: tuple[Callable[[Command], Command], ...] = (
    click.option("--redirect-uri", "redirect_uris", multiple=True),
    click.option("--post-logout-redirect-uri", "post_logout_redirect_uris", multiple=True),
    click.option("--auth-method", type=click.Choice(AUTH_METHODS), help="Of a new client: client_secret_basic."),
    click.option("--jwks", type=click.File(), help="File of its public keys, for private_key_jwt."),
    click.option("--jwks-uri", help="Address of its public keys, for private_key_jwt."),
    click.option(
        "--grant-type",
        "grant_types",
        multiple=True,
        type=click.Choice(GRANT_TYPES),
        help="Of a new client: authorization_code.",
    ),
    click.option("--scope", "scopes", multiple=True, help="Of a new client: openid, profile and email."),
    click.option("--offline-days", type=click.IntRange(1, 90), help="Absolute end of an offline_access grant, days."),
    click.option("--id-token-alg", type=click.Choice(ALGORITHMS), help="Of a new client: RS256."),
    click.option(
        "--token-lifetime",
        "token_lifetime_s",
        type=click.IntRange(30, 900),
        help="Life of ID and access tokens, seconds; of a new client: 300.",
    ),
    click.option("--access-token-format", type=click.Choice(["opaque", "jwt"]), help="Of a new client: opaque."),
    click.option("--audience", help="The resource that its access tokens are for: an https address or a urn."),
    click.option(
        "--introspects",
        type=click.Choice(INTROSPECTS),
        help="Whose tokens it may ask about: its own (of a new client), or those of the --audience.",
    ),
    click.option("--pairwise-sector", "sector", help="Pairwise subjects, for this host name (OIDC Core §8.1)."),
    click.option("--consent", type=click.Choice(CONSENT), help="When people are asked; of a new client: never."),
    click.option(
        "--par-required/--par-optional",
        default=None,
        help="Whether it must push its authorization requests (RFC 9126); of a new client: optional.",
    ),
    click.option("--backchannel-logout-uri", help="Where logout tokens are posted."),
    click.option(
        "--with-pkce/--without-pkce",
        "require_pkce",
        default=None,
        help="Without: for a confidential client that cannot do PKCE.",
    ),
    click.option(
        "--for-entitled/--for-everybody",
        "needs_entitlement",
        default=None,
        help="For everybody: each active account may open it, without an entitlement.",
    ),
    click.option("--initiate-login-uri", help="Where a tile of the portal starts a login."),
    click.option("--logo-uri"),
    click.option("--policy-uri"),
    click.option("--tos-uri"),
    click.option("--description"),
)

# What a client can do without, by the name of its option.
CLEARED: Mapping[str, tuple[str, object]] = {
    "redirect-uri": ("redirect_uris", ()),
    "post-logout-redirect-uri": ("post_logout_redirect_uris", ()),
    "jwks": ("jwks", None),
    "jwks-uri": ("jwks_uri", None),
    "offline-days": ("offline_lifetime", None),
    "audience": ("audience", None),
    "backchannel-logout-uri": ("backchannel_logout_uri", None),
    "initiate-login-uri": ("initiate_login_uri", None),
    "logo-uri": ("logo_uri", None),
    "policy-uri": ("policy_uri", None),
    "tos-uri": ("tos_uri", None),
    "description": ("description", None),
}


def registration_options(command: Command) -> Command:
    """Give a command the options of a registration; `fields_of` reads them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def fields_of(options: Mapping[str, Any], cleared: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of `Client` that were given, or cleared. Raises InvalidOperation."""
    fields = {name: value for name, value in options.items() if value is not None and value != ()}
    if "jwks" in fields:
        fields["jwks"] = _read_jwks(fields["jwks"])
    if "sector" in fields:
        fields["subject_type"] = "pairwise"
    if "token_lifetime_s" in fields:
        fields["token_lifetime"] = timedelta(seconds=fields.pop("token_lifetime_s"))
    if "offline_days" in fields:
        fields["offline_lifetime"] = timedelta(days=fields.pop("offline_days"))
    for option in cleared:
        name, nothing = CLEARED[option]
        if name in fields:
            raise InvalidOperation(f"--{option} is given, and cleared")
        fields[name] = nothing
    return fields


def _read_jwks(file: Any) -> Any:
    try:
        found = json.load(file)
    except ValueError as error:
        raise InvalidOperation(f"{file.name}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidOperation(f"{file.name}: a JSON Web Key Set is an object (RFC 7517 §5)")
    return found
