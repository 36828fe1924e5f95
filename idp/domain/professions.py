"""Official code lists, in the words of their owners, which are French: professions, specialities, departments.

They are data (`idp/data/*.csv`: `code;list;label`, with source and version at the top of each file), read once.
"""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

TRE_G15: Final = "1.2.250.1.71.1.2.7"
OTHER: Final = "autre"  # « - Autre - »: what no list has


def _read(name: str) -> Mapping[str, str]:
    """Labels by code, in the order of the file."""
    text = (resources.files("idp") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    rows = (line.split(";", 2) for line in text.splitlines() if line and not line.startswith("#"))
    return MappingProxyType({code: label for code, _list, label in rows})


PROFESSIONS: Final = _read("professions")
SPECIALITIES: Final = _read("specialities")
DEPARTMENTS: Final = _read("departments")


def profession(role: str) -> str:
    """What a `code^list` says; the code itself if it is not known here."""
    code = role.partition("^")[0]
    return PROFESSIONS.get(code, code)
