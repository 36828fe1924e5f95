"""`sesame account emergency-code` and `revoke-emergency-code`: who may have one, and who may not give it."""

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idp.cli.doctor import stores
from idp.cli.doctor.finding import Level
from idp.domain.policy import MethodEntry
from idp.hashing import PasswordHasher
from idp.settings import load
from idp.settings.sections import Argon2
from idp.store import Tx
from idp.store.conformance_rows import policy_of
from idp.web.dates import moment
from tests.fakes.clock import START
from tests.fakes.command_line import OPERATOR, CommandLine
from tests.fakes.findings import only
from tests.fakes.provider import CHEAP

pytestmark = pytest.mark.embedded  # asks nothing of a server
SETTINGS = (
    'methods = ["email_otp", "password", "emergency_code"]\n'
    f"[argon2]\nmemory_kib = {CHEAP.memory_kib}\ntime_cost = {CHEAP.time_cost}\n"
)
SECOND = "nadia@support.example"
ASKED = {"--hours": "4", "--reason": "reader out of order, called back", "--tell": SECOND}
CODE_ALONE, AFTER_CODE = MethodEntry("emergency_code"), MethodEntry("email_otp", "emergency_code")
CODE = re.compile(r"([B-Z]{4}-){3}[B-Z]{4}")


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path, SETTINGS)
    add(made, "anne.pierre", "--email", "anne.pierre@chu.example")
    made.run("client", "add", "rescue", "--name", "Rescue", "--redirect-uri", "https://rescue.example/cb")
    made.run("policy", "set", "rescue", "email_otp", "emergency_code")
    return made


def add(cli: CommandLine, login: str, *more: str, password: bool = True) -> None:
    cli.run("account", "create", login, "--given-name", "Anne", "--family-name", "Pierre", *more)
    if password:
        with cli.database.write() as tx:
            account = tx.accounts.find_by_login(login)
            assert account
            tx.accounts.set_password(account.account_id, "digest", "knowledge", START)


def command(login: str = "anne.pierre", **changes: str | None) -> tuple[str, ...]:
    """The command with these values; None leaves an option out."""
    given = {**ASKED, **{f"--{name}": value for name, value in changes.items()}}
    options = [(name, value) for name, value in given.items() if value is not None]
    return ("account", "emergency-code", login, *(text for pair in options for text in pair))


def issued(cli: CommandLine) -> str:
    """What the command prints on standard output: a program that reads it gets the code alone."""
    result = cli.invoke(*command())
    assert result.exit_code == 0, result.output
    return result.stdout.rstrip("\n")


def live(cli: CommandLine, login: str = "anne.pierre") -> Any:
    def look(tx: Tx) -> Any:
        account = tx.accounts.find_by_login(login)
        assert account
        return tx.emergency_codes.live(account.account_id, START)  # commands go by the system's clock

    return cli.read(look)


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"hours": "25"}, {"hours": "0"}, {"hours": "x"}, {"hours": None}, {"reason": None}, {"tell": None}],
    ids=["25 hours", "0 hours", "no number", "no hours", "no reason", "no second operator"],
)
def test_what_must_be_said_is_asked_for(cli: CommandLine, changes: dict[str, Any]) -> None:
    assert cli.invoke(*command(**changes)).exit_code == 2
    assert live(cli) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"login": "nobody"}, "nobody: no such account"),
        ({"reason": "  "}, "a reason has 1 to 500"),
        ({"reason": "x" * 501}, "a reason has 1 to 500"),
        ({"tell": "nadia"}, "not an e-mail address"),
        ({"tell": f"{OPERATOR}@support.example"}, "is your own address"),
        ({"tell": f" {OPERATOR.upper()}+codes@Support.example"}, "is your own address"),
        ({"tell": "anne.pierre@chu.example"}, "is the holder's address"),
        ({"tell": "Anne.Pierre+x@home.example"}, "is the holder's address"),
    ],
    ids=["nobody", "blank", "long", "no address", "own", "own with a tag", "holder's", "holder's elsewhere"],
)
def test_a_mistake_issues_nothing(cli: CommandLine, changes: dict[str, str], why: str) -> None:
    assert why in cli.refused(*command(**changes))
    assert live(cli) is None
    assert not cli.events("--name", "emergency_code.issued")
    assert not cli.read(lambda tx: tx.outbox.is_due(START.replace(year=2100)))


