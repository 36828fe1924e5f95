"""« Mot de passe oublié ? »: also the first login of an account that was imported without a password (N-04)."""

import flask

from idp.domain.account import Account, normalise_login
from idp.domain.throttle import MAILS
from idp.errors import JourneyError
from idp.flows import answer, letters, passwords
from idp.flows.services import Services
from idp.web.texts import RESET_INCOMPLETE

MAX_TYPED = 320


def blueprint(services: Services) -> flask.Blueprint:
    """The pages of /password."""
    bp = flask.Blueprint("password_reset", __name__, url_prefix="/password")
    _add_request(bp, services)
    _add_choice(bp, services)
    return bp


def _add_request(bp: flask.Blueprint, services: Services) -> None:
    """Asking for a link."""

    @bp.get("/forgot")
    def forgot() -> flask.Response:
        return _forgot_page(services, [])

    @bp.post("/forgot")
    def ask() -> flask.Response:
        """The same answer and the same work for anybody: the worker looks the account up, not this request."""
        services.browser.check_form()
        typed = normalise_login(flask.request.form.get("login", ""))[:MAX_TYPED]
        if not typed:
            return _forgot_page(services, [services.pages.say(RESET_INCOMPLETE)])
        services.network.slow_down()
        services.network.note_failure()  # a sending costs as a failure does: one network cannot ask for ever
        with services.db.write() as tx:
            # For each network, so that a stranger cannot spend what the holder may ask for.
            bucket = "password_reset:" + services.data_keys.mac("login", typed, services.network.prefix)
            if not tx.throttle.take(bucket, MAILS, services.now()):
                letters.put(services, tx, "password_reset", {"login": typed, "lang": services.pages.lang})
        return answer.see_other("/password/sent")

    @bp.get("/sent")
    def sent() -> flask.Response:
        return services.pages.render("password_reset/sent.html", back_url="/compte")


def _add_choice(bp: flask.Blueprint, services: Services) -> None:
    """Following the link, and choosing the password."""

    @bp.get("/reset/<token>")
    def page(token: str) -> flask.Response:
        """Only shows: mail gateways follow links. The person's press is the POST."""
        account = _holder(services, token)
        return _invalid(services) if account is None else _new_page(services, token, account, {})

    @bp.post("/reset/<token>")
    def choose(token: str) -> flask.Response:
        services.browser.check_form()
        account = _holder(services, token)
        if account is None:
            return _invalid(services)
        password = flask.request.form.get("password", "")
        wrong = passwords.wrong(services, account, password, flask.request.form.get("confirmation", ""))
        if wrong:
            return _new_page(services, token, account, wrong)
        _store(services, token, account, password)
        response = answer.see_other("/password/done")
        services.browser.forget(response, "session")
        return response

    @bp.get("/done")
    def done() -> flask.Response:
        label = services.settings.brand.portal_name
        return services.pages.render("password_reset/done.html", continue_url="/compte", continue_label=label)


def _store(services: Services, token: str, account: Account, password: str) -> None:
    """Use the link up and set the password; all that the one before opened ends with it."""
    digest = services.hasher.hash(password)
    with services.db.write() as tx:
        tx.accounts.lock(account.account_id)  # first, as everybody does who ends the links of an account
        if tx.resets.take(token, services.now()) is None:
            raise JourneyError("interaction_gone", status=410)
        passwords.keep(services, tx, account, digest, by="mailbox", anchor="mailbox")
        if tx.alerts.mailbox_is_closed(account.account_id):  # asked while the account is locked
            raise JourneyError("mailbox_closed", status=403)


def _holder(services: Services, token: str) -> Account | None:
    with services.db.read() as tx:
        account_id = tx.resets.peek(token, services.now())
        account = tx.accounts.get(account_id) if account_id else None
        is_closed = tx.alerts.mailbox_is_closed(account_id) if account_id else False
    return account if account and account.is_active and not is_closed else None


def _forgot_page(services: Services, errors: list[str]) -> flask.Response:
    typed = flask.request.form.get("login", "")[:MAX_TYPED]
    return services.pages.render(
        "password_reset/forgot.html", action="/password/forgot", login=typed, back_url="/compte", errors=errors
    )


def _new_page(services: Services, token: str, account: Account, wrong: dict[str, str]) -> flask.Response:
    return services.pages.render(
        "password_reset/new.html",
        action=f"/password/reset/{token}",
        login=account.login_name,
        meter=passwords.meter(services, account),
        wrong=wrong,
        errors=list(wrong.values()),
    )


def _invalid(services: Services) -> flask.Response:
    return services.pages.render("password_reset/invalid.html", status=410, again_url="/password/forgot")
