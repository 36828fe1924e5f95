"""`sesame client set`: what is given changes, the rest stays, and no client is left unsound."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.domain.client import Client
from idp.domain.ids import digest
from tests.fakes.command_line import CommandLine

SET = ("client", "set", "ror")
URI = "https://ror.example/cb"
KEYS = {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    return CommandLine.in_folder(tmp_path)


def add(cli: CommandLine, *options: str) -> str:
    """What is printed: the secret."""
    return cli.run("client", "add", "ror", "--name", "ROR", "--redirect-uri", URI, *options)


def ror(cli: CommandLine) -> Client:
    found: Client = cli.read(lambda tx: tx.clients.get("ror"))
    return found


def version(cli: CommandLine) -> int:
    found: int = cli.read(lambda tx: tx.meta.config_version)
    return found


def changed(cli: CommandLine) -> str:
    """The fields that the newest event names."""
    event = cli.last_event()
    assert (event["name"], event["client_id"]) == ("client.changed", "ror")
    assert all(name.endswith(("_before", "_after")) for name in event["detail"] if name != "changed")
    named: str = event["detail"]["changed"]
    return named


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing to change was given"),
        (("--redirect-uri", "http://ror.example/"), "http://ror.example/: https is needed, except on loopback"),
        (("--clear", "redirect-uri"), "redirect_uris: at least one is needed to sign people in, and none otherwise"),
        (("--scope", "profile"), "scopes: openid is needed to sign people in"),
        (("--offline-days", "30"), "offline_lifetime is for the scope offline_access"),
        (("--auth-method", "private_key_jwt"), "private_key_jwt needs either jwks or jwks_uri"),
        (("--auth-method", "none", "--without-pkce"), "a public client has no secret and always uses PKCE"),
        (("--jwks-uri", "https://ror.example/jwks"), "jwks and jwks_uri are for private_key_jwt"),
        (("--description", "Répertoire", "--clear", "description"), "--description is given, and cleared"),
        (
            ("--pairwise-sector", "ror.example"),
            "pairwise-sector: it cannot change, the service would recognise nobody any more",
        ),
    ],
)
def test_what_is_not_sound_changes_nothing(cli: CommandLine, options: tuple[str, ...], said: str) -> None:
    add(cli)
    before, seen = ror(cli), version(cli)
    assert cli.refused(*SET, *options) == said
    assert (ror(cli), version(cli), cli.last_event()["name"]) == (before, seen, "client.created")


def test_an_unknown_client(cli: CommandLine) -> None:
    assert cli.refused("client", "set", "nobody", "--name", "Nobody") == "nobody: no such client"


@pytest.mark.parametrize("options", [("--clear", "scope"), ("--clear", "name"), ("--token-lifetime", "901")])
def test_what_no_client_can_be(cli: CommandLine, options: tuple[str, ...]) -> None:
    add(cli)
    assert cli.invoke(*SET, *options).exit_code == 2


def test_only_what_is_given_changes(cli: CommandLine) -> None:
    add(cli, "--without-pkce", "--for-everybody", "--scope", "openid", "--consent", "first", "--par-required")
    before, seen = ror(cli), version(cli)
    assert cli.run(*SET, "--redirect-uri", "https://new.example/cb", "--redirect-uri", URI) == ""
    after = ror(cli)
    assert after.redirect_uris == ("https://new.example/cb", URI)
    others = [name for name in Client.__slots__ if name != "redirect_uris"]
    assert [getattr(after, name) for name in others] == [getattr(before, name) for name in others]
    assert changed(cli) == "redirect_uris"
    assert version(cli) > seen


def test_each_option_changes_what_it_names(cli: CommandLine) -> None:
    add(cli)
    given: dict[str, tuple[str, Any]] = {
        "--name": ("name", "Répertoire"),
        "--id-token-alg": ("id_token_alg", "ES256"),
        "--access-token-format": ("access_token_format", "jwt"),
        "--audience": ("audience", "urn:ror:api"),
        "--introspects": ("introspects", "audience"),
        "--consent": ("consent", "always"),
        "--backchannel-logout-uri": ("backchannel_logout_uri", "https://ror.example/backchannel"),
        "--initiate-login-uri": ("initiate_login_uri", "https://ror.example/login"),
        "--logo-uri": ("logo_uri", "https://ror.example/logo"),
        "--policy-uri": ("policy_uri", "https://ror.example/policy"),
        "--tos-uri": ("tos_uri", "https://ror.example/tos"),
        "--description": ("description", "Les structures de la région"),
    }
    cli.run(*SET, *(word for option, (_, value) in given.items() for word in (option, value)))
    assert changed(cli).split() == sorted(name for name, _ in given.values())
    assert {name: getattr(ror(cli), name) for name, _ in given.values()} == dict(given.values())
    cli.run(*SET, "--token-lifetime", "60", "--post-logout-redirect-uri", URI)
    assert (ror(cli).token_lifetime, ror(cli).post_logout_redirect_uris) == (timedelta(minutes=1), (URI,))
    offline = ("--scope", "openid", "--scope", "offline_access", "--offline-days", "7")
    cli.run(*SET, *offline, "--grant-type", "authorization_code", "--grant-type", "refresh_token")
    assert changed(cli) == "grant_types offline_lifetime scopes"
    assert ror(cli).offline_lifetime == timedelta(days=7)


def test_flags_go_both_ways(cli: CommandLine) -> None:
    add(cli)
    for flags, said in (
        (("--without-pkce", "--for-everybody", "--par-required"), (False, False, True)),
        (("--with-pkce", "--for-entitled", "--par-optional"), (True, True, False)),
    ):
        cli.run(*SET, *flags)
        found = ror(cli)
        assert (found.require_pkce, found.needs_entitlement, found.par_required) == said


def test_a_value_is_cleared(cli: CommandLine) -> None:
    add(cli, "--backchannel-logout-uri", "https://ror.example/out", "--post-logout-redirect-uri", URI)
    cli.run(*SET, "--clear", "backchannel-logout-uri", "--clear", "post-logout-redirect-uri")
    assert (ror(cli).backchannel_logout_uri, ror(cli).post_logout_redirect_uris) == (None, ())
    assert changed(cli) == "backchannel_logout_uri post_logout_redirect_uris"


def test_a_change_to_what_is_already_so_is_none(cli: CommandLine) -> None:
    add(cli, "--pairwise-sector", "ror.example")
    seen = version(cli)
    assert cli.run(*SET, "--name", "ROR", "--pairwise-sector", "ror.example") == ""
    assert (version(cli), cli.last_event()["name"]) == (seen, "client.created")


def test_a_secret_goes_and_comes_with_the_method(cli: CommandLine) -> None:
    first = add(cli)
    assert cli.run(*SET, "--auth-method", "client_secret_post") == ""
    assert ror(cli).secret_digest == digest(first)
    assert cli.run(*SET, "--auth-method", "private_key_jwt", "--jwks", str(cli.folder / "keys.json")) == ""
    assert (ror(cli).secret_digest, ror(cli).jwks) == (None, KEYS)
    assert changed(cli) == "auth_method jwks secret_digest"
    assert "jwks and jwks_uri are for private_key_jwt" in cli.refused(*SET, "--auth-method", "client_secret_basic")
    second = cli.run(*SET, "--auth-method", "client_secret_basic", "--clear", "jwks")
    assert second != first
    assert ror(cli).secret_digest == digest(second)
    assert second not in str(cli.events())
    cli.run(*SET, "--auth-method", "none")
    assert (ror(cli).is_public, ror(cli).secret_digest) == (True, None)


def test_keys_are_replaced(cli: CommandLine) -> None:
    add(cli, "--auth-method", "private_key_jwt", "--jwks-uri", "https://ror.example/jwks")
    assert "either jwks or jwks_uri" in cli.refused(*SET, "--jwks", str(cli.folder / "keys.json"))
    (cli.folder / "broken.json").write_text("[]")
    assert "a JSON Web Key Set is an object" in cli.refused(*SET, "--jwks", str(cli.folder / "broken.json"))
    cli.run(*SET, "--jwks", str(cli.folder / "keys.json"), "--clear", "jwks-uri")
    assert (ror(cli).jwks, ror(cli).jwks_uri) == (KEYS, None)
