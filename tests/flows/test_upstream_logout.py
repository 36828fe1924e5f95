"""Leaving Pro Santé Connect too, by choice (OpenID Connect RP-Initiated Logout 1.0): our session ends first."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.behaviour import Switch
from idp.methods.federation.client import Client
from idp.store.schema import upstream_session
from tests.fakes.federated import PSC, shown, through, with_upstreams
from tests.fakes.leaving import (
    HOME,
    LEAVE,
    RETURN,
    at_upstream,
    is_signed_in,
    kept,
    leave_link,
    query_of,
    registered,
    sign_out,
    signed_in,
)
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of
from tests.fakes.upstream import AUTH, FakeUpstream

OWN_PAGE = "/logged-out"


@pytest.fixture
def psc() -> FakeUpstream:
    return registered(FakeUpstream())


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


def is_open_there(psc: FakeUpstream) -> bool:
    return bool(psc.simulator.sessions.open(psc.simulator.now()))


# -- what is not followed ----------------------------------------------------------------------------


def test_a_state_that_nobody_was_given_leads_nowhere(provider: Provider) -> None:
    for query in ("?state=made-up", "?state=", ""):
        assert provider.browser().get(f"{OWN_PAGE}{query}").status_code == 200


def test_the_return_is_for_the_browser_that_left_and_good_once(provider: Provider, psc: FakeUpstream) -> None:
    rp, hint = signed_in(provider, psc)
    done = path_of(sign_out(rp, id_token_hint=hint, post_logout_redirect_uri=HOME))
    back = path_of_url(at_upstream(psc, rp.browser.get(leave_link(rp.browser.get(done))).headers["Location"]))
    assert provider.browser().get(back).status_code == 200
    assert path_of(rp.browser.get(back)) == done
    assert rp.browser.get(back).status_code == 200


def test_the_page_and_its_hint_are_for_the_browser_that_signed_out(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    done = path_of(sign_out(rp))
    link, stranger = leave_link(rp.browser.get(done)), provider.browser()
    assert path_of(stranger.get(done)) == OWN_PAGE
    assert path_of(stranger.get(link)) == OWN_PAGE
    assert path_of(rp.browser.get(f"{done}/leave/another")) == done


def test_the_page_is_gone_after_a_quarter_of_an_hour(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    done = path_of(sign_out(rp))
    link = leave_link(rp.browser.get(done))
    provider.clock.advance(minutes=16)
    assert [path_of(rp.browser.get(gone)) for gone in (link, done)] == [OWN_PAGE] * 2


def test_a_session_that_is_no_upstreams_is_asked_nothing(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    rp.give_otp(rp.open_login())
    assert path_of(sign_out(rp)) == OWN_PAGE


def test_who_stays_with_us_is_asked_nothing(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    page = path_of(rp.browser.get("/logout"))
    assert path_of(rp.post(page, page=page, decision="cancel")) == "/compte"
    assert is_signed_in(rp)
    assert is_open_there(psc)


# -- the choice --------------------------------------------------------------------------------------


def test_ours_is_over_before_the_choice_and_the_way_leads_on_to_the_service(
    provider: Provider, psc: FakeUpstream
) -> None:
    rp, hint = signed_in(provider, psc)
    done = path_of(sign_out(rp, id_token_hint=hint, post_logout_redirect_uri=HOME, state="a b&c"))
    assert not is_signed_in(rp)
    page = rp.browser.get(done)
    assert "Votre session Pro Santé Connect reste ouverte" in shown(page)
    assert f"{HOME}?state=a+b&c".replace("&c", "%26c") in shown(page)  # not to leave it is the other choice
    away = rp.browser.get(leave_link(page)).headers["Location"]
    assert away.startswith(f"{psc.simulator.issuer}/protocol/openid-connect/logout?")
    asked = query_of(away)
    assert asked.keys() == {"id_token_hint", "post_logout_redirect_uri", "state"}
    assert psc.simulator.keys.verify(asked["id_token_hint"])["aud"] == "sesame"
    assert asked["post_logout_redirect_uri"] == RETURN
    assert is_open_there(psc)
    back = at_upstream(psc, away)
    assert not is_open_there(psc)
    assert path_of(rp.browser.get(path_of_url(back))) == done
    assert rp.browser.get(done).headers["Location"] == f"{HOME}?state=a+b%26c"


def test_without_a_service_our_own_page_says_what_was_left(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    done = path_of(sign_out(rp))
    back = at_upstream(psc, rp.browser.get(leave_link(rp.browser.get(done))).headers["Location"])
    rp.browser.get(path_of_url(back))
    assert "Vous avez aussi quitté Pro Santé Connect." in shown(rp.browser.get(done))


def test_a_card_is_to_be_taken_out_on_both_ways(provider: Provider, psc: FakeUpstream) -> None:
    rp, hint = signed_in(provider, psc, mode="CARD")
    done = path_of(sign_out(rp, id_token_hint=hint, post_logout_redirect_uri=HOME))
    page = rp.browser.get(done)
    assert "Retirez votre carte du lecteur" in shown(page)
    rp.browser.get(path_of_url(at_upstream(psc, rp.browser.get(leave_link(page)).headers["Location"])))
    page = rp.browser.get(done)
    assert "Retirez votre carte du lecteur" in shown(page)
    assert f'href="{HOME}"' in page.text
    assert LEAVE not in page.text


@pytest.mark.parametrize("path", ["/compte/logout", "/compte/account/sessions/end-all", "own session"])
def test_the_portal_offers_it_too(provider: Provider, psc: FakeUpstream, path: str) -> None:
    provider.clock.advance(seconds=1)
    provider.set_policy("portail", (PSC,))
    rp, _ = signed_in(provider, psc)
    portal = RelyingParty(provider, "portail", rp.browser)
    response = portal.browser.get("/compte/account")
    while response.status_code == 303:
        response = portal.browser.get(path_of(response))
    if path == "own session":
        with provider.services.db.read() as tx:
            account = tx.accounts.find_by_login("anne.pierre")
            assert account
            idle = provider.services.settings.session_idle
            (session,) = tx.own_data.open_sessions(account.account_id, provider.clock.now(), idle)
        path = f"/compte/account/sessions/{session.session_id}/end"
    done = path_of(portal.browser.post(path, data={"csrf": hidden_of(response)["csrf"]}))
    assert not is_signed_in(rp)
    at_upstream(psc, portal.browser.get(leave_link(portal.browser.get(done))).headers["Location"])
    assert not is_open_there(psc)


def test_an_upstream_that_is_down_is_said_not_to_be_left(provider: Provider, psc: FakeUpstream) -> None:
    rp, hint = signed_in(provider, psc)
    psc.behaviour.become(Switch.DOWN)
    psc.method._connection = psc.new_method(PSC)._connection  # a process that has just started
    done = path_of(sign_out(rp, id_token_hint=hint, post_logout_redirect_uri=HOME))
    assert not is_signed_in(rp)
    assert path_of(rp.browser.get(leave_link(rp.browser.get(done)))) == done
    page = rp.browser.get(done)
    assert "Pro Santé Connect ne répond pas : vous n'en avez pas été déconnecté." in shown(page)
    assert f'href="{HOME}"' in page.text
    psc.behaviour.become()
    provider.clock.advance(seconds=20)
    assert rp.browser.get(leave_link(page)).headers["Location"].startswith(AUTH)


def test_of_two_each_is_offered_and_to_stay_is_one_choice(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    other = registered(FakeUpstream("other", label="ProConnect"))
    provider = with_upstreams(start(), psc, other)
    provider.add_account("anne.pierre", rpps=RPPS)
    rp, _ = signed_in(provider, psc)
    rp.redeem(answer_of(through(rp, other, rp.open_login(prompt="login")))["code"])
    done = path_of(sign_out(rp))
    page = shown(rp.browser.get(done))
    assert "D'autres sessions restent ouvertes" in page
    offered = dict(re.findall(r'href="([^"]+)">Se déconnecter aussi de (.+)</a>', page))
    assert offered == {f"{done}/leave/{PSC}": "Pro Santé Connect", f"{done}/leave/other": "ProConnect"}
    assert page.count("Rester connecté") == 1
    back = at_upstream(psc, rp.browser.get(f"{done}/leave/{PSC}").headers["Location"])
    assert path_of(rp.browser.get(path_of_url(back))) == done
    assert "Votre session ProConnect reste ouverte" in shown(rp.browser.get(done))


def test_it_is_in_the_language_of_the_service(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    page = shown(rp.browser.get(path_of(sign_out(rp, ui_locales="en"))))
    assert "Also sign out of Pro Santé Connect" in page
    assert "Your Pro Santé Connect session stays open" in page


# -- what is kept, and where -------------------------------------------------------------------------


def test_the_id_token_is_sealed_and_gone_with_the_session(provider: Provider, psc: FakeUpstream) -> None:
    rp, _ = signed_in(provider, psc)
    (found,) = kept(provider)
    assert found.method == PSC
    assert found.sealed
    assert b"eyJ" not in found.sealed
    assert found.sid_digest
    with provider.services.db.read() as tx:
        (session_id,) = {row[0] for row in rows(provider)}
        assert tx.upstream_sessions.of(session_id) == [found]
    sign_out(rp)
    assert rows(provider) == []


@pytest.mark.parametrize(
    "published", [None, "", 5, "https://elsewhere.example/logout", "javascript:alert(1)", AUTH + "/é"]
)
def test_where_nothing_can_be_left_no_id_token_is_kept(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, published: object
) -> None:
    document = Client.document
    monkeypatch.setattr(Client, "document", lambda *asked: {**document(*asked), "end_session_endpoint": published})
    rp, _ = signed_in(provider, psc)
    assert [each.sealed for each in kept(provider)] == [None]
    assert path_of(sign_out(rp)) == OWN_PAGE


def test_an_address_of_the_settings_goes_before_the_published_one(start: Callable[..., Provider]) -> None:
    psc = registered(FakeUpstream(end_session_endpoint="https://leave.example/there?realm=a"))
    provider = with_upstreams(start(), psc)
    provider.add_account("anne.pierre", rpps=RPPS)
    rp, _ = signed_in(provider, psc)
    away = rp.browser.get(leave_link(rp.browser.get(path_of(sign_out(rp))))).headers["Location"]
    assert away.startswith("https://leave.example/there?realm=a&id_token_hint=")


def test_what_is_linked_later_keeps_it_too(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    provider = with_upstreams(start(), psc)
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path)
    rp.give_otp(path)
    assert kept(provider) == []
    rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert [each.method for each in kept(provider)] == [PSC]


def test_whoever_takes_the_place_of_another_account_keeps_it_too(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("karim.haddad", given_name="Karim", family_name="Haddad", email="karim@chu.example")
    rp = RelyingParty(provider, "ror")
    rp.give_otp(rp.open_login(), "karim.haddad")
    path = rp.open_login(prompt="login")
    through(rp, psc, path)
    rp.post(f"{path}/account", page=path, choice="switch")
    assert [each.method for each in kept(provider)] == [PSC]


def test_the_id_token_is_in_no_log(provider: Provider, psc: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    rp, _ = signed_in(provider, psc)
    done = path_of(sign_out(rp))
    away = rp.browser.get(leave_link(rp.browser.get(done))).headers["Location"]
    rp.browser.get(path_of_url(at_upstream(psc, away)))
    asked, written = query_of(away), "".join(capsys.readouterr())
    assert "/logged-out" in written
    assert asked["id_token_hint"] not in written
    assert asked["state"] not in written


def path_of_url(url: str) -> str:
    assert url.startswith(f"{RETURN}?state="), url
    return url.removeprefix("https://idp.example")


def rows(provider: Provider) -> list[tuple[str, ...]]:
    with provider.services.db.read() as tx:
        return [tuple(row) for row in tx._connection.execute(select(upstream_session))]
