"""`sesame keys …`"""

from datetime import UTC, datetime, timedelta

import click

from idp.cli.context import desk_of, plainly, settings_of
from idp.flows.operators import keyring
from keys import ring
from keys.file import FileSigner
from keys.signer import SigningKey

HOUR_S, DAY_S = 3600, 86_400


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("list")
@click.pass_context
@plainly
def show(context: click.Context) -> None:
    """List the signing keys, their state and their dates."""
    now = datetime.now(UTC)
    found = FileSigner(settings_of(context).keys_dir).keys()
    for key in found:
        click.echo(f"{key.kid}\t{key.alg}\t{ring.state(key, found, now).name}\t{_dates(key)}")


@keys.command()
@click.argument("alg", type=click.Choice(["RS256", "ES256"]))
@click.option(
    "--publish-ahead",
    type=click.IntRange(min=0),
    default=HOUR_S,
    show_default=True,
    help="Seconds between publication and first use: at least as long as clients keep /jwks.",
)
@click.option(
    "--keep-after",
    type=click.IntRange(min=0),
    default=DAY_S,
    show_default=True,
    help="Seconds that the key before stays published after its last use. Zero for both: it was compromised.",
)
@click.pass_context
@plainly
def rotate(context: click.Context, alg: str, publish_ahead: int, keep_after: int) -> None:
    """Make the next key of an algorithm. Restart `sesame serve` at once: it reads the keys when it starts."""
    directory = settings_of(context).keys_dir
    ahead, after = timedelta(seconds=publish_ahead), timedelta(seconds=keep_after)
    new = keyring.rotate(desk_of(context), directory, alg, publish_ahead=ahead, keep_after=after)
    click.echo(f"{new.kid}\t{alg}\t{_dates(new)}")
    ring_now = FileSigner(directory).keys()
    for key in ring_now:
        if key.alg == alg and key.kid != new.kid and key.retire_at:
            click.echo(f"{key.kid}\t{alg}\t{_dates(key)}")
    click.echo("Restart `sesame serve` now, so that the new key is published.")


def _dates(key: SigningKey) -> str:
    until = f"\tuntil {key.retire_at.isoformat()}" if key.retire_at else ""
    return f"from {key.not_before.isoformat()}{until}"
