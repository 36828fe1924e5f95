"""« Télécharger mes données »: everything that is stored about the holder, as JSON (GDPR articles 15 and 20)."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.flows.portal.account import PAGE
from idp.flows.portal.door import Visitor
from idp.flows.portal.frame import draw
from idp.flows.portal.fresh import sensitive
from idp.flows.services import Services
from idp.store import Tx

EXPORT = f"{PAGE}/export"
OF_A_PROOF = ("method", "after", "assurance", "amr", "at")
OPERATOR = "operator:"
OF_AN_ALERT = ("client_id", "email", "event", "means", "reason")  # the holder's reason; not the operator's note
FREE_TEXT = ("note", "reason")  # in an operator's event: words of one colleague to another


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page says what is in the file; its button downloads it."""

    @bp.get(EXPORT)
    @sensitive(services, EXPORT)
    def export(visitor: Visitor) -> flask.Response:
        return draw(services, visitor, "portal/account_export.html", here="account", action=EXPORT, back_url=PAGE)

    @bp.post(EXPORT)
    @sensitive(services, EXPORT)
    def download(visitor: Visitor) -> flask.Response:
        account = visitor.account
        with services.db.read() as tx:
            content = document(services, tx, account)
        services.append(AuditEvent("account.exported", account.account_id, account.account_id))
        response = flask.Response(json.dumps(content, ensure_ascii=False, indent=2), mimetype="application/json")
        name = f"sesame-{account.login_name}-{services.now().date().isoformat()}.json"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def document(services: Services, tx: Tx, account: Account) -> dict[str, Any]:
    """The whole file; services are named beside their client_id."""
    names = {client.client_id: client.name for client in tx.clients.all()}
    parts = tx.personal_data.of(account.account_id)
    parts["alerts"] = [_only(row, lambda name: name in OF_AN_ALERT) for row in parts["alerts"]]
    parts["events"] = [_by_operator(row) for row in parts["events"]]
    about = {"issuer": services.settings.issuer, "exported_at": services.now().isoformat()}
    return {"about": about, **{name: [_row(row, names) for row in rows] for name, rows in parts.items()}}


def _only(row: Mapping[str, Any], is_shown: Callable[[str], bool]) -> dict[str, Any]:
    """A row with a part of its detail."""
    return {**row, "detail": {name: value for name, value in row["detail"].items() if is_shown(name)}}


def _by_operator(row: dict[str, Any]) -> dict[str, Any]:
    return _only(row, lambda name: name not in FREE_TEXT) if row["actor"].startswith(OPERATOR) else row


def _row(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    shown = {name: _value(name, value) for name, value in row.items()}
    if row.get("client_id") in names:
        shown["service"] = names[row["client_id"]]
    return shown


def _value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if name == "proof":
        return {key: value[key] for key in OF_A_PROOF}
    if name == "actor" and str(value).startswith(OPERATOR):
        return "operator"  # not which: they are people, too
    return value
