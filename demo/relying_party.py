"""A relying party, as a service of the region would write it: Authlib's client, and nothing of the provider's code.

Authorization code flow with PKCE (RFC 7636), `state`, `nonce`, and the `iss` of the response (RFC 9207).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flask
import requests
from authlib.integrations.flask_client import OAuth, OAuthError
from joserfc.errors import JoseError
from werkzeug import Response
from werkzeug.exceptions import HTTPException

from demo.claim_rows import given_roles, id_token_rows, userinfo_rows
from demo.memory import Memory
from demo.service import ServiceConfig

PROVIDER_TIMEOUT_S = 10
MAX_SHOWN_CHARS = 300  # of what another site wrote and we repeat

EXPLANATIONS = {
    "access_denied": "La connexion a été annulée ou refusée.",
    "consent_required": "Votre accord est nécessaire avant de continuer.",
    "interaction_required": "Le fournisseur d'identité a besoin de vous poser une question.",
    "login_required": "Vous n'êtes pas encore connecté auprès du fournisseur d'identité.",
    "mismatching_state": "Cette réponse ne suit aucune connexion commencée ici, ou elle a déjà servi.",
    "mismatching_issuer": "Cette réponse ne vient pas du fournisseur d'identité attendu.",
    "invalid_id_token": "L'identité reçue n'a pas pu être vérifiée.",
    "provider_unreachable": "Le fournisseur d'identité ne répond pas.",
    "request_refused": "Ce service n'a pas compris la demande du navigateur.",
    "temporarily_unavailable": "Le fournisseur d'identité est momentanément indisponible.",
}


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """A person of whom the ID Token was verified; `id_token` is kept as the hint of the logout."""

    id_token: str
    claims: Mapping[str, Any]
    userinfo: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.userinfo.get("name") or self.userinfo.get("preferred_username") or self.claims["sub"])


class RelyingParty:
    """The OIDC conversation of one service with its provider."""

    def __init__(self, app: flask.Flask, config: ServiceConfig) -> None:
        self.config = config
        self._client = OAuth(app, cache=Memory[str]()).register(
            "sesame",
            client_id=config.client_id,
            client_secret=config.client_secret,
            server_metadata_url=config.metadata_url,
            client_kwargs={
                "scope": config.scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic",
                "default_timeout": PROVIDER_TIMEOUT_S,
                "trust_env": False,  # the provider is on this machine: never through a proxy
            },
        )

    def start(self, login_hint: str | None) -> Response:
        self._metadata()
        hint = {"login_hint": login_hint} if login_hint else {}
        redirect: Response = self._client.authorize_redirect(self.config.redirect_uri, **hint)
        return redirect

    def finish(self, answer: Mapping[str, str]) -> SignedIn:
        """Check the authorization response, redeem its code, verify the ID Token.

        Raises OAuthError, JoseError, or requests.RequestException when the provider cannot be reached.
        """
        state = answer.get("state", "")
        started = self._client.framework.get_state_data(flask.session, state)
        if not started or "nonce" not in started:  # unknown, used, or the state of a logout
            raise OAuthError("mismatching_state", "")
        try:
            self._check_issuer(answer.get("iss"))
            if "error" in answer:
                raise OAuthError(answer["error"], answer.get("error_description", ""))
            token = self._client.authorize_access_token(claims_options=self._expected_claims())
        finally:
            self._client.framework.clear_state_data(flask.session, state)  # good for one answer, whatever it says
        if not token.get("userinfo"):
            raise OAuthError("invalid_id_token", "No ID Token in the response of the token endpoint.")
        return SignedIn(token["id_token"], dict(token["userinfo"]), self._userinfo(token))

    def leave(self, signed_in: SignedIn) -> Response:
        """RP-Initiated Logout §2: the provider ends its own session, then sends the person back here."""
        self._metadata()
        redirect: Response = self._client.logout_redirect(
            post_logout_redirect_uri=self.config.post_logout_redirect_uri,
            id_token_hint=signed_in.id_token,
            client_id=self.config.client_id,
        )
        return redirect

    def came_back_from_logout(self) -> bool:
        try:
            return bool(self._client.validate_logout_response())
        except OAuthError:
            return False

    def _metadata(self) -> Mapping[str, Any]:
        """OpenID Connect Discovery §4.3: the document must speak of the issuer it was asked of."""
        metadata: Mapping[str, Any] = self._client.load_server_metadata()
        if metadata.get("issuer") != self.config.issuer:
            raise OAuthError("mismatching_issuer", "The discovery document names another issuer.")
        return metadata

    def _check_issuer(self, received: str | None) -> None:
        """RFC 9207 §2.4, before the code goes anywhere: an answer of another provider must not be redeemed here."""
        required = self._metadata().get("authorization_response_iss_parameter_supported", False)
        if received is None and not required:
            return
        if received != self.config.issuer:
            raise OAuthError("mismatching_issuer", "The iss parameter of the response is missing or wrong.")

    def _expected_claims(self) -> dict[str, dict[str, Any]]:
        """OpenID Connect Core §3.1.3.7; Authlib adds signature, nonce, exp and at_hash."""
        return {
            "iss": {"essential": True, "value": self.config.issuer},
            "aud": {"essential": True, "value": self.config.client_id},
        }

    def _userinfo(self, token: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: dict[str, Any] = dict(self._client.userinfo(token=token))
        if answer.get("sub") != token["userinfo"]["sub"]:  # OpenID Connect Core §5.3.2
            raise OAuthError("invalid_id_token", "Userinfo speaks of another subject.")
        return answer


def create_app(config: ServiceConfig) -> flask.Flask:
    """The web site of one service: a public page, and the same page for a person who signed in."""
    app = flask.Flask(__name__)
    app.secret_key = secrets.token_bytes(32)  # a restart signs everyone out of the service, as its memory does
    app.config.update(
        SESSION_COOKIE_NAME=f"demo_{config.key}",  # cookies do not know ports: one name for each service of localhost
        SESSION_COOKIE_SAMESITE="Lax",
    )
    people = Memory[SignedIn]()
    party = RelyingParty(app, config)
    _add_pages(app, config, party, people)
    _add_errors(app, config)
    app.context_processor(lambda: {"service": config})
    app.after_request(lambda response: _protect(response, config))
    return app


def _add_pages(app: flask.Flask, config: ServiceConfig, party: RelyingParty, people: Memory[SignedIn]) -> None:
    @app.get("/")
    def home() -> str:
        person = people.get(flask.session.get("person", ""))
        if person is None:
            return flask.render_template("relying_party/public.html", signed_out=party.came_back_from_logout())
        tables = {"identity": userinfo_rows(person.userinfo), "proof": id_token_rows(person.claims)}
        roles = given_roles(person.userinfo, config.roles)
        return flask.render_template("relying_party/signed_in.html", person=person, roles=roles, **tables)

    @app.get("/login")
    def login() -> Response:
        """Also the `initiate_login_uri` of a portal's tile (OpenID Connect Core §4)."""
        if flask.request.args.get("iss", config.issuer) != config.issuer:
            raise OAuthError("mismatching_issuer", "This service knows one provider only.")
        return party.start(flask.request.args.get("login_hint"))

    @app.get("/callback")
    def callback() -> Response:
        person = party.finish(flask.request.args)
        people.delete(flask.session.get("person", ""))
        flask.session["person"] = people.keep(person)  # a new key at each login
        return flask.redirect("/", 303)

    @app.post("/logout")
    def logout() -> Response:
        own_origin = flask.request.host_url.rstrip("/")
        if flask.request.headers.get("Origin", own_origin) != own_origin:
            flask.abort(403)  # other ports of localhost are the same site to a Lax cookie
        key = flask.session.pop("person", "")
        person = people.get(key)
        people.delete(key)
        return flask.redirect("/", 303) if person is None else party.leave(person)

    @app.get("/theme.css")
    def theme() -> Response:
        """The one colour that the configuration decides, without a style in the page."""
        return flask.Response(f":root {{ --accent: {config.accent}; }}\n", mimetype="text/css")


