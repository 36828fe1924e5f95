"""A CSV file of accounts: read and checked, line by line; nothing is written."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from idp.domain.authn import IdentityRef
from idp.errors import InvalidOperation
from idp.flows.operators.newcomers import COLUMNS, Newcomer, require, sound
from idp.store import Database, Tx

MAX_SHOWN = 200  # characters of a header that may be anything
WHAT = {"login_name": "login name", "email": "e-mail address", "rpps": "RPPS number"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file would do: newcomers and problems, by the number of their line; of each line the one or the other."""

    newcomers: Mapping[int, Newcomer]
    problems: Mapping[int, str]


def check(db: Database, path: Path, content: bytes) -> Checked:
    """Compare what a file has (UTF-8, columns: COLUMNS) with itself and with what is stored.

    Raises InvalidOperation if it is no CSV file, or has columns that nothing is known of.
    """
    newcomers: dict[int, Newcomer] = {}
    problems: dict[int, str] = {}
    for line, row in _rows(path, content):
        try:
            require("" not in row, "more values than columns")
            newcomers[line] = sound(row)
        except InvalidOperation as error:
            problems[line] = str(error)
    with db.read() as tx:
        problems |= _conflicts(tx, newcomers)
    kept = {line: newcomer for line, newcomer in newcomers.items() if line not in problems}
    return Checked(kept, problems)


def _conflicts(tx: Tx, newcomers: Mapping[int, Newcomer]) -> dict[int, str]:
    """Lines that cannot be with what others hold, in the file too, and the services that exist; with the reason."""
    taken = tx.imports.taken([ref for newcomer in newcomers.values() for ref in newcomer.refs])
    services = {client.client_id for client in tx.clients.all()}
    held: dict[IdentityRef, int] = {}
    found: dict[int, str] = {}
    for line, newcomer in newcomers.items():
        said = [
            f"{WHAT[ref.kind]} {ref.value}, by " + (f"line {held[ref]}" if ref in held else "an account")
            for ref in newcomer.refs
            if ref in held or ref in taken
        ]
        if said:
            found[line] = f"{newcomer.login}: the login name or an identifier is already in use: {'; '.join(said)}"
        elif unknown := [each for each in newcomer.services if each not in services]:
            found[line] = f"{unknown[0]}: no such client"
        for ref in newcomer.refs:
            held.setdefault(ref, line)
    return found


def _rows(path: Path, content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file, each with the number of its line."""
    try:
        reader = csv.DictReader(
            io.StringIO(content.decode("utf-8-sig"), newline=""), restkey="", restval="", strict=True
        )
        _sound_header(path, reader.fieldnames or ())
        yield from ((reader.line_num, row) for row in reader)
    except UnicodeDecodeError as error:
        raise InvalidOperation(f"{path}: not in UTF-8") from error
    except csv.Error as error:
        raise InvalidOperation(f"{path}: not a CSV file: {error}") from error


def _sound_header(path: Path, names: Sequence[str]) -> None:
    unknown = set(names) - set(COLUMNS)
    require(not unknown, f"{path}: unknown column: {', '.join(sorted(unknown))[:MAX_SHOWN]}")
    require(len(set(names)) == len(names), f"{path}: a column is there twice")
