"""`sesame account change`: two operators at a terminal."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from tests.fakes import command_line, igc
from tests.fakes.command_line import CommandLine

ANNE = ("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre")
OLD, NEW = "anne.pierre@chu.example", "anne@clinique.example"
WHY = ("--reason", "identity card seen")
CHANGE = ("account", "change")
ID = "01980000-0000-7000-8000-000000000000"


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    igc.write(tmp_path)
    methods = 'methods = ["cps_card", "email_otp", "password"]\n'
    made = CommandLine.in_folder(tmp_path, f'{methods}[card]\nauthorities = "authorities.pem"\n')
    made.run(*ANNE, "--email", OLD)
    return made


def proposed(cli: CommandLine, *what: str) -> str:
    """The id of a change."""
    result = cli.invoke(*CHANGE, "propose", "anne.pierre", *(what or ("email", NEW)), *WHY)
    assert result.exit_code == 0, result.output
    assert "another operator" in result.stderr
    return result.stdout.strip()


def by(name: str, cli: CommandLine, monkeypatch: pytest.MonkeyPatch, *args: str) -> Result:
    monkeypatch.setattr(command_line, "OPERATOR", name)
    return replace(cli).invoke(*CHANGE, *args)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("propose", "nobody", "email", NEW, *WHY), "nobody: no such account"),
        (("propose", "anne.pierre", "email", "anne", *WHY), "'anne' is not an e-mail address"),
        (("propose", "anne.pierre", "email", OLD, *WHY), "anne.pierre has this address already"),
        (("propose", "anne.pierre", "rpps", "12", *WHY), "not the form of type 8"),
        (("propose", "anne.pierre", "rpps", igc.ANNE, "--method", "password", *WHY), "password is not enabled"),
        (("propose", "anne.pierre", "email", NEW, "--reason", " "), "a reason has 1 to 500"),
        (("approve", ID), f"{ID}: no such change"),
        (("refuse", ID, *WHY), f"{ID}: no such change"),
    ],
)
def test_a_mistake_changes_nothing(cli: CommandLine, command: tuple[str, ...], said: str) -> None:
    assert said in cli.refused(*CHANGE, *command)
    assert cli.run(*CHANGE, "list") == ""


def test_a_kind_that_is_none_is_not_asked_for(cli: CommandLine) -> None:
    assert cli.invoke(*CHANGE, "propose", "anne.pierre", "password", "x", *WHY).exit_code == 2
    assert cli.invoke(*CHANGE, "propose", "anne.pierre", "email", NEW).exit_code == 2


def test_two_operators_are_needed(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    change = proposed(cli)
    assert "you proposed it: another operator approves" in cli.refused(*CHANGE, "approve", change)
    (row,) = [line.split("\t") for line in cli.run(*CHANGE, "list").splitlines()]
    assert row[:6] == [change, "proposed", "anne.pierre", "email", NEW, "claire"]
    result = by("nadia", cli, monkeypatch, "approve", change)
    assert (result.exit_code, "the holder is asked by letter" in result.stderr) == (0, True)
    assert "approved" in cli.run(*CHANGE, "list")
    assert "somebody else decided" in by("eva", cli, monkeypatch, "approve", change).stderr
    assert cli.read(lambda tx: tx.accounts.find_by_login(OLD))


def test_a_change_is_refused(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    change = proposed(cli, "rpps", igc.ANNE)
    assert by("nadia", cli, monkeypatch, "refuse", change, *WHY).exit_code == 0
    assert cli.run(*CHANGE, "list") == ""
    assert cli.events("--name", "identity_change.refused")[0]["actor"] == "operator:nadia"
    assert igc.ANNE not in str(cli.events("--name", "identity_change.proposed")[0]["detail"])


def test_who_has_no_address_is_told_by_the_operator(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.run("account", "create", "zoe", "--given-name", "Zoe", "--family-name", "Lefevre")
    change = cli.invoke(*CHANGE, "propose", "zoe", "email", "zoe@x.example", *WHY).stdout.strip()
    assert "no letter can ask the holder" in by("nadia", cli, monkeypatch, "approve", change).stderr


def test_one_is_enough_where_the_settings_say_so(cli: CommandLine) -> None:
    alone = CommandLine.in_folder(cli.folder, "two_operators = false\n")
    result = alone.invoke(*CHANGE, "propose", "anne.pierre", "email", NEW, *WHY)
    assert (result.exit_code, "the holder is asked by letter" in result.stderr) == (0, True)
    assert cli.read(lambda tx: tx.accounts.find_by_login(OLD))
