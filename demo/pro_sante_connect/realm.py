"""The host of the back channel: discovery at the sandbox's path, keys, tokens, userinfo, end of the session."""

from typing import Any

import flask
from werkzeug import Response

from demo.pro_sante_connect import console
from demo.pro_sante_connect.behaviour import Switch
from demo.pro_sante_connect.clients import BackChannelError, Client, authenticate, certificate, thumbprint
from demo.pro_sante_connect.pages import application, problem, redirect
from demo.pro_sante_connect.simulator import REALM, Simulator

PROTOCOL = f"{REALM}/protocol/openid-connect"
# As the sandbox announces them, HMAC and more than it uses: a client that takes this list for its own is open.
ALGORITHMS = ["PS384", "RS384", "EdDSA", "ES384", "HS256", "HS512", "ES256", "RS256", "HS384", "ES512", "PS256"]
SCOPES = ["openid", "profile", "email", "offline_access", "scope_all", "identity", "rpps", "eidas1", "eidas2"]


def create_app(simulator: Simulator) -> flask.Flask:
    app = application(simulator.behaviour)
    _add_metadata(app, simulator)
    _add_tokens(app, simulator)
    _add_end_session(app, simulator)
    app.register_blueprint(console.create_pages(simulator))
    return app


def _add_metadata(app: flask.Flask, simulator: Simulator) -> None:
    @app.get(f"{REALM}/.well-known/wallet-openid-configuration", endpoint="discovery")
    def discovery() -> dict[str, Any]:
        base = simulator.auth + PROTOCOL
        return {
            "issuer": simulator.issuer,
            "authorization_endpoint": f"{simulator.wallet}/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "end_session_endpoint": f"{base}/logout",
            "jwks_uri": f"{base}/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ALGORITHMS,
            "userinfo_signing_alg_values_supported": [*ALGORITHMS, "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "tls_client_auth"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": SCOPES,
            "acr_values_supported": ["0", "0"],
            "authorization_response_iss_parameter_supported": True,
            "tls_client_certificate_bound_access_tokens": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }

    @app.get(f"{PROTOCOL}/certs", endpoint="jwks")
    def jwks() -> dict[str, Any]:
        return simulator.keys.jwks()


def _add_tokens(app: flask.Flask, simulator: Simulator) -> None:
    @app.post(f"{PROTOCOL}/token", endpoint="token")
    def token() -> dict[str, Any]:
        """RFC 6749 §4.1.3 and §6."""
        form = flask.request.form
        client = authenticate(simulator.clients, flask.request)
        match form.get("grant_type"):
            case "authorization_code":
                grant = simulator.redeem_code(client, form)
            case "refresh_token":
                grant = simulator.refresh(client, form)
            case _:
                raise BackChannelError("unsupported_grant_type", "authorization_code or refresh_token")
        return simulator.issue_tokens(grant, thumbprint(certificate(flask.request)))

    @app.route(f"{PROTOCOL}/userinfo", methods=["GET", "POST"], endpoint="userinfo")
    def userinfo() -> Response | dict[str, Any]:
        scheme, _, access_token = flask.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise BackChannelError("invalid_request", "Token not provided", 401)
        access = simulator.access(access_token, thumbprint(certificate(flask.request)))
        if simulator.behaviour.conduct.has(Switch.USERINFO_SIGNED):
            signed = simulator.tokens.signed_userinfo(simulator.issuer, access.grant)
            return flask.Response(signed, mimetype="application/jwt")
        return simulator.tokens.userinfo(access.grant.session)

    @app.errorhandler(BackChannelError)
    def refused(error: BackChannelError) -> tuple[dict[str, str], int, dict[str, str]]:
        scheme = "Bearer" if flask.request.endpoint == "userinfo" else "Basic"
        headers = {"WWW-Authenticate": f'{scheme} error="{error.error}"'} if error.status == 401 else {}
        return {"error": error.error, "error_description": error.description}, error.status, headers


def _add_end_session(app: flask.Flask, simulator: Simulator) -> None:
    @app.route(f"{PROTOCOL}/logout", methods=["GET", "POST"], endpoint="end_session")
    def end_session() -> Response | str | tuple[str, int]:
        """RP-Initiated Logout §2, by the browser or by the client's server. The hint tells the session, however old."""
        asked = flask.request.values
        try:
            claims = simulator.keys.verify(asked.get("id_token_hint", ""))
        except ValueError:
            claims = {}
        if claims.get("typ") != "ID":
            return problem("Il manque id_token_hint, ou il n'est pas d'ici.")
        client: Client | None = simulator.clients.get(claims["aud"])
        target = asked.get("post_logout_redirect_uri")
        if client is None or asked.get("client_id", client.client_id) != client.client_id:
            return problem("id_token_hint est d'un autre client.")
        if target is not None and target not in client.post_logout_redirect_uris:
            return problem("post_logout_redirect_uri inconnu.")
        simulator.end(claims["sid"])
        if target is not None:
            return redirect(target, {"state": asked.get("state")})
        title, sentence = "Vous êtes déconnecté", "La session du simulateur est fermée."
        return flask.render_template("pro_sante_connect/message.html", title=title, sentence=sentence)
