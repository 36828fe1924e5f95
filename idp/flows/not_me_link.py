"""The links « Ce n'était pas moi » of notices: sealed, so that nothing of them is stored."""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from idp.flows.services import Services
from keys.seal import SealBroken

LIFETIME = timedelta(days=7)
PURPOSE = "not_me"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link says. means: the credential, the session or the change that the letter spoke of; event: what had
    happened; told: the address that the letter went to, if that is not the account's any more; session: in which a
    change was made.
    """

    account_id: str
    means: str
    event: str
    expires_at: str
    told: str = ""
    session: str = ""

    @property
    def written_at(self) -> datetime:
        return datetime.fromisoformat(self.expires_at) - LIFETIME


def link(services: Services, account_id: str, means: str, event: str, *, told: str = "", session: str = "") -> str:
    """An address for a notice to the holder, good for seven days. event: a key of CHANGES."""
    claim = Claim(account_id, means, event, (services.now() + LIFETIME).isoformat(), told, session)
    sealed = services.data_keys.seal(json.dumps(asdict(claim)).encode(), purpose=PURPOSE)
    return f"{services.settings.issuer}/not-me/{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"


def opened(services: Services, token: str) -> Claim | None:
    """What a link says; None if it was forged or altered, or has expired."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        claim = Claim(**json.loads(services.data_keys.open(sealed, purpose=PURPOSE)))
    except (ValueError, SealBroken):
        return None
    return claim if services.now() < datetime.fromisoformat(claim.expires_at) else None
