"""`sesame`: setting up, services and policies. Each change leaves its event; each mistake is one line and status 1."""

import re
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.domain.ids import digest
from idp.domain.policy import in_force as policy_in_force
from idp.store import Tx
from tests.fakes.command_line import OPERATOR, CommandLine

IN_A_YEAR = (datetime.now(UTC) + timedelta(days=365)).replace(microsecond=0)
ROR = ("client", "add", "ror", "--name", "ROR", "--redirect-uri", "https://ror.example/cb")


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return CommandLine.in_folder(tmp_path)


# -- setting up --------------------------------------------------------------------


def test_init_makes_what_is_missing_for_its_owner_alone(tmp_path: Path) -> None:
    cli = CommandLine.in_folder(tmp_path)
    assert "database: ready" in cli.run("init")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys.d").iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "keys.d").stat().st_mode) == 0o700
    for name in ("secret", "sesame.db"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    before = [(tmp_path / "secret").read_text(), cli.run("keys", "list")]
    assert len(before[0]) >= 32
    assert cli.run("init") == "database: ready"  # a second time changes nothing
    assert [(tmp_path / "secret").read_text(), cli.run("keys", "list")] == before


def test_keys_list(cli: CommandLine) -> None:
    rows = [line.split("\t") for line in cli.run("keys", "list").splitlines()]
    assert {alg for _, alg, _, _ in rows} == {"RS256", "PS256", "ES256"}
    assert all(len(kid) == 43 and since.startswith("from 20") for kid, _, _, since in rows)


def test_keys_list_without_keys(tmp_path: Path) -> None:
    assert "keys.d" in CommandLine.in_folder(tmp_path).refused("keys", "list")


def test_migrate(tmp_path: Path) -> None:
    cli = CommandLine.in_folder(tmp_path)
    assert "no such table" in cli.refused("client", "list")
    assert cli.run("migrate") == ""
    assert cli.run("client", "list") == ""


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    cli = CommandLine.in_folder(tmp_path)
    (tmp_path / "sesame.db").mkdir()
    assert "unable to open database file" in cli.refused("migrate")


def test_settings_check_and_table(cli: CommandLine, tmp_path: Path) -> None:
    assert cli.run("settings", "check") == "sound: http://localhost:8000"
    assert "| `issuer` | **required** |" in cli.run("settings", "table")
    wrong = CommandLine.in_folder(tmp_path, "colour = 1\n")
    assert wrong.refused("settings", "check") == "colour: unknown setting"
    unknown = CommandLine.in_folder(tmp_path, 'methods = ["smoke"]\n')
    assert "smoke" in unknown.refused("client", "list")


def test_serve_refuses_a_demo_database(cli: CommandLine) -> None:
    cli.write(lambda tx: tx.meta.mark_as_demo())
    assert "a demo database (its passwords are published) is not served" in cli.refused("serve")


def test_serve_refuses_what_would_stop_each_worker(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "secret").chmod(0o644)
    assert "accessible to others" in cli.refused("serve")
    (tmp_path / "secret").unlink()
    assert "sesame init" in cli.refused("serve")


# -- services ----------------------------------------------------------------------


def test_a_client_is_added_with_a_secret_that_is_shown_once(cli: CommandLine) -> None:
    secret = cli.run(*ROR)
    assert re.fullmatch(r"[\w-]{43}", secret)
    found = cli.read(lambda tx: tx.clients.get("ror"))
    assert found.secret_digest == digest(secret)
    assert (found.scopes, found.require_pkce, found.needs_entitlement) == (("openid", "profile", "email"), True, True)
    event = cli.last_event()
    assert (event["name"], event["client_id"]) == ("client.created", "ror")
    assert secret not in str(event)
    assert cli.run("client", "list") == "ror\tenabled\tROR"


def test_a_client_with_options(cli: CommandLine) -> None:
    options = ("--without-pkce", "--for-everybody", "--scope", "openid", "--id-token-alg", "ES256")
    cli.run(*ROR, *options, "--token-lifetime", "900")
    found = cli.read(lambda tx: tx.clients.get("ror"))
    assert (found.require_pkce, found.needs_entitlement, found.scopes) == (False, False, ("openid",))
    assert found.id_token_alg == "ES256"
    assert found.token_lifetime == timedelta(minutes=15)


@pytest.mark.parametrize("seconds", ["29", "901", "5m"])
def test_a_token_lifetime_that_is_refused(cli: CommandLine, seconds: str) -> None:
    assert cli.invoke(*ROR, "--token-lifetime", seconds).exit_code == 2
    assert cli.run("client", "list") == ""


def test_a_public_client_has_no_secret(cli: CommandLine) -> None:
    assert cli.run(*ROR, "--auth-method", "none").startswith("no secret: the client is public")
    assert "no such client with a secret" in cli.refused("client", "renew-secret", "ror")


def test_a_client_that_is_not_sound_is_refused(cli: CommandLine) -> None:
    said = cli.refused(*ROR, "--redirect-uri", "http://ror.example/", "--scope", "profile")
    assert "http://ror.example/: https is needed" in said
    assert "scopes: openid" in said
    cli.run(*ROR)
    assert "exists already" in cli.refused(*ROR)
    assert len(cli.events()) == 1


def test_a_client_is_disabled_and_enabled(cli: CommandLine) -> None:
    cli.run(*ROR)
    cli.run("client", "disable", "ror")
    assert cli.last_event()["name"] == "client.disabled"
    assert cli.run("client", "list") == "ror\tdisabled\tROR"
    cli.run("client", "enable", "ror")
    assert cli.last_event()["name"] == "client.enabled"
    assert cli.run("client", "list") == "ror\tenabled\tROR"


def test_a_secret_is_renewed(cli: CommandLine) -> None:
    before = cli.run(*ROR)
    secret = cli.run("client", "renew-secret", "ror")
    assert secret != before
    assert cli.read(lambda tx: tx.clients.get("ror")).secret_digest == digest(secret)
    assert cli.last_event()["name"] == "client.secret_changed"


@pytest.mark.parametrize("command", ["disable", "enable", "renew-secret"])
def test_an_unknown_client(cli: CommandLine, command: str) -> None:
    assert cli.refused("client", command, "nobody").startswith("nobody: no such")
    assert cli.events() == []


# -- policies ----------------------------------------------------------------------


def in_force(tx: Tx) -> list[str]:
    found = policy_in_force(tx.policies.of("ror"), datetime.now(UTC))
    return [f"{entry.id}/{entry.after}" for entry in found.methods] if found else []


def test_a_policy_holds_from_now_on(cli: CommandLine) -> None:
    cli.run(*ROR)
    assert cli.read(in_force) == []
    cli.run("policy", "set", "ror", "email_otp", "password", "--reason", "décision 12", "--max-age", "3600")
    assert cli.read(in_force) == ["email_otp/password", "password/None"]
    event = cli.last_event()
    assert (event["name"], event["client_id"]) == ("policy.created", "ror")
    assert event["detail"]["methods"] == "email_otp password"
    assert event["detail"]["reason"] == "décision 12"
    recorded = cli.read(lambda tx: tx.policies.of("ror"))[0]
    assert (recorded.created_by, recorded.max_age) == (OPERATOR, timedelta(hours=1))


def test_a_policy_of_a_date_to_come_waits(cli: CommandLine) -> None:
    cli.run(*ROR)
    cli.run("policy", "set", "ror", "password")
    said = cli.run("policy", "set", "ror", "email_otp", "--from", IN_A_YEAR.isoformat(), "--min-assurance", "MEDIUM")
    assert said.endswith(f"from {IN_A_YEAR.isoformat()}")
    assert cli.read(in_force) == ["password/None"]
    assert len(cli.read(lambda tx: [policy_in_force(tx.policies.of("ror"), IN_A_YEAR)])[0].methods) == 1


def test_policies_are_listed_as_they_are_set(cli: CommandLine) -> None:
    cli.run(*ROR)
    entries = ("email_otp:alone,lifetime_minutes=5", "password")
    later = cli.run("policy", "set", "ror", *entries, "--from", IN_A_YEAR.isoformat())
    cli.run("policy", "set", "ror", "email_otp")
    cli.run("policy", "cancel", later.split("\t")[0])
    rows = cli.run("policy", "list", "ror").splitlines()
    assert [(row[0], row.split("\t")[-1]) for row in rows] == [
        ("*", "email_otp:after=password"),
        ("x", "email_otp:alone,lifetime_minutes=5 password"),
    ]


def test_a_policy_to_come_is_cancelled(cli: CommandLine) -> None:
    cli.run(*ROR)
    current = cli.run("policy", "set", "ror", "password").split("\t")[0]
    later = cli.run("policy", "set", "ror", "email_otp", "--from", IN_A_YEAR.isoformat()).split("\t")[0]
    cli.run("policy", "cancel", later)
    event = cli.last_event()
    assert (event["name"], event["client_id"], event["detail"]) == ("policy.cancelled", "ror", {"policy": later})
    for policy_id in (current, later, "nothing"):
        assert "still to come" in cli.refused("policy", "cancel", policy_id)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ror", "password", "--from", "2020-01-01T00:00:00+00:00"), "cannot begin in the past"),
        (("ror", "smoke"), "unknown method: smoke"),
        (("ror", "password", "password"), "stands once"),
        (("ror", "email_otp:after=smoke"), "smoke cannot be a first factor"),
        (("ror", "email_otp:soon"), "after the colon stands"),
        (("ror", "email_otp:digits=8"), "email_otp: unknown option: digits"),
        (("ror", "email_otp:lifetime_minutes=60"), "lifetime_minutes is 1 to 10, not 60"),
        (("ror", "email_otp:lifetime_minutes=long"), "lifetime_minutes is 1 to 10, not long"),
        (("ror", "password", "--min-assurance", "MEDIUM"), "nobody could sign in"),
        (("ror", "email_otp", "--min-assurance", "HIGH"), "nobody could sign in"),
        (("nobody", "password"), "nobody: no such client"),
    ],
)
def test_a_policy_that_is_refused(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    cli.run(*ROR)
    assert said in cli.refused("policy", "set", *arguments)
    assert [event["name"] for event in cli.events()] == ["client.created"]
    assert cli.run("policy", "list", "ror") == ""


def test_an_instant_needs_its_zone(cli: CommandLine) -> None:
    cli.run(*ROR)
    result = cli.invoke("policy", "set", "ror", "password", "--from", "2030-01-01T00:00:00")
    assert result.exit_code == 2
    assert "does not match" in result.stderr
