"""The host of the pages: the authorization endpoint, and the choice of the person."""

import flask
from werkzeug import Response

from demo.pro_sante_connect import authorization
from demo.pro_sante_connect.authorization import AuthorizationError, AuthorizationRequest, NotRedirectable
from demo.pro_sante_connect.behaviour import Switch
from demo.pro_sante_connect.pages import application, form_leads_away, problem, redirect, refuse_other_origins
from demo.pro_sante_connect.sessions import Session
from demo.pro_sante_connect.simulator import Simulator
from demo.pro_sante_connect.tokens import WRONG_ISSUER

COOKIE = "psc_session"


def create_app(simulator: Simulator) -> flask.Flask:
    app = application(simulator.behaviour)
    _add_authorization(app, simulator)
    _add_choice(app, simulator)
    return app


def _add_authorization(app: flask.Flask, simulator: Simulator) -> None:
    @app.get("/auth", endpoint="authorization")
    def authorize() -> Response | str | tuple[str, int]:
        """OpenID Connect Core §3.1.2. Whoever has a session is sent back without a page, as by Keycloak."""
        try:
            request = authorization.read(simulator.clients, flask.request.args)
        except NotRedirectable as error:
            return problem(f"{error}.")
        except AuthorizationError as error:
            return _answer(simulator, error.redirect_uri, error.state, error=error.error, description=str(error))
        if simulator.behaviour.conduct.has(Switch.AUTHORIZATION_ERROR):
            return _refuse(simulator, request, "temporarily_unavailable")
        session = _usable_session(simulator, request)
        if session is not None:
            return _grant(simulator, request, session)
        if "none" in request.prompt:
            return _refuse(simulator, request, "login_required")
        form_leads_away()
        ticket = simulator.asked.keep(request)
        return flask.render_template(
            "pro_sante_connect/choice.html", service=request.client.name, people=simulator.people, ticket=ticket
        )


def _add_choice(app: flask.Flask, simulator: Simulator) -> None:
    @app.post("/auth/choice")
    def choose() -> Response | tuple[str, int]:
        refuse_other_origins()
        form = flask.request.form
        mode, person = form.get("mode", ""), form.get("person", "")
        if mode not in {"CARD", "MOBILE", "cancel"} or (mode != "cancel" and person not in simulator.people):
            return problem("Il faut choisir une personne.")
        request = simulator.asked.take(form.get("ticket", ""))
        if request is None:
            return problem("Cette page a déjà servi, ou le simulateur a redémarré. Recommencez depuis le service.")
        if mode == "cancel":
            return _refuse(simulator, request, "access_denied")
        session = simulator.sessions.begin(person, "CARD" if mode == "CARD" else "MOBILE", simulator.now())
        response = _grant(simulator, request, session)
        response.set_cookie(COOKIE, session.key, httponly=True, samesite="Lax")
        return response


def _usable_session(simulator: Simulator, request: AuthorizationRequest) -> Session | None:
    now = simulator.now()
    session = simulator.sessions.of_browser(flask.request.cookies.get(COOKIE, ""), now)
    if session is None or "login" in request.prompt:
        return None
    return None if request.max_age is not None and now - session.auth_time > request.max_age else session


def _grant(simulator: Simulator, request: AuthorizationRequest, session: Session) -> Response:
    code = simulator.issue_code(request, session)
    return _answer(simulator, request.redirect_uri, request.state, code=code, session_state=session.sid)


def _refuse(simulator: Simulator, request: AuthorizationRequest, error: str) -> Response:
    return _answer(simulator, request.redirect_uri, request.state, error=error)


def _answer(
    simulator: Simulator, redirect_uri: str, state: str | None, *, description: str | None = None, **said: str
) -> Response:
    """With `iss` (RFC 9207), whatever it says."""
    conduct = simulator.behaviour.conduct
    iss: str | None = WRONG_ISSUER if conduct.has(Switch.RESPONSE_WRONG_ISS) else simulator.issuer
    if conduct.has(Switch.RESPONSE_WITHOUT_ISS):
        iss = None
    return redirect(redirect_uri, {**said, "error_description": description, "state": state, "iss": iss})
