"""`sesame rpps …`: an extract of the register, and whose number nobody has verified for long."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from idp.domain.authn import IdentityRef
from idp.domain.ids import new_id
from idp.store.rpps_extract import Registered
from tests.fakes.command_line import CommandLine

pytestmark = pytest.mark.embedded  # asks nothing of a server
ANNE, PAUL = "10000000017", "10000000025"
ANS = "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code\n"


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return CommandLine.in_folder(tmp_path)


def extract(cli: CommandLine, text: str | bytes) -> str:
    file = cli.folder / f"{new_id()}.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def known(cli: CommandLine, rpps: str) -> Registered | None:
    with cli.database.read() as tx:
        return tx.rpps_extract.get(rpps)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns"),
        ("rpps,family_name\n10000000017,PIERRE\n", "columns"),
        ("rpps,rpps,family_name,given_name\n", "columns"),
        ("rpps,family_name,given_name\n", "no line"),
        ("rpps,family_name,given_name\n10000000018,PIERRE,ANNE\n", "no line"),
        (b"rpps,family_name,given_name\n10000000017,Andr\xe9,X\n", "UTF-8"),
        ('rpps,family_name,given_name\n"' + "x" * 200_000, "CSV"),
    ],
)
def test_what_is_no_extract_changes_nothing(cli: CommandLine, text: str | bytes, said: str) -> None:
    cli.run("rpps", "import", extract(cli, f"rpps,family_name,given_name\n{ANNE},PIERRE,ANNE\n"))
    result = cli.invoke("rpps", "import", extract(cli, text))
    assert result.exit_code == 1
    assert said in result.stderr
    assert known(cli, ANNE) == Registered(ANNE, "PIERRE", "ANNE")


@pytest.mark.parametrize(
    "text",
    [
        f"rpps,family_name,given_name\n{ANNE},PIERRE,ANNE\nx,Y,Z\n{PAUL},,PAUL\n10000000018,A,B\n",
        f"\ufeffgiven_name;rpps;family_name\r\nANNE;{ANNE};PIERRE\r\nA;x;B\r\nA\r\n;;\r\n",
        f'{ANS}8|{ANNE}|8{ANNE}|PIERRE|ANNE|10\n8|{ANNE}|8{ANNE}|PIERRE|ANNE|40\n0|x|0x|"A|B|\n8||||\n0|1|||\n',
    ],
)
def test_an_extract_is_imported_with_what_is_sound_in_it(cli: CommandLine, text: str) -> None:
    said = cli.run("rpps", "import", extract(cli, text))
    assert "1 lines kept, 3 refused" in said
    assert known(cli, ANNE) == Registered(ANNE, "PIERRE", "ANNE")


def test_the_newest_extract_stands_alone(cli: CommandLine) -> None:
    cli.run("rpps", "import", extract(cli, f"rpps,family_name,given_name\n{ANNE},PIERRE,ANNE\n{PAUL},ROUX,PAUL\n"))
    said = cli.run("rpps", "import", extract(cli, f"rpps,family_name,given_name\n{ANNE},DURAND,ANNE\n"))
    assert "1 of the extract before dropped" in said
    assert known(cli, ANNE) == Registered(ANNE, "DURAND", "ANNE")
    assert known(cli, PAUL) is None


def test_numbers_that_nobody_verified_for_24_months(cli: CommandLine) -> None:
    names = {"anne.pierre": ANNE, "paul.roux": PAUL, "new": "10000000033"}
    for login, rpps in names.items():
        given = login.partition(".")[0]
        address = ("--email", f"{login}@chu.example") if login != "new" else ()
        cli.run("account", "create", login, "--given-name", given, "--family-name", "Pierre", *address)
        with cli.database.write() as tx:
            account = tx.accounts.find_by_login(login)
            assert account
            age = timedelta(days=0 if login == "new" else 731)
            tx.means.add_identity(account.account_id, IdentityRef("rpps", rpps), "support", account.created_at - age)
    listed = [json.loads(line)["login"] for line in cli.run("rpps", "unchecked").splitlines()]
    assert listed == ["anne.pierre", "paul.roux"]
    cli.run("rpps", "import", extract(cli, f"rpps,family_name,given_name\n{ANNE},PIERRE,ANNE\n{PAUL},ROUX,PAUL\n"))
    found = [json.loads(line) for line in cli.run("rpps", "unchecked").splitlines()]
    assert [(each["login"], each["rpps"]) for each in found] == [("paul.roux", PAUL)]  # another's number, it seems
    assert "1 letters queued" in cli.run("rpps", "unchecked", "--mail")
