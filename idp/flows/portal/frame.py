"""What all pages of the portal share: the menu, whose account it is, and one message about what was just done."""

from collections.abc import Iterable
from typing import Any

import flask

from idp.domain.authn import temporary_until
from idp.domain.texts import N_, Text
from idp.flows import said_once
from idp.flows.portal.door import HOME, Visitor
from idp.flows.services import Services

# The side menu (P-092 to P-096): key, address, icon, words. CHANGES: what is nothing but a change.
MENU = (
    ("home", HOME, "apps", N_("Mes services")),
    ("personal", f"{HOME}/personal", "user", N_("Modifier mes données personnelles")),
    ("means", f"{HOME}/means", "shield", N_("Gérer mes dispositifs d'authentification forte")),
    ("password", f"{HOME}/password", "lock", N_("Modifier mon mot de passe")),
    ("account", f"{HOME}/account", "id", N_("Gérer votre compte")),
)
CHANGES = frozenset({"password"})

NOTICE = "portal_notice"


def done(
    services: Services, visitor: Visitor, said: Text, page: str, *, is_refused: bool = False, **values: str
) -> flask.Response:
    """Go to a page, which says once what was done, or was not."""
    return said_once.done(services, NOTICE, visitor.session, said, page, is_refused=is_refused, **values)


def draw(
    services: Services,
    visitor: Visitor,
    template: str,
    *,
    here: str,
    status: int = 200,
    images: Iterable[str | None] = (),
    form_targets: Iterable[str] = (),
    **values: Any,
) -> flask.Response:
    """A page of the portal. here: its key in MENU."""
    say = services.pages.say
    with services.db.read() as tx:
        picture = tx.pictures.version(visitor.account.account_id)
    notice, refused = said_once.take(services, NOTICE, visitor.session)
    values["errors"] = [*refused, *values.get("errors", ())]
    until = temporary_until(visitor.session.proofs)
    items = [item for item in MENU if until is None or item[0] not in CHANGES]
    menu = [{"url": url, "icon": icon, "label": say(label), "here": key == here} for key, url, icon, label in items]
    return services.pages.render(
        template,
        status=status,
        images=images,
        form_targets=form_targets,
        picture_url=f"{HOME}/picture?v={picture}" if picture else None,
        person=visitor.account.full_name,
        home_url=HOME,
        here=here,
        menu=menu,
        notice=notice,
        temporary_until=until,
        logout_url=f"{HOME}/logout",
        **values,
    )
