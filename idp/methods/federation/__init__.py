"""Login methods that the settings describe: one for each OpenID provider of the section `upstreams`."""

from pathlib import Path

from idp.methods.federation.client import Client
from idp.methods.federation.method import Federation
from idp.methods.federation.upstream import Connection
from idp.outgoing import Outgoing
from idp.settings import Settings, SettingsError, read_private
from idp.settings.upstreams import Upstream

__all__ = ["Federation", "methods"]


def methods(settings: Settings, outgoing: Outgoing | None) -> list[Federation]:
    """outgoing: None for a command that signs nobody in, and reads no secret. Raises SettingsError, naming the key."""
    enabled = [name for name in settings.upstreams if outgoing and name in settings.methods]
    at_once = max(1, settings.threads // 2 // max(1, len(enabled)))  # half of the threads wait for none of them
    return [
        Federation(name, upstream, connect(name, upstream, outgoing, at_once) if outgoing and name in enabled else None)
        for name, upstream in settings.upstreams.items()
    ]


def connect(name: str, upstream: Upstream, outgoing: Outgoing, at_once: int = 1) -> Connection:
    """at_once: logins that may wait for it. Raises SettingsError, which names the key, for a file that cannot be
    used.
    """
    key, secret, identity = f"upstreams.{name}", None, None
    if upstream.client_secret_file and upstream.token_auth != "tls_client_auth":
        secret = _secret(f"{key}.client_secret_file", upstream.client_secret_file)
    if upstream.client_certificate_file and upstream.client_key_file:
        read_private(f"{key}.client_key_file", upstream.client_key_file)
        identity = (upstream.client_certificate_file, upstream.client_key_file)
    client = Client(upstream, _speaking(key, outgoing, identity, upstream.ca_file), secret)
    return Connection(upstream, client, at_once=at_once)


def _secret(key: str, file: Path) -> str:
    try:
        secret = read_private(key, file).decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{key}: not UTF-8: {file}") from None
    if not secret:
        raise SettingsError(f"{key}: empty: {file}")
    return secret


def _speaking(key: str, outgoing: Outgoing, identity: tuple[Path, Path] | None, ca_file: Path | None) -> Outgoing:
    if identity is None and ca_file is None:
        return outgoing
    try:
        return outgoing.with_identity(identity, ca_file)
    except OSError as error:  # ssl.SSLError is one
        names = "client_certificate_file, client_key_file or ca_file"
        raise SettingsError(f"{key}: {names} cannot be used: {error.strerror or error}") from error
