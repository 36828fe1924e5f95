"""`sesame keys …`: a rotation is planned, recorded, and told with its dates."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import data_ring
from keys.file import FileSigner
from keys.signer import SigningKey
from tests.fakes.command_line import CommandLine

MINUTE = timedelta(seconds=60)  # what the test itself may take


@pytest.fixture
def cli(tmp_path: Path, template: Path) -> CommandLine:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return CommandLine.in_folder(tmp_path)


def keys_of(cli: CommandLine, alg: str) -> tuple[SigningKey, ...]:
    return tuple(key for key in FileSigner(cli.folder / "keys.d").keys() if key.alg == alg)  # noqa: SIM118


def states(told: str) -> dict[str, str]:
    """State of each kid, as a command prints it."""
    return {kid: state for kid, _, state, *_ in (line.split("\t") for line in told.splitlines())}


def version(cli: CommandLine) -> Any:
    return cli.read(lambda tx: tx.meta.config_version)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_the_next_key_is_published_a_day_ahead_and_the_old_one_kept_a_day(cli: CommandLine, alg: str) -> None:
    now, before = datetime.now(UTC), version(cli)
    told = cli.run("keys", "rotate", alg)
    old, new = keys_of(cli, alg)
    assert abs(new.not_before - now - timedelta(hours=24)) < MINUTE
    assert old.retire_at == new.not_before + timedelta(hours=24)
    assert told.splitlines() == [
        f"{old.kid}\t{alg}\tACTIVE\tfrom {old.not_before.isoformat()}\tuntil {old.retire_at.isoformat()}",
        f"{new.kid}\t{alg}\tPENDING\tfrom {new.not_before.isoformat()}",
    ]
    assert set(told.splitlines()) < set(cli.run("keys", "list").splitlines())
    event = cli.last_event()
    assert event["name"] == "keys.rotated"
    assert event["detail"] == {"kid": new.kid, "alg": alg, "not_before": new.not_before.isoformat()}
    assert version(cli) != before


def test_the_hours_before_the_first_use_are_a_setting(tmp_path: Path, template: Path) -> None:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    cli = CommandLine.in_folder(tmp_path, "keys_publish_before_h = 48\n")
    cli.run("keys", "rotate", "ES256")
    assert abs(keys_of(cli, "ES256")[1].not_before - datetime.now(UTC) - timedelta(hours=48)) < MINUTE


def test_a_rotation_at_once_brings_the_pending_key_forward(cli: CommandLine) -> None:
    cli.run("keys", "rotate", "ES256")
    told = cli.run("keys", "rotate", "ES256", "--now")
    old, new = keys_of(cli, "ES256")
    assert states(told) == {old.kid: "RETIRING", new.kid: "ACTIVE"}


def test_a_compromised_key_is_replaced_at_once(cli: CommandLine) -> None:
    (leaked,), before = keys_of(cli, "RS256"), version(cli)
    told = cli.run("keys", "rotate", "RS256", "--compromised", leaked.kid)
    _, new = keys_of(cli, "RS256")
    assert states(told) == {leaked.kid: "RETIRED", new.kid: "ACTIVE"}
    event = cli.last_event()
    assert event["name"] == "keys.withdrawn"
    assert event["detail"] == {"kid": leaked.kid, "alg": "RS256", "successor": new.kid}
    assert version(cli) != before
    assert "retired already" in cli.refused("keys", "rotate", "RS256", "--compromised", leaked.kid)


def test_a_compromised_key_that_is_unknown_or_of_another_algorithm_is_refused(cli: CommandLine) -> None:
    (other,) = keys_of(cli, "ES256")
    assert "not the kid" in cli.refused("keys", "rotate", "RS256", "--compromised", "A" * 43)
    assert "not the kid of a key for RS256" in cli.refused("keys", "rotate", "RS256", "--compromised", other.kid)
    assert cli.events() == []


def test_a_second_rotation_waits_for_the_first_and_leaves_no_event(cli: CommandLine) -> None:
    cli.run("keys", "rotate", "RS256")
    before = version(cli)
    assert "under way" in cli.refused("keys", "rotate", "RS256")
    assert len(keys_of(cli, "RS256")) == 2
    assert [event["name"] for event in cli.events()] == ["keys.rotated"]
    assert version(cli) == before


@pytest.mark.parametrize("arguments", [("HS256",), (), ("RS256", "--compromised")])
def test_a_rotation_that_is_refused(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    assert cli.invoke("keys", "rotate", *arguments).exit_code == 2
    assert len(keys_of(cli, "RS256")) == 1


def test_without_a_database_nothing_is_rotated(cli: CommandLine) -> None:
    secret = (cli.folder / "secret").read_bytes()
    (cli.folder / "sesame.db").unlink()
    assert "sesame migrate" in cli.refused("keys", "rotate", "RS256")
    assert "sesame migrate" in cli.refused("keys", "rotate", "RS256", "--compromised", keys_of(cli, "RS256")[0].kid)
    assert "sesame migrate" in cli.refused("keys", "rotate-data")
    assert len(keys_of(cli, "RS256")) == 1
    assert (cli.folder / "secret").read_bytes() == secret


def test_a_data_key_is_added_and_never_shown(cli: CommandLine) -> None:
    secret, before = (cli.folder / "secret").read_bytes(), version(cli)
    told = cli.run("keys", "rotate-data")
    ring = data_ring.parse(data_ring.read(cli.folder / "secret"))
    assert (list(ring), ring[1]) == ([1, 2], secret)
    assert "data key 2" in told
    assert len(told) < 80
    event = cli.last_event()
    assert (event["name"], event["detail"]) == ("keys.data_rotated", {"kid": "2"})
    assert version(cli) != before


def test_a_secret_file_that_is_broken_gets_no_data_key(cli: CommandLine) -> None:
    (cli.folder / "secret").write_text("1:broken")
    assert "line 1" in cli.refused("keys", "rotate-data")
    assert (cli.folder / "secret").read_text() == "1:broken"
    assert cli.events() == []
