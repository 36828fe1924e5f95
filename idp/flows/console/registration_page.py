"""One registration, as the desk sees it: what is verified and by what, what is declared, who else it may be."""

from collections.abc import Mapping
from typing import Any

import flask

from idp.domain.audit import AuditEvent
from idp.domain.contact import shown_phone
from idp.domain.registration import Registration, RegistrationStatus
from idp.domain.registration_form import FIELDS
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows.console.door import HOME, Operator
from idp.flows.console.frame import draw
from idp.flows.console.people import STATUSES
from idp.flows.console.request_list import waited
from idp.flows.operators import registrations as operations
from idp.flows.services import Services
from idp.flows.signup import proving
from idp.store.look_alikes import LookAlike

LIST = f"{HOME}/registrations"
STATES: dict[RegistrationStatus, tuple[str, Text]] = {
    RegistrationStatus.SUBMITTED: ("wait", N_("En attente")),
    RegistrationStatus.APPROVED: ("good", N_("Acceptée, lien envoyé")),
    RegistrationStatus.CONFIRMED: ("good", N_("Compte créé")),
    RegistrationStatus.REFUSED: ("bad", N_("Refusée")),
}
HISTORY: dict[str, Text] = {
    "registration.claimed": N_("Prise en charge"),
    "registration.released": N_("Remise dans la file"),
    "registration.asked": N_("Question posée"),
    "registration.answered": N_("Réponse de la personne"),
    "registration.birth_seen": N_("Jour et mois de naissance consultés"),
    "registration.approved": N_("Acceptée"),
    "registration.refused": N_("Refusée"),
    "registration.link_sent_again": N_("Lien envoyé à nouveau"),
    "registration.confirmed": N_("Compte créé par la personne"),
    "registration.not_confirmed": N_("Le lien a servi, mais un compte a déjà l'adresse ou le numéro"),
}
REGISTER: dict[str, tuple[str, Text]] = {
    "found": ("good", N_("Trouvé dans l'extrait du RPPS, au même nom : %(name)s")),
    "differs": ("bad", N_("Dans l'extrait du RPPS, ce numéro est à un autre nom : %(name)s")),
    "absent": ("bad", N_("Ce numéro est absent de l'extrait du RPPS")),
    "no_number": ("", N_("Aucun N° RPPS")),
    "no_extract": ("", N_("Aucun extrait du RPPS n'a été importé : vérifiez ce numéro autrement")),
}
WHY: dict[str, Text] = {
    "rpps": N_("même N° RPPS"),
    "adeli": N_("même N° ADELI"),
    "email": N_("même adresse email"),
    "name": N_("nom proche"),
}
KINDS: dict[str, Text] = {
    "rpps": N_("Numéro RPPS"),
    "adeli": N_("Numéro ADELI"),
    "employee": N_("Identifiant dans l'établissement"),
}
PHONES = ("phone", "mobile", "fax")
MOST_EVENTS = 200


def require(services: Services, registration_id: str) -> None:
    """Raises JourneyError for one that is not there, or not handed in."""
    with services.db.read() as tx:
        if tx.registration_desk.get(registration_id) is None:
            raise JourneyError("not_found", status=404)


