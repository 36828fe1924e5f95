"""What the administrator and the person decided: two TOML files, of which neither need exist, and the command line."""

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from card_reader import trusted
from card_reader.origins import AllowedOrigins, OriginRefused, parse

NAME = "sesame-reader"
PORTS = range(35810, 35850)
MOST_PORTS = 200  # a page tries them one by one
PERSON_KEYS = frozenset({"module", "ports", "terminal"})
ADMINISTRATOR_KEYS = PERSON_KEYS | {"origins", "person_may_allow"}


class ConfigError(Exception):
    """The text names the file and the key."""


@dataclass(frozen=True, slots=True)
class Folders:
    """administrator: only they can write there. person: settings and own origins. running: while it runs."""

    administrator: Path
    person: Path
    running: Path

    @classmethod
    def of(cls, platform: str, environment: Mapping[str, str], home: Path) -> Self:
        """Not ProgramData on Windows: there everybody may make folders, and so choose the module of everybody else."""
        if platform == "win32":
            local = Path(environment.get("LOCALAPPDATA") or home / "AppData/Local") / NAME
            roaming = Path(environment.get("APPDATA") or home / "AppData/Roaming") / NAME
            return cls(Path(environment.get("ProgramFiles") or "C:/Program Files") / NAME, roaming, local)
        if platform == "darwin":
            person = home / "Library/Application Support" / NAME
            return cls(Path("/Library/Application Support") / NAME, person, person)
        person = _absolute(environment.get("XDG_CONFIG_HOME"), home / ".config") / NAME
        running = _absolute(environment.get("XDG_RUNTIME_DIR"), person)
        return cls(Path("/etc") / NAME, person, running / NAME if running != person else person)

    @classmethod
    def here(cls) -> Self:
        return cls.of(sys.platform, os.environ, Path.home())


def _absolute(value: str | None, otherwise: Path) -> Path:
    """XDG Base Directory Specification: relative paths are ignored."""
    return Path(value) if value and Path(value).is_absolute() else otherwise


@dataclass(frozen=True, slots=True)
class Config:
    """module: None, and it is looked for. origins: the administrator's."""

    module: Path | None = None
    ports: range = PORTS
    terminal: bool = False
    origins: frozenset[str] = frozenset()
    person_may_allow: bool = True
    own_origins: Path = field(default=Path("origins"))

    @classmethod
    def load(cls, folders: Folders) -> Self:
        """The person's `module`, `ports` and `terminal` come before the administrator's. Raises ConfigError."""
        administrator = _read(folders.administrator / "config.toml", ADMINISTRATOR_KEYS)
        person = _read(folders.person / "config.toml", PERSON_KEYS)
        return cls(**{**administrator, **person, "own_origins": folders.person / "origins"})

    def allowed_origins(self) -> AllowedOrigins:
        return AllowedOrigins(self.origins, self.own_origins, person_may_allow=self.person_may_allow)


def _read(file: Path, known: frozenset[str]) -> dict[str, Any]:
    try:
        trusted.check(file)
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except trusted.Untrusted as untrusted:
        raise ConfigError(str(untrusted)) from None
    except (OSError, ValueError) as unreadable:
        raise ConfigError(f"{file}: {unreadable}") from None
    values = {}
    for key, value in written.items():
        if key not in known:
            raise ConfigError(f"{file}: {key} is not a setting here; there are: {', '.join(sorted(known))}")
        try:
            values[key] = READERS[key](value)
        except ValueError as wrong:
            raise ConfigError(f"{file}: {key}: {wrong}") from None
    return values


def _module(value: Any) -> Path:
    if not isinstance(value, str) or not Path(value).is_absolute():
        raise ValueError("the full path of a PKCS#11 module is expected")
    return Path(value)


def read_ports(value: Any) -> range:
    """`35810-35849`, the last one included. Raises ValueError."""
    first, dash, last = value.partition("-") if isinstance(value, str) else ("", "", "")
    if not (dash and first.isdecimal() and last.isdecimal()):
        raise ValueError("two ports are expected, as 35810-35849")
    ports = range(int(first), int(last) + 1)
    if not (1024 <= ports.start <= ports.stop - 1 <= 65535) or len(ports) > MOST_PORTS:
        raise ValueError(f"1 to {MOST_PORTS} ports of 1024 to 65535 are expected")
    return ports


def _origins(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError("a list of origins is expected")
    for entry in value:
        try:
            parse(entry)
        except OriginRefused as refused:
            raise ValueError(f"{entry}: {refused}") from None
    return frozenset(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is expected")
    return value


READERS = {
    "module": _module,
    "ports": read_ports,
    "terminal": _truth,
    "origins": _origins,
    "person_may_allow": _truth,
}
