"""What all pages of the console share: the menu, who works in it, and one message about what was just done."""

from collections.abc import Iterable
from typing import Any

import flask

from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.flows import said_once
from idp.flows.console.door import HOME, Operator
from idp.flows.services import Services

# Key, address, icon, words, and the right that a page needs.
MENU = (
    ("registrations", f"{HOME}/registrations", "user", N_("Inscriptions"), Right.REGISTRATIONS_SEE),
    ("requests", f"{HOME}/requests", "key", N_("Demandes d'accès"), Right.REQUESTS_SEE),
    ("people", f"{HOME}/people", "users", N_("Personnes"), Right.PEOPLE_SEE),
    ("services", f"{HOME}/services", "apps", N_("Services"), Right.SERVICES_SEE),
    ("policies", f"{HOME}/policies", "shield", N_("Politiques"), Right.POLICIES_SEE),
    ("reports", f"{HOME}/reports", "check", N_("Qui a accès à quoi"), Right.REPORTS_SEE),
    ("audit", f"{HOME}/audit", "clock", N_("Journal"), Right.AUDIT_SEE),
)

NOTICE = "console_notice"


def done(
    services: Services, operator: Operator, said: Text, page: str, *, is_refused: bool = False, **values: str
) -> flask.Response:
    """Go to a page, which says once what was done, or was not."""
    return said_once.done(services, NOTICE, operator.session, said, page, is_refused=is_refused, **values)


def draw(
    services: Services,
    operator: Operator,
    template: str,
    *,
    here: str,
    status: int = 200,
    images: Iterable[str | None] = (),
    **values: Any,
) -> flask.Response:
    """A page of the console. here: its key in MENU, or "home"."""
    notice, refused = said_once.take(services, NOTICE, operator.session)
    values["errors"] = [*refused, *values.get("errors", ())]
    response = services.pages.render(
        template,
        status=status,
        images=images,
        person=operator.account.full_name,
        home_url=HOME,
        here=here,
        menu=menu_of(services, operator, here),
        notice=notice,
        logout_url=f"{HOME}/logout",
        **values,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def menu_of(services: Services, operator: Operator, here: str = "") -> list[dict[str, Any]]:
    """The pages that this operator's rights open."""
    return [
        {"key": key, "url": url, "icon": icon, "label": services.pages.say(label), "here": key == here}
        for key, url, icon, label, right in MENU
        if operator.rights.scope_of(right)
    ]
