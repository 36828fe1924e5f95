"""`sesame account …` and `sesame audit …`: people, as operators manage them."""

import getpass
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.event import listen

from idp.cli import whoever_runs_this
from idp.domain.account import Account, AccountStatus
from idp.domain.authn import IdentityRef
from idp.flows.operators.imports import import_csv
from tests.fakes.command_line import CommandLine
from tests.fakes.provider import Provider

ANNE = ("account", "create", "Anne.Pierre", "--given-name", " Anne ", "--family-name", "Pierre")
HEADER = "login,email,given_name,family_name,civility,rpps,services"
ANNE_ROW = "anne.pierre,anne@chu.example,Anne,Pierre,Mme,10003456789,ror"


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path)
    made.run("client", "add", "ror", "--name", "ROR", "--redirect-uri", "https://ror.example/cb")
    return made


def account(cli: CommandLine, login: str = "anne.pierre") -> Account | None:
    found: Account | None = cli.read(lambda tx: tx.accounts.find_by_login(login))
    return found


def is_entitled(cli: CommandLine, login: str = "anne.pierre") -> bool:
    found = account(cli, login)
    assert found
    return bool(cli.read(lambda tx: tx.accounts.may_open(found.account_id, "ror", datetime.now(UTC))))


def test_an_account_is_created_without_a_password(cli: CommandLine) -> None:
    options = ("--email", "Anne@CHU.example", "--rpps", "10003456789", "--civility", "Mme", "--service", "ror")
    account_id = cli.run(*ANNE, *options)
    found = account(cli)
    assert found
    assert found.account_id == account_id
    assert (found.login_name, found.full_name, found.verified_email) == (
        "anne.pierre",
        "Anne Pierre",
        "anne@chu.example",
    )
    assert found.identities == {"login_name": "anne.pierre", "email": "anne@chu.example", "rpps": "10003456789"}
    assert cli.read(lambda tx: tx.accounts.password(account_id)) is None
    assert is_entitled(cli)
    granted, created = cli.events("--account", "anne.pierre")
    assert (granted["name"], granted["client_id"]) == ("entitlement.granted", "ror")
    assert (created["name"], created["subject"]) == ("account.created", account_id)
    assert granted["actor"] == created["actor"] == "operator:claire"
    assert "anne" not in str(created) + str(granted)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("account", "create", "anne pierre", "--given-name", "A", "--family-name", "P"), "a login name has"),
        (("account", "create", "anne@chu", "--given-name", "A", "--family-name", "P"), "a login name has"),
        (("account", "create", "anne", "--given-name", " ", "--family-name", "P"), "given_name and family_name"),
        (("account", "create", "anne", "--given-name", "A" * 201, "--family-name", "P"), "200 characters"),
        ((*ANNE, "--email", "anne@chu"), "is not an e-mail address"),
        ((*ANNE, "--email", "a@" + "chu." * 70 + "example"), "is not an e-mail address"),
        ((*ANNE, "--rpps", "123"), "an RPPS number has 11 digits"),
        ((*ANNE, "--civility", "M" * 17), "civility"),
        ((*ANNE, "--service", "nowhere"), "nowhere: no such client"),
    ],
)
def test_an_account_that_is_not_sound_is_refused(cli: CommandLine, change: tuple[str, ...], said: str) -> None:
    assert said in cli.refused(*change)
    assert account(cli) is None
    assert [event["name"] for event in cli.events()] == ["client.created"]


def test_an_identifier_belongs_to_one_account(cli: CommandLine) -> None:
    cli.run(*ANNE, "--email", "anne@chu.example", "--rpps", "10003456789")
    other = ("account", "create", "autre", "--given-name", "A", "--family-name", "P")
    for command in (ANNE, (*other, "--email", "ANNE@chu.example"), (*other, "--rpps", "10003456789")):
        assert "already in use" in cli.refused(*command)


# -- import ------------------------------------------------------------------------


