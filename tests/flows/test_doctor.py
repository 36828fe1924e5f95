"""`sesame doctor`: one line for each thing that it looks at; each check has a case that it does not pass."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller  # type: ignore[import-untyped]
from aiosmtpd.handlers import Sink  # type: ignore[import-untyped]
from aiosmtpd.smtp import AuthResult  # type: ignore[import-untyped]

from idp.cli.doctor import files, outside, stores
from idp.cli.doctor.finding import Level
from idp.settings import Settings, load
from idp.store import Database
from keys.file import FileSigner
from tests.fakes.authority import Authority
from tests.fakes.command_line import CommandLine
from tests.fakes.findings import only
from tests.fakes.servers import free_port
from tests.fakes.site import Site, answer

LOOPBACK = {"allowed_networks": ["127.0.0.0/8"]}
IN_CLEAR = "ignore:Requiring AUTH while not requiring TLS"  # aiosmtpd's, on loopback
pytestmark = [pytest.mark.embedded, pytest.mark.filterwarnings(IN_CLEAR)]


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """A sound installation; nothing listens on its ports."""
    made = CommandLine.in_folder(tmp_path, f"port = {free_port()}\n[mail]\nport = {free_port()}\n")
    made.run("init")
    return made


@pytest.fixture
def settings(line: CommandLine) -> Callable[..., Settings]:
    def changed(**values: Any) -> Settings:
        found = load(line.folder / "sesame.toml")
        return Settings.model_validate({**found.model_dump(), **values})

    return changed


def test_a_failure_is_status_1_and_each_finding_a_line(line: CommandLine) -> None:
    result = line.invoke("doctor")  # no mail server answers
    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert any(each.startswith("FAIL  mail: localhost:") for each in said)
    assert any(each.startswith("OK    database: SQLite 3.") for each in said)
    assert result.stderr == ""


def test_as_json(line: CommandLine) -> None:
    result = line.invoke("doctor", "--json")
    found = json.loads(result.stdout)
    assert found["failed"] == 1
    assert {each["level"] for each in found["findings"]} >= {"OK", "FAIL"}
    assert all(each["part"] and each["text"] for each in found["findings"])


def test_without_a_failure_it_is_status_0(tmp_path: Path) -> None:
    relay = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    line = CommandLine.in_folder(tmp_path, f"port = {free_port()}\n[mail]\nport = {relay.port}\n")
    line.run("init")
    relay.start()
    try:
        assert "WARN  issuer: http: for trials" in line.run("doctor")
    finally:
        relay.stop()


def test_several_workers_on_the_embedded_store_are_told(line: CommandLine) -> None:
    settings = line.folder / "sesame.toml"
    settings.write_text("workers = 2\n" + settings.read_text())
    result = line.invoke("doctor")
    assert result.exit_code == 1
    assert 'redis_url: give a redis:// address, or "valkey"' in result.stderr


def test_a_secret_that_others_may_read(settings: Callable[..., Settings]) -> None:
    assert only(files.secret(settings()))[0] is Level.OK
    settings().secret_file.chmod(0o644)
    level, text = only(files.secret(settings()))
    assert level is Level.FAIL
    assert "chmod 600" in text


def test_keys_that_others_may_read(settings: Callable[..., Settings]) -> None:
    assert only(files.signing_keys(settings()))[0] is Level.OK
    settings().keys_dir.chmod(0o755)
    assert only(files.signing_keys(settings()))[0] is Level.FAIL


def test_an_algorithm_of_a_client_without_a_key(settings: Callable[..., Settings], line: CommandLine) -> None:
    line.run("client", "add", "ror", "--name", "ROR", "--redirect-uri", "https://ror.example/cb")
    change = "UPDATE client SET id_token_alg = 'ES256' WHERE client_id = 'ror'"
    line.write(lambda tx: tx._connection.exec_driver_sql(change))
    folder = line.folder / "other"
    FileSigner.create(folder, algs=("RS256",), now=datetime.now(UTC))
    level, text = only(files.signing_keys(settings(keys_dir=folder)))
    assert (level, text) == (Level.FAIL, "no active ES256 key, for ror: `sesame keys rotate ES256`")


def test_a_key_that_is_old(settings: Callable[..., Settings], line: CommandLine) -> None:
    folder = line.folder / "old"
    FileSigner.create(folder, now=datetime.now(UTC) - timedelta(days=92))
    level, text = only(files.signing_keys(settings(keys_dir=folder)))
    assert level is Level.WARN
    assert "for 92 days: does `sesame worker` run?" in text


def test_a_list_of_passwords_that_cannot_be_used(settings: Callable[..., Settings], tmp_path: Path) -> None:
    assert list(files.password_blocklist(settings())) == []
    path = tmp_path / "passwords.txt"
    chosen = settings(password_blocklist=path)
    level, text = only(files.password_blocklist(chosen))
    assert level is Level.FAIL
    assert "No such file" in text
    path.write_text("b\na\n")
    level, text = only(files.password_blocklist(chosen))
    assert level is Level.FAIL
    assert "LC_ALL=C sort -u" in text
    path.write_text("a\nb\n")
    assert only(files.password_blocklist(chosen)) == (Level.OK, f"{path}, 4 bytes of passwords")


def test_a_database_that_is_not_there(settings: Callable[..., Settings]) -> None:
    level, text = only(stores.database(settings(database_url="sqlite:////no/such/folder/x.db")))
    assert level is Level.FAIL
    assert "unable to open database file" in text


def test_a_database_that_was_not_migrated(settings: Callable[..., Settings], tmp_path: Path) -> None:
    bare = settings(database_url=f"sqlite:///{tmp_path / 'bare.db'}")
    level, text = only(stores.database(bare))
    assert level is Level.FAIL
    assert "sesame migrate" in text
    database = Database(bare.database_url)
    database.migrate()
    database.close()
    assert only(stores.database(bare))[0] is Level.OK


def test_no_worker_is_a_warning(settings: Callable[..., Settings], line: CommandLine) -> None:
    assert only(stores.worker(settings()))[0] is Level.WARN
    for age, level in ((timedelta(0), Level.OK), (timedelta(minutes=2), Level.WARN)):
        with closing(line.database) as opened, opened.write() as tx:
            assert tx.leases.take("worker", "somebody", datetime.now(UTC) - age, timedelta(minutes=1))
        assert only(stores.worker(settings()))[0] is level


def test_a_store_that_does_not_answer(settings: Callable[..., Settings]) -> None:
    level, text = only(stores.ephemeral(settings(redis_url=f"redis://127.0.0.1:{free_port()}")))
    assert level is Level.FAIL
    assert "Connection refused" in text


@pytest.mark.parametrize(("apart_s", "level"), [(0, Level.OK), (3, Level.WARN), (-3, Level.WARN), (60, Level.FAIL)])
def test_clocks_that_are_apart(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, apart_s: int, level: Level
) -> None:
    theirs = timedelta(seconds=apart_s)
    monkeypatch.setattr(stores, "_database_clock", lambda _: datetime.now(UTC) + theirs)
    assert only(stores.clocks(settings()))[0] is level


def test_a_clock_that_was_never_set(settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "WRITTEN_IN", 9999)
    assert only(stores.clocks(settings()))[0] is Level.FAIL


@pytest.fixture
def relay() -> Iterator[Controller]:
    """A mail server that wants a name and a password, and takes none."""
    made = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=free_port(),
        auth_required=True,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
    )
    made.start()
    yield made
    made.stop()


def test_a_mail_server_that_refuses_us(relay: Controller, settings: Callable[..., Settings], tmp_path: Path) -> None:
    known = settings(mail={"port": relay.port})
    assert only(outside.mail(known)) == (Level.OK, f"localhost:{relay.port} answers in clear")
    (tmp_path / "password").write_text("wrong")
    (tmp_path / "password").chmod(0o600)
    refused = settings(mail={"port": relay.port, "username": "sesame", "password_file": tmp_path / "password"})
    level, text = only(outside.mail(refused))
    assert level is Level.FAIL
    assert "SMTPAuthenticationError" in text
    assert "wrong" not in text


def test_a_mail_server_without_tls(relay: Controller, settings: Callable[..., Settings]) -> None:
    level, text = only(outside.mail(settings(mail={"port": relay.port, "tls": "starttls"})))
    assert level is Level.FAIL
    assert "STARTTLS" in text


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start a public address, https://localhost:port, in front of us."""
    authority = Authority.make(tmp_path / "ca")
    with ExitStack() as stack:

        def start() -> Site:
            return stack.enter_context(Site(authority.context()).running())

        yield start


