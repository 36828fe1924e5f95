"""`sesame keys …`"""

from datetime import UTC, datetime, timedelta

import click

from idp import signing
from idp.cli.context import desk_of, plainly, settings_of
from idp.flows.operators import keyring
from keys import ring
from keys.algorithms import ALGORITHMS
from keys.signer import SigningKey


@click.group()
def keys() -> None:
    """Signing keys, and the keys that seal stored data."""


@keys.command("list")
@click.pass_context
@plainly
def show(context: click.Context) -> None:
    """List the signing keys, their state and their dates."""
    _show(signing.place(settings_of(context)).open().keys())


@keys.command()
@click.argument("alg", type=click.Choice(sorted(ALGORITHMS)))
@click.option("--now", "at_once", is_flag=True, help="Use the next key at once: clients that keep /jwks will fail.")
@click.option("--compromised", metavar="KID", help="Stop using and publishing this key at once; others may have it.")
@click.pass_context
@plainly
def rotate(context: click.Context, alg: str, at_once: bool, compromised: str | None) -> None:
    """Publish the next key of an algorithm, and use it `keys_publish_before_h` hours later."""
    settings, desk = settings_of(context), desk_of(context)
    before = timedelta(hours=settings.keys_publish_before_h)
    if compromised:
        keyring.withdraw(desk, signing.place(settings), alg, compromised, publish_before=before)
    else:
        publish_before = timedelta(0) if at_once else before
        keyring.rotate(desk, signing.place(settings), alg, publish_before=publish_before)
    _show(signing.place(settings).open().keys(), alg)


@keys.command("rotate-data")
@click.pass_context
@plainly
def rotate_data(context: click.Context) -> None:
    """Add a key to the secret file: what is stored is sealed under it from now on, older keys still open."""
    kid = keyring.rotate_data(desk_of(context), settings_of(context).secret_file)
    click.echo(f"data key {kid}; back up the secret file again")


def _show(found: tuple[SigningKey, ...], alg: str | None = None) -> None:
    """One line for each key: kid, algorithm, state, first use, and end of publication once it is known."""
    now = datetime.now(UTC)
    for key in found:
        if alg in {None, key.alg}:
            until = f"\tuntil {key.retire_at.isoformat()}" if key.retire_at else ""
            state = ring.state(key, found, now).name
            click.echo(f"{key.kid}\t{key.alg}\t{state}\tfrom {key.not_before.isoformat()}{until}")
