"""Step 1/4 « Carte CPS »: a card, or a federation, proves who registers; or « Non », and the form is empty."""

from dataclasses import replace
from datetime import timedelta

import flask

from idp.domain.interaction import Purpose
from idp.domain.registration import Registration
from idp.domain.request import AuthorizationRequest
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer, driver, login_pages, suspended, visits
from idp.flows.services import Services
from idp.flows.signup import draft, proving
from idp.flows.signup.draft import ENTRY, PAGES, TooManyBegun
from idp.methods.cps_card import CpsCard

BUSY: Text = N_("Trop d'inscriptions ont été commencées dans ce navigateur. Réessayez dans %(minutes)s min.")
TAKEN = f"{ENTRY}/compte-existant"


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The entry (P-030), and the choice (P-032)."""

    @bp.get(ENTRY)
    def card_page() -> flask.Response:
        found = draft.current(services)
        if found is not None and not found.is_draft:
            return answer.see_other(draft.WAITING)
        return _page(services, found, [])

    @bp.post(ENTRY)
    def card_chosen() -> flask.Response:
        services.browser.check_form()
        services.network.slow_down()
        chosen, found = flask.request.form.get("choice", ""), draft.current(services)
        if found is not None and not found.is_draft:
            return answer.see_other(draft.WAITING)
        if chosen not in {"none", "keep", *proving.accepted(services)} or chosen in proving.suspended(services):
            return _page(services, found, [])
        try:
            made, token = (found, None) if found else draft.begin(services, flask.request.form.get("service", ""))
        except TooManyBegun as refusal:
            minutes = -(-refusal.wait // timedelta(minutes=1))
            return _page(services, None, [services.pages.say(BUSY, minutes=minutes)], status=429)
        response = _go_on(services, made, chosen)
        if token:
            services.browser.set(response, "signup", token)
        return response

    @bp.get(TAKEN)
    def taken_page() -> flask.Response:
        """Who holds the account has just proven it; to whoever comes here otherwise it says nothing."""
        found = draft.current(services)
        return services.pages.render("signup/taken.html", signin_url=draft.signin_url(services, found), back_url=ENTRY)


def _go_on(services: Services, found: Registration, chosen: str) -> flask.Response:
    if chosen in services.registry:
        return _prove(services, found, chosen)
    if chosen == "none" and found.proven:  # what was typed and read stays, and is only declared
        with services.db.write() as tx:
            draft.save(services, tx, replace(found, proven=None))
    return answer.see_other(PAGES[2])


def _prove(services: Services, found: Registration, method_id: str) -> flask.Response:
    """Begin an Interaction whose proof goes into the draft."""
    portal = services.configuration.client(services.settings.portal_client_id)
    if portal is None:
        raise JourneyError("not_found", status=404, detail="the portal's client is not registered")
    request = AuthorizationRequest(portal.client_id, portal.redirect_uris[0], ("openid",), services.now())
    purpose = Purpose("", ENTRY, registration=found.registration_id)
    interaction = visits.open_interaction(services, request, purpose)
    outcome = driver.run(services, visits.load(services, interaction.id), method_id, {})
    if outcome.refused:
        return _page(services, found, [login_pages.refusal(services, outcome)])
    return outcome.response or answer.see_other(f"/login/{interaction.id}")


def _service(services: Services) -> str | None:
    """What the service of the address is called; its own login page says it too."""
    client = services.configuration.client(flask.request.values.get("service", "")[:64])
    is_portal = client is not None and client.client_id == services.settings.portal_client_id
    return client.name if client and not is_portal else None


def _page(services: Services, found: Registration | None, errors: list[str], *, status: int = 200) -> flask.Response:
    closed = proving.suspended(services)
    methods = [services.registry[name] for name in proving.accepted(services) if name not in closed]
    say = services.pages.say
    offers = [
        {
            "id": method.id,
            "label": say(method.offer.label),
            "hint": say(method.offer.hint),
            "logo_url": method.offer.logo_url,
        }
        for method in methods
        if method.id != CpsCard.id
    ]
    proven = found.proven if found else None
    used = services.registry.get(proven["method"]) if proven else None
    return draft.draw(
        services,
        "signup/card.html",
        step=1,
        registration=found,
        status=status,
        errors=errors,
        has_card=any(method.id == CpsCard.id for method in methods),
        offers=offers,
        suspended=[suspended.sentence(services, name, end) for name, end in closed.items()],
        begun_by=found.masked_name if found else "",
        proven=proven,
        proven_by=say(used.offer.label) if used else "",
        service=flask.request.values.get("service", "")[:64],
        wanted=draft.service_name(services, found) if found else _service(services),
        restart_action=f"{ENTRY}/nouvelle",
        form_targets=sorted({origin for method in methods for origin in method.origins_in(services.settings)}),
        images=[method.offer.logo_url for method in methods],
    )