def _add_errors(app: flask.Flask, config: ServiceConfig) -> None:
    def page(code: str, description: str, status: int) -> tuple[str, int]:
        code, description = code[:MAX_SHOWN_CHARS], description[:MAX_SHOWN_CHARS]
        sentence = EXPLANATIONS.get(code, "Le fournisseur d'identité n'a pas pu terminer la connexion.")
        shown = {"code": code, "description": description, "sentence": sentence}
        return flask.render_template("relying_party/error.html", **shown), status

    @app.errorhandler(OAuthError)
    def refused(error: OAuthError) -> tuple[str, int]:
        return page(str(error.error), str(error.description or ""), 400)

    @app.errorhandler(JoseError)
    def unverified(error: JoseError) -> tuple[str, int]:
        app.logger.warning("%s: ID Token refused: %s", config.key, error)
        return page("invalid_id_token", "", 400)

    @app.errorhandler(HTTPException)
    def unexpected(error: HTTPException) -> tuple[str, int]:
        return page("request_refused", error.name, error.code or 500)

    @app.errorhandler(requests.RequestException)
    def unreachable(error: requests.RequestException) -> tuple[str, int]:
        app.logger.warning("%s: provider: %s", config.key, type(error).__name__)
        return page("provider_unreachable", "", 502)


def _protect(response: flask.Response, config: ServiceConfig) -> flask.Response:
    """`form-action` names the provider because Chromium applies it to the redirect that follows the logout's post."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {config.issuer_origin}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
