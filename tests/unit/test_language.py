"""The cookie that keeps a chosen language."""

import flask
import pytest

from idp.web import language


@pytest.mark.parametrize("secure", [True, False])
def test_the_choice_is_kept_for_a_year(secure: bool) -> None:
    app = flask.Flask("language")
    app.after_request(lambda response: language.remember(response, secure=secure))
    app.add_url_rule("/", "page", language.choose)
    browser = app.test_client()

    cookie = browser.get("/?lang=en").headers["Set-Cookie"]

    assert cookie.startswith("sesame-lang=en; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) is secure
    url = "https://localhost/" if secure else "/"
    assert browser.get(url).text == "en"


@pytest.mark.parametrize("query", ["", "?lang=", "?lang=de", "?lang=en-GB"])
def test_nothing_else_is_kept(query: str) -> None:
    app = flask.Flask("language")
    app.after_request(language.remember)
    app.add_url_rule("/", "page", language.choose)
    assert "Set-Cookie" not in app.test_client().get(f"/{query}").headers
