"""The login pages: /login/<handle> shows what `decide` asks for; /login/<handle>/<method> drives a method."""

import hmac
from dataclasses import replace

import flask
from werkzeug.exceptions import MethodNotAllowed

from idp.domain.audit import AuditEvent
from idp.domain.decide import AskConsent, ConfirmLink, Denied, Issue, Login, Refuse, SelectAccount, Suspended
from idp.errors import JourneyError, ProtocolError
from idp.flows import answer, completion, completion_pages, driver, linking, login_pages, suspended, visits
from idp.flows.outcomes import Outcome
from idp.flows.running import runner
from idp.flows.services import Services
from idp.flows.visits import Visit
from idp.web.parameters import single


def blueprint(services: Services) -> flask.Blueprint:
    """The routes of the login journey."""
    bp = flask.Blueprint("login", __name__)
    _add_methods(bp, services)
    _add_choices(bp, services)
    _add_linking(bp, services)
    completion_pages.add_routes(bp, services)
    return bp


def _add_methods(bp: flask.Blueprint, services: Services) -> None:
    """The login page, and the steps of the method that the person chose."""

    @bp.get("/login/<handle>")
    def page(handle: str) -> flask.Response:
        return _go_on(services, visits.load(services, handle))

    @bp.get("/login/<handle>/<method_id>")
    def show(handle: str, method_id: str) -> flask.Response:
        visit = visits.load(services, handle)
        decision = visit.decision(services)
        is_offered = isinstance(decision, Login) and method_id in {entry.id for entry in decision.methods}
        running = runner(services, visit, method_id) if is_offered else None
        if running is None:
            # A ticket behind the "#" here would be carried on through redirects that have none, up to the service.
            fragment = "#_" if services.settings.card.dialog_url else ""
            return answer.see_other(f"/login/{handle}{fragment}")
        return login_pages.method(services, visit, running, driver.show(services, visit, running))

    @bp.get("/login/callback/<method_id>")
    def callback(method_id: str) -> flask.Response:
        """Back from elsewhere. `state` names the Interaction, which this browser must have begun."""
        if flask.request.method != "GET":  # HEAD comes with it, and must not act
            raise MethodNotAllowed(["GET"])
        query = single(flask.request.args, frozenset(flask.request.args))
        state = query.get("state", "")
        handle, _, rest = state.partition(":")
        chosen = rest.partition(":")[0]
        visit = visits.load(services, handle)
        values = {name: value for name, value in query.items() if name != "state"}
        outcome = driver.come_back(services, visit, chosen, method_id=method_id, state=state, query=values)
        return outcome.response or _explain(services, visits.load(services, handle), chosen, outcome)

    @bp.post("/login/<handle>/<method_id>")
    def step(handle: str, method_id: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        form = {name: value for name, value in flask.request.form.items() if name != "csrf"}
        outcome = driver.run(services, visit, method_id, form)
        return outcome.response or _explain(services, visits.load(services, handle), method_id, outcome)


def _add_choices(bp: flask.Blueprint, services: Services) -> None:
    """What else the person may answer: give up, consent, use another account."""

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
        if not isinstance(visit.decision(services), AskConsent):
            return answer.see_other(f"/login/{handle}")
        if flask.request.form.get("decision") != "allow":
            refusal = ProtocolError("access_denied", "Consent was refused.", redirect=visit.request.return_path)
            return _give_up(services, visit, refusal, "authorization.refused_consent")
        if visit.account and flask.request.form.get("account") == visit.account.account_id:
            visits.save(services, replace(visit.interaction, consented_by=visit.account.account_id))
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
        else:  # "other", "cancel", and "again", which says nothing of the account
            is_chosen = visit.interaction.account_chosen or choice != "again"
            asks_anew = visit.interaction.asks_anew or choice != "again"
            visits.restart(services, replace(visit.interaction, account_chosen=is_chosen, asks_anew=asks_anew))
        if choice == "other" and visit.session:
            with services.db.write() as tx:
                answer.end_session(services, tx, visit.session, "another account was chosen")
            services.browser.forget(response, "session")
        return response


def _add_linking(bp: flask.Blueprint, services: Services) -> None:
    """Whether what was proven is to sign the account in from now on."""

    @bp.post("/login/<handle>/link")
    def link(handle: str) -> flask.Response:
        services.browser.check_form()
        visit = visits.load(services, handle)
        if not isinstance(visit.decision(services), ConfirmLink):
            return answer.see_other(f"/login/{handle}")
        is_wanted = flask.request.form.get("decision") == "link"
        is_seen = hmac.compare_digest(
            flask.request.form.get("shown", "").encode(), linking.shown(services, visit).encode()
        )
        return linking.confirm(services, visit) if is_wanted and is_seen else linking.decline(services, visit)


def _go_on(services: Services, visit: Visit) -> flask.Response:
    """What `decide` asks for next."""
    if visit.is_conflict:
        return login_pages.other_account(services, visit)
    match visit.decision(services):
        case Issue():
            return finish(services, visit)
        case Login() as login:
            page = completion_pages.form if completion.is_asked(visit, login) else login_pages.login
            return page(services, visit, login)
        case SelectAccount():
            return login_pages.select_account(services, visit)
        case AskConsent():
            return login_pages.consent(services, visit)
        case ConfirmLink():
            return login_pages.confirm_link(services, visit)
        case Denied():
            return _deny(services, visit)
        case Suspended():
            return _suspended(services, visit)
        case Refuse(code, description):
            return _give_up(services, visit, ProtocolError(code, description, redirect=visit.request.return_path))


def _explain(services: Services, visit: Visit, method_id: str, outcome: Outcome) -> flask.Response:
    """Show the step again and what was refused; without the means for this method, the list of all.

    A page that says by itself what was refused is its own address: it may be loaded anew, which sends nothing twice.
    """
    error = login_pages.refusal(services, outcome)
    decision = visit.decision(services)
    if outcome.refused == "means_missing" and isinstance(decision, Login):
        return login_pages.login(services, visit, decision, error)
    running = runner(services, visit, method_id)
    if running is None:
        return answer.see_other(f"/login/{visit.interaction.id}")
    shown, is_delayed = driver.show(services, visit, running), outcome.refused == "too_many_attempts"
    if shown.explains and outcome.is_own:
        return answer.see_other(f"/login/{visit.interaction.id}/{method_id}")
    code = outcome.method.codes.get(outcome.refused or "") if outcome.method else None
    return login_pages.method(services, visit, running, shown, error, code=code, is_delayed=is_delayed)


def finish(services: Services, visit: Visit) -> flask.Response:
    """Everything is settled: answer the client, once."""
    decision = visit.decision(services)
    if not isinstance(decision, Issue) or visit.account is None:
        raise JourneyError("interaction_gone", status=410, detail="not settled")
    if visit.session is None:  # it ended (log-out, new password, suspension), and the proof that opened it with it
        visits.restart(services, visit.interaction)
        return answer.see_other(f"/login/{visit.interaction.id}")
    visits.take(services, visit.interaction)
    if visit.interaction.purpose:
        return answer.see_other(visit.interaction.purpose.page)
    consented = visit.interaction.consented_by == visit.account.account_id
    with services.db.write() as tx:
        answer.require_unchanged(
            services, tx, visit.client, visit.request, visit.account.account_id, consented=consented
        )
        code = answer.issue_code(
            services,
            tx,
            visit.request,
            decision.proof,
            session_id=visit.session.session_id,
            account_id=visit.account.account_id,
            consented=consented,
        )
    return answer.send(services, visit.request.return_path, {"code": code})


def _switch(services: Services, visit: Visit) -> flask.Response:
    """Sign the other account out, and the one that was proven in."""
    proof, account = visit.interaction.fresh[-1], visit.account
    response, session_id, cookie = answer.see_other(f"/login/{visit.interaction.id}"), None, None
    with services.db.write() as tx:
        if visit.session:
            answer.end_session(services, tx, visit.session, "another account signed in")
        if account and visit.policy.accepts(proof):
            client_id = visit.client.client_id
            session_id, cookie = answer.keep_proof(
                services,
                tx,
                None,
                proof,
                account=account,
                client_id=client_id,
                upstream=visit.interaction.upstream_of(proof.method),
                practice=visit.interaction.practice_of(proof),
                relatives=visit.interaction.relatives,
            )
    visits.save(services, replace(visit.interaction, session_id=session_id, account_chosen=True))
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


def _suspended(services: Services, visit: Visit) -> flask.Response:
    """No way in is left for a while: the Interaction stays open, so that the page may be loaded anew after the end."""
    sentences = suspended.said(services, visit.policy)
    return login_pages.draw(services, visit, "suspended.html", status=403, sentences=sentences)


def _give_up(
    services: Services, visit: Visit, error: ProtocolError, event_name: str = "login.failed"
) -> flask.Response:
    """End the Interaction with an error for the client; the portal's own goes back to the portal."""
    visits.take(services, visit.interaction)
    holder = visit.account.account_id if visit.account else "anonymous"
    subject = visit.account.account_id if visit.account else None
    with services.db.write() as tx:
        detail = {"reason": error.code}
        services.record(tx, AuditEvent(event_name, holder, subject, visit.client.client_id, "refused", detail))
    if visit.interaction.purpose:
        return answer.see_other(visit.interaction.purpose.page if visit.draft_id else "/compte")
    return answer.send_error(services, error)