def https(settings: Callable[..., Settings], site: Site, tmp_path: Path, **changes: Any) -> Settings:
    trust = {**LOOPBACK, "ca_file": tmp_path / "ca" / "ca.pem"}
    return settings(**{"issuer": f"https://localhost:{site.port}", "outgoing": trust, **changes})


def test_a_public_address_that_does_not_answer_is_a_warning(settings: Callable[..., Settings]) -> None:
    away = settings(issuer=f"https://localhost:{free_port()}", outgoing=LOOPBACK)
    assert only(outside.issuer(away))[0] is Level.WARN


@pytest.mark.parametrize(
    ("body", "level"),
    [("%s", Level.OK), ("https://other.example", Level.FAIL), (None, Level.FAIL)],
)
def test_what_the_public_address_says_it_is(
    settings: Callable[..., Settings], public: Callable[..., Site], tmp_path: Path, body: str | None, level: Level
) -> None:
    site = public()
    known = https(settings, site, tmp_path)
    said = json.dumps({"issuer": known.issuer if body == "%s" else body} if body else []).encode()
    site.pieces = lambda: [answer(said, "Content-Type: application/json")]
    assert only(outside.issuer(known))[0] is level


def test_http_is_for_trials(settings: Callable[..., Settings]) -> None:
    assert "for trials" in next(outside.issuer(settings())).text


