"""A service that reads Pro Santé Connect can read us: one Authlib client, two providers, the same person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session

from demo.pro_sante_connect.people import LEA
from demo.pro_sante_connect.realm import PROTOCOL
from tests.fakes.federated import through
from tests.fakes.professional import OF_PRACTICE, SCOPE, with_both
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import CHALLENGE, VERIFIER, RelyingParty, answer_of
from tests.fakes.upstream import AUTH, CALLBACK, SECRET, WALLET, FakeUpstream, InProcess

SHARED = ("SubjectNameID", "otherIds", *OF_PRACTICE)


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path, psc: FakeUpstream) -> Provider:
    return with_both(start, tmp_path, psc)


def read(session: OAuth2Session, adapter: InProcess, code: str, *, token: str, userinfo: str) -> dict[str, Any]:
    """What a service does with a code, whoever gave it."""
    session.mount("https://", adapter)
    session.fetch_token(token, code=code, code_verifier=VERIFIER)
    found: dict[str, Any] = session.get(userinfo).json()
    return found


def at_pro_sante_connect(psc: FakeUpstream, person: str) -> dict[str, Any]:
    callback = CALLBACK.format("method")
    session = OAuth2Session(
        "sesame", SECRET, scope="openid scope_all", redirect_uri=callback,
        token_endpoint_auth_method="client_secret_post",
    )  # fmt: skip
    asked = {"acr_values": "eidas1", "nonce": "n", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    url, _ = session.create_authorization_url(f"{WALLET}/auth", **asked)
    code = psc.sign_in(url, person)["code"]
    base = AUTH + PROTOCOL
    return read(session, psc.transport, code, token=f"{base}/token", userinfo=f"{base}/userinfo")


def here(provider: Provider, psc: FakeUpstream, person: str) -> dict[str, Any]:
    rp = RelyingParty(provider, "both")
    code = answer_of(through(rp, psc, rp.open_login(scope=SCOPE), person))["code"]
    session = OAuth2Session("both", provider.secrets["both"], scope=SCOPE, redirect_uri=rp.redirect_uri)
    ours = InProcess({ISSUER: provider.browser()})
    return read(session, ours, code, token=f"{ISSUER}/token", userinfo=f"{ISSUER}/userinfo")


def test_the_same_claims_of_the_same_person(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("lea.martin", given_name="Léa", rpps=LEA)
    there, ours = at_pro_sante_connect(psc, "lea"), here(provider, psc, "lea")
    assert {name: ours[name] for name in SHARED} == {name: there[name] for name in SHARED}
    assert "Palier_Authentification" not in ours  # of the login there, and no affair of ours
