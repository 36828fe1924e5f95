"""The link in the letter of an approved registration: one button, and the account is there (P-071 to P-073)."""

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.registration import Registration
from idp.flows import answer, registered_account
from idp.flows.access import asking
from idp.flows.services import Services
from idp.store import Tx

PREFIX = "/inscription/confirmer"


def blueprint(services: Services) -> flask.Blueprint:
    """The page of a link, and its button."""
    bp = flask.Blueprint("registration_confirm", __name__, url_prefix=PREFIX)

    @bp.get("/<token>")
    def page(token: str) -> flask.Response:
        """Only shows: mail gateways follow links. The person's press is the POST."""
        return _show(services, token)

    @bp.post("/<token>")
    def confirm(token: str) -> flask.Response:
        services.browser.check_form()
        try:
            registered_account.make(services, token)
        except registered_account.Taken:
            return _taken(services, token)
        return _go_on(services, token)

    return bp


def _go_on(services: Services, token: str) -> flask.Response:
    """To the page of the link; where there is none the address is anybody's words, and goes into no header."""
    with services.db.read() as tx:
        is_known = tx.registration_desk.of_token(token) is not None
    return answer.see_other(f"{PREFIX}/{token}") if is_known else _show(services, token)


def _show(services: Services, token: str) -> flask.Response:
    with services.db.read() as tx:
        about = tx.registration_desk.of_token(token)
        account = tx.accounts.get(about.account_id) if about and about.account_id else None
        if about is not None and account is not None:
            return _done(services, tx, about, account)
    if about is None:
        return services.pages.render("registration/invalid.html", status=410)
    if about.token_expires_at is None or about.token_expires_at <= services.now():
        return services.pages.render("registration/expired.html", status=410)
    return services.pages.render(
        "registration/confirm.html",
        action=f"{PREFIX}/{token}",
        name=about.full_name,
        email=about.email,
        login=about.login_name,
        until=about.token_expires_at,
    )


def _done(services: Services, tx: Tx, about: Registration, account: Account) -> flask.Response:
    """After the press, and whenever the link is followed again: the mailbox was told the same."""
    client = tx.clients.get(about.client_id) if about.client_id else None
    is_for = client is not None and asking.is_for(client)
    is_open = client is not None and tx.accounts.may_open(account.account_id, client.client_id, services.now())
    return services.pages.render(
        "registration/done.html",
        login=account.login_name,
        is_changed=account.login_name != about.login_name,
        service=client.name if client and (is_for or is_open) else None,
        open_url=client.initiate_login_uri if client and is_open else None,
        request_url=asking.page_of(client.client_id) if client and is_for and not is_open else None,
        account_url="/compte",
        portal_name=services.pages.portal_name,
    )


def _taken(services: Services, token: str) -> flask.Response:
    """Support finds the account that has the address or a number; the link stays as good as it was."""
    with services.db.read() as tx:
        about = tx.registration_desk.of_token(token)
    if about is not None:
        detail = {"reason": "identifier taken"}
        event = AuditEvent(
            "registration.not_confirmed", "anonymous", about.registration_id, outcome="refused", detail=detail
        )
        services.append(event)
    return services.pages.render("registration/taken.html", status=409)
