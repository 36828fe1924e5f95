"""`sesame keys …`: a rotation is planned, recorded, and told with its dates."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys import ring
from keys.file import FileSigner
from keys.ring import KeyState
from keys.signer import SigningKey
from tests.fakes.command_line import CommandLine

SECOND = timedelta(seconds=60)  # what the test itself may take


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return CommandLine.in_folder(tmp_path)


def keys_of(cli: CommandLine, alg: str) -> tuple[SigningKey, ...]:
    return tuple(key for key in FileSigner(cli.folder / "keys.d").keys() if key.alg == alg)  # noqa: SIM118


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_the_next_key_is_published_an_hour_ahead_and_the_old_one_kept_a_day(cli: CommandLine, alg: str) -> None:
    now = datetime.now(UTC)
    told = cli.run("keys", "rotate", alg).splitlines()
    old, new = keys_of(cli, alg)
    assert abs(new.not_before - now - timedelta(hours=1)) < SECOND
    assert old.retire_at == new.not_before + timedelta(hours=24)
    assert told == [
        f"{new.kid}\t{alg}\tfrom {new.not_before.isoformat()}",
        f"{old.kid}\t{alg}\tfrom {old.not_before.isoformat()}\tuntil {old.retire_at.isoformat()}",
        "Restart `sesame serve` now, so that the new key is published.",
    ]
    event = cli.last_event()
    assert event["name"] == "keys.rotated"
    assert event["detail"] == {"kid": new.kid, "alg": alg, "not_before": new.not_before.isoformat()}
    states = dict(re.findall(rf"^(\S+)\t{alg}\t(\S+)", cli.run("keys", "list"), re.MULTILINE))
    assert states == {old.kid: "ACTIVE", new.kid: "PENDING"}


def test_a_compromised_key_is_replaced_at_once(cli: CommandLine) -> None:
    cli.run("keys", "rotate", "RS256", "--publish-ahead", "0", "--keep-after", "0")
    old, new = keys_of(cli, "RS256")
    now = datetime.now(UTC)
    both = (old, new)
    assert (ring.state(old, both, now), ring.state(new, both, now)) == (KeyState.RETIRED, KeyState.ACTIVE)


def test_a_second_rotation_waits_for_the_first_and_leaves_no_event(cli: CommandLine) -> None:
    cli.run("keys", "rotate", "RS256")
    assert "under way" in cli.refused("keys", "rotate", "RS256")
    assert len(keys_of(cli, "RS256")) == 2
    assert [event["name"] for event in cli.events()] == ["keys.rotated"]


@pytest.mark.parametrize("arguments", [("HS256",), ("RS256", "--publish-ahead", "-1"), ("RS256", "--keep-after", "1h")])
def test_a_rotation_that_is_refused(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    assert cli.invoke("keys", "rotate", *arguments).exit_code == 2
    assert len(keys_of(cli, "RS256")) == 1


def test_without_a_database_nothing_is_rotated(cli: CommandLine) -> None:
    (cli.folder / "sesame.db").unlink()
    assert "sesame migrate" in cli.refused("keys", "rotate", "RS256")
    assert len(keys_of(cli, "RS256")) == 1