def csv_file(cli: CommandLine, *rows: str, encoding: str = "utf-8") -> str:
    file = cli.folder / "people.csv"
    file.write_text("\r\n".join(rows) + "\r\n", encoding=encoding)
    return str(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_accounts_are_imported(cli: CommandLine, encoding: str) -> None:
    rows = (HEADER, ANNE_ROW, '"lea.martin",,Léa,"Martin, née Duval",,,')
    assert cli.run("account", "import", csv_file(cli, *rows, encoding=encoding)) == "2 accounts"
    lea = account(cli, "lea.martin")
    assert lea
    assert (lea.full_name, lea.email, lea.civility) == ("Léa Martin, née Duval", None, None)
    assert is_entitled(cli)
    assert len(cli.events("--name", "account.created")) == 2


def test_columns_may_be_fewer_and_in_any_order(cli: CommandLine) -> None:
    rows = ("family_name,given_name,login", "Pierre,Anne,anne.pierre")
    assert cli.run("account", "import", csv_file(cli, *rows)) == "1 accounts"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((HEADER, ANNE_ROW, "é,,A,P,,,"), "line 3: 'é': a login name has"),
        ((HEADER, ANNE_ROW, "", "lea,,A,,,,"), "line 4: lea: given_name and family_name"),
        ((HEADER, ANNE_ROW, 'lea,,"A\nB",,,,', "karim,,K,,,,"), "line 4: lea: given_name and family_name"),
        ((HEADER, ANNE_ROW, "anne.pierre,,A,P,,,"), "line 3: anne.pierre: the login name or an identifier"),
        ((HEADER, ANNE_ROW, "lea,,A,P,,,ror nowhere"), "line 3: nowhere: no such client"),
        ((HEADER, ANNE_ROW, "lea,,A,P,,,ror,more"), "line 3: more values than columns"),
        ((HEADER, ANNE_ROW, "lea"), "line 3: lea: given_name"),
        (("login;given_name;family_name", "lea;A;P"), "unknown column: login;given_name;family_name"),
        (("login,password", "lea,x"), "unknown column: password"),
        ((HEADER, ANNE_ROW, '"lea"x,,A,P,,,'), "not a CSV file"),
    ],
)
def test_all_accounts_of_a_file_are_imported_or_none(cli: CommandLine, rows: tuple[str, ...], said: str) -> None:
    assert said in cli.refused("account", "import", csv_file(cli, *rows))
    assert account(cli) is None
    assert [event["name"] for event in cli.events()] == ["client.created"]


def test_what_somebody_holds_is_refused_with_its_line(cli: CommandLine) -> None:
    cli.run(*ANNE, "--email", "anne@chu.example")
    rows = (HEADER, "lea,,Léa,Martin,,10003456789,", "karim,,K,B,,10003456789,")
    assert "line 3: karim: the login name or an identifier" in cli.refused("account", "import", csv_file(cli, *rows))
    rows = (HEADER, "lea,,Léa,Martin,,,", "karim,ANNE@chu.example,K,B,,,")
    assert "line 3: karim: the login name or an identifier" in cli.refused("account", "import", csv_file(cli, *rows))
    assert account(cli, "lea") is None


