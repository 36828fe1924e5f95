"""Letters about a means that changed or a login from a new browser, and what « Ce n'était pas moi » does then."""

from collections.abc import Callable

import pytest

from idp.flows import notices
from tests.fakes import national_card
from tests.fakes.national_card import ANNE
from tests.fakes.notices import about_browsers, anne, link_in, logged_in, tell
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of

PAGE = "/compte/means"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    egress = [{"label": "CHU de Bordeaux", "networks": ["127.0.0.0/8"], "failures_per_10_min": 300}]
    made = start(methods=METHODS, egress=egress, brand={"support_email": "support@region.example"})
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("rp")
    made.add_client("card", methods=("national_card",))
    made.add_client("code", methods=("email_otp",))
    made.add_account("anne.pierre", rpps=ANNE["rpps"])
    made.clock.advance(seconds=1)
    return made


# -- a means that changed ----------------------------------------------------------------


def test_an_event_without_words_is_refused(provider: Provider) -> None:
    with pytest.raises(ValueError, match="no words"):
        tell(provider, "means.invented")


@pytest.mark.parametrize(
    ("event", "lang", "words"),
    [
        ("means.linked", "fr", "Un mode d'authentification a été relié à votre compte"),
        ("means.added", "fr", "Un moyen d'authentification a été ajouté à votre compte"),
        ("means.confirmed", "fr", "a été confirmé"),
        ("means.removed", "fr", "a été retiré de votre compte"),
        ("means.linked", "en", "A sign-in method was linked to your account"),
        ("means.removed", "en", "was removed from your account"),
    ],
)
def test_the_letter_says_what_happened_first(provider: Provider, event: str, lang: str, words: str) -> None:
    tell(provider, event, lang=lang)
    (mail,) = provider.mails()
    assert mail.to == "anne.pierre@chu.example"
    assert words in mail.text.splitlines()[0]
    assert "Carte d'essai" in mail.text
    assert ("sessions" in mail.text.partition("?")[0]) == (event == "means.removed")
    assert words in mail.html.replace("&#39;", "'")
    assert "<img" not in mail.html
    assert mail.html.count("/not-me/") == 1
    page = provider.browser().get(link_in(mail), headers={"Accept-Language": lang}).text.replace("&#39;", "'")
    assert words in page
    assert "%(" not in mail.text + mail.html + mail.subject


def test_a_method_that_is_gone_is_named_by_its_id(provider: Provider) -> None:
    with provider.app.test_request_context(), provider.services.db.write() as tx:
        notices.tell(provider.services, tx, anne(provider), "means.removed", means="means", method="gone")
    assert "gone" in provider.mails()[0].text


def test_a_holder_without_a_verified_address_gets_none(provider: Provider) -> None:
    account = provider.add_account("karim.benali", email="")
    with provider.app.test_request_context(), provider.services.db.write() as tx:
        notices.tell(provider.services, tx, account, "means.linked", means="means", method="national_card")
    rp = RelyingParty(provider)
    for _ in range(2):
        rp.browser = provider.browser()
        answer_of(rp.give_password(rp.open_login(), "karim.benali"))
    assert provider.mails() == []
    assert not provider.events("letter.given_up")


# -- a login from a new browser ----------------------------------------------------------


def test_the_first_login_of_all_is_no_news(provider: Provider) -> None:
    logged_in(provider)
    assert about_browsers(provider) == []


def test_a_login_from_a_new_browser_is_told(provider: Provider) -> None:
    logged_in(provider)
    provider.clock.advance(minutes=30)
    rp = RelyingParty(provider)
    rp.browser.environ_base["HTTP_USER_AGENT"] = FIREFOX
    logged_in(provider, rp)
    (mail,) = about_browsers(provider)
    assert mail.to == "anne.pierre@chu.example"
    assert "nouveau navigateur" in mail.text.splitlines()[0]
    assert "Nouvelle connexion" in mail.subject
    for fact in (
        "2 novembre 2026 à 09:30",
        "Firefox sous Windows",
        "CHU de Bordeaux (127.0.0.0/24)",
        "Identifiant - Mot de passe",
    ):
        assert fact in mail.text
        assert fact in mail.html
    assert "<img" not in mail.html


def test_it_is_told_in_english_too(provider: Provider) -> None:
    logged_in(provider)
    rp = RelyingParty(provider)
    rp.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    logged_in(provider, rp)
    mail = provider.mails()[-1]
    assert "from a new browser" in mail.text.splitlines()[0]
    assert "Unknown browser" in mail.text
    assert "2 November 2026 at 09:00" in mail.text


def test_a_browser_that_is_known_is_no_news(provider: Provider) -> None:
    rp = logged_in(provider)
    for _ in range(2):
        rp.browser.delete_cookie("__Host-sesame-session")
        provider.clock.advance(days=179)
        logged_in(provider, rp)
    assert about_browsers(provider) == []


def test_a_browser_that_was_not_seen_for_long_is_new_again(provider: Provider) -> None:
    rp = logged_in(provider)
    rp.browser.delete_cookie("__Host-sesame-session")
    provider.clock.advance(days=180, seconds=1)
    logged_in(provider, rp)
    assert len(about_browsers(provider)) == 1


def test_a_browser_of_somebody_else_is_new(provider: Provider) -> None:
    logged_in(provider)
    provider.add_account("karim.benali")
    rp = RelyingParty(provider)
    answer_of(rp.give_password(rp.open_login(), "karim.benali"))
    rp.browser.delete_cookie("__Host-sesame-session")
    logged_in(provider, rp)
    assert len(about_browsers(provider)) == 1


def test_a_stronger_proof_in_the_same_session_is_no_news(provider: Provider) -> None:
    logged_in(provider)
    rp = logged_in(provider)
    stronger = RelyingParty(provider, "code", rp.browser)
    answer_of(stronger.give_otp(stronger.open_login(), password=None))
    assert len(about_browsers(provider)) == 1


def test_a_login_that_is_undone_sends_no_letter(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    logged_in(provider)

    def fail(*_args: object, **_values: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("idp.flows.answer.issue_code", fail)
    rp = RelyingParty(provider)
    assert rp.give_password(rp.open_login()).status_code == 500
    assert about_browsers(provider) == []


def test_many_new_browsers_are_told_of_a_few_times_a_day(provider: Provider) -> None:
    logged_in(provider)
    for _ in range(5):
        logged_in(provider)
    assert len(about_browsers(provider)) == 3
    provider.clock.advance(hours=24)
    logged_in(provider)
    assert len(about_browsers(provider)) == 4
