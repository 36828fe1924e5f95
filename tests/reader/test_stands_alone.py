"""The helper is installed where no provider is: it must not need one, nor PKCS#11 before a card is asked for."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import card_reader

REPOSITORY = Path(__file__).parents[2]
BLOCK = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
for name in {names}:
    importlib.import_module(name)
"""
SERVER = (
    "idp",
    "keys",
    "demo",
    "migrations",
    "flask",
    "werkzeug",
    "sqlalchemy",
    "redis",
    "authlib",
    "jwt",
    "requests",
    "pytest",
)
MODULES = [f"card_reader.{each.name}" for each in pkgutil.iter_modules(card_reader.__path__)]
FOR_TESTS, WITH_PKCS11 = {"card_reader.conformance"}, {"card_reader.conformance", "card_reader.pkcs11_card"}
STARTS = {"card_reader.__main__"}  # and would serve


def _import(names: list[str], absent: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    code = BLOCK.format(absent=set(absent), names=names)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY)


def test_every_module_is_imported_without_the_provider() -> None:
    done = _import(sorted(set(MODULES) - FOR_TESTS - STARTS), SERVER)
    assert done.returncode == 0, done.stderr


def test_what_says_that_the_extra_is_missing_can_be_reached_without_it() -> None:
    done = _import(sorted(set(MODULES) - WITH_PKCS11 - STARTS), (*SERVER, "pkcs11", "asn1crypto"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["idp", "flask"])
def test_the_block_blocks(name: str) -> None:
    assert _import([name], SERVER).returncode != 0
