"""The card host: a page that nobody sees, where the browser's own dialog asks for the certificate of a card.

It answers only what the proxy of the card host hands on, only as the destination of a login in progress, and sends the
browser back there with a ticket behind the `#`, which no server is sent and no log holds.
"""

from datetime import timedelta
from urllib.parse import urlsplit

import flask
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound

from idp.domain.audit import AuditEvent
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer
from idp.flows.card_tickets import VisaForged, read_visa, seal_ticket
from idp.flows.services import Services
from idp.methods.cps_card import CpsCard
from idp.settings import Settings
from idp.web.card_hop import SEEN, Forged, Shown

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FROM_US = {"Sec-Fetch-Site": "same-site"}  # beside it, where the names leave no doubt
AUDITED_EVERY = timedelta(hours=1)  # for one network
AUDITED_AT_MOST = 60  # in that time, for all of them
SAID: dict[int, Text] = {
    403: N_("Cette adresse ne s'ouvre que depuis la page de connexion."),
    404: N_("L'adresse demandée n'existe pas."),
    421: N_("Cette adresse ne se demande pas ainsi."),
}


def blueprint(services: Services) -> flask.Blueprint:
    """What the card host serves."""
    bp = flask.Blueprint("card_dialog", __name__)
    host = urlsplit(services.settings.card.dialog_url or "").netloc
    sites = _sites(services.settings)

    @bp.get("/carte/<visa>")
    def present(visa: str) -> flask.Response:
        shown = flask.request.environ.get(SEEN)
        if not isinstance(shown, Shown):
            raise NotFound
        if flask.request.environ.get("HTTP_HOST", "").lower().removesuffix(":443") != host:
            return _plain(services, 421)  # RFC 9110 §15.5.20: a connection that was opened for another name
        if not _is_navigation(flask.request.headers, sites):
            return _plain(services, 403)
        try:
            read = read_visa(services.data_keys, visa)
        except VisaForged:
            return _plain(services, 403)
        back = f"{services.settings.issuer}/login/{read.handle}/{CpsCard.id}"
        if services.now() >= read.expires_at:
            return answer.see_other(back)  # where the page says that it has waited for too long
        ticket = seal_ticket(services.data_keys, read, shown.certificate, services.now())
        return answer.see_other(f"{back}#ticket={ticket}")

    @bp.before_app_request
    def guard() -> flask.Response | None:
        """Refuse what the middleware did not believe, and anything else that is asked for through the card host."""
        seen = flask.request.environ.get(SEEN)
        if seen is None:
            return None
        if isinstance(seen, Forged):
            _record(services, seen)
            raise JourneyError("card_header_forged", detail=seen.reason)
        is_known = flask.request.method == "GET" and flask.request.endpoint == f"{bp.name}.{present.__name__}"
        return None if is_known else _plain(services, 404)

    return bp


def _record(services: Services, forged: Forged) -> None:
    """Once an hour for a network, and so many times for all of them: nobody fills the trail by sending headers."""
    if not services.ephemeral.once("card_header", services.network.prefix, AUDITED_EVERY):
        return
    if services.ephemeral.count("card_header", "all", AUDITED_EVERY) <= AUDITED_AT_MOST:
        detail = {"reason": forged.reason}
        services.append(AuditEvent("card.header_forged", "anonymous", outcome="refused", detail=detail))


def _sites(settings: Settings) -> frozenset[str]:
    """From where browsers say that the login page sent them: never "none", which is an address of a letter, or typed.

    Where one name stands below the other, or is the same, they are one site. Of others browsers say either, by a list
    that we have not (publicsuffix.org): a link of somebody else's looks the same then.
    """
    ours, theirs = urlsplit(settings.issuer), urlsplit(settings.card.dialog_url or "")
    names = f".{ours.hostname}", f".{theirs.hostname}"
    is_one_site = ours.scheme == theirs.scheme and (names[0].endswith(names[1]) or names[1].endswith(names[0]))
    return frozenset(FROM_US.values()) if is_one_site else frozenset({*FROM_US.values(), "cross-site"})


def _is_navigation(headers: Headers, sites: frozenset[str]) -> bool:
    """To the whole window, by a browser that says so (Fetch Metadata), and not ahead of the person (Sec-Purpose)."""
    is_one = "Sec-Purpose" not in headers and all(headers.get(name) == value for name, value in NAVIGATION.items())
    return is_one and headers.get("Sec-Fetch-Site") in sites


def _plain(services: Services, status: int) -> flask.Response:
    """No page: it would need what only the other host serves, and set cookies."""
    return flask.Response(f"{services.pages.say(SAID[status])}\n", status, mimetype="text/plain")
