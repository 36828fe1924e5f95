"""What a service asks of those who want access to it: read from a file, checked, and put in place."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from idp.domain.service_access import Field, ServiceAccess, ServiceRole, sound
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx

# Words of the file → names of the code.
FIELD = {
    **{name: name for name in ("name", "label", "kind", "hint", "choices", "other_of")},
    "required": "is_required",
    "from": "source",
    "locked": "is_locked",
}
ROLE = {"code": "code", "label": "label", "perimeter": "takes_perimeter"}
LEVELS = ("region_approves", "service_approves")
TERMS = ("terms_version", "terms_uri")
FLAGS = frozenset({"is_required", "is_locked", "takes_perimeter", *LEVELS})


def read(path: Path, client_id: str) -> ServiceAccess:
    """The definition in a TOML file. Raises InvalidOperation, which says what is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidOperation(f"{path}: not TOML in UTF-8: {error}") from error
    unknown = data.keys() - {"fields", "roles", *LEVELS, *TERMS}
    if unknown:
        raise InvalidOperation(f"{path}: unknown: {', '.join(sorted(unknown))}")
    fields = [Field(**_named(each, FIELD, "field")) for each in _tables(data, "fields")]
    roles = [ServiceRole(**_named(each, ROLE, "role")) for each in _tables(data, "roles")]
    rest = _named({name: value for name, value in data.items() if name in {*LEVELS, *TERMS}}, None, "file")
    form = ServiceAccess(client_id, fields=tuple(fields), roles=tuple(roles), **rest)
    sound(form)
    return form


def put(desk: Desk, tx: Tx, form: ServiceAccess) -> None:
    """From now on the service asks this; what waits is decided as it was asked. Raises InvalidOperation."""
    sound(form)
    if tx.clients.get(form.client_id) is None:
        raise InvalidOperation(f"{form.client_id}: no such client")
    tx.service_access.set(replace(form, updated_at=desk.now(), updated_by=desk.operator))
    facts = {"fields": len(form.fields), "roles": len(form.roles), "levels": " ".join(form.levels)}
    desk.record(tx, "service_access.changed", client_id=form.client_id, **facts)


def _tables(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidOperation(f"{name}: tables, as [[{name}]] begins them")
    return found


def _named(given: Mapping[str, Any], names: Mapping[str, str] | None, what: str) -> dict[str, Any]:
    """The values of a table by our names. Raises InvalidOperation for a name or a type that is none."""
    values: dict[str, Any] = {}
    for word, value in given.items():
        name = word if names is None else names.get(word)
        if name is None:
            raise InvalidOperation(f"{what}: {word} is none of {', '.join(names or ())}")
        if name == "choices":
            is_right = isinstance(value, list) and all(isinstance(each, str) for each in value)
        else:
            is_right = isinstance(value, bool if name in FLAGS else str)
        if not is_right:
            raise InvalidOperation(f"{what}: {word} is of another type")
        values[name] = tuple(value) if name == "choices" else value
    missing = {"field": {"name", "label"}, "role": {"code", "label"}}.get(what, set()) - values.keys()
    if missing:
        raise InvalidOperation(f"{what}: {', '.join(sorted(missing))} is missing")
    return values
