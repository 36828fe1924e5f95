"""An extract of the register of health professionals (RPPS): imported, and compared with the numbers of accounts."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from idp.domain import names
from idp.domain.account import RPPS
from idp.domain.national_id import has_luhn_key
from idp.errors import InvalidOperation
from idp.flows import letters
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.store import Tx
from idp.store.rpps_extract import Registered, Unchecked

BATCH = 1000
MAX_NAME = 200
UNCHECKED_FOR = timedelta(days=730)  # EXI 27, RIE-PS 07: 24 months
TOLD, TOLD_AGAIN_AFTER = "identity.unchecked_told", timedelta(days=90)
# By our names, and by those of the files of the ANS (« Extraction libre accès »), which a bar separates.
COLUMNS = {
    "rpps": "rpps",
    "family_name": "family_name",
    "given_name": "given_name",
    "Identifiant PP": "rpps",
    "Nom d'exercice": "family_name",
    "Prénom d'exercice": "given_name",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """lines: that are kept; refused: without a sound number and two names; dropped: that were there before."""

    lines: int
    refused: int
    dropped: int


def import_extract(desk: Desk, path: Path) -> Imported:
    """Let this file be the register. A number that it does not have is not there any more.

    The file is stored a batch at a time, so that others can write meanwhile; until its end the one before stands for
    what was not reached. Raises InvalidOperation: no CSV file of COLUMNS, or no line of it is sound.
    """
    now, kept, refused, batch = desk.now(), 0, 0, dict[str, Registered]()
    for line in _read(path):
        if line is None:
            refused += 1
            continue
        batch[line.rpps] = line
        if len(batch) >= BATCH:
            kept += _keep(desk, batch, now)
    kept += _keep(desk, batch, now)
    if not kept:
        raise InvalidOperation(f"{path}: no line has a sound RPPS number and two names; nothing was imported")
    with desk.db.write() as tx:
        dropped = tx.rpps_extract.drop_before(now)
        desk.record(tx, "rpps_extract.imported", lines=kept, refused=refused)
    return Imported(kept, refused, dropped)


def unchecked(desk: Desk) -> Iterator[Unchecked]:
    """Accounts whose number was verified more than 24 months ago, and is not at their name in the newest extract."""
    since, after = desk.now() - UNCHECKED_FOR, ""
    while True:
        with desk.db.read() as tx:
            page = tx.rpps_extract.unchecked(since, BATCH, after)
        yield from (each for each in page if not _is_found(each))
        if len(page) < BATCH:
            return
        after = page[-1].account_id


def tell_unchecked(services: Services, desk: Desk, *, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Write to the holders, to nobody twice within TOLD_AGAIN_AFTER; how many letters."""
    count = 0
    for each in unchecked(desk):
        if is_stopped():
            break
        with desk.db.write() as tx:
            tx.accounts.lock(each.account_id)  # of the worker and an operator at once, one tells
            account = tx.accounts.get(each.account_id)
            if account and account.is_active and account.verified_email and not _is_told(desk, tx, each.account_id):
                lang, url = letters.language(tx, account), f"{services.settings.issuer}/compte"
                letters.tell(services, tx, account, "number_unchecked", lang, url=url)
                desk.record(tx, TOLD, subject=each.account_id, verified_at=each.verified_at.isoformat())
                count += 1
    return count


def _is_told(desk: Desk, tx: Tx, account_id: str) -> bool:
    """The audit trail is the memory: it is kept for longer."""
    last = tx.audit.latest(1, name=TOLD, subject=account_id)
    return bool(last) and last[0].at > desk.now() - TOLD_AGAIN_AFTER


def _is_found(each: Unchecked) -> bool:
    family, given = each.said_family_name or "", each.said_given_name or ""
    return names.is_same(family, each.family_name) and names.is_same(given, each.given_name)


def _keep(desk: Desk, batch: dict[str, Registered], now: datetime) -> int:
    """Store a batch, and empty it."""
    with desk.db.write() as tx:
        tx.rpps_extract.put(list(batch.values()), now)
    count = len(batch)
    batch.clear()
    return count


def _read(path: Path) -> Iterator[Registered | None]:
    """Its lines; None for one that is not sound."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = lines.readline()
            separator = next((mark for mark in "|;\t" if mark in header), ",")
            found = next(csv.reader([header], delimiter=separator), [])
            columns = [COLUMNS.get(name.strip(), "") for name in found]
            if sorted(filter(None, columns)) != sorted({"rpps", "family_name", "given_name"}):
                raise InvalidOperation(f"{path}: the columns rpps, family_name and given_name are needed, once each")
            as_it_is = separator == "|"  # a quotation mark is one of a name there
            for row in csv.reader(
                lines, delimiter=separator, quoting=csv.QUOTE_NONE if as_it_is else csv.QUOTE_MINIMAL
            ):
                yield _line(dict(zip(columns, row, strict=False)))
    except UnicodeDecodeError as error:
        raise InvalidOperation(f"{path}: not in UTF-8") from error
    except csv.Error as error:
        raise InvalidOperation(f"{path}: not a CSV file: {error}") from error


def _line(row: dict[str, str]) -> Registered | None:
    rpps, family, given = (row.get(name, "").strip() for name in ("rpps", "family_name", "given_name"))
    is_number = RPPS.fullmatch(rpps) is not None and rpps.isascii() and has_luhn_key(rpps)
    are_names = all(0 < len(name) <= MAX_NAME and name.isprintable() for name in (family, given))
    return Registered(rpps, family, given) if is_number and are_names else None
