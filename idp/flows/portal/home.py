"""The first page of the portal: the services that one may open, and those that one may ask for."""

from typing import Any

import flask

from idp.flows import answer
from idp.flows.access.asking import page_of
from idp.flows.portal import waiting_changes
from idp.flows.portal.door import HOME, Visitor, opened
from idp.flows.portal.frame import draw
from idp.flows.services import Services
from idp.store.accounts import Tile


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Tiles (P-091)."""

    @bp.get(HOME)
    @opened(services, HOME)
    def home(visitor: Visitor) -> flask.Response:
        account_id, now = visitor.account.account_id, services.now()
        with services.db.read() as tx:
            tiles = tx.accounts.tiles(account_id, now)
            askable = tx.own_data.askable(account_id, now)
            changes = waiting_changes.shown(services, tx, account_id)
            asked = tx.access_requests.open_services(account_id)
        return draw(
            services,
            visitor,
            "portal/home.html",
            here="home",
            images=[tile.logo_uri for tile in (*tiles, *askable)],
            changes=changes,
            tiles=[_shown(services, tile) for tile in tiles],
            askable=[_asked(tile, is_asked=tile.client_id in asked) for tile in askable],
        )


def _shown(services: Services, tile: Tile) -> dict[str, Any]:
    start = {"iss": services.settings.issuer}  # third-party initiated login (OIDC Core §4)
    return {
        "name": tile.name,
        "url": answer.with_query(tile.initiate_login_uri, start),
        "logo_uri": tile.logo_uri,
        "description": tile.description,
    }


def _asked(tile: Tile, *, is_asked: bool) -> dict[str, Any]:
    return {
        "name": tile.name,
        "url": page_of(tile.client_id),
        "logo_uri": tile.logo_uri,
        "description": tile.description,
        "is_asked": is_asked,
    }
