"""Signing in by Pro Santé Connect: the journey, what stops it, and another upstream."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.behaviour import Endpoint, Switch
from demo.pro_sante_connect.people import EDIT, Person
from tests.fakes.federated import PSC, back, leave, shown, through, with_upstreams
from tests.fakes.portal import links
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of
from tests.fakes.upstream import WALLET, FakeUpstream, sandbox


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    return with_upstreams(start(), psc)


# -- an account that holds the national identity -----------------------------------------------------


def test_the_first_login_links_by_itself_and_tells_the_holder(provider: Provider, psc: FakeUpstream) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc")
    claims = rp.redeem(answer_of(through(rp, psc, rp.open_login()))["code"])["claims"]
    assert (claims["acr"], claims["amr"], claims["sub"]) == ("eidas3", ["sc", "mfa"], account.account_id)
    assert links(provider) == [PSC]
    assert any("Pro Santé Connect" in mail.text for mail in provider.mails())


def test_the_upstreams_acr_is_recorded_and_never_ours(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc")
    claims = rp.redeem(answer_of(through(rp, psc, rp.open_login(), mode="MOBILE"))["code"])["claims"]
    assert claims["acr"] == "eidas2"  # SUBSTANTIAL, while the upstream said eidas1
    with provider.services.db.read() as tx:
        (recorded,) = [each for each in tx.audit.latest(50) if each.event.name == "login.succeeded"]
    kept = recorded.event.personal
    assert (kept["upstream_acr"], kept["upstream_mode"], kept["upstream"]) == ("eidas1", "MOBILE", psc.settings.issuer)


def test_a_telephone_is_not_enough_where_the_highest_level_is_asked(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    assert path_of(through(rp, psc, path, mode="MOBILE")) == path
    assert "Ce n'est pas suffisant pour ce service." in shown(rp.browser.get(path))


def test_the_session_there_spares_a_second_login_unless_the_service_wants_one(
    provider: Provider, psc: FakeUpstream
) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc")
    assert "prompt" not in parse_qs(urlsplit(leave(rp, rp.open_login())).query)
    path = rp.open_login(prompt="login")
    assert parse_qs(urlsplit(leave(rp, path)).query)["prompt"] == ["login"]
    path = rp.open_login(max_age="300")
    assert parse_qs(urlsplit(leave(rp, path)).query)["max_age"] == ["300"]
    psc.behaviour.become(Switch.OLD_AUTH_TIME)
    assert "ne confirme pas que vous venez" in shown(through(rp, psc, path))


def test_a_login_by_an_old_session_there_is_as_old_here(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    psc.behaviour.become(Switch.OLD_AUTH_TIME)
    rp = RelyingParty(provider, "psc")
    claims = rp.redeem(answer_of(through(rp, psc, rp.open_login()))["code"])["claims"]
    three_hours_ago = provider.clock.now() - timedelta(hours=3)
    assert claims["auth_time"] == int(three_hours_ago.timestamp())
    assert "code" in answer_of(rp.authorize())
    assert path_of(rp.authorize(max_age="300")).startswith("/login/")


# -- what does not come back, or too late ------------------------------------------------------------


def test_a_callback_is_good_once(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    query = psc.sign_in(leave(rp, path))
    assert "code" in answer_of(back(rp, query))
    assert back(rp, query).status_code == 410  # the login is over


def test_an_answer_that_was_refused_is_good_for_nothing_more(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    query = psc.sign_in(leave(rp, path))
    psc.behaviour.become(Switch.ALG_NONE)
    assert "Nous n'avons pas pu vérifier la réponse" in shown(back(rp, query))
    psc.behaviour.become()
    calls = list(psc.transport.calls)
    assert path_of(back(rp, query)).startswith(path)
    assert psc.transport.calls == calls


def test_a_lost_login_says_so(provider: Provider, psc: FakeUpstream) -> None:
    rp = RelyingParty(provider, "psc")
    query = psc.sign_in(leave(rp, rp.open_login()))
    provider.clock.advance(minutes=16)
    assert back(rp, query).status_code == 410


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        (Switch.DOWN, "Pro Santé Connect ne répond pas."),
        (Switch.AUTHORIZATION_ERROR, "Pro Santé Connect n'a pas pu terminer cette connexion."),
        (Switch.ALG_NONE, "Nous n'avons pas pu vérifier la réponse de Pro Santé Connect."),
        (Switch.ACR_UNEXPECTED, "Le niveau de garantie annoncé par Pro Santé Connect n'est pas accepté ici."),
    ],
)
def test_each_failure_is_a_page_with_a_way_back(
    provider: Provider, psc: FakeUpstream, switch: Switch, said: str
) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    away = leave(rp, path)
    psc.behaviour.become(switch, endpoints=frozenset(Endpoint) - {Endpoint.AUTHORIZATION})
    page = back(rp, psc.sign_in(away))
    assert page.status_code == 200
    assert said in shown(page)
    assert f'href="{path}"' in page.text
    assert 'id="federation-go">Réessayer</button>' in shown(page)
    english = rp.browser.get(f"{path}/{PSC}?lang=en")
    assert "Continue to Pro Santé Connect" in shown(english)


def test_the_person_gave_up_there(provider: Provider, psc: FakeUpstream) -> None:
    rp = RelyingParty(provider, "ror")
    page = through(rp, psc, rp.open_login(), mode="cancel")
    assert "Vous avez interrompu la connexion avec Pro Santé Connect." in shown(page)
    assert not provider.events("login.failed")


def test_the_login_page_says_that_it_does_not_answer_and_lets_one_try(provider: Provider, psc: FakeUpstream) -> None:
    psc.behaviour.become(Switch.DOWN)
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert psc.transport.calls == []  # no page waits for an upstream
    for _ in range(3):
        assert "Pro Santé Connect ne répond pas." in shown(rp.post(f"{path}/{PSC}", page=path))
        provider.clock.advance(seconds=20)
    page = shown(rp.browser.get(path))
    assert "Pro Santé Connect ne répond pas en ce moment. Vous pouvez essayer quand même." in page
    assert "is not answering at the moment" in shown(rp.browser.get(f"{path}?lang=en"))
    psc.behaviour.become()
    assert leave(rp, path).startswith(WALLET)


def test_whoever_would_be_sent_to_one_that_is_down_is_told_here(provider: Provider, psc: FakeUpstream) -> None:
    """What is published is known already, and its pages are down as well."""
    rp = RelyingParty(provider, "ror")
    leave(rp, rp.open_login())
    psc.behaviour.become(Switch.DOWN)
    provider.clock.advance(minutes=5)
    calls = list(psc.transport.calls)
    path = rp.open_login()
    shown(rp.browser.get(f"{path}/{PSC}"))
    assert psc.transport.calls == calls  # no page waits for an upstream
    page = rp.post(f"{path}/{PSC}", page=path)
    assert page.status_code == 200
    assert "Pro Santé Connect ne répond pas." in shown(page)
    assert f'href="{path}"' in page.text
    assert 'id="federation-go">Réessayer</button>' in shown(page)
    psc.behaviour.become()
    assert leave(rp, path).startswith(WALLET)


def test_a_page_lets_its_forms_lead_to_both_hosts_and_shows_the_image(start: Callable[..., Provider]) -> None:
    psc = FakeUpstream(logo_url="https://images.example/psc.svg")
    rp = RelyingParty(with_upstreams(start(), psc), "psc")
    page = rp.browser.get(rp.open_login())
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' https://rp.example https://auth.psc.example {WALLET};" in policy
    assert "img-src 'self' data: https://images.example;" in policy
    assert 'src="https://images.example/psc.svg"' in page.text
    assert "via votre carte CPS ou l'application mobile e-CPS" in shown(page)


# -- another upstream, by settings alone -------------------------------------------------------------

HOSPITAL = {
    "preset": None,
    "label": "CHU Imaginaire",
    "scopes": ("openid", "scope_all"),
    "acr_values": ("eidas1",),  # what the simulator wants of everybody
    "discovery_url": "https://auth.psc.example/auth/realms/esante-wallet/.well-known/wallet-openid-configuration",
    "identity_claim": "matricule",
    "identity_prefix": "3330000001/",
    "given_name_claim": "prenom",
    "family_name_claim": "nom",
    "mode_claim": "moyen",
    "modes": {"badge": {"assurance": "MEDIUM", "amr": ("hwk", "mfa")}},
    "otherwise": {"assurance": "LOW", "amr": ("pwd",)},
}


def test_a_second_upstream_is_settings_and_a_table_of_claims(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    chu = FakeUpstream("chu", **HOSPITAL)
    claims = {"matricule": "4711", "prenom": "Luc", "nom": "DURAND", "moyen": "badge"}
    chu.simulator.people = chu.simulator.tokens._people = {"luc": Person("Luc", "", "", claims)}
    provider = with_upstreams(start(), psc, chu)
    provider.add_account("luc.durand")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(through(rp, chu, path, "luc")) == path
    assert "Votre identité CHU Imaginaire n'est pas encore reliée" in shown(rp.browser.get(path))
    rp.give_otp(path, "luc.durand")
    assert "3330000001/4711" in shown(rp.browser.get(path))
    rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert links(provider, "luc.durand") == ["chu"]
    again = RelyingParty(provider, "psc")
    redeemed = again.redeem(answer_of(through(again, chu, again.open_login(), "luc"))["code"])
    assert (redeemed["claims"]["acr"], redeemed["claims"]["amr"]) == ("eidas1", ["hwk", "mfa"])


def test_a_test_identity_signs_in_where_a_setting_says_so(start: Callable[..., Provider]) -> None:
    psc = sandbox()
    provider = with_upstreams(start(), psc)
    provider.add_account("test.edit")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path, "edit")
    rp.give_otp(path, "test.edit")
    assert EDIT in shown(rp.browser.get(path))


def test_the_address_of_the_callback_is_the_methods_own(provider: Provider) -> None:
    rp = RelyingParty(provider, "psc")
    sent = parse_qs(urlsplit(leave(rp, rp.open_login())).query)
    assert sent["redirect_uri"] == [f"{ISSUER}/login/callback/{PSC}"]
