"""Protocol parameters: one of each, of a sane size, printable ASCII (RFC 6749 §3.1, §3.2, appendix A)."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import flask
from werkzeug.datastructures import MultiDict

from idp.errors import ProtocolError, ReturnPath
from idp.web.body_gate import body_of

FORM = "application/x-www-form-urlencoded"
MAX_LENGTH = 2048
LONGER = {
    **dict.fromkeys(("claims", "id_token_hint", "client_assertion", "token", "access_token", "logout_token"), 8192),
    "redirect_uri": 2048,
    "login_hint": 320,
}
FORBIDDEN = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffd]")
NOT_ASCII = frozenset({"login_hint", "claims"})


def refuse_broken_text() -> None:
    """Refuse a query or a form that is not UTF-8 once decoded: werkzeug would hand on something that was not sent.

    Raises ProtocolError("invalid_request"), with no redirect: no parameter of such a request is to be believed.
    """
    request = flask.request._get_current_object()  # type: ignore[attr-defined] # each look through the proxy costs
    has_form = request.method == "POST" and request.mimetype == FORM
    sent = [request.query_string, body_of(request) if has_form else b""]
    try:
        for raw in sent:
            if b"%" in raw or not raw.isascii():
                unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("invalid_request", "A parameter is not UTF-8.") from error


def single(
    values: "MultiDict[str, str]", known: frozenset[str], *, redirect: ReturnPath | None = None
) -> Mapping[str, str]:
    """The known parameters, without the empty ones; unknown ones are ignored (RFC 6749 §3.1).

    Raises ProtocolError("invalid_request") for one that is repeated, too long or not printable.
    """
    found = {}
    for name in values.keys() & known:
        given = values.getlist(name)
        if len(given) > 1:
            raise ProtocolError("invalid_request", f"{name} is given more than once.", redirect=redirect)
        if problem := _problem(name, given[0]):
            raise ProtocolError("invalid_request", f"{name} {problem}.", redirect=redirect)
        if given[0]:
            found[name] = given[0]
    return found


def _problem(name: str, value: str) -> str | None:
    if len(value) > LONGER.get(name, MAX_LENGTH):
        return "is too long"
    if FORBIDDEN.search(value):
        return "has a character that is not allowed"
    if not value.isascii() and name not in NOT_ASCII:
        return "has a character that is not ASCII"
    return None
