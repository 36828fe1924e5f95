"""What was just done, or was not: the next page of the session says it, once."""

from datetime import timedelta

import flask

from idp.domain.session import Session
from idp.domain.texts import Text
from idp.flows import answer
from idp.flows.services import Services

SHOWN_WITHIN = timedelta(minutes=5)


def done(
    services: Services, kind: str, session: Session, said: Text, page: str, *, is_refused: bool, **values: str
) -> flask.Response:
    """Go to a page, which says it. kind: of the site, whose pages alone do."""
    notice = {"said": services.pages.say(said, **values), "is_refused": is_refused}
    services.ephemeral.put(kind, session.session_id, notice, SHOWN_WITHIN)
    return answer.see_other(page)


def take(services: Services, kind: str, session: Session) -> tuple[str | None, list[str]]:
    """What was done, and what was refused, for the page at hand."""
    notice = services.ephemeral.take(kind, session.session_id)
    if notice is None:
        return None, []
    return (None, [notice["said"]]) if notice["is_refused"] else (notice["said"], [])
