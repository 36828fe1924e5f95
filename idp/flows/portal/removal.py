"""Taking a means of authentication away: said before what it ends, and never the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.means import LoginLink
from idp.domain.policy import Policy
from idp.domain.texts import N_, Text
from idp.errors import JourneyError
from idp.flows import answer, notices, own_means
from idp.flows.own_means import Holdings
from idp.flows.portal.door import HOME, Visitor
from idp.flows.portal.frame import draw
from idp.flows.portal.fresh import sensitive
from idp.flows.portal.means import PAGE, find
from idp.flows.services import Services
from idp.store import Tx

ONE = PAGE + "/{means_id}/remove"


@dataclass(frozen=True, slots=True)
class Loss:
    """What taking a means away would do.

    lost: names of services that could no longer be opened. is_last: none could.
    """

    means_id: str
    method: str
    label: Text
    name: str | None
    is_link: bool
    lost: Sequence[str]
    is_last: bool


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The page that asks, its answer, and the page that says that it was done."""

    @bp.get(f"{PAGE}/<uuid:means_id>/remove")
    @sensitive(services, ONE, removes_means=True)
    def ask_first(visitor: Visitor, means_id: UUID) -> flask.Response:
        with services.db.read() as tx:
            loss = _loss(services, tx, visitor.account, str(means_id))
        return _page(services, visitor, loss)

    @bp.post(f"{PAGE}/<uuid:means_id>/remove")
    @sensitive(services, ONE, removes_means=True)
    def remove(visitor: Visitor, means_id: UUID) -> flask.Response:
        understood = "understood" in flask.request.form
        with services.db.write() as tx:
            refused = _remove(services, tx, visitor, str(means_id), understood=understood)
        if refused:
            return _page(services, visitor, refused, is_answered=True)
        response = answer.see_other(f"{PAGE}/removed")
        services.browser.forget(response, "session")
        return response

    @bp.get(f"{PAGE}/removed")
    def removed() -> flask.Response:
        label = services.settings.brand.portal_name
        return services.pages.render("portal/means_removed.html", continue_url=HOME, continue_label=label)


def _loss(services: Services, tx: Tx, account: Account, means_id: str) -> Loss:
    """Raises JourneyError("not_found") for what is not this account's."""
    held = own_means.holdings(tx, account)
    means, label = find(services, held, means_id)
    if tx.alerts.mailbox_is_closed(account.account_id):
        held = held.without_mailbox()
    rest = held.without(means_id)
    kept, lost = [], []
    for client in tx.clients.open_to(account.account_id, services.now()):
        policy = services.configuration.policy(client.client_id)
        if policy and own_means.opens(services, rest, policy):
            kept.append(client.name)
        if policy and _closes(services, held, rest, policy):
            lost.append(client.name)
    is_link = isinstance(means, LoginLink)
    method = means.method if isinstance(means, LoginLink) else means.kind
    return Loss(means_id, method, label, means.name, is_link, lost, is_last=not kept)


def _closes(services: Services, held: Holdings, rest: Holdings, policy: Policy) -> bool:
    """What is left would not open what is opened now, or once nothing is suspended any more."""
    both = (policy, policy.whole)
    return any(own_means.opens(services, held, p) and not own_means.opens(services, rest, p) for p in both)


def _remove(services: Services, tx: Tx, visitor: Visitor, means_id: str, *, understood: bool) -> Loss | None:
    """The loss, if it is refused or was not agreed to; nothing is changed then.

    Every session and grant of the account ends, this session too, as after a change of the password: what rests on the
    means is then surely gone, also a proof that stands beside others in this session. Of two tabs one finds the means.
    """
    account_id, now = visitor.account.account_id, services.now()
    tx.accounts.lock(account_id)
    account = tx.accounts.get(account_id)
    if account is None or not account.is_active or not tx.sessions.touch(visitor.session.session_id, now):
        raise JourneyError("interaction_gone", status=410, detail="the session ended meanwhile")
    loss = _loss(services, tx, account, means_id)
    if loss.is_last or (loss.lost and not understood):
        return loss
    tx.means.remove(account_id, means_id, now)
    tx.sessions.end_all(account_id, now)
    detail = {"method": loss.method, "means": means_id}
    services.record(tx, AuditEvent("means.removed", account_id, account_id, detail=detail))
    # Who took it away had proven the rest: the link of the letter takes what that session rested on.
    notices.tell(services, tx, account, "means.removed", means=visitor.session.session_id, method=loss.method)
    return None


def _page(services: Services, visitor: Visitor, loss: Loss, *, is_answered: bool = False) -> flask.Response:
    error = N_("Cochez la case pour confirmer que vous avez compris.") if is_answered and not loss.is_last else None
    label = services.pages.say(loss.label)
    return draw(
        services,
        visitor,
        "portal/means_remove.html",
        here="means",
        status=409 if is_answered and loss.is_last else 200,
        errors=[services.pages.say(error)] if error else [],
        loss=loss,
        name=loss.name or label,
        label=label,
        has_email=visitor.account.verified_email is not None,
        action=f"{PAGE}/{loss.means_id}/remove",
        back_url=PAGE,
    )
