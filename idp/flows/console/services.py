"""Services: which are registered, with what; a new secret, and the end of one. What gives a service more data, or opens
it to everybody, is for whoever may register any.
"""

from datetime import datetime, timedelta
from typing import Any

import flask

from idp.domain.client import Client
from idp.domain.rights import Right
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows.console.door import HOME, Operator, allowed
from idp.flows.console.frame import done, draw
from idp.flows.console.policies import client_of
from idp.flows.operators import clients
from idp.flows.services import Services

PAGE = f"{HOME}/services"
KEPT_H: dict[str, Text] = {
    "24": N_("pendant 24 heures"),
    "168": N_("pendant 7 jours"),
    "0": N_("non : il ne fonctionne plus dès maintenant"),
}
ENABLED: Text = N_("Le service est activé.")
DISABLED: Text = N_("Le service est désactivé : ses demandes sont refusées, et ce qu'il avait reçu ne vaut plus.")
OWN_SITE: Text = N_("Le portail et la console ne se changent pas ici, mais par la ligne de commande (sesame client).")
CHANGED_SINCE: Text = N_("Ce service a changé depuis que la page a été ouverte : rien n'a été fait. Relisez-le.")
NO_SECRET: Text = N_("Ce service n'a pas de secret.")


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The list, one service, its secret, and whether it is served; registering is in `service_form`."""

    @bp.get(PAGE)
    @allowed(services, Right.SERVICES_SEE, PAGE)
    def service_list(operator: Operator) -> flask.Response:
        scope = operator.rights.scope_of(Right.SERVICES_SEE)
        with services.db.read() as tx:
            seen = [each for each in tx.clients.all() if each.client_id in scope]
        may_register = operator.rights.may(Right.SERVICES_REGISTER)
        return draw(
            services,
            operator,
            "console/services.html",
            here="services",
            page=PAGE,
            clients=seen,
            may_register=may_register,
        )

    @bp.get(f"{PAGE}/<client_id>")
    @allowed(services, Right.SERVICES_SEE, PAGE + "/{client_id}")
    def service(operator: Operator, client_id: str) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.SERVICES_SEE, client_id)
        return draw(
            services,
            operator,
            "console/service.html",
            here="services",
            page=f"{PAGE}/{client_id}",
            list_url=PAGE,
            client=client,
            policy_url=f"{HOME}/policies/{client_id}" if operator.rights.may(Right.POLICIES_SEE, client_id) else None,
            may_edit=operator.rights.may(Right.SERVICES_EDIT, client_id),
            is_own_site=client_id in own_sites(services),
            kept_until=_kept_until(services, client),
        )

    @bp.route(f"{PAGE}/<client_id>/secret", methods=["GET", "POST"])
    @allowed(services, Right.SERVICES_EDIT, PAGE + "/{client_id}/secret", fresh=True)
    def service_secret(operator: Operator, client_id: str) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.SERVICES_EDIT, client_id)
        page = f"{PAGE}/{client_id}"
        if client_id in own_sites(services):
            return done(services, operator, OWN_SITE, page, is_refused=True)
        if not client.has_secret:
            return done(services, operator, NO_SECRET, page, is_refused=True)
        shown: dict[str, Any] = {"client": client, "back_url": page, "secret": None, "kept": _kept(services)}
        shown |= {"seen": clients.secret_of(client), "kept_until": _kept_until(services, client)}
        if flask.request.method == "POST":
            hours, seen = (flask.request.form.get(name, "") for name in ("keep", "seen"))
            if hours not in KEPT_H:
                raise JourneyError("bad_request", status=400, detail="keep")
            try:
                keep_for = timedelta(hours=int(hours))
                shown["secret"] = clients.renew_secret(operator.desk(services), client_id, keep_for, seen=seen)
            except clients.ChangedSinceError:
                return done(services, operator, CHANGED_SINCE, page, is_refused=True)
        return draw(services, operator, "console/service_secret.html", here="services", **shown)

    _add_switch(bp, services, "disable", is_enabled=False)
    _add_switch(bp, services, "enable", is_enabled=True)


def _add_switch(bp: flask.Blueprint, services: Services, name: str, *, is_enabled: bool) -> None:
    @bp.route(f"{PAGE}/<client_id>/{name}", methods=["GET", "POST"], endpoint=f"service_{name}")
    @allowed(services, Right.SERVICES_EDIT, PAGE + "/{client_id}/" + name, fresh=True)
    def switch(operator: Operator, client_id: str) -> flask.Response:
        with services.db.read() as tx:
            client = client_of(tx, operator, Right.SERVICES_EDIT, client_id)
        page = f"{PAGE}/{client_id}"
        if client_id in own_sites(services):
            return done(services, operator, OWN_SITE, page, is_refused=True)
        if flask.request.method == "GET":
            shown: dict[str, Any] = {"client": client, "back_url": page, "is_enabled": is_enabled}
            return draw(services, operator, "console/service_switch.html", here="services", **shown)
        if client.enabled is not is_enabled:
            clients.set_enabled(operator.desk(services), client_id, is_enabled)
        return done(services, operator, ENABLED if is_enabled else DISABLED, page)


def own_sites(services: Services) -> frozenset[str]:
    """Who changes where these send their codes is let in as anybody: only whoever runs the provider does."""
    return frozenset({services.settings.portal_client_id, services.settings.console_client_id})


def _kept_until(services: Services, client: Client) -> datetime | None:
    """How long the secret before still works, if it does."""
    return client.previous_secret_until if len(client.secret_digests(services.now())) > 1 else None


def _kept(services: Services) -> dict[str, str]:
    return {hours: services.pages.say(text) for hours, text in KEPT_H.items()}
