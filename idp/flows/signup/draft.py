"""The registration that this browser fills in: found by its cookie, written under its version, shown step by step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

import flask

from idp.domain.audit import AuditEvent
from idp.domain.ids import digest, new_id, new_token
from idp.domain.registration import Registration, RegistrationStatus
from idp.domain.registration_form import read
from idp.domain.texts import N_, Text
from idp.domain.throttle import DRAFTS
from idp.errors import JourneyError
from idp.flows import answer, births
from idp.flows.services import Services
from idp.flows.signup import proving
from idp.store import Tx
from keys.seal import SealBroken

ENTRY = "/inscription"
PAGES = {1: ENTRY, 2: f"{ENTRY}/2", 3: f"{ENTRY}/3", 4: f"{ENTRY}/4"}
CODE, WAITING = f"{ENTRY}/2/code", f"{ENTRY}/attente"
TITLES: Mapping[int, Text] = {
    1: N_("Carte CPS"),
    2: N_("Données personnelles"),
    3: N_("Choix de votre identifiant"),
    4: N_("Adhésion"),
}
CHANGED: Text = N_(
    "Cette inscription a été modifiée dans un autre onglet. Vérifiez ce qui est affiché, puis continuez."
)
View = Callable[..., flask.Response]


class TooManyBegun(Exception):
    """wait: until this browser may begin another registration."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many registrations were begun")
        self.wait = wait


def current(services: Services) -> Registration | None:
    """What this browser fills in, or has submitted; None for nothing, and for a draft that expired."""
    token = services.browser.read("signup")
    if token is None:
        return None
    with services.db.read() as tx:
        found = tx.registrations.of_browser(token, services.now())
    return proving.standing(services, found) if found else None


def begin(services: Services, client_id: str) -> tuple[Registration, str]:
    """A new draft, and its cookie. client_id: of the service that is wanted; one that is none is left out.

    Raises TooManyBegun where a browser begins too many; a network that does is slowed, for a hospital is one.
    """
    token, now = new_token(), services.now()
    known = services.configuration.client(client_id[:64]) if client_id else None
    made = Registration(
        new_id(),
        RegistrationStatus.DRAFT,
        version=1,
        lang=services.pages.lang,
        created_at=now,
        updated_at=now,
        browser_digest=digest(token),
        client_id=known.client_id if known and known.client_id != services.settings.portal_client_id else None,
    )
    services.network.note_failure()
    with services.db.write() as tx:
        if wait := tx.throttle.take(f"signup.begin:{services.browser.hash}", DRAFTS, now):
            raise TooManyBegun(wait)
        tx.registrations.start(made)
        note(services, tx, "signup.begun", made)
    return made, token


def save(services: Services, tx: Tx, changed: Registration) -> Registration:
    """Raises JourneyError if another request was first."""
    saved = tx.registrations.save(replace(changed, lang=services.pages.lang), services.now())
    if saved is None:
        raise JourneyError("interaction_busy", status=409)
    return saved


def note(services: Services, tx: Tx, name: str, registration: Registration, outcome: str = "ok", **detail: str) -> None:
    """Audit what was done to a registration; the address is personal."""
    detail = {"registration": registration.registration_id, **detail}
    personal = {"email": registration.email} if registration.email else {}
    event = AuditEvent(name, "anonymous", None, registration.client_id, outcome, detail, personal)
    services.record(tx, event)


def answers(services: Services, registration: Registration) -> dict[str, str]:
    """What the fields of the second step hold, the birthday opened."""
    found = {**registration.form, "email": registration.email or registration.form.get("email", "")}
    if registration.birth:
        try:
            purpose = births.purpose(registration.registration_id)
            found["birth"] = services.data_keys.open(registration.birth, purpose=purpose).decode()
        except SealBroken:
            found["birth"] = ""
    return found


def frontier(services: Services, registration: Registration) -> int:
    """The first step that is not complete: nobody gets beyond it."""
    _, wrong = read(answers(services, registration))
    if wrong or registration.email_proven_at is None:
        return 2
    return 4 if registration.login_name and registration.password_digest else 3


def stepped(services: Services, step: int) -> Callable[[View], View]:
    """A view of a draft that has come this far. A form is checked first; whoever has no draft is told, or begins."""

    def wrap(view: View) -> View:
        @wraps(view)
        def run() -> flask.Response:
            if flask.request.method == "POST":
                services.browser.check_form()
            found = current(services)
            if found is None:
                return expired(services) if services.browser.read("signup") else answer.see_other(ENTRY)
            if not found.is_draft:
                return answer.see_other(WAITING)
            reached = frontier(services, found)
            return view(found) if step <= reached else answer.see_other(PAGES[reached])

        return run

    return wrap


def is_stale(registration: Registration) -> bool:
    """The form is of an earlier version of the draft: another tab was first."""
    return flask.request.form.get("version", "") != str(registration.version)


def draw(
    services: Services,
    template: str,
    *,
    step: int,
    registration: Registration | None = None,
    wrong: Mapping[str, str] | None = None,
    notice: Text | None = None,
    **values: Any,
) -> flask.Response:
    """A page of a step. wrong: sentences by field, which the page lists at its top in this order."""
    brand = services.settings.brand
    return services.pages.render(
        template,
        step={"number": step, "total": len(PAGES), "title": services.pages.say(TITLES[step])},
        action=PAGES[step],
        version=registration.version if registration else "",
        wrong=wrong or {},
        notice=services.pages.say(notice) if notice else None,
        expires_at=registration.expires_at if registration else None,
        portal=portal_name(services),
        quit_action=f"{ENTRY}/quitter",
        signin_url=signin_url(services, registration),
        brand_name=brand.name,
        **values,
    )


def expired(services: Services) -> flask.Response:
    """The cookie names a draft that is no more."""
    response = services.pages.render("signup/expired.html", status=410, restart_url=ENTRY)
    services.browser.forget(response, "signup")
    return response


def portal_name(services: Services) -> str:
    """« Portail ESEA Nouvelle-Aquitaine »."""
    portal = services.configuration.client(services.settings.portal_client_id)
    return portal.name if portal else services.settings.brand.portal_name


def service_name(services: Services, registration: Registration | None) -> str | None:
    """Of the service that the person came from."""
    client = services.configuration.client(registration.client_id) if registration and registration.client_id else None
    return client.name if client else None


def signin_url(services: Services, registration: Registration | None) -> str:
    """Where somebody who has an account signs in: the service they came from, if it has an address for that."""
    client = services.configuration.client(registration.client_id) if registration and registration.client_id else None
    return (client.initiate_login_uri if client else None) or "/compte"
