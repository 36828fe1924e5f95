"""`sesame doctor`: which data keys still hold secrets of authenticator applications."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.cli.doctor import stores
from idp.cli.doctor.finding import Level
from idp.domain.authn import Assurance
from idp.domain.enrolled import TotpSecret
from idp.domain.ids import new_id
from idp.domain.means import Credential
from idp.settings import load
from keys import data_ring
from keys.seal import DataKeys
from tests.fakes.command_line import CommandLine

pytestmark = pytest.mark.embedded
Found = Callable[[], list[tuple[Level, str]]]


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    made = CommandLine.in_folder(tmp_path)
    made.run("init")
    made.run("account", "create", "anne.pierre", "--given-name", "Anne", "--family-name", "Pierre")
    return made


@pytest.fixture
def found(line: CommandLine) -> Found:
    settings = load(line.folder / "sesame.toml")
    return lambda: [(each.level, each.text) for each in stores.sealed_secrets(settings)]


def enrol(line: CommandLine) -> None:
    """An application, sealed under the newest key."""
    sealed = DataKeys(data_ring.read(line.folder / "secret")).seal(b"secret", purpose="totp:x")
    with closing(line.database) as database, database.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        made = Credential(new_id(), "totp", "totp", Assurance.MEDIUM, datetime.now(UTC), None)
        tx.means.add_credential(account.account_id, made)
        tx.totp_secrets.add(TotpSecret(made.credential_id, sealed, 0))


def test_without_applications_nothing_is_said(found: Found) -> None:
    assert found() == []


def test_what_an_older_line_holds_is_told_until_it_is_sealed_again(line: CommandLine, found: Found) -> None:
    enrol(line)
    enrol(line)
    assert found() == [(Level.OK, "2 of authenticator applications under data key 1")]
    kid = data_ring.append(line.folder / "secret")
    enrol(line)
    (old, text), (new, _) = found()
    assert (old, new, kid) == (Level.WARN, Level.OK, 2)
    assert "2 of authenticator applications under data key 1: keep its line" in text


def test_a_line_that_went_too_early_is_a_failure(line: CommandLine, found: Found) -> None:
    before = (line.folder / "secret").read_bytes()
    data_ring.append(line.folder / "secret")
    enrol(line)
    (line.folder / "secret").write_bytes(before)
    ((level, text),) = found()
    assert level is Level.FAIL
    assert "put the line back" in text
