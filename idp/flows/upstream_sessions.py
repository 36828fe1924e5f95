"""Sessions at upstreams: what a login there tells of them is sealed, and kept with the session here."""

from datetime import datetime

from idp.domain.interaction import LIFETIME, Interaction
from idp.domain.session import Session
from idp.domain.upstream_session import UpstreamLogin, UpstreamSession
from idp.flows.services import Services
from idp.methods.federation import Federation
from idp.methods.federation.logout_tokens import LoggedOut
from idp.store import Tx
from keys.seal import SealBroken

SUB, SID = "upstream sub", "upstream sid"
ENDED = "upstream_ended"


def noted(services: Services, interaction: Interaction, method: str, login: UpstreamLogin | None) -> Interaction:
    """The Interaction with what is to be kept once the proof counts, of each method the newest."""
    if login is None:
        return interaction
    return interaction.with_upstream(_sealed(services, method, login))


def note_end(services: Services, method: str, told: LoggedOut) -> tuple[str | None, str | None]:
    """Remember what ended there for as long as a login that rests on it may be under way; its digests (SUB, SID).

    A session is over now, a person's until the token was made: it may be late.
    """
    sub_digest, sid_digest = digest(services, SUB, method, told.sub), digest(services, SID, method, told.sid)
    at = services.now() if told.sid else told.at
    ended = {"sub": sub_digest, "at": at.isoformat()}
    services.ephemeral.put(ENDED, sid_digest or sub_digest or "", ended, LIFETIME)
    return sub_digest, sid_digest


def has_ended(services: Services, found: UpstreamSession) -> bool:
    """True if the upstream said so since the person came back from it."""
    keys = [key for key in (found.sid_digest, found.sub_digest) if key]
    told = [ended for key in keys if (ended := services.ephemeral.get(ENDED, key))]
    return any(
        ended["sub"] in {None, found.sub_digest} and found.signed_in_at <= datetime.fromisoformat(ended["at"])
        for ended in told
    )


def of(tx: Tx, session: Session | None) -> list[UpstreamSession]:
    """What a session rests on: to be read before it ends."""
    return tx.upstream_sessions.of(session.session_id) if session else []


def can_be_left(services: Services, kept: UpstreamSession) -> bool:
    return kept.sealed is not None and isinstance(services.registry.get(kept.method), Federation)


def leave_url(services: Services, kept: UpstreamSession, *, back: str, state: str) -> str | None:
    """Where to send the person to leave the upstream too; None where that cannot be known now."""
    method = services.registry.get(kept.method)
    if kept.sealed is None or not isinstance(method, Federation):
        return None
    try:
        hint = services.data_keys.open(kept.sealed, purpose=purpose(kept.method, kept.sub_digest)).decode()
    except SealBroken:  # a data key was taken out of the ring meanwhile
        return None
    return method.leave_url(services.now(), hint=hint, back=back, state=state)


def digest(services: Services, kind: str, method: str, value: str | None) -> str | None:
    """By which a `sub` (SUB) or `sid` (SID) of an upstream is found again."""
    return None if value is None else services.data_keys.mac(kind, method, value)


def purpose(method: str, sub_digest: str) -> str:
    """Of the seal: a hint that is copied to another person's session does not open."""
    return f"upstream:{method}:{sub_digest}"


def _sealed(services: Services, method: str, login: UpstreamLogin) -> UpstreamSession:
    keys = services.data_keys
    sub_digest = keys.mac(SUB, method, login.sub)
    sealed = keys.seal(login.id_token.encode(), purpose=purpose(method, sub_digest)) if login.id_token else None
    return UpstreamSession(method, services.now(), sub_digest, digest(services, SID, method, login.sid), sealed)
