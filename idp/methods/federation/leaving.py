"""The end of a session at an upstream: where the person is sent to end it (OpenID Connect RP-Initiated Logout 1.0)."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from idp.domain.upstream_session import UpstreamLogin
from idp.settings.origins import origin_of
from idp.settings.upstreams import Upstream

ADDRESS: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
MAX_HINT: Final = 6000  # characters: the hint travels in an address
MAX_SID: Final = 255


def login_of(
    settings: Upstream, endpoints: Mapping[str, Any], claims: Mapping[str, Any], id_token: str
) -> UpstreamLogin:
    """What to keep of a login there. The ID Token only where it can end the session."""
    sid = claims.get("sid")
    is_hint = end_session_endpoint(settings, endpoints) is not None and len(id_token) <= MAX_HINT
    return UpstreamLogin(
        sub=claims["sub"],
        sid=sid if isinstance(sid, str) and 0 < len(sid) <= MAX_SID and sid.isprintable() else None,
        id_token=id_token if is_hint else None,
    )


def end_session_endpoint(settings: Upstream, endpoints: Mapping[str, Any]) -> str | None:
    """Of the settings, or of the metadata where it leads where the settings say; None if there is none."""
    url = settings.end_session_endpoint or endpoints.get("end_session_endpoint")
    if not isinstance(url, str) or not ADDRESS.fullmatch(url) or origin_of(url) not in settings.all_origins:
        return None
    return url


def address(endpoint: str, *, hint: str, back: str, state: str) -> str:
    """RP-Initiated Logout §2. A GET: a form posted from another site would carry no cookie that is SameSite=Lax."""
    values = {"id_token_hint": hint, "post_logout_redirect_uri": back, "state": state}
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(values)}"
