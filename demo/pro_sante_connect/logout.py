"""The sender of logout tokens."""

from collections.abc import Callable

import requests

Send = Callable[[str, str], str]  # address and logout token -> what came of it

ANSWER_S = 5


def post_logout_token(url: str, logout_token: str) -> str:
    """OpenID Connect Back-Channel Logout §2.5; a client that does not answer is not asked again."""
    with requests.Session() as session:
        session.trust_env = False  # the client is on this machine: never through a proxy
        try:
            answer = session.post(url, {"logout_token": logout_token}, timeout=ANSWER_S, allow_redirects=False)
        except requests.RequestException as error:
            return type(error).__name__
        return f"HTTP {answer.status_code}"
