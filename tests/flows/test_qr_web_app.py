"""The first page of the phone's application, and what lets a browser install it."""

import io
import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from idp.domain.phone_request import LIFETIME, shown_code
from tests.fakes.phone import COOKIE, given_phone
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

CODE = re.compile(r"\b[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}\b")


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(methods=("email_otp", "password", "qr_code"), brand={"name": "esea"})
    made.add_client("rp", methods=("qr_code", "password"))
    made.add_account("anne.pierre")
    return made


def short_code(provider: Provider) -> str:
    """What a computer shows beside its QR code."""
    rp = RelyingParty(provider)
    login = rp.open_login()
    assert rp.post(f"{login}/qr_code", page=login).status_code == 303
    found = CODE.search(rp.browser.get(f"{login}/qr_code").text)
    assert found
    return found[0]


def type_code(phone: FlaskClient, code: str) -> TestResponse:
    return phone.post("/qr", data={"csrf": csrf_of(phone.get("/qr")), "code": code})


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/offline", "/manifest.webmanifest", "/sw.js", "/enrol/token"])
def test_without_the_method_there_is_no_application(path: str, start: Callable[..., Provider]) -> None:
    """It would tell people to enrol a phone, and there is no page to do so."""
    assert start(methods=("email_otp", "password")).browser().get(f"/qr{path}").status_code == 404


def test_a_form_of_another_page_is_refused(provider: Provider) -> None:
    code = short_code(provider)
    assert provider.browser().post("/qr", data={"code": code}).status_code == 403


@pytest.mark.parametrize("code", ["", "BCDF", "BCDF-GHJK", "AAAA-AAAA", "<b>", "B" * 5000])
def test_a_code_that_no_computer_shows_is_refused(provider: Provider, code: str) -> None:
    short_code(provider)
    phone = provider.browser()
    refused = type_code(phone, code)
    assert refused.status_code == 400
    assert "celui qu&#39;affiche l&#39;ordinateur" in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert "<b>" not in refused.text


def test_a_code_that_expired_is_refused(provider: Provider) -> None:
    code = short_code(provider)
    provider.clock.advance(seconds=LIFETIME.total_seconds())
    assert type_code(provider.browser(), code).status_code == 400


# -- the first page ----------------------------------------------------------------------


@pytest.mark.parametrize("written", [str.lower, lambda code: f" {code} ", lambda code: code.replace("-", " ")])
def test_a_code_leads_where_its_qr_code_leads(provider: Provider, written: Callable[[str], str]) -> None:
    code = short_code(provider)
    answer = type_code(provider.browser(), written(code))
    assert answer.status_code == 303
    assert re.fullmatch(r"/qr/[0-9a-f]{32}\.[0-9]+\.[0-9a-f]{32}", path_of(answer))
    assert code == shown_code(code.replace("-", ""))


def test_a_phone_that_is_not_enrolled_is_told_how(provider: Provider) -> None:
    page = provider.browser().get("/qr")
    assert page.status_code == 200
    assert "pas encore enregistré" in page.text
    assert "en face de « Téléphone », choisissez « Ajouter »" in page.text


def test_an_enrolled_phone_is_known_by_its_cookie_and_by_nothing_else(provider: Provider) -> None:
    enrolled = given_phone(provider)
    phone, other = provider.browser(), provider.browser()
    phone.set_cookie(COOKIE, enrolled.cookie)
    other.set_cookie(COOKIE, "an invented one")
    assert "« Mon téléphone », pour le compte anne.pierre." in phone.get("/qr").text
    assert "anne.pierre" not in other.get("/qr").text


def test_a_phone_that_was_removed_is_not_enrolled_any_more(provider: Provider) -> None:
    enrolled = given_phone(provider)
    phone = provider.browser()
    phone.set_cookie(COOKIE, enrolled.cookie)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.means.revoke_all(account.account_id, provider.clock.now())
    assert "pas encore enregistré" in phone.get("/qr").text


# -- installing --------------------------------------------------------------------------


def test_the_manifest_has_what_browsers_install_by(provider: Provider) -> None:
    """Chromium: a name, an address to start at within the scope, a window of its own, PNG of 192 and of 512 pixels."""
    answer = provider.browser().get("/qr/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    manifest = json.loads(answer.data)
    assert manifest["name"] == "Connexion par téléphone – esea"
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/qr", "/qr", "standalone")
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} >= {
        ("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"),
    }  # fmt: skip
    for icon in manifest["icons"]:
        image = Image.open(io.BytesIO(provider.browser().get(icon["src"]).data))
        assert (image.format, "x".join(map(str, image.size))) == ("PNG", icon["sizes"])


def test_the_manifest_speaks_the_browsers_language(provider: Provider) -> None:
    answer = provider.browser().get("/qr/manifest.webmanifest", headers={"Accept-Language": "en"})
    assert json.loads(answer.data)["name"] == "Sign-in by phone – esea"


def test_the_pages_may_install_and_others_may_not(provider: Provider) -> None:
    phone = provider.browser()
    for page in ("/qr", "/qr/offline"):
        policy = phone.get(page).headers["Content-Security-Policy"]
        assert "manifest-src 'self'; worker-src 'self'; " in policy
        assert "connect-src" not in policy
    assert "worker-src" not in phone.get("/password/forgot").headers["Content-Security-Policy"]


def test_the_service_worker_keeps_one_page_and_its_look(provider: Provider) -> None:
    answer = provider.browser().get("/qr/sw.js")
    assert (answer.mimetype, answer.headers["Service-Worker-Allowed"]) == ("text/javascript", "/qr")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    found = re.search(r"^const KEPT = (\[.*\]);$", answer.text, re.MULTILINE)
    assert found
    first, *others = json.loads(found[1])
    assert first == "/qr/offline"
    assert all(path.startswith("/static/") for path in others)
    for path in (first, *others):
        assert provider.browser().get(path).status_code == 200


def test_what_is_kept_has_another_name_after_another_look(provider: Provider, start: Callable[..., Provider]) -> None:
    other = start(methods=("email_otp", "password", "qr_code"), brand={"color": "#123456"})
    names = [each.browser().get("/qr/sw.js").text.partition(";")[0] for each in (provider, other)]
    assert len(set(names)) == 2


def test_the_page_that_is_kept_has_nothing_of_a_person(provider: Provider) -> None:
    phone = provider.browser()
    phone.set_cookie(COOKIE, given_phone(provider).cookie)
    kept = phone.get("/qr/offline")
    assert kept.status_code == 200
    assert "anne.pierre" not in kept.text
    assert 'name="csrf"' not in kept.text
    assert ISSUER not in kept.text