def test_the_address_of_the_operators_own_account_is_their_own(cli: CommandLine) -> None:
    add(cli, OPERATOR, "--email", "c.martin@chu.example")
    assert "is your own address" in cli.refused(*command(tell="c.martin@chu.example"))
    assert live(cli) is None


@pytest.mark.parametrize("login", [OPERATOR, "c.martin"])
def test_nobody_gives_a_code_to_themselves_and_the_try_is_audited(cli: CommandLine, login: str) -> None:
    add(cli, login, "--email", f"{OPERATOR}@chu.example")
    assert "another operator issues its code" in cli.refused(*command(login))
    assert live(cli, login) is None
    event = cli.last_event()
    assert (event["name"], event["actor"]) == ("emergency_code.refused", f"operator:{OPERATOR}")


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active_gets_none(cli: CommandLine, status: str) -> None:
    cli.run("account", "set-status", "anne.pierre", status, "--reason", "test")
    assert "is not active" in cli.refused(*command())


def test_a_suspension_ends_a_code(cli: CommandLine) -> None:
    issued(cli)
    cli.run("account", "set-status", "anne.pierre", "suspended", "--reason", "test")
    cli.run("account", "set-status", "anne.pierre", "active", "--reason", "test")
    assert "has no emergency code" in cli.refused("account", "revoke-emergency-code", "anne.pierre")


def test_an_account_without_a_password_gets_none(cli: CommandLine) -> None:
    add(cli, "zoe", password=False)
    assert "has no password" in cli.refused(*command("zoe"))


def test_where_the_method_is_off_there_are_none(cli: CommandLine) -> None:
    off = CommandLine.in_folder(cli.folder, SETTINGS.replace(', "emergency_code"', ""))
    assert "emergency_code is not enabled" in off.refused(*command())


@pytest.mark.parametrize(
    "commands",
    [
        [("policy", "set", "rescue", "email_otp")],
        [("client", "disable", "rescue")],
        [
            ("policy", "set", "rescue", "email_otp"),
            ("policy", "set", "rescue", "email_otp", "emergency_code", "--from", "2100-01-01T00:00:00+00:00"),
        ],
    ],
    ids=["on no policy", "a client that is off", "on a policy to come"],
)
def test_a_code_that_no_service_accepts_is_not_issued(cli: CommandLine, commands: list[tuple[str, ...]]) -> None:
    for each in commands:
        cli.run(*each)
    assert "no service accepts emergency_code" in cli.refused(*command())
    assert live(cli) is None
    assert not cli.events("--name", "emergency_code.issued")
    assert not cli.read(lambda tx: tx.outbox.is_due(START.replace(year=2100)))


def test_an_entry_that_is_left_out_accepts_none(cli: CommandLine) -> None:
    later = replace(policy_of("rescue", datetime.now(UTC)), methods=(MethodEntry("password"), CODE_ALONE))
    cli.write(lambda tx: tx.policies.add(later))
    assert "no service accepts emergency_code" in cli.refused(*command())


def test_there_is_nothing_to_revoke(cli: CommandLine) -> None:
    assert "has no emergency code" in cli.refused("account", "revoke-emergency-code", "anne.pierre")
    assert "no such account" in cli.refused("account", "revoke-emergency-code", "nobody")


def test_no_policy_takes_it_without_the_password(cli: CommandLine) -> None:
    arguments = ("--name", "App", "--redirect-uri", "https://app.example/cb")
    cli.run("client", "add", "app", *arguments)
    assert "only after password" in cli.refused("policy", "set", "app", "emergency_code:alone")
    cli.run("policy", "set", "app", "email_otp", "emergency_code")
    assert "emergency_code:after=password" in cli.run("policy", "list", "app")


