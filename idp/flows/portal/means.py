"""« Gérer mes dispositifs d'authentification forte » (P-093): what one signs in with; names, and adding a means."""

from typing import Any
from uuid import UUID

import flask

from idp.domain.account import mask_email
from idp.domain.authn import Assurance
from idp.domain.enrolled import MOST_OF_A_KIND, PASSKEY, PHONE
from idp.domain.interaction import Purpose
from idp.domain.means import Credential, LoginLink
from idp.domain.policy import MethodEntry, entry_reach
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import own_means, suspended
from idp.flows.own_means import Holdings
from idp.flows.portal.adding import BAD_NAME, MAX_NAME, PAGES, TOO_MANY, clean_name
from idp.flows.portal.confirming import can_confirm
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.portal.fresh import ask
from idp.flows.services import Services
from idp.methods.base import Method
from idp.web.texts import KINDS

PAGE = f"{HOME}/means"
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
        typed = " ".join(flask.request.form.get("name", "").split())
        name = clean_name(typed)
        account_id, wanted = visitor.account.account_id, str(means_id)
        with services.db.read() as tx:
            find(services, own_means.holdings(tx, visitor.account), wanted)
        if name is None:
            error = services.pages.say(BAD_NAME)
            return _page(services, visitor, wrong=wanted, typed=typed[:MAX_NAME], error=error)
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
    method = _made_for(services, kind)
    if kind in KINDS or method is None:
        return KINDS.get(kind, kind)
    return method.offer.label if method.needs.credential == kind else KINDS[PHONE]


def _made_for(services: Services, kind: str) -> Method | None:
    """The method that a kind of credential is of, or else one that takes it as well."""
    using = _users_of(services, kind)
    return min(using, key=lambda method: (method.id != kind, method.needs.credential != kind), default=None)


def _users_of(services: Services, kind: str) -> list[Method]:
    return [method for method in services.registry.values() if kind in method.needs.credentials]


def _icon(method: Method | None, kind: str | None) -> str:
    """A phone that approves is not the QR code that it reads."""
    if kind == PHONE or (method and method.needs.credential == PHONE):
        return "phone"
    return method.offer.icon if method else "card"


def _addable(services: Services, held: Holdings) -> list[Method]:
    """What can be linked; what is suspended proves nothing now."""
    linked, suspensions = {link.method for link in held.links}, services.configuration.suspensions()
    found = [m for m in services.registry.values() if m.proves_national_identity and m.id not in linked]
    return [m for m in found if not suspensions.end(services.now(), m.id)]


def _suspended(services: Services, held: Holdings) -> list[str]:
    """Sentences about what the account has, and nobody can use now."""
    suspensions, linked = services.configuration.suspensions(), {link.method for link in held.links}
    return [
        suspended.sentence(services, method.id, end)
        for method in services.registry.values()
        if (end := suspensions.end(services.now(), method.id))
        and (method.id in linked or not (method.proves_national_identity or method.needs.missing(held.owned)))
    ]


def _is_full(held: Holdings, method: Method) -> bool:
    """True if the account has as many as it may of each kind that the method takes."""
    numbers = [sum(each.kind == kind for each in held.credentials) for kind in method.needs.credentials]
    return min(numbers, default=0) >= MOST_OF_A_KIND


def _page(
    services: Services, visitor: Visitor, *, wrong: str = "", typed: str = "", error: str | None = None
) -> flask.Response:
    """wrong: the means whose new name, `typed`, was refused."""
    with services.db.read() as tx:
        held = own_means.holdings(tx, visitor.account)
        own = own_means.of_account(services, tx, visitor.account)
    rows = [_row(services, held, link.link_id, link.method in services.registry) for link in held.links]
    others = [c for c in held.credentials if c.kind != "password"]
    rows += [_row(services, held, c.credential_id, _method_of(services, c) is not None) for c in others]
    for row in rows:
        row["typed"], row["errors"] = (typed, [error]) if row["id"] == wrong else (row["name"], [])
    password = next((c for c in held.credentials if c.kind == "password"), None)
    email = visitor.account.verified_email
    say = services.pages.say
    added = [
        {
            "id": m.id,
            "label": say(KINDS.get(m.needs.credential or "", m.offer.label)),
            "icon": _icon(m, m.needs.credential),
            "level": say(LEVELS[_reach(services, m)]),
            "url": PAGES.get(m.id),
            "is_full": _is_full(held, m),
        }
        for m in (*_addable(services, held), *(m for m in services.registry.values() if m.id in PAGES))
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
        suspended=_suspended(services, held),
        too_many=say(TOO_MANY, most=MOST_OF_A_KIND),
        levels={level.name: say(words) for level, words in LEVELS.items()},
        max_name=MAX_NAME,
    )


def _row(services: Services, held: Holdings, means_id: str, is_enabled: bool) -> dict[str, Any]:
    means, label = find(services, held, means_id)
    said = services.pages.say(label)
    level, method = _level(services, means), _method_of(services, means)
    kind = means.kind if isinstance(means, Credential) else None
    return {
        "id": means_id,
        "label": said,
        "icon": _icon(method, kind),
        "approves": kind == PASSKEY and any(m.needs.credential == PHONE for m in _users_of(services, PASSKEY)),
        "name": means.name or said,
        "created_at": means.created_at,
        "last_used_at": means.last_used_at,
        "level": services.pages.say(LEVELS[level]) if level else None,
        "is_enabled": is_enabled,
    }


def _level(services: Services, means: Credential | LoginLink) -> Assurance | None:
    """A credential is worth what enrolled it, and no more than its method."""
    method = _method_of(services, means)
    if isinstance(means, Credential):
        return min(means.enrolled, _reach(services, method)) if method else means.enrolled
    return method.assurance if method else None


def _method_of(services: Services, means: Credential | LoginLink) -> Method | None:
    if isinstance(means, LoginLink):
        return services.registry.get(means.method)
    return _made_for(services, means.kind)


def _reach(services: Services, method: Method) -> Assurance:
    """What a method is worth at best, with what is asked before it."""
    entry = own_means.entry_of(method)
    known = entry if entry.after in services.registry else MethodEntry(method.id)
    return entry_reach(known, services.registry.reach)


def _email_level(services: Services, held: Holdings) -> Text | None:
    """What a code by e-mail, after the password, is worth to this account; None if it cannot be used so."""
    method = services.registry.get("email_otp")
    level = own_means.reach_of(services, held, own_means.entry_of(method)) if method else None
    return services.pages.say(LEVELS[level]) if level else None
