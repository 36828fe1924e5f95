"""A web service with Authlib's client for Flask, written as its documentation does."""

import secrets
from collections.abc import Mapping
from typing import Any

import flask
from authlib.integrations.flask_client import OAuth, OAuthError
from werkzeug import Response

PAGE = """<!doctype html><title>Authlib</title><link rel="icon" href="data:,">
<a id="login" href="/login">login</a> <a id="refresh" href="/refresh">refresh</a>
<a id="logout" href="/logout">logout</a>
<pre id="known">{{ known|tojson }}</pre>"""
NOBODY = {"claims": None}


def create_app(issuer: str, client_id: str, client_secret: str, home: str) -> flask.Flask:
    """One service at `home`, which ends with a slash."""
    app = flask.Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(SESSION_COOKIE_NAME="authlib", SESSION_COOKIE_SAMESITE="Lax")
    people: dict[str, dict[str, Any]] = {}  # tokens are too long for a cookie
    client = OAuth(app).register(
        "sesame",
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "trust_env": False},
    )

    def keep(token: Mapping[str, Any], claims: Mapping[str, Any]) -> Response:
        key = flask.session.setdefault("person", secrets.token_urlsafe())
        people[key] = {
            "claims": dict(claims),
            "userinfo": client.userinfo(token=token),
            "access_token": token["access_token"],
            "id_token": token["id_token"],
            "refresh_token": token.get("refresh_token"),
        }
        return flask.redirect("/")

    @app.get("/")
    def page() -> str:
        return flask.render_template_string(PAGE, known=people.get(flask.session.get("person", ""), NOBODY))

    @app.get("/login")
    def login() -> Response:
        found: Response = client.authorize_redirect(f"{home}callback")
        return found

    @app.get("/callback")
    def callback() -> Response:
        if flask.request.args.get("iss") != issuer:  # RFC 9207, which Authlib leaves to the application
            raise OAuthError("mismatching_issuer")
        token = client.authorize_access_token()
        return keep(token, token["userinfo"])

    @app.get("/refresh")
    def refresh() -> Response:
        before = people[flask.session["person"]]
        answer = client.fetch_access_token(grant_type="refresh_token", refresh_token=before["refresh_token"])
        token = {"id_token": before["id_token"], **answer}
        return keep(token, client.parse_id_token(token, nonce=None) if "id_token" in answer else before["claims"])

    @app.get("/logout")
    def logout() -> Response:
        known = people.pop(flask.session.pop("person"))
        found: Response = client.logout_redirect(f"{home}left", id_token_hint=known["id_token"])
        return found

    @app.get("/left")
    def left() -> Response:
        client.validate_logout_response()
        return flask.redirect("/")

    return app
