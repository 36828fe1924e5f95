"""The administrator's file and the person's: what they may say, and where they are."""

import os
from pathlib import Path

import pytest

from card_reader import trusted
from card_reader.config import PORTS, Config, ConfigError, Folders
from tests.fakes.reader import ORIGIN


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    there = Folders(tmp_path / "administrator", tmp_path / "person", tmp_path / "running")
    there.administrator.mkdir()
    there.person.mkdir()
    return there


def _load(folders: Folders, administrator: str = "", person: str = "") -> Config:
    (folders.administrator / "config.toml").write_text(administrator, encoding="utf-8")
    (folders.person / "config.toml").write_text(person, encoding="utf-8")
    return Config.load(folders)


def test_neither_file_need_exist(folders: Folders) -> None:
    assert Config.load(folders) == Config(ports=PORTS, own_origins=folders.person / "origins")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("modul = '/x'", "modul is not a setting here"),
        ("origins = ", "Invalid value"),
        ("origins = 'https://idp.example.org'", "origins: a list"),
        ("origins = [7]", "origins: a list"),
        ("origins = ['http://idp.example.org']", "origins: http://idp.example.org: only https"),
        ("person_may_allow = 'no'", "person_may_allow: true or false"),
        ("module = 'opensc-pkcs11.so'", "module: the full path"),
        ("module = 7", "module: the full path"),
        ("terminal = 1", "terminal: true or false"),
        ("ports = 35810", "ports: two ports"),
        ("ports = '35810'", "ports: two ports"),
        ("ports = '35849-35810'", "ports: 1 to 200"),
        ("ports = '80-90'", "ports: 1 to 200"),
        ("ports = '65000-65536'", "ports: 1 to 200"),
        ("ports = '20000-30000'", "ports: 1 to 200"),
    ],
)
def test_what_cannot_be_meant_stops_the_start_and_names_file_and_key(folders: Folders, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        _load(folders, text)
    assert str(folders.administrator / "config.toml") in str(refused.value)


@pytest.mark.parametrize("text", [f"origins = ['{ORIGIN}']", "person_may_allow = true"])
def test_the_person_cannot_take_the_administrators_place(folders: Folders, text: str) -> None:
    with pytest.raises(ConfigError, match="is not a setting here"):
        _load(folders, "person_may_allow = false", text)


def test_the_person_chooses_module_ports_and_prompt_after_the_administrator(folders: Folders) -> None:
    administrator = f"origins = ['{ORIGIN}']\nperson_may_allow = false\nmodule = '/opt/a.so'\nports = '40000-40009'"
    config = _load(folders, administrator, "module = '/opt/b.so'\nterminal = true")
    assert (config.module, config.ports, config.terminal) == (Path("/opt/b.so"), range(40000, 40010), True)
    allowed = config.allowed_origins()
    assert (allowed.administrator, allowed.person_may_allow) == ({ORIGIN}, False)


def test_the_folders_of_each_system() -> None:
    home = Path("/home/anne")
    linux = Folders.of("linux", {"XDG_CONFIG_HOME": "relative", "XDG_RUNTIME_DIR": "/run/user/1000"}, home)
    assert linux == Folders(
        Path("/etc/sesame-reader"), home / ".config/sesame-reader", Path("/run/user/1000/sesame-reader")
    )
    assert Folders.of("linux", {}, home).running == home / ".config/sesame-reader"
    assert Folders.of("linux", {"XDG_CONFIG_HOME": "/conf"}, home).person == Path("/conf/sesame-reader")
    assert Folders.of("darwin", {}, home).administrator == Path("/Library/Application Support/sesame-reader")
    windows = Folders.of("win32", {"APPDATA": "/r", "LOCALAPPDATA": "/l", "ProgramData": "/all"}, home)
    assert windows == Folders(
        Path("C:/Program Files/sesame-reader"), Path("/r/sesame-reader"), Path("/l/sesame-reader")
    )


@pytest.mark.parametrize("who", ["administrator", "person"])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_could_have_written_decides_nothing(folders: Folders, who: str, what: str) -> None:
    folder = getattr(folders, who)
    (folder / "config.toml").write_text("terminal = true", encoding="utf-8")
    assert Config.load(folders).terminal
    open_to_all = folder if what == "folder" else folder / "config.toml"
    open_to_all.chmod(0o777)
    with pytest.raises(ConfigError, match="can be written by others") as refused:
        Config.load(folders)
    assert str(open_to_all) in str(refused.value)


def test_what_belongs_to_somebody_else_decides_nothing(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    (folders.person / "config.toml").write_text("terminal = true", encoding="utf-8")
    status = os.stat_result((0o100644, 0, 0, 1, 65534, 65534, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda _: status)
    with pytest.raises(trusted.Untrusted, match="belongs to user 65534"):
        trusted.check(folders.person / "config.toml")
