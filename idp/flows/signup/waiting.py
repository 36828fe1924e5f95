"""After « Valider »: what happens next (P-070), and how to leave the registration that this browser shows."""

import flask

from idp.domain.account import mask_email
from idp.domain.registration import RegistrationStatus
from idp.flows import answer
from idp.flows.services import Services
from idp.flows.signup import draft
from idp.flows.signup.draft import ENTRY, WAITING


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The status, and the two ways out."""

    @bp.get(WAITING)
    def waiting_page() -> flask.Response:
        found = draft.current(services)
        if found is None or found.is_draft:
            return answer.see_other(ENTRY)
        return services.pages.render(
            "signup/waiting.html",
            state=found.status.value,
            is_approved=found.status is RegistrationStatus.APPROVED,
            reference=found.registration_id[-8:],
            masked=mask_email(found.email or ""),
            submitted_at=found.submitted_at,
            service=draft.service_name(services, found),
            portal=draft.portal_name(services),
            again_action=f"{ENTRY}/nouvelle",
            signin_url=draft.signin_url(services, found),
        )

    @bp.post(f"{ENTRY}/nouvelle")
    def again() -> flask.Response:
        """Somebody else at this computer: a draft is deleted, what was submitted is only shown no more."""
        return _leave(services, ENTRY)

    @bp.post(f"{ENTRY}/quitter")
    def leave() -> flask.Response:
        return _leave(services, services.settings.brand.home_url or ENTRY)


def _leave(services: Services, page: str) -> flask.Response:
    services.browser.check_form()
    found = draft.current(services)
    if found is not None and found.is_draft:
        with services.db.write() as tx:
            if tx.registrations.discard(found.registration_id):
                draft.note(services, tx, "signup.abandoned", found)
    response = answer.see_other(page)
    services.browser.forget(response, "signup")
    return response
