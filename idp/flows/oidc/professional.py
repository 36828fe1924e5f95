"""The scope `identite_ps`: who a health professional is, under the claim names of Pro Santé Connect, and who said so.

Only what was verified: identities that a card or an upstream proved, or support entered, and what these means said of
the practice. Nothing that somebody typed of themselves.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from idp.domain.practice import NAMES, newest
from idp.methods.cps_card import CpsCard
from idp.store import Tx
from idp.store.practices import Number

ORIGIN: Final = "identite_ps_origine"
PROFESSIONAL: Final = ("SubjectNameID", "rpps", "otherIds", *NAMES, ORIGIN)
PREFIXES: Final = {"rpps": "8", "adeli": "0", "employee": ""}  # TRE_G08, the first to be preferred; that of an employee
ORIGINS: Final = {CpsCard.id: "carte"}  # has its own already


def professional(tx: Tx, account_id: str, names: Collection[str]) -> dict[str, Any]:
    """Those of PROFESSIONAL that are asked for and known. Reads nothing where none is, and tells nothing of who has no
    number.
    """
    if set(names).isdisjoint(PROFESSIONAL):
        return {}
    numbers = tx.practices.numbers(account_id)
    if not numbers:
        return {}
    values, origins = _identity(numbers)
    for name, source in newest(tx.practices.of(account_id)).items():
        values[name], origins[name] = source.practice.claims[name], _origin(source.origin, source.at)
    told = {name: value for name, value in values.items() if name in names}
    if ORIGIN in names:
        told[ORIGIN] = {name: origin for name, origin in origins.items() if name in names}
    return {name: value for name, value in told.items() if value}


def _identity(numbers: Sequence[Number]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of the numbers, and their origins; of `otherIds` by `identifiant`."""
    held = sorted(numbers, key=lambda number: list(PREFIXES).index(number.ref.kind))
    values: dict[str, Any] = {"otherIds": []}
    origins: dict[str, Any] = {"otherIds": {}}
    for number in held:
        national_id, origin = PREFIXES[number.ref.kind] + number.ref.value, _origin(number.origin, number.verified_at)
        if "SubjectNameID" not in values:
            values["SubjectNameID"], origins["SubjectNameID"] = national_id, origin
        if number.ref.kind == "rpps":
            values["rpps"], origins["rpps"] = number.ref.value, origin
        if number.ref.kind in {"rpps", "adeli"}:  # PSC has no other `origine` that we could know
            values["otherIds"].append({"identifiant": national_id, "origine": number.ref.kind.upper(), "qualite": 1})
            origins["otherIds"][national_id] = origin
    return values, origins


def _origin(origin: str, at: datetime) -> dict[str, str]:
    return {"origine": ORIGINS.get(origin, origin), "date": at.astimezone(UTC).date().isoformat()}
