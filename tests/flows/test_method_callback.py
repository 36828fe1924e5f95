"""A method that sends people elsewhere: they come back by a GET, once, in the browser and the login that left."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Redirect, Refused, Show, Step
from idp.methods.registry import Registry
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

UPSTREAM = "https://upstream.example"


class Upstream(Method):
    """Believes the code `right`."""

    id = "upstream"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"sc"})
    assurance = Assurance.HIGH
    needs = Needs()
    can_be_first = True
    per_browser = False
    offer = Offer("Upstream", "", "card", column="federated")
    refusals = {"code_wrong": "Upstream ne vous connaît pas."}  # noqa: RUF012
    origins = frozenset({UPSTREAM})
    target = UPSTREAM

    def begin(self, ctx: Context) -> Step:
        query = {"redirect_uri": ctx.callback_url, "state": ctx.callback_state}
        return Redirect(f"{self.target}/authorize?{urlencode(query)}")

    def show(self, ctx: Context) -> Step:
        return Show("methods/email_otp/identify.html", {"login": ""})

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        return self.begin(ctx)

    def callback(self, ctx: Context, query: Mapping[str, str]) -> Step:
        if query != {"code": "right"}:
            return Refused("code_wrong", guess=True)
        return Done(Proof(self.id, IdentityRef("login_name", "anne.pierre"), self.assurance, ("sc",), ctx.now, "card"))


class Astray(Upstream):
    target = "https://upstream.example.evil.example"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_method(start(), Upstream())


def with_method(made: Provider, method: Method) -> Provider:
    provider = made.with_services(registry=Registry([*made.services.registry.values(), method]))
    provider.add_client("rp", methods=("upstream", "email_otp:after=upstream"))
    provider.add_client("strict")
    provider.add_account("anne.pierre")
    return provider


def leave(rp: RelyingParty, entry: str = "upstream") -> tuple[str, str]:
    """Up to the upstream; the path of the login, and the state that was sent along."""
    path = rp.open_login(prompt="login")
    away = rp.post(f"{path}/{entry}", page=path)
    assert away.headers["Location"].startswith(f"{UPSTREAM}/authorize?")
    sent = parse_qs(urlsplit(away.headers["Location"]).query)
    assert sent["redirect_uri"] == [f"{ISSUER}/login/callback/upstream"]  # always the same: it is registered there
    return path, sent["state"][0]


def back(rp: RelyingParty, state: str, code: str = "right", method: str = "upstream") -> TestResponse:
    return rp.browser.get(f"/login/callback/{method}?code={code}&state={quote(state)}")


def test_there_and_back(provider: Provider) -> None:
    rp = RelyingParty(provider)
    claims = rp.redeem(answer_of(back(rp, leave(rp)[1]))["code"])["claims"]
    assert claims["amr"] == ["sc"]


def test_a_first_factor_may_come_back_too(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path, state = leave(rp, "email_otp")
    assert path_of(back(rp, state)) == f"{path}/email_otp"
    code = provider.last_code()
    answered = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=code)
    assert rp.redeem(answer_of(answered)["code"])["claims"]["amr"] == ["sc", "otp", "mfa"]


def test_a_state_is_good_once(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path, state = leave(rp)
    refused = back(rp, state, "wrong")
    assert "Upstream ne vous connaît pas." in refused.text
    assert provider.events("login.failed")[0].detail == {"method": "upstream", "reason": "code_wrong"}
    assert path_of(back(rp, state)) == f"{path}/upstream"
    assert not provider.events("login.succeeded")


def test_only_the_last_state_is_good(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path, first = leave(rp)
    away = rp.post(f"{path}/upstream", page=path)
    second = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
    assert path_of(back(rp, first)) == f"{path}/upstream"
    assert not provider.events("login.succeeded")
    assert "code" in answer_of(back(rp, second))


def test_another_browser_is_refused_and_spoils_nothing(provider: Provider) -> None:
    rp, thief = RelyingParty(provider), RelyingParty(provider)
    _, state = leave(rp)
    assert back(thief, state).status_code == 403
    assert "code" in answer_of(back(rp, state))


@pytest.mark.parametrize(
    "query", ["", "state=", "state=x", "state=::", "state=%C3%A9", "state=a&state=b", "code=1&code=2"]
)
def test_a_query_that_no_redirect_of_ours_caused(provider: Provider, query: str) -> None:
    assert provider.browser().get(f"/login/callback/upstream?{query}").status_code in {400, 410}


def test_a_query_that_was_tampered_with(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path, state = leave(rp)
    handle, entry, drawn = state.split(":")
    assert rp.browser.get(f"/login/callback/upstream?code=right&code=right&state={quote(state)}").status_code == 400
    assert path_of(back(rp, f"{handle}:{entry}:{drawn[:-1]}")) == f"{path}/upstream"
    assert path_of(back(rp, f"{handle}:{entry}:")) == f"{path}/upstream"
    assert path_of(back(rp, state, method="email_otp")) == path
    assert back(rp, f"{handle}:password:{drawn}").status_code == 403  # not in the policy
    assert rp.browser.head(f"/login/callback/upstream?code=right&state={quote(state)}").status_code == 405
    assert not provider.events("login.succeeded")
    assert "code" in answer_of(back(rp, state))


def test_a_callback_before_any_redirect(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    handle = path.rpartition("/")[2]
    for drawn in ("", "x"):
        assert path_of(back(rp, f"{handle}:upstream:{drawn}")) == f"{path}/upstream"
    assert not provider.events("login.succeeded")


def test_a_policy_that_no_longer_accepts_it(provider: Provider) -> None:
    rp = RelyingParty(provider)
    _, state = leave(rp)
    provider.clock.advance(seconds=1)
    provider.set_policy("rp", ("password",))
    assert back(rp, state).status_code == 403
    assert not provider.events("login.succeeded")


def test_pages_let_their_forms_lead_there_and_no_page_else(provider: Provider) -> None:
    rp, strict = RelyingParty(provider), RelyingParty(provider, "strict")
    path = rp.open_login()
    for shown in (path, f"{path}/upstream", f"{path}/email_otp"):
        policy = rp.browser.get(shown).headers["Content-Security-Policy"]
        assert f"form-action 'self' https://rp.example {UPSTREAM};" in policy
    assert UPSTREAM not in strict.browser.get(strict.open_login()).headers["Content-Security-Policy"]


def test_nobody_is_sent_where_the_method_did_not_declare(start: Callable[..., Provider]) -> None:
    provider = with_method(start(), Astray())
    rp = RelyingParty(provider)
    path = rp.open_login()
    refused = rp.post(f"{path}/upstream", page=path)
    assert refused.status_code == 200
    assert "Location" not in refused.headers
    assert provider.events("login.failed")[0].detail["reason"] == "internal"


def test_a_method_without_a_callback_refuses(provider: Provider) -> None:
    class Forgetful(Upstream):
        callback = Method.callback

    methods = {**provider.services.registry, "upstream": Forgetful()}
    rp = RelyingParty(provider.with_services(registry=Registry(list(methods.values()))))
    _, state = leave(rp)
    assert "pas abouti" in back(rp, state).text
    assert not provider.events("login.succeeded")
