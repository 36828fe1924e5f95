"""`sesame account show`, `set-email`, `set-names`: what support looks up and puts right."""

import shutil
from pathlib import Path

import pytest

from idp.domain.account import Account
from tests.fakes.command_line import CommandLine

ANNE = ("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre", "--civility", "Mme")
OLD, NEW = "anne.pierre@chu.example", "anne@clinique.example"
WHY = ("--reason", "identity card seen")
ALONE = (*WHY, "--alone")


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path)
    made.run(*ANNE, "--email", OLD, "--rpps", "10003456789")
    return made


def account(cli: CommandLine, login: str = "anne.pierre") -> Account | None:
    found: Account | None = cli.read(lambda tx: tx.accounts.find_by_login(login))
    return found


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("set-email", "anne.pierre", "anne", *ALONE), "'anne' is not an e-mail address"),
        (("set-email", "nobody", NEW, *ALONE), "nobody: no such account"),
        (("set-email", "anne.pierre", "karim@chu.example", *ALONE), "the e-mail address is already in use"),
        (("set-names", "anne.pierre", "--given-name", " ", "--family-name", "X", *WHY), "a name has 1 to 200"),
        (("set-names", "anne.pierre", "--given-name", "A\nB", "--family-name", "X", *WHY), "a name has 1 to 200"),
        (("set-names", "anne.pierre", "--given-name", "A", "--family-name", "X" * 201, *WHY), "a name has 1 to 200"),
        (("show", "nobody"), "nobody: no such account"),
        (("drop-identity", "nobody", "rpps", *WHY), "nobody: no such account"),
        (("drop-identity", "anne.pierre", "adeli", *WHY), "anne.pierre has no adeli"),
        (("drop-identity", "anne.pierre", "email", *WHY), "email: not one of"),
    ],
)
def test_a_mistake_changes_nothing(cli: CommandLine, command: tuple[str, ...], said: str) -> None:
    cli.run("account", "create", "karim", "--given-name", "K", "--family-name", "B", "--email", "karim@chu.example")
    before = account(cli)
    result = cli.invoke("account", *command)
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert account(cli) == before


@pytest.mark.parametrize("command", [("set-email", "anne.pierre", NEW), ("set-names", "anne.pierre")])
def test_a_reason_is_needed(cli: CommandLine, command: tuple[str, ...]) -> None:
    assert cli.invoke("account", *command).exit_code == 2


def test_support_sets_an_address_and_finds_the_one_before(cli: CommandLine) -> None:
    cli.run("account", "set-email", OLD, NEW.upper(), *ALONE)
    found = account(cli, NEW)
    assert found
    assert (found.login_name, found.verified_email) == ("anne.pierre", NEW)
    assert account(cli, OLD) is None
    shown = cli.run("account", "show", "anne.pierre")
    assert f"email: {NEW} (verified)" in shown
    assert f"by operator:claire, before: {OLD}" in shown
    assert "rpps: 10003456789" in shown
    assert "name: Mme Anne Pierre" in shown
    assert "phone: -" in shown


def test_alone_is_said_so(cli: CommandLine) -> None:
    refused = cli.refused("account", "set-email", "anne.pierre", NEW, *WHY)
    assert "sesame account change propose LOGIN email ADDRESS" in refused
    assert account(cli, OLD)
    cli.run("account", "set-email", "anne.pierre", NEW, *ALONE)
    (changed,) = cli.events("--name", "account.email_changed")
    assert changed["detail"]["alone"] == "yes"
    (alert,) = cli.read(lambda tx: tx.alerts.latest(9))
    assert (alert.kind, alert.detail["kind"]) == ("identity_change.alone", "email")
    assert NEW not in str(alert)


def test_a_first_address(cli: CommandLine) -> None:
    cli.run("account", "create", "karim", "--given-name", "K", "--family-name", "B")
    cli.run("account", "set-email", "karim", NEW, *ALONE)
    assert "before: -" in cli.run("account", "show", "karim")


def test_support_corrects_names(cli: CommandLine) -> None:
    cli.run("account", "set-names", "anne.pierre", "--given-name", "Anne-Lise", "--family-name", "PIERRE", *WHY)
    found = account(cli)
    assert found
    assert found.full_name == "Anne-Lise PIERRE"
    listed = cli.run("audit", "list", "--limit", "1")
    assert "account.profile_changed" in listed
    assert "identity card seen" in listed
    assert "Lise" not in listed


def test_an_identity_that_is_anothers_goes_with_its_links(cli: CommandLine) -> None:
    cli.run("account", "drop-identity", "anne.pierre", "rpps", *WHY)
    found = account(cli)
    assert found
    assert "rpps" not in found.identities
    assert cli.read(lambda tx: tx.means.links(found.account_id)) == []
    assert cli.read(lambda tx: tx.audit.latest(1)[0].event.name) == "account.identity_dropped"
