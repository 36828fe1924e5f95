"""« Changer de carte »: what to do when a browser goes on proposing the card of before."""

import hmac

import flask

from idp.domain.interaction import Interaction
from idp.flows import visits
from idp.flows.services import Services
from idp.methods.cps_card import CpsCard

PAGE = "/aide/changer-de-carte"


def address(handle: str) -> str:
    """Of the page, with the way back to this login."""
    return f"{PAGE}?login={handle}"


def blueprint(services: Services) -> flask.Blueprint:
    """One page, with the way back to the login in course."""
    bp = flask.Blueprint("card_help", __name__)

    @bp.get(PAGE)
    def change_card() -> flask.Response:
        handle = flask.request.args.get("login", "")
        return services.pages.render("change_card.html", back_url=_way_back(services, handle), home_url="/compte")

    return bp


def _way_back(services: Services, handle: str) -> str | None:
    """The card's page of a login that this browser began; of others, nothing is told."""
    found = services.ephemeral.get_versioned(visits.KIND, handle) if handle else None
    if found is None:
        return None
    interaction = Interaction.from_json(handle, found[1], found[0])
    if not hmac.compare_digest(interaction.browser_hash, services.browser.hash):
        return None
    services.pages.prefer(interaction.request.ui_locales)
    return f"/login/{interaction.id}/{CpsCard.id}"
