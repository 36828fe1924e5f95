"""What anybody may write into an address is no error of ours: it is answered as what is unknown."""

import re
from collections.abc import Callable

import pytest

from tests.fakes.portal import by_password, enter
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of

METHODS = ("email_otp", "password", "totp", "passkey", "qr_code", "emergency_code")
ODD = ("%0a", "x%0d%0aSet-Cookie:%20a=b", "%00", "%ff", "'", "%ed%a0%80", "%25s%7bx%7d", "a" * 3000)


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(methods=METHODS, brand={"support_email": "support@region.example"}, failures_per_10_min=100_000)
    made.clock.advance(seconds=1)
    made.set_policy("portail", ("email_otp", "password"))
    made.add_account("anne.pierre")
    return made


def test_odd_words_in_any_address_are_no_error(provider: Provider) -> None:
    """Every route with a parameter, whatever it takes, signed in and with a form of ours."""
    rp = enter(provider, by_password, page="/compte")
    form = {"csrf": csrf_of(rp.browser.get("/compte/means")), "name": "x", "understood": "1", "code": "000000"}
    rules = [rule for rule in provider.app.url_map.iter_rules() if rule.arguments]
    wrong = []
    for rule in rules:
        for method in sorted({"POST", *(rule.methods or ())} - {"HEAD", "OPTIONS"}):
            for odd in ODD:
                path = re.sub(r"<[^>]+>", odd, rule.rule)
                answer = rp.browser.open(path, method=method, data=form if method == "POST" else None)
                if answer.status_code >= 500 or "Set-Cookie: a=b" in str(answer.headers):
                    wrong.append((method, rule.rule, odd, answer.status_code))
                answer.close()
    assert wrong == []
    assert {"/qr/enrol/<token>/finish", "/qr/<token>", "/qr/request/<request_id>"} < {rule.rule for rule in rules}


@pytest.mark.parametrize("path", ["", "/key", "/finish"])
def test_a_form_of_an_enrolment_that_is_none_is_answered_that_it_is_over(provider: Provider, path: str) -> None:
    browser = provider.browser()
    form = {"csrf": csrf_of(browser.get("/qr")), "kind": "phone", "name": "x"}
    for token in ("%0a", "unknown"):
        answer = browser.post(f"/qr/enrol/{token}{path}", data=form)
        assert answer.status_code == 410
        assert "Location" not in answer.headers


@pytest.mark.parametrize("path", ["/inscription/confirmer/", "/inscription/question/"])
@pytest.mark.parametrize("token", ["unknown", *ODD])
def test_a_link_of_a_registration_that_is_none_is_answered_as_an_unknown_one(
    provider: Provider, path: str, token: str
) -> None:
    browser = provider.browser()
    form = {"csrf": csrf_of(browser.get("/password/forgot")), "answer": "x"}
    for answer in (browser.get(path + token), browser.post(path + token, data=form)):
        assert answer.status_code in {404, 410}
        assert "Location" not in answer.headers
        assert "Set-Cookie: a=b" not in str(answer.headers)