def test_https_without_a_proxy_that_is_named(settings: Callable[..., Settings]) -> None:
    alone = settings(issuer="https://idp.example")
    assert only(outside.trusted_proxies(alone))[0] is Level.WARN
    assert list(outside.trusted_proxies(settings(issuer="https://idp.example", trusted_proxies=["10.0.0.1/32"]))) == []


def test_everybody_as_a_proxy(settings: Callable[..., Settings]) -> None:
    assert only(outside.trusted_proxies(settings(trusted_proxies=["0.0.0.0/0"])))[0] is Level.FAIL


def echo(site: Site, header: str) -> list[bytes]:
    """An answer that gives back what came as `header`."""
    lines = dict(line.split(": ", 1) for line in site.received[-1].split("\r\n")[1:] if ": " in line)
    return [answer(b"{}", f"X-Request-Id: {lines.get(header, 'drawn-by-us')}")]


@pytest.mark.parametrize(("header", "advice"), [("X-Request-Id", "itself"), ("X_Request_Id", "underscore")])
def test_a_proxy_that_lets_forged_headers_through(
    settings: Callable[..., Settings], public: Callable[..., Site], tmp_path: Path, header: str, advice: str
) -> None:
    site = public()
    known = https(settings, site, tmp_path)
    site.pieces = lambda: echo(site, "Nothing")
    assert only(outside.forged_headers(known))[0] is Level.OK
    site.pieces = lambda: echo(site, header)
    level, text = only(outside.forged_headers(known))
    assert level is Level.FAIL
    assert advice in text


@pytest.mark.parametrize(
    ("believes", "trusted", "level"),
    [
        (False, [], Level.OK),
        (True, ["127.0.0.1/32"], Level.OK),
        (True, [], Level.FAIL),
        (False, ["127.0.0.1/32"], Level.WARN),
    ],
)
def test_a_server_that_believes_others_than_the_settings_say(
    settings: Callable[..., Settings], believes: bool, trusted: list[str], level: Level
) -> None:
    with Site(None).running() as site:
        site.pieces = lambda: echo(site, "X-Request-Id" if believes else "Nothing")
        assert only(outside.listener(settings(port=site.port, trusted_proxies=trusted)))[0] is level


def test_no_server_is_a_warning(settings: Callable[..., Settings]) -> None:
    level, text = only(outside.listener(settings()))
    assert level is Level.WARN
    assert text.endswith("connection refused")
