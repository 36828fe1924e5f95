"""`sesame operator`, and the console that `sesame init` makes."""

from pathlib import Path

import pytest

from idp.domain.authn import Assurance
from idp.store import Tx
from tests.fakes.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    made = CommandLine.in_folder(tmp_path)
    made.run("init")
    made.run("account", "create", "nadia", "--given-name", "Nadia", "--family-name", "Roche")
    return made


def test_init_registers_the_console_with_two_factors(tmp_path: Path) -> None:
    cli = CommandLine.in_folder(tmp_path)
    assert "console: console" in cli.run("init")
    assert "console" not in cli.run("init")  # a second time changes nothing

    def look(tx: Tx) -> None:
        client, policy = tx.clients.get("console"), tx.policies.of("console")[0]
        assert client
        assert (client.auth_method, client.needs_entitlement) == ("none", False)
        assert client.redirect_uris == ("http://localhost:8000/console/callback",)
        assert policy.min_assurance is Assurance.MEDIUM
        assert [entry.id for entry in policy.methods] == ["email_otp"]

    cli.read(look)
    assert len(cli.read(lambda tx: tx.policies.of("console"))) == 1


def test_init_opens_no_console_to_a_password_alone(tmp_path: Path) -> None:
    cli = CommandLine.in_folder(tmp_path, 'methods = ["password"]\n')
    assert "the console stays closed" in cli.run("init")
    assert cli.read(lambda tx: tx.clients.get("console")) is None


def test_a_role_is_given_listed_and_taken_away(cli: CommandLine) -> None:
    cli.run("operator", "grant", "nadia", "support", "--all-services")
    event = cli.last_event()
    assert (event["name"], event["detail"]) == ("operator.role_granted", {"role": "support", "scope": "*"})
    assert event["subject"]
    login, role, scope, _, by = cli.run("operator", "list").split("\t")
    assert (login, role, scope, by) == ("nadia", "support", "*", "operator:claire")
    assert "already" in cli.refused("operator", "grant", "nadia", "support", "--all-services")
    cli.run("operator", "revoke", "nadia", "support", "--all-services")
    assert cli.last_event()["name"] == "operator.role_revoked"
    assert cli.run("operator", "list") == ""
    assert "is not support" in cli.refused("operator", "revoke", "nadia", "support", "--all-services")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody", "support", "--all-services"), "no such account"),
        (("nadia", "approver", "--service", "unknown"), "no such client"),
        (("nadia", "approver"), "either --service"),
        (("nadia", "approver", "--service", "console", "--all-services"), "either --service"),
    ],
)
def test_a_grant_that_is_refused(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    assert said in cli.refused("operator", "grant", *arguments)
    assert cli.run("operator", "list") == ""


def test_an_account_that_is_not_active_gets_no_role(cli: CommandLine) -> None:
    cli.run("account", "set-status", "nadia", "suspended", "--reason", "left")
    assert "not active" in cli.refused("operator", "grant", "nadia", "support", "--all-services")


def test_closing_an_account_takes_its_roles_away(cli: CommandLine) -> None:
    cli.run("operator", "grant", "nadia", "support", "--all-services")
    cli.run("account", "set-status", "nadia", "closed", "--reason", "left")
    assert cli.run("operator", "list") == ""


def test_the_doctor_looks_at_the_console(cli: CommandLine) -> None:
    def said() -> str:
        return next(line for line in cli.invoke("doctor").output.splitlines() if " console: " in line)

    assert said().startswith("WARN")
    assert "nobody has a role" in said()
    cli.run("operator", "grant", "nadia", "support", "--all-services")
    assert said().startswith("OK")
    cli.run("policy", "set", "console", "email_otp", "password")
    assert said().startswith("FAIL")
    cli.run("client", "set", "console", "--redirect-uri", "https://other.example/console/callback")
    assert "redirect URI" in said()
