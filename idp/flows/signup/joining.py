"""Step 4/4 « Adhésion »: the reason, the terms in their version, and « Valider » (P-060 to P-064)."""

from collections.abc import Mapping
from dataclasses import replace

import flask

from idp.domain.registration import Registration
from idp.domain.registration_form import MAX_REASON, PROBLEMS, Unsound, paragraph
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer, letters
from idp.flows.services import Services
from idp.flows.signup import draft
from idp.flows.signup.draft import CHANGED, PAGES, WAITING

LETTER = "registration_received"
LABELS: Mapping[str, Text] = {"reason": N_("Motif de l'inscription"), "terms": N_("Conditions d'Utilisation")}
TERMS: Mapping[str, Text] = {
    "unanswered": N_("Dites si vous acceptez les Conditions d'Utilisation."),
    "refused": N_("Sans votre accord avec les Conditions d'Utilisation, l'inscription ne peut pas être envoyée."),
    "other_version": N_("Les Conditions d'Utilisation viennent de changer. Lisez-les, puis acceptez-les."),
}
UNDER_WAY: Text = N_(
    "Une demande est déjà en cours pour cette adresse e-mail ou cette carte. L'assistance la traite : sa réponse "
    "vous sera envoyée par e-mail."
)


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page, and its form."""

    @bp.get(PAGES[4])
    @draft.stepped(services, 4)
    def joining_page(found: Registration) -> flask.Response:
        return _page(services, found, found.form.get("reason", ""), {})

    @bp.post(PAGES[4])
    @draft.stepped(services, 4)
    def joining_typed(found: Registration) -> flask.Response:
        typed, wrong = flask.request.form.get("reason", ""), {}
        reason = found.form.get("reason", "")
        try:
            reason = paragraph(typed[: 2 * MAX_REASON + 1])
            if not reason:
                wrong["reason"] = services.pages.say(PROBLEMS["missing"])
        except Unsound as unsound:
            wrong["reason"] = services.pages.say(PROBLEMS[unsound.code])
        filled = replace(found, form={**found.form, "reason": reason})
        if "back" in flask.request.form:
            with services.db.write() as tx:
                draft.save(services, tx, filled)
            return answer.see_other(PAGES[3])
        if terms := _terms(services):
            wrong["terms"] = services.pages.say(TERMS[terms])
        if wrong or draft.is_stale(found):
            return _page(services, found, typed, wrong, None if wrong else CHANGED)
        if not _submit(services, replace(filled, terms_version=services.settings.registration.terms_version)):
            return _page(services, found, typed, {}, UNDER_WAY)
        return answer.see_other(WAITING)


def _terms(services: Services) -> str | None:
    """Why the terms are not accepted: a key of TERMS."""
    answered = flask.request.form.get("terms", "")
    if answered not in {"accept", "refuse"}:
        return "unanswered"
    if answered == "refuse":
        return "refused"
    is_current = flask.request.form.get("terms_version", "") == services.settings.registration.terms_version
    return None if is_current else "other_version"


def _submit(services: Services, filled: Registration) -> bool:
    """Hand it in, tell its sender, and audit it: one unit. Nothing is left to do where « Valider » was pressed twice;
    raises JourneyError if another change of the draft was first.

    False if the desk has one of this address or this card already, which the person has proven.
    """
    with services.db.write() as tx:
        if tx.registrations.is_waiting(filled):
            return False
        submitted = tx.registrations.submit(filled, services.now())
        if submitted is None:
            known = tx.registrations.get(filled.registration_id)
            if known is not None and not known.is_draft:
                return True
            raise JourneyError("interaction_busy", status=409)
        values = {"to": filled.email or "", "lang": services.pages.lang, "name": filled.full_name}
        values["service"] = draft.service_name(services, filled) or ""
        letters.put(services, tx, LETTER, values)
        method = filled.proven["method"] if filled.proven else ""
        draft.note(services, tx, "signup.submitted", submitted, terms=filled.terms_version or "", method=method)
    return True


def _page(
    services: Services, found: Registration, typed: str, wrong: Mapping[str, str], notice: Text | None = None
) -> flask.Response:
    settings, say = services.settings.registration, services.pages.say
    return draft.draw(
        services,
        "signup/joining.html",
        step=4,
        registration=found,
        wrong=wrong,
        notice=notice,
        errors=[
            {"anchor": f"signup-{name}", "label": say(LABELS[name]), "text": wrong[name]}
            for name in LABELS
            if name in wrong
        ],
        service=draft.service_name(services, found),
        login=found.login_name,
        full_name=found.full_name,
        email=found.email,
        reason=typed[:MAX_REASON].replace("\x00", ""),
        max_reason=MAX_REASON,
        terms=flask.request.form.get("terms", ""),
        terms_version=settings.terms_version,
        terms_uri=settings.terms_uri,
        privacy_uri=settings.privacy_uri or services.settings.brand.privacy_url,
        dpo_uri=settings.dpo_uri,
    )
