"""Where people are once their session is over; whoever signed in with a card is told to take it out of the reader."""

from datetime import timedelta

import flask

from idp.domain.ids import new_token
from idp.domain.session import Session
from idp.flows import answer
from idp.flows.services import Services

KIND = "logged_out"
LIFETIME = timedelta(minutes=15)
OWN_PAGE = "/logged-out"


def has_card(session: Session | None) -> bool:
    """A card was in the reader, and may be there still (amr `sc`, RFC 8176 §2)."""
    return session is not None and any("sc" in proof.amr for proof in session.proofs)


def leave(
    services: Services,
    session: Session | None,
    *,
    target: str | None = None,
    client_id: str | None = None,
    locales: tuple[str, ...] = (),
) -> flask.Response:
    """To `target`, the checked address of the service that asked, or to our own page. After a card, our page stands
    between: a service's next page says nothing of the reader.
    """
    if not has_card(session):
        return answer.see_other(target or OWN_PAGE)
    handle = new_token()
    stored = {"target": target, "client_id": client_id, "locales": list(locales), "browser": services.browser.hash}
    services.ephemeral.put(KIND, handle, stored, LIFETIME)
    return answer.see_other(f"{OWN_PAGE}/{handle}")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The last pages."""

    @bp.get(OWN_PAGE)
    def logged_out() -> flask.Response:
        return services.pages.render("logged_out.html", home_url="/compte")

    @bp.get(f"{OWN_PAGE}/<handle>")
    def take_out(handle: str) -> flask.Response:
        """« Retirez votre carte du lecteur. » May be loaded anew."""
        stored = services.ephemeral.get(KIND, handle)
        if stored is None or stored["browser"] != services.browser.hash:
            return answer.see_other(OWN_PAGE)
        services.pages.prefer(tuple(stored["locales"]))
        client = services.configuration.client(stored["client_id"]) if stored["client_id"] else None
        return services.pages.render(
            "take_card_out.html",
            home_url="/compte",
            target=stored["target"],
            service=client.name if client else None,
        )
