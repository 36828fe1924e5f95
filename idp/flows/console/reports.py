"""Who has access to what, on a page and as a file for a spreadsheet."""

import io
from datetime import UTC
from typing import Any

import flask

from idp.csv_out import writer
from idp.domain.client import CLIENT_ID
from idp.domain.rights import Right
from idp.flows import answer
from idp.flows.access.asking import TOLD_BEFORE
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.frame import draw
from idp.flows.console.request_list import one_of, services_in
from idp.flows.services import Services
from idp.store.held_accesses import HeldAccess

LIST = f"{HOME}/reports"
FILE = f"{LIST}/accesses.csv"
PAGE_SIZE = 100
COLUMNS = (
    *("login", "given_name", "family_name", "email", "status", "client_id", "service"),
    *("roles", "granted_at", "granted_by", "expires_at"),
)


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page and the file."""

    @bp.get(LIST)
    @allowed(services, Right.REPORTS_SEE, LIST)
    def accesses(operator: Operator) -> flask.Response:
        return _list(services, operator)

    @bp.get(FILE)
    @allowed(services, Right.REPORTS_SEE, FILE)
    def accesses_file(operator: Operator) -> flask.Response:
        return _file(services, operator)


def _list(services: Services, operator: Operator) -> flask.Response:
    asked, scope, now = flask.request.args, operator.rights.scope_of(Right.REPORTS_SEE), services.now()
    with services.db.read() as tx:
        client_id = one_of(tx, scope, asked.get("service", ""))
        found = tx.held_accesses.page(
            scope,
            now,
            client_id=client_id,
            before=now + TOLD_BEFORE if asked.get("soon") else None,
            after=_after(asked.get("after", "")),
            limit=PAGE_SIZE + 1,
        )
        choices = services_in(tx, scope)
    lines, kept = found[:PAGE_SIZE], {name: asked[name] for name in ("service", "soon") if asked.get(name)}
    after = f"{lines[-1].login}~{lines[-1].client_id}" if lines else ""
    return draw(
        services,
        operator,
        "console/reports.html",
        here="reports",
        lines=[{"held": each, "roles": each.roles} for each in lines],
        choices=choices,
        chosen=kept,
        page=LIST,
        file_url=answer.with_query(FILE, {"service": client_id} if client_id else {}),
        first_url=answer.with_query(LIST, kept) if asked.get("after") else None,
        next_url=answer.with_query(LIST, {**kept, "after": after}) if len(found) > PAGE_SIZE else None,
        days=TOLD_BEFORE.days,
    )


def _file(services: Services, operator: Operator) -> flask.Response:
    scope = operator.rights.scope_of(Right.REPORTS_SEE)
    text = io.StringIO(newline="")
    rows = writer(text)
    rows.writerow(COLUMNS)
    count = 0
    with services.db.read() as tx:
        client_id = one_of(tx, scope, flask.request.args.get("service", ""))
        for held in tx.held_accesses.all(scope, services.now(), client_id):
            rows.writerow(_cells(held))
            count += 1
    desk = operator.desk(services)
    with services.db.write() as tx:
        desk.record(tx, "entitlement.report_read", client_id=client_id, rows=count)
    response = flask.Response("\ufeff" + text.getvalue(), mimetype="text/csv")  # spreadsheets take it for UTF-8
    response.headers["Content-Disposition"] = 'attachment; filename="accesses.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _after(typed: str) -> tuple[str, str] | None:
    """login and client_id of the line before; None if it cannot be one."""
    login, _, client_id = typed.partition("~")
    return (login, client_id) if login.isprintable() and CLIENT_ID.fullmatch(client_id) else None


def _cells(held: HeldAccess) -> list[Any]:
    values = {name: getattr(held, name) for name in COLUMNS}
    moments = {name: at.astimezone(UTC).isoformat() for name in ("granted_at", "expires_at") if (at := values[name])}
    return list({**values, **moments, "roles": " ".join(map(str, held.roles))}.values())
