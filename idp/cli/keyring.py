"""`sesame keys …`"""

from datetime import UTC, datetime

import click

from idp.cli.context import plainly, settings_of
from keys import ring
from keys.file import FileSigner


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("list")
@click.pass_context
@plainly
def show(context: click.Context) -> None:
    """List the signing keys and their state."""
    now = datetime.now(UTC)
    found = FileSigner(settings_of(context).keys_dir).keys()
    for key in found:
        click.echo(f"{key.kid}\t{key.alg}\t{ring.state(key, found, now).name}\tfrom {key.not_before.isoformat()}")
