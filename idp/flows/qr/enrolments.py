"""Enrolments of phones that are under way, in the ephemeral store: each step is one version-checked write.

One session of « Mon compte » has one; the phone knows it by the token of its QR code, once it was the first to say so.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from idp.domain.ids import digest, new_token
from idp.errors import JourneyError
from idp.flows.services import Services
from keys.seal import SealBroken

KIND, OF_SESSION = "phone_enrolment", "phone_enrolment_of"


class State(StrEnum):
    """How it stands. claimed: a phone was the first. made: it made its key. keeping: that is being stored.

    confirmed: it is, and the phone may have its cookie, once: finished. refused: on the computer.
    """

    DRAWN = "drawn"
    CLAIMED = "claimed"
    MADE = "made"
    KEEPING = "keeping"
    CONFIRMED = "confirmed"
    FINISHED = "finished"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """begun: as `idp.flows.portal.adding.Begun` keeps it. browser: digest of the phone's.

    challenge, user_handle: base64. made: what the phone made, its kind and its name. seen: names this very phone to the
    computer, and number to the person. credential_id: what was stored.
    """

    token: str = field(repr=False)
    begun: Mapping[str, str]
    version: int = 0
    state: State = State.DRAWN
    browser: str = ""
    user_agent: str = ""
    network: str = ""
    challenge: str = ""
    user_handle: str = ""
    made: Mapping[str, Any] = field(default_factory=dict, repr=False)
    seen: str = ""
    number: str = ""
    credential_id: str = ""

    @property
    def account_id(self) -> str:
        return self.begun["account_id"]

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.begun["expires_at"])

    @property
    def id(self) -> str:
        """What a phone signs of it."""
        return digest(self.token)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in KEPT}


KEPT = [each.name for each in fields(Enrolment) if each.name not in {"token", "version"}]


def draw(services: Services, begun: Mapping[str, str]) -> Enrolment:
    """A new one, of the session in which it was begun."""
    made = Enrolment(new_token(), begun)
    left, session_id = made.expires_at - services.now(), begun["session_id"]
    sealed = services.data_keys.seal(made.token.encode(), purpose=f"{OF_SESSION}:{session_id}")
    services.ephemeral.put(KIND, made.token, made.to_json(), left)
    services.ephemeral.put(OF_SESSION, session_id, {"sealed": base64.b64encode(sealed).decode()}, left)
    return made


def find(services: Services, token: str) -> Enrolment | None:
    """None for what is over, if it ever was."""
    found = services.ephemeral.get_versioned(KIND, token)
    if found is None:
        return None
    kept, version = found
    return Enrolment(token=token, version=version, **{**kept, "state": State(kept["state"])})


def of_session(services: Services, session_id: str) -> Enrolment | None:
    """The one that was begun in this session last."""
    kept = services.ephemeral.get(OF_SESSION, session_id)
    if kept is None:
        return None
    try:
        token = services.data_keys.open(base64.b64decode(kept["sealed"]), purpose=f"{OF_SESSION}:{session_id}")
    except SealBroken:  # its key was taken out of the ring meanwhile
        return None
    return find(services, token.decode())


def change(services: Services, known: Enrolment, **changes: Any) -> Enrolment:
    """Raises JourneyError if another request was first, or its time is over."""
    changed = replace(known, **changes)
    if not services.ephemeral.swap(KIND, known.token, known.version, changed.to_json(), known.expires_at):
        raise JourneyError("interaction_busy", status=409, detail="the enrolment changed meanwhile")
    return replace(changed, version=known.version + 1)


def leave(services: Services, session_id: str) -> None:
    """The session may begin another one."""
    services.ephemeral.take(OF_SESSION, session_id)
