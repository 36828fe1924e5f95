"""`sesame method …`: a method suspended for every service, from a terminal, where the console may be closed too."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.command_line import OPERATOR, CommandLine

pytestmark = pytest.mark.embedded
IN_AN_HOUR = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0).isoformat()
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0).isoformat()
WHY = ("--reason", "flaw")


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    made = CommandLine.in_folder(tmp_path)
    for client_id, methods in (("ror", ("password", "email_otp")), ("codes", ("email_otp",))):
        made.run("client", "add", client_id, "--name", client_id, "--redirect-uri", f"https://{client_id}.example/cb")
        made.run("policy", "set", client_id, *methods)
    return made


def test_what_is_not_sound_is_refused(cli: CommandLine) -> None:
    until = ("--until", IN_AN_HOUR)
    assert "no such method" in cli.refused("method", "suspend", "unknown", *until, *WHY)
    for odd in ("2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"):
        assert "90 days at most" in cli.refused("method", "suspend", "email_otp", "--until", odd, *WHY)
    for odd in ("", " ", "x" * 501, "a\u202eb"):
        assert "500 characters" in cli.refused("method", "suspend", "email_otp", *until, "--reason", odd)
    assert "not suspended" in cli.refused("method", "restore", "email_otp")
    assert cli.run("method", "list") == ""


def test_suspended_listed_and_restored(cli: CommandLine) -> None:
    result = cli.invoke("method", "suspend", "email_otp", "--until", IN_AN_HOUR, *WHY)
    assert result.exit_code == 0
    made, left = result.stdout.splitlines()
    suspension_id = made.partition("\t")[0]
    assert left == "ror\tone method less"
    assert result.stderr == "codes\twarning: nobody can sign in any more\n"
    shown = cli.run("method", "list")
    assert shown.startswith(f"* {suspension_id}\temail_otp\t")
    assert shown.endswith(f"\t{OPERATOR}\tflaw")
    assert "suspended already" in cli.refused("method", "suspend", "email_otp", "--until", IN_AN_HOUR, *WHY)
    assert cli.run("method", "restore", suspension_id) == ""
    assert cli.run("method", "list").startswith(f"  {suspension_id}")
    assert f"ended by {OPERATOR}" in cli.run("method", "list")
    assert "not suspended" in cli.refused("method", "restore", suspension_id)


def test_the_id_of_one_that_is_over_ends_no_other(cli: CommandLine) -> None:
    first = cli.invoke("method", "suspend", "password", "--until", IN_AN_HOUR, *WHY).stdout.partition("\t")[0]
    cli.run("method", "restore", "password")
    cli.invoke("method", "suspend", "password", "--until", TOMORROW, *WHY)
    assert "not suspended" in cli.refused("method", "restore", first)


def test_the_console_may_be_closed_here(cli: CommandLine) -> None:
    cli.run("init")
    result = cli.invoke("method", "suspend", "password", "--until", IN_AN_HOUR, *WHY)
    assert result.exit_code == 0
    assert "console\twarning" in result.stderr


def test_doctor_says_so(cli: CommandLine) -> None:
    cli.invoke("method", "suspend", "email_otp", "--until", IN_AN_HOUR, *WHY)
    shown = cli.invoke("doctor").stdout
    assert "email_otp is suspended for every service" in shown
    assert "codes: every method it accepts is suspended" in shown
    assert "ror: every method" not in shown
