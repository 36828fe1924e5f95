"""The answer to what the desk asked about a registration, by the link of the letter; once."""

import flask

from idp.domain.audit import AuditEvent
from idp.domain.desk_text import MAX_TEXT, sound_text
from idp.domain.registration import Registration, RegistrationStatus
from idp.domain.texts import N_, Text
from idp.flows import answer
from idp.flows.services import Services
from idp.store import Tx
from idp.store.desk_messages import DeskMessage

PREFIX = "/inscription/question"
UNSOUND: Text = N_("Écrivez votre réponse, en %(most)s caractères au plus.")


def blueprint(services: Services) -> flask.Blueprint:
    """The page of a question, and its form."""
    bp = flask.Blueprint("registration_answer", __name__, url_prefix=PREFIX)

    @bp.get("/<token>")
    def page(token: str) -> flask.Response:
        with services.db.read() as tx:
            found = _asked(services, tx, token)
        return _draw(services, token, found[1]) if found else _gone(services)

    @bp.post("/<token>")
    def reply(token: str) -> flask.Response:
        services.browser.check_form()
        text = sound_text(flask.request.form.get("answer", ""))
        with services.db.write() as tx:
            found = _asked(services, tx, token)
            if found is not None and text is not None and _keep(services, tx, token, found[0], text):
                return answer.see_other(f"{PREFIX}/merci")
        if found is None or text is not None:
            return _gone(services)
        return _draw(services, token, found[1], services.pages.say(UNSOUND, most=MAX_TEXT))

    @bp.get("/merci")
    def thanks() -> flask.Response:
        return services.pages.render("registration/answered.html")

    return bp


def _asked(services: Services, tx: Tx, token: str) -> tuple[Registration, DeskMessage] | None:
    """What is asked about a registration that waits still."""
    question = tx.desk_messages.asked(token, services.now())
    about = tx.registration_desk.get(question.about) if question else None
    if question is None or about is None or about.status is not RegistrationStatus.SUBMITTED:
        return None
    return about, question


def _keep(services: Services, tx: Tx, token: str, about: Registration, text: str) -> bool:
    """Whoever decides must have seen it: what they looked at before is another version from here on."""
    now = services.now()
    if not tx.registration_desk.note(about.registration_id, now) or tx.desk_messages.answer(token, text, now) is None:
        return False
    services.record(tx, AuditEvent("registration.answered", "anonymous", about.registration_id, about.client_id))
    return True


def _draw(services: Services, token: str, question: DeskMessage, wrong: str | None = None) -> flask.Response:
    return services.pages.render(
        "registration/question.html",
        action=f"{PREFIX}/{token}",
        question=question.text,
        most=MAX_TEXT,
        typed=flask.request.form.get("answer", "")[:MAX_TEXT],
        errors=[wrong] if wrong else [],
    )


def _gone(services: Services) -> flask.Response:
    return services.pages.render("registration/question_gone.html", status=410)
