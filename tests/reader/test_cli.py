"""`sesame-reader` at a terminal."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from card_reader import cli, running
from card_reader.card import Seen, State
from card_reader.config import Folders
from card_reader.running import AlreadyRunning, Note, Running
from tests.fakes.reader import ORIGIN, PRESENT, FakeCard, Page

SERVE = """
import sys
from pathlib import Path
from card_reader import cli
from card_reader.config import Folders
from tests.fakes.reader import FakeCard

folder = Path(sys.argv[1])
Folders.here = classmethod(lambda _: Folders(folder / "administrator", folder / "person", folder / "running"))
cli._card = lambda _: FakeCard()
cli._prompt = lambda **_: None
sys.exit(cli.main(["run", *sys.argv[2:]]))
"""


@dataclass
class Person:
    folders: Folders
    capsys: pytest.CaptureFixture[str]

    def runs(self, *arguments: str) -> str:
        assert cli.main(arguments) == 0
        printed = self.capsys.readouterr()
        assert printed.err == ""
        return printed.out

    def is_refused(self, *arguments: str) -> str:
        assert cli.main(arguments) == 1
        return self.capsys.readouterr().err


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Person:
    folders = Folders(tmp_path / "administrator", tmp_path / "person", tmp_path / "running")
    folders.administrator.mkdir()
    monkeypatch.setattr(Folders, "here", lambda: folders)
    return Person(folders, capsys)


def _administrator_says(person: Person, text: str) -> None:
    (person.folders.administrator / "config.toml").write_text(text, encoding="utf-8")


def test_an_origin_is_allowed_listed_and_forbidden(person: Person) -> None:
    _administrator_says(person, "origins = ['https://hospital.example']")
    person.runs("allow", ORIGIN)
    assert person.runs("origins") == f"https://hospital.example  (administrator)\n{ORIGIN}  (you)\n"
    person.runs("forbid", ORIGIN)
    assert person.runs("origins") == "https://hospital.example  (administrator)\n"


def test_what_is_no_origin_is_refused(person: Person) -> None:
    assert "an origin is written" in person.is_refused("allow", "idp.example.org")
    assert not person.folders.person.exists()


def test_only_what_the_person_allowed_can_be_taken_back(person: Person) -> None:
    _administrator_says(person, f"origins = ['{ORIGIN}']")
    assert "administrator's list" in person.is_refused("forbid", ORIGIN)
    assert "not on your list" in person.is_refused("forbid", "https://other.example")


def test_where_the_administrator_decides_the_person_allows_nothing(person: Person) -> None:
    _administrator_says(person, "person_may_allow = false")
    assert "the administrator of this computer decides" in person.is_refused("allow", ORIGIN)
    assert "lets nobody add any" in person.runs("origins")


def test_a_mistake_in_a_file_is_told(person: Person) -> None:
    _administrator_says(person, "port = 1")
    assert "config.toml: port is not a setting here" in person.is_refused("origins")


def test_status_says_what_is_in_the_reader(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(State.PRESENT, holder="ANNE\x1b[31m PIERRE", tries="low", reader="Lecteur 1")
    monkeypatch.setattr(cli, "_card", lambda _: FakeCard(seen))
    told = person.runs("status")
    assert told == "helper: none runs\ncard: present\nholder: ANNE[31m PIERRE\nreader: Lecteur 1\ntries: low\n"


def test_status_names_the_helper_that_runs(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_card", lambda _: FakeCard(PRESENT))
    helper = Running.here(person.folders)
    with helper.held():
        helper.write(Note(4242, 35811))
        assert "helper: process 4242 on 127.0.0.1:35811\n" in person.runs("status")
    assert "none runs" in person.runs("status")


def test_a_module_that_is_not_there_is_told(person: Person, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.so")
    assert missing in person.is_refused("status", "--module", missing)
    assert "none of them is there" in person.is_refused("modules", "--module", missing)


def test_without_the_extra_its_name_is_told(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "card_reader.pkcs11_card", None)
    assert "pip install 'sesame-idp[reader]'" in person.is_refused("status")


def test_the_module_that_is_used_is_marked(person: Person, tmp_path: Path) -> None:
    (tmp_path / "card.so").touch()
    assert person.runs("modules", "--module", str(tmp_path / "card.so")) == f"* {tmp_path / 'card.so'}\n"


@pytest.mark.parametrize("arguments", [["run", "--ports", "1-2"], ["run", "--ports", "x"]])
def test_ports_that_are_none_are_refused(person: Person, arguments: list[str]) -> None:
    assert "--ports: " in person.is_refused(*arguments)


def test_a_second_helper_of_the_same_person_does_not_start(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_prompt", lambda **_: None)
    with Running.here(person.folders).held():
        assert "a helper of yours runs already" in person.is_refused("run")


def test_each_session_has_its_own_helper_and_that_of_a_service_is_everybodys(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_prompt", lambda **_: None)
    monkeypatch.setattr(cli, "_card", lambda _: FakeCard(PRESENT))
    monkeypatch.setattr(running, "session_of", lambda _: "4")
    assert Running.here(person.folders)._lock.name == "helper-4.lock"
    service = Running.of_no_session(person.folders)
    with service.held():
        service.write(Note(4242, 35811))
        assert "helper: process 4242" in person.runs("status")
        assert "a helper of yours runs already" in person.is_refused("run")


def test_a_module_that_others_may_write_is_not_loaded(person: Person, tmp_path: Path) -> None:
    module = tmp_path / "card.so"
    module.touch()
    module.chmod(0o666)
    assert f"{module} can be written by others" in person.is_refused("status", "--module", str(module))


def test_without_a_console_there_is_nothing_to_write_to(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        patch.setattr(sys, "stderr", None)
        assert cli.main(["origins"]) == 0
        assert cli.main(["allow", ORIGIN]) == 0
        assert cli.main(["allow", "x"]) == 1


def test_the_lock_is_one(tmp_path: Path) -> None:
    with Running(tmp_path, "helper").held(), pytest.raises(AlreadyRunning), Running(tmp_path, "helper").held():
        pass
    with Running(tmp_path, "helper-1").held(), Running(tmp_path, "helper-2").held():
        pass


def test_when_no_port_is_free_it_is_told(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_prompt", lambda **_: None)
    monkeypatch.setattr(cli, "_card", lambda _: FakeCard())
    with _helper(person.folders.person.parent / "other") as (_, port):
        refused = person.is_refused("run", "--ports", f"{port}-{port}")
    assert f"no port is free on 127.0.0.1 from {port} to {port}" in refused


def test_without_tk_a_window_is_not_promised(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    assert "--terminal" in person.is_refused("run")


@contextmanager
def _helper(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    (folder / "person").mkdir(parents=True)
    command = [sys.executable, "-c", SERVE, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=Path(__file__).parents[2]) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "listens on 127.0.0.1:" in line, (line, process.communicate()[1])
            yield process, int(line.partition(":")[2].partition(";")[0])
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_a_signal_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with _helper(tmp_path) as (process, port):
        assert json.loads((tmp_path / "running" / "helper.json").read_text()) == {"process": process.pid, "port": port}
        assert Page(port).get().json["allowed"] is False
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not (tmp_path / "running" / "helper.json").exists()


def test_what_is_allowed_while_it_runs_counts_at_once(tmp_path: Path) -> None:
    with _helper(tmp_path) as (_, port):
        (tmp_path / "person" / "origins").write_text(f"{ORIGIN}\n")
        assert Page(port).get().json["card"] == "present"


def test_the_module_is_a_program_too() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "card_reader", "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("sesame-reader ")
    assert os.linesep in told.stdout
