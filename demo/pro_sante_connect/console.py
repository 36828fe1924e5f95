"""The page of the simulator's operator: open sessions, switches, keys."""

from datetime import UTC, datetime

import flask
from werkzeug import Response

from demo.pro_sante_connect.behaviour import ALGORITHMS, DEMO_SLOW_S, Endpoint, Signed, Switch
from demo.pro_sante_connect.pages import problem, refuse_other_origins
from demo.pro_sante_connect.simulator import Simulator

LABELS: dict[str, dict[Switch, str]] = {
    "Il répond mal": {
        Switch.SLOW: f"Lent : chaque réponse prend {DEMO_SLOW_S:g} secondes",
        Switch.DOWN: "En panne : réponse 503",
        Switch.AUTHORIZATION_ERROR: "La page d'autorisation renvoie une erreur (temporarily_unavailable)",
        Switch.TOKEN_REFUSED: "Le code est refusé (invalid_grant)",
        Switch.RESPONSE_WRONG_ISS: "Réponse avec un autre iss",
        Switch.RESPONSE_WITHOUT_ISS: "Réponse sans iss",
    },
    "Il signe mal": {
        Switch.UNKNOWN_KID: "kid inconnu",
        Switch.BAD_SIGNATURE: "Signature d'une autre clé",
        Switch.ALG_NONE: "alg none, sans signature",
        Switch.HS256: "HS256, avec la clé publique pour secret",
        Switch.WRONG_ISS: "Autre émetteur (iss)",
        Switch.WRONG_AUDIENCE: "Pour un autre client (aud)",
        Switch.EXPIRED: "Expiré depuis une heure",
    },
    "L'ID Token étonne": {
        Switch.WRONG_NONCE: "Autre nonce",
        Switch.WITHOUT_NONCE: "Sans nonce",
        Switch.WRONG_AT_HASH: "at_hash d'un autre jeton",
        Switch.OLD_AUTH_TIME: "auth_time vieux de trois heures",
        Switch.ACR_MISSING: "Sans acr",
        Switch.ACR_UNEXPECTED: "acr inattendu (0)",
        Switch.UUID_SUBJECT: "sub sous sa forme annoncée, un UUID",
    },
    "userinfo étonne": {
        Switch.USERINFO_SIGNED: "Signé (application/jwt)",
        Switch.OTHER_SUBJECT: "Pour un autre sujet",
        Switch.MODE_UNKNOWN: "authMode inconnu (IDENTITY_BROKER)",
    },
}
SIGNED = {
    Signed.ID_TOKEN: "l'ID Token",
    Signed.USERINFO: "userinfo, s'il est signé",
    Signed.LOGOUT_TOKEN: "le jeton de déconnexion",
}
ENDPOINTS = {
    Endpoint.DISCOVERY: "la découverte",
    Endpoint.JWKS: "les clés (JWKS)",
    Endpoint.AUTHORIZATION: "la page d'autorisation",
    Endpoint.TOKEN: "les jetons",
    Endpoint.USERINFO: "userinfo",
    Endpoint.END_SESSION: "la déconnexion",
}


def create_pages(simulator: Simulator) -> flask.Blueprint:
    pages = flask.Blueprint("console", __name__)

    @pages.get("/")
    def page() -> str:
        return flask.render_template(
            "pro_sante_connect/console.html",
            conduct=simulator.behaviour.conduct,
            sessions=simulator.sessions.open(simulator.now()),
            people=simulator.people,
            told=simulator.told,
            issuer=simulator.issuer,
            labels=LABELS,
            signed=SIGNED,
            endpoints=ENDPOINTS,
            algorithms=ALGORITHMS,
            moment=_moment,
        )

    @pages.post("/behaviour")
    def behave() -> Response | tuple[str, int]:
        refuse_other_origins()
        form = flask.request.form
        chosen = form.getlist("endpoints")
        try:
            simulator.behaviour.become(
                *map(Switch, form.getlist("switch")),
                endpoints=frozenset(map(Endpoint, chosen)) if chosen else frozenset(Endpoint),
                forged=Signed(form.get("forged", Signed.ID_TOKEN)),
                algorithm=ALGORITHMS[ALGORITHMS.index(form.get("algorithm", "RS256"))],
            )
        except ValueError:
            return problem("Ce réglage n'existe pas.")
        return flask.redirect("/", 303)

    @pages.post("/reset")
    def reset() -> Response:
        refuse_other_origins()
        simulator.behaviour.become()
        return flask.redirect("/", 303)

    @pages.post("/keys")
    def keys() -> Response:
        refuse_other_origins()
        simulator.keys.rotate()
        return flask.redirect("/", 303)

    @pages.post("/end")
    def end() -> Response:
        """Closes a session from here: its clients are told by the back channel."""
        refuse_other_origins()
        simulator.end(flask.request.form.get("sid", ""))
        return flask.redirect("/", 303)

    return pages


def _moment(epoch_s: float) -> str:
    """In the machine's own time zone: in the demo it is the reader's."""
    return datetime.fromtimestamp(epoch_s, tz=UTC).astimezone().strftime("%H:%M")
