"""« Modifier mes données personnelles » (P-092): what the account holds of a person, and what they may change of it."""

from collections.abc import Mapping
from typing import Any

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.contact import shown_phone
from idp.domain.practice import newest
from idp.domain.professions import profession
from idp.domain.texts import N_, Text
from idp.flows.portal.contact_change import hold
from idp.flows.portal.contacts import PERSONAL
from idp.flows.portal.door import Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.services import Services
from idp.web.uploads import PICTURE

PICTURE_MAX_BYTES = 2_000_000  # the form around it is in what may be sent too
CIVILITIES = ("M.", "Mme")
MAX_TEXT = 200
NUMBERS: dict[str, Text] = {
    "rpps": N_("Numéro RPPS"),
    "adeli": N_("Numéro ADELI"),
    "employee": N_("Identifiant dans l'établissement"),
}
# Free text of the profile, which its holder may correct where it is known; no service is told.
EDITABLE: dict[str, Text] = {"function": N_("Fonction"), "structure": N_("Structure")}
PROBLEMS: dict[str, Text] = {
    "civility": N_("Choisissez une civilité de la liste."),
    "text": N_("200 caractères au plus, sur une seule ligne."),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page and its form; the picture and the contacts have their own."""

    @bp.get(PERSONAL)
    @opened(services, PERSONAL)
    def personal(visitor: Visitor) -> flask.Response:
        return show(services, visitor, {})

    @bp.post(PERSONAL)
    @opened(services, PERSONAL)
    def keep(visitor: Visitor) -> flask.Response:
        typed = {name: value.strip() for name, value in flask.request.form.items()}
        wrong = {name: services.pages.say(PROBLEMS[code]) for name, code in _problems(visitor.account, typed).items()}
        if wrong:
            return show(services, visitor, wrong, typed)
        _keep(services, visitor, typed)
        return done(services, visitor, N_("Vos données sont enregistrées."), PERSONAL)


def show(
    services: Services, visitor: Visitor, wrong: Mapping[str, str], typed: Mapping[str, str] | None = None
) -> flask.Response:
    """The page. wrong: what is wrong with a field, by its name."""
    account, say = visitor.account, services.pages.say
    phone, held = account.profile.get("phone_number"), typed or {}
    civility = held.get("civility", account.civility or "")
    return draw(
        services,
        visitor,
        "portal/personal.html",
        here="personal",
        errors=list(wrong.values()),
        error_field=f"personal-{next(iter(wrong))}" if wrong else None,
        wrong=wrong,
        page=PERSONAL,
        picture_action=PICTURE,
        picture_max_bytes=PICTURE_MAX_BYTES,
        account=account,
        civility=civility,
        civilities=_civilities(account),
        email={"value": account.email, "is_verified": account.email_verified},
        phone={"value": shown_phone(phone), "is_verified": account.profile.get("phone_number_verified")}
        if phone
        else None,
        numbers=[(say(NUMBERS[kind]), value) for kind, value in account.identities.items() if kind in NUMBERS],
        editable=[_field(name, say(label), account, held) for name, label in _editable(account).items()],
        profession=_profession(services, account),
        address=_address(account.profile),
    )


def _profession(services: Services, account: Account) -> dict[str, Any] | None:
    """What services are told of it, and who said so."""
    with services.db.read() as tx:
        source = newest(tx.practices.of(account.account_id)).get("SubjectRole")
    if source is None:
        return None
    method = services.registry.get(source.origin)
    return {
        "name": ", ".join(profession(role) for role in source.practice.claims["SubjectRole"]),
        "means": services.pages.say(method.offer.label) if method else source.origin,
        "at": source.at,
    }


def _civilities(account: Account) -> list[str]:
    """Those on offer, and the one that the account has, whatever it is."""
    return list(dict.fromkeys(("", *CIVILITIES, account.civility or "")))


def _editable(account: Account) -> dict[str, Text]:
    return {name: label for name, label in EDITABLE.items() if name in account.profile}


def _field(name: str, label: str, account: Account, typed: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "label": label, "value": typed.get(name, account.profile[name])}


def _address(profile: Mapping[str, Any]) -> str | None:
    """OIDC Core §5.1.1."""
    found = profile.get("address")
    return found.get("formatted") or None if isinstance(found, Mapping) else None


def _problems(account: Account, typed: Mapping[str, str]) -> dict[str, str]:
    """Codes of PROBLEMS, by field."""
    found = {} if typed.get("civility", "") in _civilities(account) else {"civility": "civility"}
    for name in _editable(account):
        value = typed.get(name, "")
        if len(value) > MAX_TEXT or not value.isprintable():
            found[name] = "text"
    return found


def _keep(services: Services, visitor: Visitor, typed: Mapping[str, str]) -> None:
    """What differs from what is stored now: another tab may have been first."""
    with services.db.write() as tx:
        account = hold(services, tx, visitor)
        civility = typed.get("civility", "") or None
        texts = {name: typed[name] for name in _editable(account) if name in typed}
        changed = [name for name, value in texts.items() if account.profile[name] != value]
        if changed:
            tx.profiles.set_profile(account.account_id, {**account.profile, **texts}, services.now())
        if civility != account.civility:
            tx.profiles.set_civility(account.account_id, civility, services.now())
            changed.append("civility")
        if changed:
            detail = {"changed": " ".join(sorted(changed))}
            who = account.account_id
            services.record(tx, AuditEvent("account.profile_changed", who, who, detail=detail))
