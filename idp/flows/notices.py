"""Notices: letters that tell a holder of a change of the account, with a link for who did not make it."""

import flask

from idp.domain.account import Account
from idp.domain.throttle import NOTICES
from idp.flows import letters, not_me_link
from idp.flows.services import Services
from idp.store import Tx
from idp.web.texts import CHANGES


def tell(
    services: Services,
    tx: Tx,
    account: Account,
    event: str,
    *,
    means: str,
    method: str = "",
    lang: str = "",
    session: str = "",
) -> None:
    """A change of a means of authentication. event: a key of CHANGES; means: what the link takes away again; lang: of
    the page in which it was made, unless given; session: in which it was, where the link takes what that rests on.
    """
    if event not in CHANGES:
        raise ValueError(f"no words for {event}")
    url = not_me_link.link(services, account.account_id, means, event, session=session)
    values = {"event": event, "method": method, "not_me_url": url}
    letters.tell(services, tx, account, "means_changed", lang or services.pages.lang, **values)


def new_browser(services: Services, tx: Tx, account_id: str, session_id: str, method: str) -> None:
    """A login from a browser in which this account was not seen. A few a day, so that they are no flood."""
    now = services.now()
    if tx.throttle.take(f"new_browser:{account_id}", NOTICES, now):
        return
    values = {
        "account_id": account_id,
        "lang": services.pages.lang,
        "method": method,
        "at": now.isoformat(),
        "user_agent": flask.request.user_agent.string[:200],
        "network": services.network.prefix,
        "not_me_url": not_me_link.link(services, account_id, session_id, "login.new_browser"),
    }
    letters.put(services, tx, "new_browser", values)
