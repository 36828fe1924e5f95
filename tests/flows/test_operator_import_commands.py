"""`sesame account import …`, `sesame account export`, `sesame entitlement export`."""

import csv
import shutil
import stat
from pathlib import Path

import pytest

from tests.fakes.command_line import CommandLine

HEADER = "login,email,given_name,family_name,civility,rpps,services"


@pytest.fixture
def cli(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setattr("idp.cli.imports.BREATH_S", 0)
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path)
    made.run("client", "add", "ror", "--name", "=ROR()", "--redirect-uri", "https://ror.example/cb")
    return made


def csv_file(cli: CommandLine, *rows: str) -> str:
    file = cli.folder / "people.csv"
    file.write_text("\n".join((HEADER, *rows)), encoding="utf-8")
    return str(file)


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_a_dry_run_reports_each_line_and_writes_nothing(cli: CommandLine) -> None:
    file = csv_file(cli, "anne,a@chu.example,Anne,Pierre,,,", "karim,a@chu.example,K,B,,,", "lea,,Léa,M,,,")
    result = cli.invoke("account", "import", "--dry-run", file)
    assert result.exit_code == 1
    in_use = "karim: the login name or an identifier is already in use"
    assert result.stdout.splitlines() == [
        f"line 3: {in_use}: e-mail address a@chu.example, by line 2",
        "2 lines are sound, 1 are not",
    ]
    report = cli.folder / "report.csv"
    assert cli.invoke("account", "import", "--dry-run", "--report", str(report), file).exit_code == 1
    assert [row["line"] for row in cells(report.read_text())] == ["3"]
    assert "nothing was imported" in cli.refused("account", "import", file)
    assert cli.run("account", "imports") == ""
    assert [event["name"] for event in cli.events()] == ["client.created"]


def test_a_dry_run_of_a_sound_file(cli: CommandLine) -> None:
    file = csv_file(cli, "anne,,Anne,Pierre,,,ror")
    assert cli.run("account", "import", "--dry-run", file) == "1 lines are sound, 0 are not"
    assert cli.read(lambda tx: tx.accounts.find_by_login("anne")) is None


def test_an_import_is_listed_and_taken_back(cli: CommandLine) -> None:
    file = csv_file(cli, "anne,,Anne,Pierre,,,ror", "karim,,Karim,B,,,")
    assert cli.run("account", "import", file) == "2 accounts"
    again = cli.invoke("account", "import", file)
    assert (again.exit_code, again.stdout) == (0, "0 accounts\n")
    run_id, _, by, status, said, name = cli.run("account", "imports").split("\t")
    assert f"is imported already: run {run_id}" in again.stderr
    assert (by, status, name) == ("operator:claire", "done", "people.csv")
    assert said == "2 accounts, 0 to make, 0 left out"
    assert cli.run("account", "resume-import", run_id) == "0 accounts"
    cli.run("account", "set-names", "karim", "--given-name", "K", "--family-name", "B", "--reason", "carte vue")
    told = cli.run("account", "undo-import", run_id).splitlines()
    assert told == ["line 3: karim stays: was changed since", "1 accounts deleted, 1 kept"]
    assert cli.run("account", "imports", run_id) == "line 3\tdone\tkarim\twas changed since"
    assert "was undone" in cli.refused("account", "resume-import", run_id)
    for command in ("resume-import", "undo-import"):
        assert "no such run" in cli.refused("account", command, "nothing")


def test_accounts_are_exported_and_nothing_is_a_formula(cli: CommandLine) -> None:
    names = ("--given-name", "=1+1", "--family-name", "@SUM(A1)", "--rpps", "10003456789")
    cli.run("account", "create", "anne", *names, "--email", "+a@chu.example", "--service", "ror")
    (row,) = cells(cli.run("account", "export"))
    assert (row["given_name"], row["family_name"], row["email"]) == ("'=1+1", "'@SUM(A1)", "'+a@chu.example")
    assert (row["login"], row["rpps"], row["status"], row["signed_in_at"]) == ("anne", "10003456789", "active", "")
    assert cli.last_event()["detail"] == {"what": "accounts"}
    (row,) = cells(cli.run("entitlement", "export"))
    assert (row["login"], row["client_id"], row["service"], row["granted_by"]) == (
        "anne",
        "ror",
        "'=ROR()",
        "operator:claire",
    )
    assert (row["expires_at"], row["roles"]) == ("", "")
    assert cli.last_event()["detail"] == {"what": "entitlements"}
    assert len(cells(cli.run("entitlement", "export", "--client", "ror"))) == 1
    assert "nowhere: no such client" in cli.refused("entitlement", "export", "--client", "nowhere")


def test_an_export_into_a_file_is_its_owners_alone_and_replaces_none(cli: CommandLine) -> None:
    file = cli.folder / "accounts.csv"
    assert cli.run("account", "export", "--output", str(file)) == ""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith('"account_id","login"')
    assert "accounts.csv" in cli.refused("account", "export", "--output", str(file))
