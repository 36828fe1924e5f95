"""Where people are once their session is over: whoever signed in with a card is told to take it out of the reader, and
whoever came from an upstream may leave that too. Our session ended before, whatever the upstream does.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import flask

from idp.domain.ids import new_token
from idp.domain.session import Session
from idp.domain.upstream_session import UpstreamSession
from idp.flows import answer, upstream_sessions
from idp.flows.services import Services

KIND, RETURN = "logged_out", "left_upstream"
LIFETIME = timedelta(minutes=15)
OWN_PAGE = "/logged-out"  # also the address that upstreams send people back to


def has_card(session: Session | None) -> bool:
    """A card was in the reader, and may be there still (amr `sc`, RFC 8176 §2)."""
    return session is not None and any("sc" in proof.amr for proof in session.proofs)


def leave(
    services: Services,
    session: Session | None,
    upstream: Sequence[UpstreamSession] = (),
    *,
    target: str | None = None,
    client_id: str | None = None,
    locales: tuple[str, ...] = (),
) -> flask.Response:
    """To `target`, the checked address of the service that asked, or to our own page. After a card, or where an
    upstream may be left too, our page stands between: a service's next page says nothing of either.

    upstream: what the session rested on, read before it ended.
    """
    open_there = [each.to_json() for each in upstream if upstream_sessions.can_be_left(services, each)]
    if not open_there and not has_card(session):
        return answer.see_other(target or OWN_PAGE)
    handle = new_token()
    stored = {
        "target": target,
        "client_id": client_id,
        "locales": list(locales),
        "browser": services.browser.hash,
        "has_card": has_card(session),
        "open": open_there,
        "left": "",
        "failed": "",
    }
    services.ephemeral.put(KIND, handle, stored, LIFETIME)
    return answer.see_other(f"{OWN_PAGE}/{handle}")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The last pages."""

    @bp.get(OWN_PAGE)
    def logged_out() -> flask.Response:
        """Also for whom an upstream sends back, with `state` (RP-Initiated Logout §3)."""
        handle = _come_back(services, flask.request.args.get("state", ""))
        return answer.see_other(f"{OWN_PAGE}/{handle}") if handle else _own_page(services)

    @bp.get(f"{OWN_PAGE}/<handle>")
    def last_page(handle: str) -> flask.Response:
        """« Retirez votre carte du lecteur », or the choice to leave an upstream. May be loaded anew."""
        stored = _stored(services, handle)
        if stored is None:
            return answer.see_other(OWN_PAGE)
        services.pages.prefer(tuple(stored["locales"]))
        client = services.configuration.client(stored["client_id"]) if stored["client_id"] else None
        values = {"home_url": "/compte", "target": stored["target"], "service": client.name if client else None}
        if stored["open"]:
            return _choice(services, handle, stored, values)
        if stored["has_card"]:
            return services.pages.render("take_card_out.html", **values)
        return answer.see_other(stored["target"]) if stored["target"] else _own_page(services, stored["left"])

    @bp.get(f"{OWN_PAGE}/<handle>/leave/<method>")
    def leave_upstream(handle: str, method: str) -> flask.Response:
        """To the upstream. A link and no form: whatever addresses it leads over, no policy of ours stops it."""
        stored = _stored(services, handle)
        kept = next((each for each in stored["open"] if each["method"] == method), None) if stored else None
        if stored is None:
            return answer.see_other(OWN_PAGE)
        if kept is None:
            return answer.see_other(f"{OWN_PAGE}/{handle}")
        state, back = new_token(), services.settings.issuer + OWN_PAGE
        url = upstream_sessions.leave_url(services, UpstreamSession.from_json(kept), back=back, state=state)
        if url is None:
            services.ephemeral.put(KIND, handle, {**stored, "failed": method}, LIFETIME)
            return answer.see_other(f"{OWN_PAGE}/{handle}")
        awaited = {"handle": handle, "method": method, "browser": services.browser.hash}
        services.ephemeral.put(RETURN, state, awaited, LIFETIME)
        return answer.see_other(url)


def _choice(services: Services, handle: str, stored: dict[str, Any], values: dict[str, Any]) -> flask.Response:
    """All of them, each with its button: to stay in one says nothing of the next."""
    methods = [each["method"] for each in stored["open"]]
    return services.pages.render(
        "also_leave.html",
        upstreams=[
            {"name": _label(services, method), "leave_url": f"{OWN_PAGE}/{handle}/leave/{method}"} for method in methods
        ],
        failed=_label(services, stored["failed"]) if stored["failed"] in methods else "",
        has_card=stored["has_card"],
        own_page=OWN_PAGE,
        **values,
    )


def _label(services: Services, method: str) -> str:
    return services.registry[method].offer.label if method in services.registry else method


def _own_page(services: Services, left: str = "") -> flask.Response:
    """left: label of an upstream that was left too."""
    return services.pages.render("logged_out.html", home_url="/compte", left=left)


def _stored(services: Services, handle: str) -> dict[str, Any] | None:
    """What is to come in this browser; None for another one."""
    stored = services.ephemeral.get(KIND, handle)
    return stored if stored and stored["browser"] == services.browser.hash else None


def _come_back(services: Services, state: str) -> str | None:
    """The handle of the page to go on with: once, in the browser that left."""
    awaited = services.ephemeral.get(RETURN, state) if state else None
    if awaited is None or awaited["browser"] != services.browser.hash:
        return None
    if services.ephemeral.take(RETURN, state) is None:
        return None
    handle, method = str(awaited["handle"]), awaited["method"]
    if stored := _stored(services, handle):
        still_open = [each for each in stored["open"] if each["method"] != method]
        services.ephemeral.put(KIND, handle, {**stored, "open": still_open, "left": _label(services, method)}, LIFETIME)
    return handle
