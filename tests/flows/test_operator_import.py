"""A file of accounts, imported in a run that may be interrupted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.errors import InvalidOperation
from idp.flows.operators import imports
from idp.flows.operators.import_file import check
from idp.store.import_runs import RowStatus, RunStatus
from tests.fakes.provider import Provider

HEADER = "login,email,given_name,family_name,civility,rpps,services"


class Crash(Exception):
    """The process is gone."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)


@pytest.fixture
def provider(provider: Provider) -> Provider:
    provider.add_client("ror", needs_entitlement=True)
    return provider


def people(folder: Path, *logins: str) -> Path:
    rows = [f"{login},{login}@chu.example,Anne,Pierre,,{number:011},ror" for number, login in enumerate(logins)]
    return text(folder, HEADER, *rows)


def text(folder: Path, *lines: str) -> Path:
    file = folder / "people.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def logins(provider: Provider) -> list[str]:
    """Of everybody but the person whom every test has."""
    with provider.services.db.read() as tx:
        found = [each.login_name for each in tx.people.page(limit=500, sort="login").people]
    return [login for login in found if login != "anne.pierre"]


def made(provider: Provider) -> int:
    """How many accounts the audit says that runs made."""
    return len([event for event in provider.events("account.created") if "run" in event.detail])


def crash_after(units: int) -> imports.Step:
    left = units

    def step(_: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Crash

    return step


# -- once ------------------------------------------------------------------------------


def test_a_file_is_imported_once(provider: Provider, tmp_path: Path) -> None:
    file = people(tmp_path, "anne", "karim", "lea")
    assert imports.import_csv(provider.desk, file) == 3
    before = provider.events()
    assert imports.import_csv(provider.desk, file) == 0
    assert logins(provider) == ["anne", "karim", "lea"]
    assert provider.events() == before


def test_each_unit_of_work_is_short(provider: Provider, tmp_path: Path) -> None:
    told: list[int] = []
    run = imports.begin(provider.desk, people(tmp_path, *"abcde"), told.append)
    assert told == [2, 2, 1]
    assert logins(provider) == []
    assert imports.switch(provider.desk, run.run_id, told.append) == 5
    assert told == [2, 2, 1, 2, 2, 1]


def test_the_run_says_what_it_made_and_keeps_no_data_of_people(provider: Provider, tmp_path: Path) -> None:
    run = imports.begin(provider.desk, people(tmp_path, "anne", "karim"))
    imports.switch(provider.desk, run.run_id)
    with provider.services.db.read() as tx:
        found = tx.import_runs.get(run.run_id)
        rows = tx.import_runs.following(run.run_id, 0, 9, status=tuple(RowStatus))
        anne = tx.accounts.find_by_login("anne")
    assert found
    assert (found.status, found.accounts, found.file_name) == (RunStatus.DONE, 2, "people.csv")
    assert [row.person for row, _ in rows] == [None, None]
    assert anne
    assert rows[0][0].account_id == anne.account_id
    (finished,) = provider.events("import.finished")
    assert finished.detail == {"run": run.run_id, "lines": "2"}
    assert provider.events("account.created")[0].detail == {"run": run.run_id}


def test_a_file_without_accounts_makes_none(provider: Provider, tmp_path: Path) -> None:
    assert imports.import_csv(provider.desk, text(tmp_path, HEADER)) == 0


# -- interrupted -----------------------------------------------------------------------


@pytest.mark.parametrize("units", [1, 2, 3])
def test_a_file_that_was_not_read_to_its_end_is_read_on(provider: Provider, tmp_path: Path, units: int) -> None:
    file = people(tmp_path, *"abcde")
    with pytest.raises(Crash):
        imports.begin(provider.desk, file, crash_after(units))
    assert logins(provider) == []
    assert imports.import_csv(provider.desk, file) == 5
    assert logins(provider) == [*"abcde"]
    assert made(provider) == 5


def test_a_run_that_is_not_staged_needs_its_file(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(Crash):
        imports.begin(provider.desk, people(tmp_path, *"abcde"), crash_after(1))
    with provider.services.db.read() as tx:
        (run,) = tx.import_runs.all()
    with pytest.raises(InvalidOperation, match="import the file again"):
        imports.switch(provider.desk, run.run_id)
    assert logins(provider) == []


@pytest.mark.parametrize("units", [1, 2])
def test_a_run_carries_on_where_it_was_interrupted(provider: Provider, tmp_path: Path, units: int) -> None:
    run = imports.begin(provider.desk, people(tmp_path, *"abcde"))
    with pytest.raises(Crash):
        imports.switch(provider.desk, run.run_id, crash_after(units))
    assert len(logins(provider)) == 2 * units
    (tmp_path / "people.csv").unlink()
    assert imports.switch(provider.desk, run.run_id) == 5 - 2 * units
    assert logins(provider) == [*"abcde"]
    assert made(provider) == len(provider.events("entitlement.granted")) == 5


def test_two_who_carry_on_at_once_make_each_account_once(provider: Provider, tmp_path: Path) -> None:
    run = imports.begin(provider.desk, people(tmp_path, *"abcdefghij"))
    with ThreadPoolExecutor(2) as both:
        counts = list(both.map(lambda _: imports.switch(provider.desk, run.run_id), range(2)))
    assert sum(counts) == 10
    assert logins(provider) == [*"abcdefghij"]
    assert made(provider) == 10


def test_two_who_read_a_file_on_at_once_do_not_stage_it_twice(provider: Provider, tmp_path: Path) -> None:
    file = people(tmp_path, *"abcde")
    with pytest.raises(Crash):
        imports.begin(provider.desk, file, crash_after(1))
    overtaken = False

    def overtake(_: int) -> None:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            imports.import_csv(provider.desk, file)

    with pytest.raises(InvalidOperation, match="another process is importing it"):
        imports.begin(provider.desk, file, overtake)
    assert logins(provider) == [*"abcde"]


def test_an_unknown_run(provider: Provider) -> None:
    with pytest.raises(InvalidOperation, match="nothing: no such run"):
        imports.switch(provider.desk, "nothing")


# -- conflicts -------------------------------------------------------------------------


def test_an_identifier_that_is_taken_meanwhile_is_left_out(provider: Provider, tmp_path: Path) -> None:
    run = imports.begin(provider.desk, people(tmp_path, *"abcde"))
    provider.add_account("late", email="c@chu.example", password=None)
    assert imports.switch(provider.desk, run.run_id) == 4
    assert logins(provider) == ["a", "b", "d", "e", "late"]
    with provider.services.db.read() as tx:
        ((line, status, login, problem),) = tx.import_runs.problems(run.run_id)
        counts = tx.import_runs.counts(run.run_id)
    assert (line, status, login) == (4, "refused", None)
    assert "was taken after the file was checked" in problem
    assert (counts[RowStatus.DONE], counts[RowStatus.REFUSED]) == (4, 1)


def test_every_line_that_is_not_sound_is_reported(provider: Provider, tmp_path: Path) -> None:
    provider.add_account("known", password=None)
    file = text(
        tmp_path,
        HEADER,
        "anne,same@chu.example,Anne,Pierre,,10003456789,ror",
        "karim,SAME@chu.example,Karim,B,,,",
        "lea,lea@chu.example,Léa,M,,10003456789,",
        "Anne,,Anne,Other,,,",
        "zoe,known@chu.example,Zoé,D,,,",
        "ok,,O,K,,,",
        "bad login,,A,B,,,",
        "far,,A,B,,,nowhere",
    )
    checked = check(provider.services.db, file, file.read_bytes())
    assert {line: who.login for line, who in checked.newcomers.items()} == {2: "anne", 7: "ok"}
    in_use = "the login name or an identifier is already in use"
    assert dict(checked.problems) == {
        3: f"karim: {in_use}: e-mail address same@chu.example, by line 2",
        4: f"lea: {in_use}: RPPS number 10003456789, by line 2",
        5: f"anne: {in_use}: login name anne, by line 2",
        6: f"zoe: {in_use}: e-mail address known@chu.example, by an account",
        8: "'bad login': a login name has a-z, 0-9 and . - _ inside, 64 at most",
        9: "nowhere: no such client",
    }
    assert logins(provider) == ["known"]


HOSTILE = {"script": "<script>alert(1)</script>", "long": "x" * 1_000_000, "nul": "a\0b", "right to left": "a\u202eb"}
FIELDS = HEADER.split(",")


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", FIELDS)
def test_a_hostile_field_is_refused_with_its_line_or_kept_as_text(
    provider: Provider, tmp_path: Path, name: str, value: str
) -> None:
    row = {"login": "anne", "given_name": "Anne", "family_name": "Pierre", name: HOSTILE[value]}
    file = text(tmp_path, HEADER, "first,,A,B,,,", ",".join(row.get(field, "") for field in FIELDS))
    if value == "script" and name in {"given_name", "family_name"}:
        assert imports.import_csv(provider.desk, file) == 2
        return
    with pytest.raises(InvalidOperation) as refused:
        imports.import_csv(provider.desk, file)
    assert str(file) in str(refused.value)
    assert len(str(refused.value)) < 1000
    assert logins(provider) == []


def test_a_header_that_is_hostile_is_refused(provider: Provider, tmp_path: Path) -> None:
    for header in ("login," * 3 + "login", "x" * 1000, "login,\0"):
        with pytest.raises(InvalidOperation):
            imports.import_csv(provider.desk, text(tmp_path, header, "a,b,c,d"))
    assert logins(provider) == []
