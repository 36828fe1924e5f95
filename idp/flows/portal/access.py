"""« Adhésion »: asking for access to a service (P-084), and what became of the request."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import flask

from idp.domain.access_request import MAX_NOTE, MAX_REASON, AccessRequest, RequestStatus, clean
from idp.domain.client import Client
from idp.domain.contact import shown_phone
from idp.domain.service_access import MAX_TEXT, Field, ServiceAccess, check, declared, prefilled
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer
from idp.flows.access import asking
from idp.flows.access.asking import PAGE, Terms
from idp.flows.portal.door import Visitor, opened
from idp.flows.portal.frame import done, draw
from idp.flows.services import Services

ONE = PAGE + "/{client_id}"
MAX_SHOWN = 2000  # of what was typed and is shown again
PROBLEMS: dict[str, Text] = {
    "missing": N_("Renseignez ce champ."),
    "unsound": N_("Ce texte est trop long, ou contient un caractère qui ne peut pas être enregistré."),
    "not_a_choice": N_("Choisissez une valeur de la liste."),
    "phone_unsound": N_(
        "Ce numéro n'est pas complet ou contient une erreur. Exemples : 06 12 34 56 78, +32 470 12 34 56"
    ),
    "terms": N_("Pour demander l'accès, acceptez les Conditions d'Utilisation."),
    "too_many": N_("Trop de demandes en un jour. Réessayez dans %(minutes)s min."),
}
REASON: Text = N_("Motif de l'inscription")
TERMS: Text = N_("Conditions Générales d'Utilisation (CGU)")
SENT: Text = N_("Votre demande est enregistrée. Vous serez informé de la décision par e-mail.")
WITHDRAWN: Text = N_("Votre demande est annulée.")
ANSWERED: Text = N_("Votre réponse est enregistrée.")
NOTHING_WAITS: Text = N_("Cette demande n'attend plus rien de vous.")
NO_ANSWER: Text = N_("Écrivez votre réponse, de 1 000 caractères au plus.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """One page for a service: the form, or what became of it."""

    @bp.get(f"{PAGE}/<client_id>")
    @opened(services, ONE)
    def access_page(visitor: Visitor, client_id: str) -> flask.Response:
        return _show(services, visitor, _client(services, client_id))

    @bp.post(f"{PAGE}/<client_id>")
    @opened(services, ONE)
    def access_asked(visitor: Visitor, client_id: str) -> flask.Response:
        return _ask(services, visitor, _client(services, client_id))

    @bp.post(f"{PAGE}/<client_id>/withdraw")
    @opened(services, ONE)
    def access_withdrawn(visitor: Visitor, client_id: str) -> flask.Response:
        client = _client(services, client_id)
        is_done = asking.withdraw(services, visitor.account, client.client_id)
        said = WITHDRAWN if is_done else NOTHING_WAITS
        return done(services, visitor, said, asking.page_of(client_id), is_refused=not is_done)

    @bp.post(f"{PAGE}/<client_id>/answer")
    @opened(services, ONE)
    def access_answered(visitor: Visitor, client_id: str) -> flask.Response:
        client, text = _client(services, client_id), clean(flask.request.form.get("answer", ""), MAX_NOTE)
        if not text:
            return done(services, visitor, NO_ANSWER, asking.page_of(client_id), is_refused=True)
        is_done = asking.answer(services, visitor.account, client.client_id, text)
        said = ANSWERED if is_done else NOTHING_WAITS
        return done(services, visitor, said, asking.page_of(client_id), is_refused=not is_done)


def _client(services: Services, client_id: str) -> Client:
    """Raises JourneyError for a service that is not there, or needs no asking."""
    client = services.configuration.client(client_id)
    if client is None or not asking.is_for(client):
        raise JourneyError("not_found", status=404)
    return client


def _terms(services: Services, form: ServiceAccess) -> Terms:
    """The service's own, or those of the region."""
    if form.terms_version:
        return Terms(form.terms_version, form.terms_uri)
    region = services.settings.registration
    return Terms(region.terms_version, region.terms_uri)


