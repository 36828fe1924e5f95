"""`sesame card …`"""

import os
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from idp.cli import card_nginx
from idp.cli.card_nginx import AUTHORITIES, CARD_HOST, OTHER_HOSTS, SECRET_FILE, Nginx
from idp.cli.context import plainly, settings_of
from idp.pki import CardTrust
from idp.settings import Settings

FILE = click.Path(path_type=Path)


@click.group()
def card() -> None:
    """Cards of health professionals."""


@card.command()
@click.option(
    "--folder", type=FILE, default="/etc/nginx/sesame", show_default=True, help="Where nginx finds the files."
)
@click.option("--write", is_flag=True, help="Write the files there, with the secret, in place of printing.")
@click.option("--certificate", type=FILE, help="Of the card host, with its chain.  [default: in the folder]")
@click.option("--key", type=FILE, help="Its private key.  [default: in the folder]")
@click.option("--listen", multiple=True, help="Address and port.  [default: the port of card.dialog_url, everywhere]")
@click.option("--upstream", help="Where nginx finds the provider.  [default: host and port of the settings]")
@click.option("--logs", type=FILE, default="/var/log/nginx", show_default=True, help="Folder of the logs.")
@click.pass_context
@plainly
def nginx(
    context: click.Context,
    folder: Path,
    *,
    write: bool,
    certificate: Path | None,
    key: Path | None,
    listen: tuple[str, ...],
    upstream: str | None,
    logs: Path,
) -> None:
    """Print the configuration of nginx for the card host."""
    settings = settings_of(context)
    made = Nginx(
        folder=folder,
        certificate=certificate or folder / "card-host.pem",
        key=key or folder / "card-host.key",
        logs=logs,
        listen=listen,
        upstream=upstream or "",
    )
    block, others = made.card_host(settings), card_nginx.other_hosts(settings)
    if not write:
        click.echo(f"{block}\n{others}", nl=False)
        return
    secret = card_nginx.secret_line(settings)
    files = {AUTHORITIES: _authorities(settings), SECRET_FILE: secret, OTHER_HOSTS: others, CARD_HOST: block}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _replace(folder / name, text, mode=0o600 if name == SECRET_FILE else 0o644)
        click.echo(folder / name)


def _authorities(settings: Settings) -> str:
    """PEM of those that issue cards to persons: browsers offer certificates of theirs. Raises SettingsError."""
    found = CardTrust.load(settings.card).authorities
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in found)


def _replace(path: Path, text: str, *, mode: int) -> None:
    """All of it, or what was there before. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.chmod(mode)  # whatever the umask
    fresh.replace(path)
