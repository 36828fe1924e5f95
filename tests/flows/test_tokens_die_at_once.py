"""Whatever revokes a grant kills its tokens at that moment, with either store; what could not be told is not done."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import fakeredis
import pytest
import sqlalchemy

from idp.domain.account import AccountStatus
from idp.errors import Unavailable
from idp.flows.operators import accounts, clients
from idp.flows.operators.desk import Desk
from idp.store import Database, Ephemeral
from idp.store.access_tokens import MarkedAccessTokens
from idp.store.conformance_rows import add_grant, add_session
from tests.fakes.command_line import CommandLine
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of
from tests.fakes.servers import free_port

GRANTS = ("authorization_code", "refresh_token")


@dataclass
class Marked:
    """A provider as several processes would be one: its tokens are marked in a store that can go away."""

    provider: Provider
    server: fakeredis.FakeServer


@pytest.fixture
def marked(provider: Provider) -> Iterator[Marked]:
    server = fakeredis.FakeServer()
    ephemeral = Ephemeral(fakeredis.FakeRedis(server=server), provider.clock)
    tokens = MarkedAccessTokens(ephemeral, provider.clock)
    db = Database(provider.services.settings.database_url, announce=tokens.announce)
    yield Marked(provider.with_services(db=db, ephemeral=ephemeral, access_tokens=tokens), server)
    db.close()


@pytest.fixture(params=["as it is", "marked"])
def either(request: pytest.FixtureRequest, provider: Provider) -> Provider:
    """A provider with each of the two ways."""
    if request.param == "as it is":
        return provider
    found: Marked = request.getfixturevalue("marked")
    return found.provider


@pytest.fixture
def rp(either: Provider) -> RelyingParty:
    either.add_client("app", grant_types=GRANTS)
    with either.services.db.write() as tx:
        accounts.entitle(either.desk, tx, either.desk.account(tx, "anne.pierre"), "app")
    return RelyingParty(either, "app")


def log_out(rp: RelyingParty) -> None:
    path = path_of(rp.browser.get("/logout"))
    assert rp.post(path, page=path, decision="confirm").status_code == 303


def choose_a_password(rp: RelyingParty) -> None:
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    path, new = rp.provider.last_reset_path(), "quatre nouveaux mots ensemble"
    assert rp.post(path, page=path, password=new, confirmation=new).status_code == 303


ENDS: dict[str, Callable[[RelyingParty, str], object]] = {
    "suspension": lambda rp, _: accounts.set_status(rp.provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "left"),
    "log-out": lambda rp, _: log_out(rp),
    "new password": lambda rp, _: choose_a_password(rp),
    "no access": lambda rp, _: accounts.withdraw(rp.provider.desk, "anne.pierre", "app"),
    "code replayed": lambda rp, code: rp.token(code),
    "client disabled": lambda rp, _: clients.set_enabled(rp.provider.desk, "app", enabled=False),
}


@pytest.mark.parametrize("end", ENDS)
def test_tokens_die_at_once(rp: RelyingParty, end: str) -> None:
    code = rp.login()["code"]
    tokens = rp.redeem(code)
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    ENDS[end](rp, code)
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    if end != "client disabled":
        for name in ("access_token", "refresh_token"):
            assert rp.ask("/introspect", token=tokens[name]).json == {"active": False}


@pytest.mark.parametrize("end", ["suspension", "no access", "client disabled"])
def test_without_the_store_of_marks_nothing_is_revoked(marked: Marked, end: str) -> None:
    """An operator who is told that somebody is out can rely on it."""
    provider = marked.provider
    provider.add_client("app", grant_types=GRANTS)
    with provider.services.db.write() as tx:
        accounts.entitle(provider.desk, tx, provider.desk.account(tx, "anne.pierre"), "app")
    rp = RelyingParty(provider, "app")
    tokens, before = rp.tokens(), len(provider.events())
    marked.server.connected = False
    with pytest.raises(Unavailable):
        ENDS[end](rp, "")
    marked.server.connected = True
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    assert rp.refresh(tokens["refresh_token"]).status_code == 200
    assert len(provider.events()) == before + 1, "nothing but the refresh"


def test_a_replayed_code_is_answered_by_503_without_the_store(marked: Marked) -> None:
    rp = RelyingParty(marked.provider)
    code = rp.login()["code"]
    rp.redeem(code)
    marked.server.connected = False
    assert rp.token(code).status_code == 503
    marked.server.connected = True
    assert not marked.provider.events("token.code_replayed")
    assert rp.token(code).status_code == 400
    assert marked.provider.events("token.code_replayed")


def test_userinfo_asks_sql_nothing_where_marks_are(marked: Marked) -> None:
    rp = RelyingParty(marked.provider)
    token = rp.tokens()["access_token"]
    marked.provider.services.configuration.max_age = timedelta(seconds=1)  # what it is outside the tests
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        assert rp.userinfo(token).status_code == 200
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert statements == []


def test_a_desk_of_another_process_kills_them_too(marked: Marked) -> None:
    rp = RelyingParty(marked.provider)
    token = rp.tokens()["access_token"]
    provider = marked.provider
    tokens = MarkedAccessTokens(Ephemeral(fakeredis.FakeRedis(server=marked.server), provider.clock), provider.clock)
    db = Database(provider.services.settings.database_url, announce=tokens.announce)
    desk = Desk(db, provider.clock, provider.services.registry, "claire")
    accounts.set_status(desk, "anne.pierre", AccountStatus.SUSPENDED, "left")
    db.close()
    assert rp.userinfo(token).status_code == 401


def test_the_command_line_says_that_the_store_is_gone_and_changes_nothing(tmp_path: Path, template: Path) -> None:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    cli = CommandLine.in_folder(tmp_path, f'redis_url = "redis://127.0.0.1:{free_port()}"\n')
    cli.run("client", "add", "ror", "--name", "ROR", "--redirect-uri", "https://ror.example/cb")
    account_id = cli.run("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre")
    cli.write(lambda tx: add_grant(tx, account_id, add_session(tx, account_id)))
    before = cli.events()
    for command in (
        ("account", "set-status", "anne.pierre", "suspended", "--reason", "left"),
        ("client", "disable", "ror"),
    ):
        assert cli.refused(*command).startswith("ephemeral store: ")
    assert cli.events() == before
    account = cli.read(lambda tx: tx.accounts.get(account_id))
    assert account.is_active
