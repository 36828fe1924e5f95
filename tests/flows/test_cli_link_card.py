"""`sesame account link-card`: what support may link, and what it may not."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import igc
from tests.fakes.command_line import CommandLine

WHY = ("--reason", "identity card seen")
ALONE = (*WHY, "--alone")
ANNE = ("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre")
KARIM = ("account", "create", "karim.benali", "--given-name", "Karim", "--family-name", "Benali")
OTHER = "10000000017"


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    igc.write(tmp_path)
    methods = 'methods = ["cps_card", "email_otp", "password"]\n'
    made = CommandLine.in_folder(tmp_path, f'{methods}[card]\nauthorities = "authorities.pem"\n')
    made.run(*ANNE, "--email", "anne.pierre@chu.example")
    made.run(*KARIM, "--rpps", OTHER)
    return made


def state(cli: CommandLine) -> Any:
    """What Anne holds, and the methods that are linked."""

    def look(tx: Any) -> Any:
        account = tx.accounts.find_by_login("anne.pierre")
        return dict(account.identities), [link.method for link in tx.means.links(account.account_id)]

    return cli.read(look)


@pytest.mark.parametrize(
    ("which", "held"),
    [
        (("--rpps", igc.ANNE), {"rpps": igc.ANNE}),
        (("--adeli", "2b7010446"), {"adeli": "2B7010446"}),
        (("--employee", igc.CPE), {"employee": igc.CPE}),
        (("--employee", igc.CPA), {"employee": igc.CPA}),
        (("--employee", "3330000019/abc42"), {"employee": "3330000019/abc42"}),
    ],
)
def test_it_links_a_card(cli: CommandLine, which: tuple[str, str], held: dict[str, str]) -> None:
    cli.run("account", "link-card", "anne.pierre", *which, *ALONE)
    identities, methods = state(cli)
    assert methods == ["cps_card"]
    assert held.items() <= identities.items()
    (event,) = cli.events("--name", "means.linked")
    assert (event["actor"], event["detail"]["reason"]) == ("operator:claire", "identity card seen")
    assert which[1] not in str(event)
    assert cli.read(lambda tx: tx.outbox.is_due(igc.START.replace(year=2100)))


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("nobody", "--rpps", igc.ANNE, *ALONE), "nobody: no such account"),
        (("anne.pierre", *ALONE), "give one of --rpps, --adeli, --employee"),
        (("anne.pierre", "--rpps", igc.ANNE, "--adeli", "2B7010446", *ALONE), "give one of"),
        (("anne.pierre", "--rpps", igc.ANNE[:-1] + str((int(igc.ANNE[-1]) + 1) % 10), *ALONE), "the key of the RPPS"),
        (("anne.pierre", "--rpps", f"8{igc.ANNE}", *ALONE), "not the form of type 8"),
        (("anne.pierre", "--rpps", "1234", *ALONE), "not the form of type 8"),
        (("anne.pierre", "--adeli", "12", *ALONE), "not the form of type 0"),
        (("anne.pierre", "--employee", f"8{igc.ANNE}", *ALONE), "not an identity of kind employee"),
        (("anne.pierre", "--employee", "730000", *ALONE), "a type of identifier that is not accepted"),
        (("anne.pierre", "--rpps", OTHER, *ALONE), "another account holds this rpps"),
        (("karim.benali", "--rpps", igc.ANNE, *ALONE), "holds another identity: rpps (drop-identity first"),
        (("karim.benali", "--adeli", "2B7010446", *ALONE), "karim.benali holds another identity: rpps"),
    ],
)
def test_a_mistake_changes_nothing(cli: CommandLine, command: tuple[str, ...], why: str) -> None:
    before = state(cli)
    assert why in cli.refused("account", "link-card", *command)
    assert state(cli) == before
    assert not cli.events("--name", "means.linked")


def test_who_has_no_address_is_told_by_whoever_runs_this(cli: CommandLine) -> None:
    cli.run("account", "create", "zoe", "--given-name", "Zoe", "--family-name", "Lefevre")
    result = cli.invoke("account", "link-card", "zoe", "--rpps", igc.ANNE, *ALONE)
    assert result.exit_code == 0
    assert "zoe has no verified address" in result.stderr
    assert "address" not in result.stdout


def test_a_card_with_another_number_than_before_is_linked_once_that_is_dropped(cli: CommandLine) -> None:
    cli.run("account", "link-card", "anne.pierre", "--adeli", "2B7010446", *ALONE)
    rpps = ("account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *ALONE)
    assert "drop-identity first" in cli.refused(*rpps)
    cli.run("account", "drop-identity", "anne.pierre", "adeli", *WHY)
    cli.run(*rpps)
    identities, methods = state(cli)
    assert (identities.get("rpps"), "adeli" in identities, methods) == (igc.ANNE, False, ["cps_card"])


def test_alone_is_said_so(cli: CommandLine) -> None:
    before = state(cli)
    refused = cli.refused("account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *WHY)
    assert "sesame account change propose LOGIN rpps|adeli|employee VALUE" in refused
    assert state(cli) == before
    cli.run("account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *ALONE)
    (linked,) = cli.events("--name", "means.linked")
    assert linked["detail"]["alone"] == "yes"
    assert [each["detail"]["kind"] for each in cli.events("--name", "alert.raised")] == ["identity_change.alone"]


def test_a_reason_is_needed(cli: CommandLine) -> None:
    assert cli.invoke("account", "link-card", "anne.pierre", "--rpps", igc.ANNE).exit_code == 2


def test_what_is_linked_is_not_linked_again(cli: CommandLine) -> None:
    cli.run("account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *ALONE)
    assert "linked to its card already" in cli.refused(
        "account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *ALONE
    )


def test_an_account_that_is_not_active_gets_none(cli: CommandLine) -> None:
    cli.run("account", "set-status", "anne.pierre", "suspended", "--reason", "test")
    assert "is not active" in cli.refused("account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *ALONE)


def test_nor_is_anything_linked_to_a_method_that_is_off(cli: CommandLine) -> None:
    off = CommandLine.in_folder(cli.folder)
    assert "cps_card is not enabled" in off.refused("account", "link-card", "anne.pierre", "--rpps", igc.ANNE, *ALONE)
