"""The link in the letter about a change that support asks for: its holder confirms, or says that it is not theirs.

It works for as long as the change waits, in any browser, and not while « Ce n'était pas moi » keeps the mailbox closed.
"""

import flask

from idp.domain.identity_change import ChangeState, IdentityChange
from idp.domain.texts import N_, Text
from idp.flows import answer, identity_changes
from idp.flows.identity_changes import LINK
from idp.flows.services import Services

ANONYMOUS = "anonymous"  # whoever reads the mailbox
ENDS: dict[ChangeState, Text] = {
    ChangeState.DONE: N_("Le changement est fait."),
    ChangeState.REFUSED: N_("Le changement est refusé : rien n'a été modifié."),
    ChangeState.CANCELLED: N_("Le changement est annulé : rien n'a été modifié."),
}


def blueprint(services: Services) -> flask.Blueprint:
    """The page of a link, and its two buttons."""
    bp = flask.Blueprint("identity_change", __name__, url_prefix=LINK)

    @bp.get("/<token>")
    def page(token: str) -> flask.Response:
        """Only shows: mail gateways follow links. The person's press is the POST."""
        return _show(services, token)

    @bp.post("/<token>")
    def press(token: str) -> flask.Response:
        services.browser.check_form()
        change, is_closed = _found(services, token)
        if change is None:  # what is in the address may be anybody's words, and goes into no header
            return _show(services, token)
        if change.state is ChangeState.APPROVED and not is_closed:
            if flask.request.form.get("answer") == "refuse":
                identity_changes.refuse_as_holder(services, change, ANONYMOUS)
            elif flask.request.form.get("answer") == "confirm":
                identity_changes.apply(services, change, ANONYMOUS)
        return answer.see_other(f"{LINK}/{token}")

    return bp


def _found(services: Services, token: str) -> tuple[IdentityChange | None, bool]:
    """Whose link it is, and whether the mailbox that it was sent to is believed no more."""
    with services.db.read() as tx:
        change = tx.identity_changes.of_token(token)
        return change, change is not None and tx.alerts.mailbox_is_closed(change.account_id)


def _show(services: Services, token: str) -> flask.Response:
    change, is_closed = _found(services, token)
    if change is None or (is_closed and change.is_open):
        return services.pages.render("identity_change/invalid.html", status=410)
    if change.state in ENDS:
        return services.pages.render(
            "identity_change/done.html",
            said=services.pages.say(ENDS[change.state]),
            is_done=change.state is ChangeState.DONE,
            is_holders=change.note == "holder",
        )
    return services.pages.render(
        "identity_change/confirm.html",
        action=f"{LINK}/{token}",
        what=change.kind,
        value=change.masked,
        method=identity_changes.linked_to(services, change),
        until=change.due_at,
    )
