"""The end of a journey: sessions opened and strengthened, codes issued, answers sent to the client."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

import flask

from idp.domain.account import Account
from idp.domain.audit import AuditEvent
from idp.domain.authn import Proof
from idp.domain.client import Client
from idp.domain.grant import Grant
from idp.domain.ids import new_id, new_token
from idp.domain.means import Relatives
from idp.domain.practice import Asserted, Practice
from idp.domain.request import AuthorizationRequest
from idp.domain.session import Session
from idp.domain.upstream_session import UpstreamSession
from idp.errors import JourneyError, ProtocolError, ReturnPath
from idp.flows import emergency, links, notices, upstream_sessions
from idp.flows.services import Services
from idp.store import Tx


def send(services: Services, path: ReturnPath, values: Mapping[str, str]) -> flask.Response:
    """The authorization response, with `state` and `iss` (RFC 9207), by 303 or as a form (Form Post Response Mode)."""
    fields = dict(values)
    if path.state is not None:
        fields["state"] = path.state
    fields["iss"] = services.settings.issuer
    if path.response_mode == "form_post":
        return services.pages.render(
            "form_post.html", action=path.redirect_uri, fields=list(fields.items()), form_targets=[path.redirect_uri]
        )
    return see_other(with_query(path.redirect_uri, fields))


def with_query(uri: str, values: Mapping[str, str]) -> str:
    """`uri`, the query that it has, and these values (RFC 6749 §3.1.2)."""
    mark = "&" if "?" in uri else "?"
    return f"{uri}{mark}{urlencode(values)}" if values else uri


def see_other(location: str) -> flask.Response:
    """303: the browser goes on with a GET, whatever it sent (RFC 9700 §4.12)."""
    response = flask.Response(status=303)
    response.headers["Location"] = location
    return response


def send_error(services: Services, error: ProtocolError) -> flask.Response:
    """An error to the client; only for an error whose redirect was verified."""
    if error.redirect is None:
        raise error
    values = {"error": error.code, "error_description": error.description}
    return send(services, error.redirect, {key: value for key, value in values.items() if value})


def require_unchanged(
    services: Services, tx: Tx, client: Client, request: AuthorizationRequest, account_id: str, *, consented: bool
) -> None:
    """What was decided before the unit at hand is checked once more, where nothing can change any more: the account is
    active and still entitled, the consent was not withdrawn. Raises JourneyError otherwise.
    """
    if not (tx.accounts.hold(account_id) and tx.accounts.may_open(account_id, client.client_id, services.now())):
        raise JourneyError("interaction_gone", status=410, detail="account or access ended meanwhile")
    if client.consent != "never" and not consented:
        given = tx.consents.scopes(account_id, client.client_id) if client.consent == "first" else frozenset()
        if not request.shared_scopes <= given:
            raise JourneyError("interaction_gone", status=410, detail="consent was withdrawn meanwhile")


def issue_code(
    services: Services,
    tx: Tx,
    request: AuthorizationRequest,
    proof: Proof,
    *,
    session_id: str,
    account_id: str,
    consented: bool = False,
) -> str:
    """Write grant, consent and audit in the transaction at hand; returns the code.

    consented: the account was asked for this request, and consented. The unit has decided, or called
    `require_unchanged`. JourneyError is raised, by the COMMIT at the latest, if session or access ended meanwhile.
    """
    now, code = services.now(), new_token()
    ended = JourneyError("interaction_gone", status=410, detail="session or access ended meanwhile")
    tx.sessions.must_touch(session_id, request.client_id, now, otherwise=ended)
    if consented:
        _keep_consent(services, tx, request, account_id)
    acr = services.acr.report(proof.assurance, request.acr_values)
    tx.grants.add(
        Grant(
            grant_id=new_id(),
            account_id=account_id,
            client_id=request.client_id,
            session_id=session_id,
            scope=request.scope,
            redirect_uri=request.redirect_uri,
            acr=acr,
            amr=proof.amr,
            auth_time=proof.at,
            created_at=now,
            nonce=request.nonce,
            code_challenge=request.code_challenge,
            userinfo_claims=request.userinfo_claims,
            id_token_claims=request.id_token_claims,
            proof=proof,
        ),
        code,
    )
    detail = {"acr": acr, "amr": " ".join(proof.amr), "method": proof.method}
    services.record(tx, AuditEvent("authorization.issued", account_id, account_id, request.client_id, detail=detail))
    return code


def _keep_consent(services: Services, tx: Tx, request: AuthorizationRequest, account_id: str) -> None:
    tx.consents.give(account_id, request.client_id, request.shared_scopes, services.now())
    detail = {"scopes": " ".join(sorted(request.shared_scopes))}
    services.record(tx, AuditEvent("authorization.consented", account_id, account_id, request.client_id, detail=detail))


def keep_proof(
    services: Services,
    tx: Tx,
    session: Session | None,
    proof: Proof,
    *,
    account: Account,
    client_id: str,
    upstream: UpstreamSession | None = None,
    practice: Practice | None = None,
    relatives: Relatives | None = None,
) -> tuple[str, str | None]:
    """Open a session, or add the proof to the one at hand; returns its session_id and the new cookie, if any.

    account: whose proof it is, as it was read before. upstream: the session elsewhere that the proof came of.
    relatives: of the identity that it names; practice: what was said of its holder.

    The cookie changes with each proof. When another request changed it first, both proofs are kept and the other
    cookie stands. Raises JourneyError if the account, a credential of the proof or the session elsewhere died
    meanwhile, or if the holder reported that the mailbox may be another's.
    """
    account_id = account.account_id
    if upstream and upstream_sessions.has_ended(services, upstream):
        raise JourneyError("interaction_gone", status=410, detail="the upstream ended its session meanwhile")
    if not links.use(services, tx, account, proof, relatives):
        raise JourneyError("interaction_gone", status=410, detail="account or credential ended meanwhile")
    if proof.anchor == "mailbox" and tx.alerts.mailbox_is_closed(account_id):
        raise JourneyError("mailbox_closed", status=403)
    now, cookie = services.now(), new_token()
    new_cookie: str | None = cookie
    if session is None:
        session_id = tx.sessions.open(
            cookie,
            account_id,
            now,
            lifetime=_lifetime(services, proof),
            user_agent=flask.request.user_agent.string,
            ip_prefix=services.network.prefix,
        )
    else:
        session_id = session.session_id
        held = services.browser.read("session") or ""
        if not tx.sessions.rotate(session_id, held, cookie, now):
            new_cookie = None
        if proof.until:
            tx.sessions.shorten(session_id, proof.until)
    tx.sessions.add_proof(session_id, proof)
    if upstream:
        tx.upstream_sessions.keep(session_id, upstream)
    if practice:
        tx.practices.put(account_id, Asserted(proof.method, practice, now))
    _tell_of_login(services, tx, account_id, session_id, proof, is_opened=session is None)
    detail = {"method": proof.method, "amr": " ".join(proof.amr), "assurance": proof.assurance.name}
    event = AuditEvent("login.succeeded", account_id, account_id, client_id, detail=detail, personal=proof.evidence)
    services.record(tx, event)
    return session_id, new_cookie


def _tell_of_login(
    services: Services, tx: Tx, account_id: str, session_id: str, proof: Proof, *, is_opened: bool
) -> None:
    """Always of a temporary proof, whose browser is not remembered: the next login from there is told of, too."""
    if proof.until:
        emergency.tell_opened(services, tx, account_id, session_id, proof)
        return
    now, days = services.now(), services.settings.remember_browser_days
    is_new = tx.browsers.meet(account_id, services.browser.hash, now, since=now - timedelta(days=days))
    if is_new and is_opened:
        notices.new_browser(services, tx, account_id, session_id, proof.method)


def _lifetime(services: Services, proof: Proof) -> timedelta:
    """Of a session that this proof opens."""
    longest = services.settings.session_lifetime
    return min(longest, proof.until - services.now()) if proof.until else longest


def end_session(services: Services, tx: Tx, session: Session, reason: str) -> None:
    """End a session with its grants, audited."""
    if tx.sessions.end(session.session_id, services.now()):
        event = AuditEvent("session.ended", session.account_id, session.account_id, detail={"reason": reason})
        services.record(tx, event)