# -- what it does ------------------------------------------------------------------------


def test_it_prints_the_code_and_nothing_else_has_it(cli: CommandLine) -> None:
    code = issued(cli)
    assert CODE.fullmatch(code), code
    found = live(cli)
    assert (found.told, found.issued_by) == (SECOND, OPERATOR)
    assert found.expires_at - found.created_at == timedelta(hours=4)
    assert PasswordHasher(Argon2(memory_kib=CHEAP.memory_kib, time_cost=1)).verify(found.digest, code.replace("-", ""))
    event = cli.last_event()
    assert (event["name"], event["actor"]) == ("emergency_code.issued", f"operator:{OPERATOR}")
    assert (event["detail"]["reason"], event["detail"]["hours"]) == (ASKED["--reason"], "4")
    bare = code.replace("-", "")
    stored = b"".join(file.read_bytes() for file in cli.folder.rglob("*") if file.is_file())
    assert not [each for each in (code, bare) if each.encode() in stored]


def test_whoever_issues_it_sees_until_when_beside_it(cli: CommandLine) -> None:
    result = cli.invoke(*command())
    assert result.stderr == f"sesame: good until {moment(live(cli).expires_at, 'en')}, Paris time\n"


def test_a_second_one_says_that_it_ended_the_first(cli: CommandLine) -> None:
    assert issued(cli) != issued(cli)
    newer, older = cli.events("--name", "emergency_code.issued")[:2]
    assert (older["detail"]["ended_another"], newer["detail"]["ended_another"]) == ("no", "yes")


def test_it_is_revoked(cli: CommandLine) -> None:
    issued(cli)
    assert cli.run("account", "revoke-emergency-code", "anne.pierre") == "0 sessions"
    assert cli.last_event()["name"] == "emergency_code.revoked"
    assert "has no emergency code" in cli.refused("account", "revoke-emergency-code", "anne.pierre")


def test_who_has_no_address_is_told_by_whoever_runs_this(cli: CommandLine) -> None:
    add(cli, "zoe")
    result = cli.invoke(*command("zoe"))
    assert result.exit_code == 0
    assert "zoe has no verified address" in result.stderr
    assert CODE.fullmatch(result.stdout.strip())


def test_support_sees_until_when_there_is_one_and_never_which(cli: CommandLine) -> None:
    assert "emergency code: -" in cli.run("account", "show", "anne.pierre").splitlines()
    code = issued(cli)
    shown = cli.run("account", "show", "anne.pierre")
    assert f"emergency code: until {live(cli).expires_at.isoformat()}, issued by {OPERATOR}" in shown.splitlines()
    assert code not in shown
    cli.run("account", "revoke-emergency-code", "anne.pierre")
    assert "emergency code: -" in cli.run("account", "show", "anne.pierre").splitlines()


@pytest.mark.parametrize("methods", [(CODE_ALONE,), (MethodEntry("emergency_code", "password"), AFTER_CODE)])
def test_the_doctor_names_policies_that_offer_less_than_they_say(
    cli: CommandLine, methods: tuple[MethodEntry, ...]
) -> None:
    left_out = methods[-1]
    cli.run("client", "add", "ror", "--name", "ROR", "--redirect-uri", "https://ror.example/cb")
    sound = (MethodEntry("password"), MethodEntry("emergency_code", "password"))
    cli.write(lambda tx: tx.policies.add(replace(policy_of("ror"), methods=sound)))
    settings = load(cli.folder / "sesame.toml")
    assert not list(stores.policies(settings))
    later = replace(policy_of("ror", START + timedelta(seconds=1)), methods=(MethodEntry("password"), *methods))
    cli.write(lambda tx: tx.policies.add(later))
    level, said = only(stores.policies(settings))
    assert level is Level.WARN
    assert f"ror: {left_out.id} is left out" in said
