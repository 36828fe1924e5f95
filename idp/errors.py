"""Errors with two audiences: the client or the person sees `code` and `description`, the log sees `detail`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """What a protocol error code is: HTTP status when it is answered directly, and where it is defined."""

    status: int
    section: str


ERRORS = {
    "invalid_request": ErrorSpec(400, "RFC 6749 §4.1.2.1"),
    "unauthorized_client": ErrorSpec(400, "RFC 6749 §4.1.2.1"),
    "access_denied": ErrorSpec(403, "RFC 6749 §4.1.2.1"),
    "unsupported_response_type": ErrorSpec(400, "RFC 6749 §4.1.2.1"),
    "invalid_scope": ErrorSpec(400, "RFC 6749 §4.1.2.1"),
    "server_error": ErrorSpec(500, "RFC 6749 §4.1.2.1"),
    "temporarily_unavailable": ErrorSpec(503, "RFC 6749 §4.1.2.1"),
    "invalid_client": ErrorSpec(401, "RFC 6749 §5.2"),
    "invalid_grant": ErrorSpec(400, "RFC 6749 §5.2"),
    "unsupported_grant_type": ErrorSpec(400, "RFC 6749 §5.2"),
    "invalid_token": ErrorSpec(401, "RFC 6750 §3.1"),
    "insufficient_scope": ErrorSpec(403, "RFC 6750 §3.1"),
    "login_required": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "consent_required": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "account_selection_required": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "request_not_supported": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "request_uri_not_supported": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "invalid_request_uri": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "registration_not_supported": ErrorSpec(400, "OIDC Core §3.1.2.6"),
    "unmet_authentication_requirements": ErrorSpec(400, "OIDC Unmet Authentication Requirements §2"),
}


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """Where an authorization response goes. Made only once client and redirect_uri are both verified."""

    redirect_uri: str
    response_mode: str  # "query" or "form_post"
    state: str | None


class ProtocolError(Exception):
    """An error defined by OAuth or OIDC; `code` must exist in ERRORS.

    challenge_only: nothing was presented, so that the challenge (WWW-Authenticate) names no error (RFC 6750 §3.1).
    """

    def __init__(
        self,
        code: str,
        description: str = "",
        *,
        detail: str = "",
        redirect: ReturnPath | None = None,
        challenge_only: bool = False,
    ) -> None:
        super().__init__(detail or description or code)
        self.spec = ERRORS[code]  # KeyError in tests beats an invented code in production
        self.code, self.description, self.detail, self.redirect = code, description, detail, redirect
        self.challenge_only = challenge_only


class JourneyError(Exception):
    """A person's journey that cannot go on: shown as a page with a sentence, a way forward and a reference.

    code: stable name of the cause, for support; its French and English sentences are in `idp.web.texts`.
    status: HTTP status, 4xx.
    """

    def __init__(self, code: str, *, status: int = 400, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code, self.status, self.detail = code, status, detail


class Unavailable(Exception):
    """A part that the provider needs does not answer: a 503 page, and recovery by itself."""


class InvalidOperation(Exception):
    """An operator's command that cannot be carried out; the text says why and is safe to print."""
