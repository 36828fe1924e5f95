"""The login page: what the inventory asks (P-010 to P-019, P-026), languages, ids, and its security policy."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, path_of

pytestmark = pytest.mark.embedded  # asks nothing of a store

BRAND = {
    "name": "esea",
    "logo_url": "https://cdn.example/logo.svg",
    "home_url": "https://www.esea-na.fr/",
    "support_phone": "05 64 090 090",
    "support_email": "support@esea-na.fr",
    "video_url": "https://www.esea-na.fr/videos",
    "tips_url": "https://www.esea-na.fr/reflexes",
    "signup_url": "https://www.esea-na.fr/inscription",
    "accessibility_url": "https://www.esea-na.fr/accessibilite",
    "accessibility_label": "Accessibilité : partiellement conforme",
    "privacy_url": "https://www.esea-na.fr/confidentialite",
    "legal_url": "https://www.esea-na.fr/mentions",
}
SERVICE: dict[str, Any] = {
    "name": "ROR Nouvelle-Aquitaine",
    "logo_uri": "https://logos.example/ror.svg",
    "policy_uri": "https://ror.example/donnees",
    "tos_uri": "https://ror.example/cgu",
    "redirect_uris": (
        "https://rp.example/ror/callback",
        "https://rp.example:8443/callback",
        "http://localhost:5000/cb",
    ),
}
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand=BRAND)
    made.add_client("ror", methods=("email_otp",), **SERVICE)
    made.add_client("both", methods=("email_otp", "password"))
    made.add_client("rp")
    made.add_account("anne.pierre")
    return made


def page(provider: Provider, client_id: str = "ror", **changes: str) -> str:
    rp = RelyingParty(provider, client_id)
    return rp.browser.get(rp.open_login(**changes)).text


def linked(html: str, url: str) -> str:
    """The text of the link to `url`."""
    found = re.search(rf'<a[^>]*href="{re.escape(url)}"[^>]*>(.*?)</a>', html, re.DOTALL)
    assert found, url
    return " ".join(re.sub(r"<[^>]+>", " ", found.group(1)).split())


def test_the_title_names_the_service(provider: Provider) -> None:
    html = page(provider)
    assert "<title>Accès sécurisé au service : ROR Nouvelle-Aquitaine</title>" in html
    heading = re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)
    assert heading
    assert re.sub(r"<[^>]+>", "", heading.group(1)) == "Accès sécurisé au service : ROR Nouvelle-Aquitaine"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (BRAND["home_url"], "esea"),
        (BRAND["tips_url"], "Découvrez les bons réflexes"),
        (BRAND["signup_url"], "Vous n'avez pas encore votre compte esea ? Créez votre compte dès maintenant"),
        ("tel:0564090090", "05 64 090 090"),
        ("mailto:support@esea-na.fr", "support@esea-na.fr"),
        (BRAND["video_url"], "Comment s'authentifier de manière sécurisée ?"),
        (BRAND["accessibility_url"], "Accessibilité : partiellement conforme"),
        (BRAND["privacy_url"], "Confidentialité"),
        (BRAND["legal_url"], "Mentions légales"),
        (SERVICE["policy_uri"], "Politique de confidentialité du service"),
        (SERVICE["tos_uri"], "Conditions d'utilisation du service"),
    ],
)
def test_links_come_from_the_settings_and_from_the_service(provider: Provider, url: str, text: str) -> None:
    assert linked(page(provider), url) == text


@pytest.mark.parametrize(
    "text",
    [
        "Retour sur le Portail GIP ESEA",
        "Face aux risques cyber : soyez vigilants !",
        "Ne communiquez jamais vos identifiants personnels, nos équipes ne vous le demanderont jamais.",
        "N'utilisez pas comme mot de passe un mot de passe déjà utilisé par ailleurs.",
        "Assistance Technique",
        "Tutoriels vidéos :",
        '<img src="https://cdn.example/logo.svg" alt="">',
        '<img class="service-logo" src="https://logos.example/ror.svg" alt="">',
        "Un code envoyé sur votre boîte mail",
        '<html lang="fr">',
    ],
)
def test_what_is_said(provider: Provider, text: str) -> None:
    assert text in page(provider)


def test_without_settings_nothing_points_nowhere(start: Callable[..., Provider]) -> None:
    made = start()
    made.add_client("rp")
    html = page(made, "rp")
    assert 'href=""' not in html
    assert "None" not in html
    assert "Créez votre compte" not in html


def test_methods_stand_in_the_policys_order_and_the_first_is_recommended(provider: Provider) -> None:
    html = page(provider, "both")
    assert html.index("method-email_otp") < html.index("login-username")
    assert html.count("Recommandé") == 1
    assert html.index("Recommandé") < html.index("login-username")
    provider.clock.advance(seconds=1)
    provider.set_policy("both", ("password", "email_otp"))
    html = page(provider, "both")
    assert html.index("login-username") < html.index("method-email_otp")


def test_no_method_that_the_service_does_not_accept(provider: Provider) -> None:
    assert "login-password" not in page(provider)
    assert "method-email_otp" not in page(provider, "rp")


def test_the_ids_that_scripts_rely_on(provider: Provider) -> None:
    html = page(provider, "both")
    for name in ("login-username", "login-password", "login-submit", "login-cancel"):
        assert html.count(f'id="{name}"') == 1


@pytest.mark.parametrize(
    ("query", "headers", "ui_locales", "lang"),
    [
        ("", {}, None, "fr"),
        ("", {"Accept-Language": "de"}, None, "fr"),
        ("", {"Accept-Language": "en-GB,en;q=0.9"}, None, "en"),
        ("", {"Accept-Language": "en"}, "fr-FR en", "fr"),
        ("", {}, "de en-US", "en"),
        ("?lang=en", {}, "fr", "en"),
        ("?lang=fr", {"Accept-Language": "en"}, "en", "fr"),
        ("?lang=xx", {}, None, "fr"),
        ("?lang=%22%3E%3Cscript%3E", {}, None, "fr"),
    ],
)
def test_the_language(
    provider: Provider, query: str, headers: dict[str, str], ui_locales: str | None, lang: str
) -> None:
    rp = RelyingParty(provider, "both")
    shown = rp.browser.get(rp.open_login(ui_locales=ui_locales) + query, headers=headers)
    assert f'<html lang="{lang}">' in shown.text
    assert shown.headers["Content-Language"] == lang
    said = {"fr": "Choisissez votre mode d'authentification", "en": "Choose how to sign in"}
    assert said[lang] in shown.text
    assert "<script>" not in shown.text


def test_the_language_that_was_chosen_is_kept(provider: Provider) -> None:
    rp = RelyingParty(provider, "both")
    path = rp.open_login(ui_locales="fr")
    rp.browser.get(path + "?lang=en")
    assert '<html lang="en">' in rp.browser.get(path).text


def test_the_notice_of_the_policy_is_shown_and_escaped(provider: Provider) -> None:
    provider.clock.advance(seconds=1)
    provider.set_policy("ror", ("email_otp",), notice="Fin du <b>mot de passe</b> le 1er juillet")
    html = page(provider)
    assert "Fin du &lt;b&gt;mot de passe&lt;/b&gt; le 1er juillet" in html


@pytest.mark.parametrize(
    ("redirect_uri", "target"),
    [
        ("https://rp.example/ror/callback", "https://rp.example"),
        ("https://rp.example:8443/callback", "https://rp.example:8443"),
        ("http://localhost:5000/cb", "http://localhost:5000"),
    ],
)
def test_the_content_security_policy_is_exact(provider: Provider, redirect_uri: str, target: str) -> None:
    rp = RelyingParty(provider, "ror")
    shown = rp.browser.get(rp.open_login(redirect_uri=redirect_uri))
    assert shown.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: https://cdn.example https://logos.example; "
        f"form-action 'self' {target}; base-uri 'none'; frame-ancestors 'none'"
    )
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }.items():
        assert shown.headers[name] == value


def every_page(provider: Provider) -> dict[str, str]:
    """The pages of the journeys, by a name."""
    rp = RelyingParty(provider, "both")
    path = rp.open_login()
    pages = {"login": rp.browser.get(path).text, "wrong": rp.give_password(path, password="wrong").text}
    rp.post(f"{path}/email_otp", page=path)
    pages["password step"] = rp.browser.get(f"{path}/email_otp").text
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    pages["code"] = rp.browser.get(f"{path}/email_otp").text
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code())
    for prompt in ("consent", "select_account"):
        pages[prompt] = rp.browser.get(rp.open_login(prompt=prompt)).text
    pages["form_post"] = rp.authorize(response_mode="form_post").text
    provider.add_client("closed", needs_entitlement=True)
    closed = RelyingParty(provider, "closed", rp.browser)
    pages["denied"] = closed.browser.get(closed.open_login()).text
    pages["logout"] = rp.browser.get(path_of(rp.browser.get("/logout"))).text
    for url in ("/password/forgot", "/password/sent", "/password/reset/x", "/password/done", "/logged-out", "/nowhere"):
        pages[url] = rp.browser.get(url).text
    rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
    pages["new password"] = rp.browser.get(provider.last_reset_path()).text
    pages["error"] = rp.browser.get("/authorize").text
    return pages


def test_no_page_has_an_inline_script_or_style(provider: Provider) -> None:
    for name, html in every_page(provider).items():
        assert "<h1" in html, name
        assert not INLINE.search(html), (name, INLINE.search(html))
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", html, re.DOTALL):
            assert 'name="csrf"' in form or 'id="form-post"' in form, name


def test_the_language_link_stays_here(provider: Provider) -> None:
    page = provider.browser().get("/%5Cevil.example").text
    assert 'href="/%5Cevil.example?lang=en"' in page