def show(
    services: Services,
    operator: Operator,
    registration_id: str,
    *,
    birth: str | None = None,
    wrong: Mapping[str, str] | None = None,
    typed: str = "",
) -> flask.Response:
    """birth: as it was asked for, and noted; masked otherwise. wrong: by the action whose text was not sound."""
    with services.db.read() as tx:
        about = tx.registration_desk.get(registration_id)
        if about is None:
            raise JourneyError("not_found", status=404)
        register, alike = operations.register(tx, about), tx.look_alikes.of(about)
        said = tx.desk_messages.of(registration_id)
        events = tx.audit.latest(MOST_EVENTS, subject=registration_id)
        client = tx.clients.get(about.client_id) if about.client_id else None
        is_own = operations.is_own(operator.desk(services), tx, about)
        account = tx.accounts.get(about.account_id) if about.account_id else None
        extract_at = tx.rpps_extract.imported_at()
    about = proving.standing(services, about)
    say, now = services.pages.say, services.now()
    may_decide = operator.rights.may(Right.REGISTRATIONS_DECIDE) and not is_own
    mark, words = STATES[about.status]
    outcome, sentence = REGISTER[register.outcome]
    return draw(
        services,
        operator,
        "console/registration.html",
        here="registrations",
        about=about,
        service=client.name if client else None,
        state={"mark": mark, "words": say(words)},
        age=waited(services, about.submitted_at) if about.submitted_at else "",
        verified=_verified(services, about),
        declared=_declared(services, about),
        birth=birth if birth is not None else say(N_("masqué")) if about.birth else None,
        may_see_birth=birth is None and about.birth is not None and about.claimed_by == operator.name and may_decide,
        register={"mark": outcome, "words": say(sentence, name=register.name), "at": extract_at},
        alike=[_alike(services, each) for each in alike],
        said=said,
        history=[_event(services, each.event, each.at) for each in reversed(events) if each.event.name in HISTORY],
        is_waiting=about.status is RegistrationStatus.SUBMITTED,
        is_approved=about.status is RegistrationStatus.APPROVED,
        is_over=about.token_expires_at is not None and about.token_expires_at <= now,
        is_mine=about.claimed_by == operator.name,
        is_own=is_own,
        may_decide=may_decide,
        account={"login": account.login_name, "url": f"{HOME}/people/{account.account_id}"} if account else None,
        wrong=wrong or {},
        typed=typed[:2000],
        errors=list((wrong or {}).values()),
        error_field=f"registration-{next(iter(wrong))}-text" if wrong else None,
        page=f"{LIST}/{registration_id}",
        list_url=LIST,
    )


def _verified(services: Services, about: Registration) -> list[dict[str, Any]]:
    """Label, value, and by what."""
    say, found = services.pages.say, list[dict[str, Any]]()
    if about.email and about.email_proven_at:
        by = say(N_("code envoyé par e-mail"))
        found.append({"label": say(N_("Adresse email")), "value": about.email, "by": by, "at": about.email_proven_at})
    proven = about.proven
    if not proven:
        return found
    method = services.registry.get(proven["method"])
    by = say(method.offer.label) if method else str(proven["method"])
    numbers = {**dict(proven.get("related", ())), proven["kind"]: proven["value"]}
    found += [{"label": say(KINDS.get(kind, kind)), "value": value, "by": by} for kind, value in numbers.items()]
    of_fields = {each.name: each for each in FIELDS}
    names = [each.name for each in FIELDS if each.name in about.locked and each.name not in numbers]
    return found + [
        {"label": say(of_fields[name].label), "value": _value(services, about, name), "by": by}
        for name in names
        if about.form.get(name)
    ]


def _declared(services: Services, about: Registration) -> list[tuple[str, str]]:
    """Label and value of what nobody verified."""
    say, proven = services.pages.say, about.proven or {}
    known = {proven.get("kind"), *(kind for kind, _ in proven.get("related", ()))}
    names = [each.name for each in FIELDS if each.name not in about.locked and each.name not in known]
    labels = {each.name: each.label for each in FIELDS}
    found = [(say(labels[name]), _value(services, about, name)) for name in names if about.form.get(name)]
    if about.email and not about.email_proven_at:
        found.insert(0, (say(N_("Adresse email")), about.email))
    return found


def _value(services: Services, about: Registration, name: str) -> str:
    """In words, where a field has a list of them."""
    value = about.form.get(name, "")
    choices = next((each.choices for each in FIELDS if each.name == name), None)
    if choices and value in choices:
        return services.pages.say(choices[value])
    return shown_phone(value) if name in PHONES else value


def _alike(services: Services, each: LookAlike) -> dict[str, Any]:
    say = services.pages.say
    is_account = each.kind == "account"
    kind = say(N_("Compte")) if is_account else say(N_("Inscription"))
    url = f"{HOME}/people/{each.id}" if is_account else f"{LIST}/{each.id}"
    status = STATUSES[each.status] if is_account else STATES[RegistrationStatus(each.status.upper())][1]
    said = {"why": say(WHY[each.why]), "status": say(status)}
    return {"kind": kind, "url": url, "name": each.name, "login": each.login_name, **said}


def _event(services: Services, event: AuditEvent, at: Any) -> dict[str, Any]:
    by = event.actor.removeprefix("operator:") if event.actor.startswith("operator:") else None
    return {"words": services.pages.say(HISTORY[event.name]), "by": by, "at": at}
