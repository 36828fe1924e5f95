"""The login pages: /login/<handle> shows what `decide` asks for; /login/<handle>/<method> drives a method."""

from dataclasses import replace

import flask

from idp.domain.audit import AuditEvent
from idp.domain.decide import AskConsent, Denied, Issue, Login, Refuse, SelectAccount
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, driver, login_pages, visits
from idp.flows.services import Services
from idp.flows.visits import Visit


def blueprint(services: Services) -> flask.Blueprint:
    """The routes of the login journey."""
    bp = flask.Blueprint("login", __name__)

    @bp.get("/login/<handle>")
    def page(handle: str) -> flask.Response:
        visit = visits.load(services, handle)
        if visit.is_conflict:
            return login_pages.other_account(services, visit)
        match visit.decision(services):
            case Issue():
                return finish(services, visit)
            case Login() as login:
                return login_pages.login(services, visit, login)
            case SelectAccount():
                return login_pages.select_account(services, visit)
            case AskConsent():
                return login_pages.consent(services, visit)
            case Denied():
                return _deny(services, visit)
            case Refuse(code, description):
                return _give_up(services, visit, ProtocolError(code, description, redirect=visit.request.return_path))

    @bp.get("/login/<handle>/<method_id>")
    def show(handle: str, method_id: str) -> flask.Response:
        visit = visits.load(services, handle)
        running = driver.runner(services, visit, method_id)
        if running is None:
            return answer.see_other(f"/login/{handle}")
        return login_pages.method(services, visit, running, driver.show(services, visit, running))

    @bp.post("/login/<handle>/<method_id>")
    def step(handle: str, method_id: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        form = {name: value for name, value in flask.request.form.items() if name != "csrf"}
        outcome = driver.run(services, visit, method_id, form)
        if outcome.response is not None:
            return outcome.response
        visit = visits.load(services, handle)
        running = driver.runner(services, visit, method_id)
        if running is None:
            return answer.see_other(f"/login/{handle}")
        shown = driver.show(services, visit, running)
        error = login_pages.refusal(services, outcome.refused or "", outcome.minutes)
        return login_pages.method(services, visit, running, shown, error)

    @bp.post("/login/<handle>/cancel")
    def cancel(handle: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        refusal = ProtocolError("access_denied", "The person gave up.", redirect=visit.request.return_path)
        return _give_up(services, visit, refusal, "login.cancelled")

    @bp.post("/login/<handle>/consent")
    def consent(handle: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        if flask.request.form.get("decision") != "allow":
            refusal = ProtocolError("access_denied", "Consent was refused.", redirect=visit.request.return_path)
            return _give_up(services, visit, refusal, "authorization.refused_consent")
        visits.save(services, replace(visit.interaction, consented=True))
        return answer.see_other(f"/login/{handle}")

    @bp.post("/login/<handle>/account")
    def account(handle: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        choice = flask.request.form.get("choice", "")
        if choice == "switch" and visit.is_conflict:
            return _switch(services, visit)
        response = answer.see_other(f"/login/{handle}")
        if choice == "continue":
            visits.save(services, replace(visit.interaction, account_chosen=True))
        else:  # "other" and "cancel": nothing that was proven in this Interaction counts any more
            fresh_start = replace(visit.interaction, account_chosen=True, account_id=None, fresh=(), factors=())
            visits.save(services, replace(fresh_start, method_state={}))
        if choice == "other" and visit.session:
            with services.db.write() as tx:
                answer.end_session(services, tx, visit.session, "another account was chosen")
            services.browser.forget(response, "session")
        return response

    return bp


def finish(services: Services, visit: Visit) -> flask.Response:
    """Everything is settled: answer the client, once."""
    decision = visit.decision(services)
    if not isinstance(decision, Issue) or visit.account is None:
        raise JourneyError("interaction_gone", status=410, detail="not settled")
    visits.take(services, visit.interaction)
    account_id, cookie = visit.account.account_id, None
    with services.db.write() as tx:
        if visit.session is None:  # the browser lost its session meanwhile: the proof of this Interaction opens one
            client_id = visit.client.client_id
            session_id, cookie = answer.keep_proof(services, tx, None, account_id, decision.proof, client_id)
        else:
            session_id = visit.session.session_id
        code = answer.issue_code(services, tx, visit.request, session_id, account_id, decision.proof)
    response = answer.send(services, visit.request.return_path, {"code": code})
    if cookie:
        services.browser.set(response, "session", cookie)
    return response


def _switch(services: Services, visit: Visit) -> flask.Response:
    """Sign the other account out, and the one that was proven in."""
    proof, account_id = visit.interaction.fresh[-1], visit.interaction.account_id or ""
    response, cookie = answer.see_other(f"/login/{visit.interaction.id}"), None
    visits.save(services, replace(visit.interaction, account_chosen=True))
    with services.db.write() as tx:
        if visit.session:
            answer.end_session(services, tx, visit.session, "another account signed in")
        if visit.policy.accepts(proof):
            _, cookie = answer.keep_proof(services, tx, None, account_id, proof, visit.client.client_id)
    if cookie:
        services.browser.set(response, "session", cookie)
    else:
        services.browser.forget(response, "session")
    return response


def _deny(services: Services, visit: Visit) -> flask.Response:
    """« Accès refusé »: the Interaction stays open, so that the person can use another account or go back."""
    holder = visit.account.account_id if visit.account else "anonymous"
    with services.db.write() as tx:
        event = AuditEvent("authorization.denied", holder, holder, visit.client.client_id, "refused")
        services.record(tx, event)
    return login_pages.denied(services, visit)


def _give_up(
    services: Services, visit: Visit, error: ProtocolError, event_name: str = "login.failed"
) -> flask.Response:
    """End the Interaction with an error for the client."""
    visits.take(services, visit.interaction)
    holder = visit.account.account_id if visit.account else "anonymous"
    subject = visit.account.account_id if visit.account else None
    with services.db.write() as tx:
        detail = {"reason": error.code}
        services.record(tx, AuditEvent(event_name, holder, subject, visit.client.client_id, "refused", detail))
    return answer.send_error(services, error)