def test_an_import_has_few_statements(provider: Provider, tmp_path: Path) -> None:
    """Nobody else writes to SQLite until it ends."""
    statements: list[str] = []
    file = tmp_path / "people.csv"
    file.write_text("\n".join([HEADER, *(f"user{n},user{n}@chu.example,A,B,,,rp rp portail" for n in range(200))]))
    listen(provider.services.db.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    assert import_csv(provider.desk, file) == 200
    assert len(statements) < 20
    assert len(provider.events("entitlement.granted")) == 400


def test_a_file_that_is_not_in_utf_8_is_refused(cli: CommandLine) -> None:
    file = csv_file(cli, HEADER, "lea,,Léa,Martin,,,", encoding="cp1252")
    assert "not in UTF-8" in cli.refused("account", "import", file)


# -- what changes ------------------------------------------------------------------


def test_a_status_is_set_and_sessions_end(cli: CommandLine) -> None:
    account_id = cli.run(*ANNE)
    now = datetime.now(UTC)

    def open_session(tx: Any) -> None:
        life = {"lifetime": now - now.replace(year=2000), "user_agent": "", "ip_prefix": ""}
        tx.sessions.open("cookie", account_id, now, **life)

    def session(tx: Any) -> Any:
        return tx.sessions.find("cookie", now, now - now.replace(year=2000))

    cli.write(open_session)
    cli.run("account", "set-status", "anne.pierre", "active", "--reason", "rien")
    assert cli.read(session)
    cli.run("account", "set-status", "Anne.Pierre", "suspended", "--reason", "départ")
    found = account(cli)
    assert found
    assert found.status is AccountStatus.SUSPENDED
    assert cli.read(session) is None
    event = cli.last_event()
    assert (event["name"], event["subject"]) == ("account.status_changed", account_id)
    assert event["detail"] == {"status": "suspended", "reason": "départ"}


def test_access_is_given_and_taken(cli: CommandLine) -> None:
    account_id = cli.run(*ANNE)
    assert not is_entitled(cli)
    cli.run("account", "entitle", "anne.pierre", "ror", "--until", "2099-01-01T00:00:00+01:00")
    event = cli.last_event()
    assert (event["name"], event["subject"], event["client_id"]) == ("entitlement.granted", account_id, "ror")
    assert event["detail"] == {"until": "2099-01-01T00:00:00+01:00"}
    assert is_entitled(cli)
    cli.run("account", "withdraw", "anne.pierre", "ror")
    event = cli.last_event()
    assert (event["name"], event["subject"], event["client_id"]) == ("entitlement.revoked", account_id, "ror")
    assert not is_entitled(cli)
    assert "has no access to ror" in cli.refused("account", "withdraw", "anne.pierre", "ror")


def test_a_password_set_through_the_mailbox_is_confirmed(cli: CommandLine) -> None:
    account_id = cli.run(*ANNE)
    confirm = ("account", "confirm-password", "anne.pierre", "--reason", "carte vue au guichet")
    assert "no password to confirm" in cli.refused(*confirm)
    cli.write(lambda tx: tx.accounts.set_password(account_id, "digest", "mailbox", datetime.now(UTC)))
    cli.run(*confirm)
    assert cli.read(lambda tx: tx.accounts.password(account_id)).anchor == "knowledge"
    event = cli.last_event()
    assert (event["name"], event["subject"]) == ("password.confirmed", account_id)
    assert event["detail"] == {"reason": "carte vue au guichet"}
    assert "no password to confirm" in cli.refused(*confirm)


@pytest.mark.parametrize(
    "command",
    [
        ("account", "set-status", "nobody", "active", "--reason", "x"),
        ("account", "confirm-password", "nobody", "--reason", "x"),
        ("account", "entitle", "nobody", "ror"),
        ("account", "withdraw", "nobody", "ror"),
        ("account", "consents", "nobody"),
        ("account", "consents", "nobody", "--withdraw", "ror"),
        ("audit", "list", "--account", "nobody"),
    ],
)
def test_an_unknown_account(cli: CommandLine, command: tuple[str, ...]) -> None:
    assert cli.refused(*command) == "nobody: no such account"


def test_consents_are_listed_and_withdrawn(cli: CommandLine) -> None:
    anne = cli.run(*ANNE)
    assert cli.run("account", "consents", "anne.pierre") == ""
    assert (
        cli.refused("account", "consents", "anne.pierre", "--withdraw", "ror") == "anne.pierre gave no consent to ror"
    )
    given_at = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    cli.write(lambda tx: tx.consents.give(anne, "ror", frozenset({"openid", "email"}), given_at))
    assert cli.run("account", "consents", "anne.pierre") == "ror\temail openid\t2026-11-02T08:00:00+00:00"
    cli.run("account", "consents", "anne.pierre", "--withdraw", "ror")
    event = cli.last_event()
    assert (event["name"], event["subject"], event["client_id"]) == ("consent.withdrawn", anne, "ror")
    assert cli.run("account", "consents", "anne.pierre") == ""


def test_an_unknown_service(cli: CommandLine) -> None:
    cli.run(*ANNE)
    assert cli.refused("account", "entitle", "anne.pierre", "nowhere") == "nowhere: no such client"


def test_the_audit_is_read_newest_first(cli: CommandLine) -> None:
    cli.run(*ANNE, "--service", "ror")
    assert [event["name"] for event in cli.events()] == ["entitlement.granted", "account.created", "client.created"]
    assert [event["name"] for event in cli.events("--limit", "1")] == ["entitlement.granted"]
    assert [event["name"] for event in cli.events("--name", "account.created")] == ["account.created"]
    keys = {"at", "name", "actor", "subject", "client_id", "outcome", "detail", "request_id", "personal"}
    assert all(set(event) == keys and event["outcome"] == "ok" for event in cli.events())


def test_an_operator_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run under a user that its /etc/passwd does not have."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert whoever_runs_this().startswith("uid-")


def test_who_is_imported_is_found_by_each_identifier(cli: CommandLine) -> None:
    cli.run("account", "import", csv_file(cli, HEADER, ANNE_ROW))
    anne = account(cli)
    assert anne == account(cli, "anne@chu.example")
    assert anne == cli.read(lambda tx: tx.accounts.find(IdentityRef("rpps", "10003456789")))