def _ask(services: Services, visitor: Visitor, client: Client) -> flask.Response:
    typed = flask.request.form
    with services.db.read() as tx:
        form = asking.form_of(tx, client.client_id)
    answers, problems = check(form, visitor.account, typed)
    reason = clean(typed.get("reason", ""), MAX_REASON)
    if not reason:
        problems["reason"] = "unsound" if reason is None else "missing"
    if typed.get("terms") != "accept":
        problems["terms"] = "terms"
    if problems:
        return _show(services, visitor, client, typed, {name: (code, {}) for name, code in problems.items()})
    wait = asking.submit(
        services,
        visitor.account,
        client,
        level=form.levels[0],
        terms=_terms(services, form).version,
        typed={**answers, "reason": reason or ""},
    )
    if wait:
        minutes = {"minutes": -(-wait // timedelta(minutes=1))}
        return _show(services, visitor, client, typed, {"reason": ("too_many", minutes)})
    return done(services, visitor, SENT, asking.page_of(client.client_id))


Wrong = Mapping[str, tuple[str, dict[str, Any]]]  # field → code of PROBLEMS, and its values


def _show(
    services: Services,
    visitor: Visitor,
    client: Client,
    typed: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
) -> flask.Response:
    """What waits, what is there, or the form."""
    account_id, now = visitor.account.account_id, services.now()
    with services.db.read() as tx:
        form, last = asking.form_of(tx, client.client_id), tx.access_requests.last_of(account_id, client.client_id)
        has_access = asking.lasts(tx, account_id, client.client_id, now)
        said = tx.access_requests.said(last.request_id) if last and last.is_open else []
    page = asking.page_of(client.client_id)
    service_url = client.initiate_login_uri
    shown: dict[str, Any] = {
        "service": {"name": client.name, "logo_uri": client.logo_uri},
        "service_url": answer.with_query(service_url, {"iss": services.settings.issuer}) if service_url else None,
        "account": visitor.account,
        "page": page,
        "images": [client.logo_uri],
        "here": "access",
    }
    if last and last.is_open:
        facts = _facts(services, form, last)
        return draw(services, visitor, "portal/access_pending.html", request=last, facts=facts, said=said, **shown)
    if has_access:
        return draw(services, visitor, "portal/access_open.html", **shown)
    texts = {name: services.pages.say(PROBLEMS[code], **values) for name, (code, values) in (wrong or {}).items()}
    known = prefilled(form, visitor.account)
    fields = [_field(each, known, typed, texts) for each in form.fields if not _is_shown(each)]
    labels = {**{each.name: each.label for each in form.fields}, "reason": REASON, "terms": TERMS}
    summary = [{"id": f"access-{name}", "label": labels[name], "text": text} for name, text in texts.items()]
    return draw(
        services,
        visitor,
        "portal/access.html",
        fields=fields,
        reason={"value": (typed or {}).get("reason", "")[:MAX_SHOWN], "most": MAX_REASON, "label": REASON},
        terms={
            "uri": _terms(services, form).uri,
            "label": TERMS,
            "accepted": (typed or {}).get("terms") == "accept",
        },
        wrong=texts,
        problems=summary,
        refused=last if last and last.status is RequestStatus.REFUSED else None,
        **shown,
    )


def _is_shown(asked: Field) -> bool:
    """The page says it of the account already, above the form."""
    return asked.is_locked and asked.source in {"given_name", "family_name", "email"}


def _field(
    asked: Field, known: Mapping[str, str], typed: Mapping[str, str] | None, wrong: Mapping[str, str]
) -> dict[str, Any]:
    own = known.get(asked.name, "")
    own = shown_phone(own) if asked.kind == "tel" and own else own
    value = own if typed is None or asked.is_locked else typed.get(asked.name, "")[:MAX_SHOWN]
    return {
        "name": asked.name,
        "id": f"access-{asked.name}",
        "label": asked.label,
        "kind": asked.kind,
        "hint": asked.hint,
        "is_required": asked.is_required and not asked.is_locked,
        "is_locked": asked.is_locked,
        "choices": asked.choices,
        "other_of": asked.other_of,
        "most": MAX_TEXT[asked.kind],
        "value": value,
        "wrong": wrong.get(asked.name),
    }


def _facts(services: Services, form: ServiceAccess, request: AccessRequest) -> list[tuple[str, str]]:
    """What was answered, and why."""
    return [*declared(form, request.answers), (services.pages.say(REASON), request.reason)]
