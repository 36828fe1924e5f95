"""« Gérer mes dispositifs d'authentification forte » (P-093): what one signs in with; names, and adding a means."""

from typing import Any
from uuid import UUID

import flask

from idp.domain.account import mask_email
from idp.domain.authn import Assurance
from idp.domain.interaction import Purpose
from idp.domain.means import Credential, LoginLink
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import own_means
from idp.flows.own_means import Holdings
from idp.flows.portal.confirming import can_confirm
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import ask
from idp.flows.services import Services
from idp.methods.base import Method

PAGE = f"{HOME}/means"
MAX_NAME = 64
LEVELS: dict[Assurance, Text] = {
    Assurance.LOW: N_("Sûreté simple"),
    Assurance.MEDIUM: N_("Sûreté renforcée"),
    Assurance.SUBSTANTIAL: N_("Sûreté élevée"),
    Assurance.HIGH: N_("Sûreté la plus élevée"),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list and its forms; taking a means away is in `removal`."""

    @bp.get(PAGE)
    @opened(services, PAGE)
    def means(visitor: Visitor) -> flask.Response:
        return _page(services, visitor)

    @bp.post(f"{PAGE}/<uuid:means_id>/name")
    @opened(services, PAGE)
    def rename(visitor: Visitor, means_id: UUID) -> flask.Response:
        name = " ".join(flask.request.form.get("name", "").split())
        account_id, wanted = visitor.account.account_id, str(means_id)
        with services.db.read() as tx:
            find(services, own_means.holdings(tx, visitor.account), wanted)
        if not name or len(name) > MAX_NAME or not name.isprintable():
            error = services.pages.say(N_("Un nom compte de 1 à 64 caractères, sans caractère invisible."))
            return _page(services, visitor, wrong=wanted, typed=name[:MAX_NAME], error=error)
        with services.db.write() as tx:
            if not tx.means.rename(account_id, wanted, name):
                raise JourneyError("not_found", status=404, detail="removed meanwhile")
        return done(services, visitor, N_("Le nom est enregistré."), PAGE)

    @bp.post(f"{PAGE}/add")
    @opened(services, PAGE)
    def add(visitor: Visitor) -> flask.Response:
        """The journey of linking asks for two factors itself: more only of an account that has more.

        Raises JourneyError("means_needed") for an account that cannot prove itself by two factors.
        """
        with services.db.read() as tx:
            held = own_means.holdings(tx, visitor.account)
            own = own_means.of_account(services, tx, visitor.account)
        chosen = next((m for m in _addable(services, held) if m.id == flask.request.form.get("method")), None)
        if chosen is None:
            raise JourneyError("not_found", status=404, detail="no method that can be linked")
        if own.level < Assurance.MEDIUM:
            raise JourneyError("means_needed", status=403)
        account_id = visitor.account.account_id
        if own.level > Assurance.MEDIUM and not own.are_fresh(visitor.session.proofs, services.now()):
            return ask(services, visitor, Purpose(account_id, PAGE))
        return ask(services, visitor, Purpose(account_id, PAGE, method=chosen.id))


def find(services: Services, held: Holdings, means_id: str) -> tuple[Credential | LoginLink, Text]:
    """A means that can be named and taken away, and the label of its method. Raises JourneyError("not_found")."""
    for link in held.links:
        if link.link_id == means_id:
            method = services.registry.get(link.method)
            return link, method.offer.label if method else link.method
    for credential in held.credentials:
        if credential.credential_id == means_id and credential.kind != "password":
            return credential, _label_of(services, credential.kind)
    raise JourneyError("not_found", status=404, detail="no such means of this account")


def _label_of(services: Services, kind: str) -> Text:
    using = (method for method in services.registry.values() if method.needs.credential == kind)
    return next((method.offer.label for method in using), kind)


def _addable(services: Services, held: Holdings) -> list[Method]:
    linked = {link.method for link in held.links}
    return [m for m in services.registry.values() if m.proves_national_identity and m.id not in linked]


def _page(
    services: Services, visitor: Visitor, *, wrong: str = "", typed: str = "", error: str | None = None
) -> flask.Response:
    """wrong: the means whose new name, `typed`, was refused."""
    with services.db.read() as tx:
        held = own_means.holdings(tx, visitor.account)
        own = own_means.of_account(services, tx, visitor.account)
    rows = [_row(services, held, link.link_id, link.method in services.registry) for link in held.links]
    rows += [_row(services, held, c.credential_id, True) for c in held.credentials if c.kind != "password"]
    for row in rows:
        row["typed"], row["errors"] = (typed, [error]) if row["id"] == wrong else (row["name"], [])
    password = next((c for c in held.credentials if c.kind == "password"), None)
    email = visitor.account.verified_email
    say = services.pages.say
    added = [
        {"id": m.id, "label": say(m.offer.label), "icon": m.offer.icon, "level": say(LEVELS[m.assurance])}
        for m in _addable(services, held)
    ]
    return draw(
        services,
        visitor,
        "portal/means.html",
        here="means",
        page=PAGE,
        errors=[error] if error else [],
        wrong=wrong,
        password=password,
        password_label=say(_label_of(services, "password")),
        can_confirm=bool(password and can_confirm(services, visitor, password)),
        email=mask_email(email) if email else None,
        email_level=_email_level(services, held),
        rows=rows,
        added=added,
        can_add=own.level >= Assurance.MEDIUM,
        levels={level.name: say(words) for level, words in LEVELS.items()},
        max_name=MAX_NAME,
    )


def _row(services: Services, held: Holdings, means_id: str, is_enabled: bool) -> dict[str, Any]:
    means, label = find(services, held, means_id)
    said = services.pages.say(label)
    level = _level(services, means)
    return {
        "id": means_id,
        "label": said,
        "name": means.name or said,
        "created_at": means.created_at,
        "last_used_at": means.last_used_at,
        "level": services.pages.say(LEVELS[level]) if level else None,
        "is_enabled": is_enabled,
    }


def _level(services: Services, means: Credential | LoginLink) -> Assurance | None:
    if isinstance(means, Credential):
        return means.enrolled
    method = services.registry.get(means.method)
    return method.assurance if method else None


def _email_level(services: Services, held: Holdings) -> Text | None:
    """What a code by e-mail, after the password, is worth to this account; None if it cannot be used so."""
    method = services.registry.get("email_otp")
    level = own_means.reach_of(services, held, own_means.entry_of(method)) if method else None
    return services.pages.say(LEVELS[level]) if level else None
