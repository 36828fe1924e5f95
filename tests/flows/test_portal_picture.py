"""The picture of an account: drawn anew, and its holder's alone."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from idp.domain.throttle import PICTURES
from idp.errors import Unavailable
from idp.flows.operators import accounts
from idp.flows.portal import picture
from idp.web.portrait import portrait
from idp.web.uploads import LARGER
from tests.fakes.holder import Holder
from tests.fakes.pictures import png, send, url_of
from tests.fakes.provider import Provider
from tests.fakes.relying_party import path_of

PAGE, PICTURE, SHOWN = "/compte/personal", "/compte/personal/picture", "/compte/picture"
PROFILE = {
    "function": "Infirmière",
    "structure": "CHU",
    "address": {"formatted": "1 place des Soins\n33000 Bordeaux"},
    "phone_number": "+33556000000",
}


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": "support@region.example"})
    made.add_account("anne.pierre", civility="Mme", rpps="10003456789", profile=PROFILE)
    made.add_account("karim.benali")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    return Holder.signed_in(provider)


def account(provider: Provider, login: str = "anne.pierre") -> Any:
    with provider.services.db.read() as tx:
        return tx.accounts.find_by_login(login)


def is_refused(response: TestResponse, sentence: str) -> bool:
    return response.status_code == 200 and 'id="error-summary"' in response.text and sentence in response.text


# -- the picture -------------------------------------------------------------------------


def test_a_picture_is_drawn_and_shown(provider: Provider, anne: Holder) -> None:
    assert not url_of(anne)
    assert path_of(send(anne, png())) == PAGE
    shown = anne.browser.get(f"{SHOWN}?v={url_of(anne)}")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert shown.headers["Cache-Control"].startswith("private")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert shown.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert Image.open(io.BytesIO(shown.data)).size == (256, 256)
    assert provider.events("account.picture_changed")[0].detail == {"to": "another"}


def test_a_new_picture_has_a_new_address(provider: Provider, anne: Holder) -> None:
    send(anne, png())
    first = url_of(anne)
    provider.clock.advance(seconds=1)
    send(anne, png("blue"))
    assert url_of(anne) not in ("", first)


def test_a_picture_is_its_holders_alone(provider: Provider, anne: Holder) -> None:
    send(anne, png())
    url = f"{SHOWN}?v={url_of(anne)}"
    for browser in (Holder.signed_in(provider, "karim.benali").browser, provider.browser()):
        response = browser.get(url)
        assert response.status_code == 404
        assert response.headers["Cache-Control"] == "no-store"
        assert browser.get_cookie("__Host-sesame-portal") is None  # a login that is under way is left alone


def test_a_picture_is_removed(provider: Provider, anne: Holder) -> None:
    send(anne, png())
    assert path_of(anne.post(f"{PICTURE}/remove", page=PAGE)) == PAGE
    assert not url_of(anne)
    assert anne.browser.get(SHOWN).status_code == 404
    anne.post(f"{PICTURE}/remove", page=PAGE)
    assert len(provider.events("account.picture_changed")) == 2


@pytest.mark.parametrize(
    ("file", "name", "sentence"),
    [
        (b"", "", "Choisissez d&#39;abord une image"),
        (b"", "me.png", "n&#39;est pas une image"),
        (b"hello", "me.png", "n&#39;est pas une image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "me.svg", "n&#39;est pas une image"),
        (png()[:-40], "me.png", "n&#39;est pas une image"),
        (png(size=(4000, 4000)), "me.png", "trop grande"),
    ],
)
def test_a_bad_picture_is_said_beside_its_field(
    provider: Provider, anne: Holder, file: bytes, name: str, sentence: str
) -> None:
    response = send(anne, file, name)
    assert is_refused(response, sentence)
    assert 'id="personal-picture-error"' in response.text
    assert provider.events("account.picture_changed") == []


def test_a_picture_that_is_no_file_is_refused(anne: Holder) -> None:
    assert is_refused(anne.post(PICTURE, page=PAGE, picture="text"), "Choisissez d&#39;abord une image")


def test_an_account_sends_only_so_many_pictures_an_hour(
    provider: Provider, anne: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is work, whether it can be drawn or not."""
    karim = Holder.signed_in(provider, "karim.benali")
    for _ in range(PICTURES.most):
        assert is_refused(send(anne, b"hello"), "n&#39;est pas une image")
    with monkeypatch.context() as patched:
        patched.setattr(picture, "portrait", lambda _: pytest.fail("drawn"))
        refused = send(anne, png())
    assert is_refused(refused, "Trop d&#39;images ont été envoyées. Réessayez dans 60 min.")
    assert 'id="personal-picture-error"' in refused.text
    assert provider.events("account.picture_changed") == []
    assert send(karim, png()).status_code == 303
    provider.clock.advance(hours=1)
    assert path_of(send(Holder.signed_in(provider), png())) == PAGE


def test_a_picture_that_finds_no_place_is_to_be_sent_again(
    provider: Provider, anne: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_file: bytes) -> bytes:
        raise Unavailable("another picture is being drawn")

    monkeypatch.setattr(picture, "portrait", busy)
    response = send(anne, png())
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "Service momentanément indisponible" in response.text
    assert provider.events("account.picture_changed") == []


def test_a_picture_may_have_two_mebibytes_and_no_form_may(anne: Holder) -> None:
    most = LARGER[PICTURE]
    noise = png() + bytes(most - len(png()) - 1000)
    assert send(anne, noise).status_code == 303
    assert send(anne, bytes(most)).status_code == 413
    for path in (f"{PICTURE}/remove", PAGE, f"{PAGE}/email"):
        assert send(anne, bytes(70_000), to=path).status_code == 413


def test_what_is_sent_is_not_written_to_the_disk(anne: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", lambda *_, **__: pytest.fail("a file"))
    assert send(anne, png() + bytes(1_000_000)).status_code == 303


def test_a_session_that_ended_while_the_picture_was_drawn(
    provider: Provider, anne: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = portrait

    def slow(file: bytes) -> bytes:
        accounts.end_sessions(provider.desk, "anne.pierre", "stolen")
        return draw(file)

    monkeypatch.setattr(picture, "portrait", slow)
    assert send(anne, png()).status_code == 410
    assert provider.events("account.picture_changed") == []
