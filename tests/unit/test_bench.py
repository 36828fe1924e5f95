"""What the benchmark works out: forms, cookies, ratios. A wrong one would flatter or slander in silence."""

import pytest

from bench.forms import fill
from bench.http_client import parse_cookie
from bench.operations import TARGETS, is_offered
from bench.table import judge, table

PAGE = """<form action="/other"><input type="hidden" name="csrf" value="1"><button name="choice" value="other"></form>
<form method="post" action="/login?a=1&amp;b=2"><input type="hidden" name="csrf" value="&quot;2&quot;">
<input name='login' value=""><input type="password" name="password"><input name="remember" type="checkbox"></form>"""


def test_the_first_form_that_has_a_field_is_sent_with_its_hidden_fields() -> None:
    assert fill(PAGE, "http://idp.example/here", {"login": "anne", "password": "p", "code": "0"}) == (
        "http://idp.example/login?a=1&b=2",
        {"csrf": '"2"', "login": "anne", "password": "p"},
    )


def test_a_form_without_an_action_is_sent_to_its_page() -> None:
    found = fill('<form method=post><input name="login"></form>', "http://idp.example/here?x=1", {"login": "anne"})
    assert found == ("http://idp.example/here?x=1", {"login": "anne"})


def test_a_page_without_a_known_field_has_no_form() -> None:
    assert fill(PAGE, "http://idp.example/", {"username": "anne"}) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sid=a=b; Path=/; HttpOnly", ("sid", "a=b", "/", False)),
        ("sid=x; SameSite=Lax", ("sid", "x", "/interaction", False)),
        ("sid=; Path=/; Max-Age=0", ("sid", "", "/", True)),
        ("sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ("sid", "", "/", True)),
    ],
)
def test_a_cookie_has_a_path_and_may_be_taken_away(line: str, expected: tuple[str, str, str, bool]) -> None:
    assert parse_cookie(line, "/interaction/7") == expected


def test_a_ratio_above_its_target_is_marked() -> None:
    assert judge(2.0, 1.0, 2.0) == "2.00"
    assert judge(2.1, 1.0, 2.0) == "**2.10**, missed"
    assert judge(None, 1.0, 2.0) == judge(2.0, None, 2.0) == "–"


def test_each_operation_has_a_line_with_what_was_measured() -> None:
    lines = table({"sso": 3.0, "jwks": None}, {"sso": 1.5, "jwks": 0.1}, {"sso": 2.0}).splitlines()[2:]
    assert lines == [
        "| sso | 1.5 | 3 | 2.00 | ≤ 2 | 2 | 1.50 |",
        "| jwks | 0.1 | – | – | ≤ 1.35 | – | – |",
    ]


def test_what_a_provider_does_not_offer_is_not_measured() -> None:
    metadata = {"grant_types_supported": ["authorization_code", "refresh_token"]}
    assert [operation for operation in TARGETS if not is_offered(operation, metadata)] == [
        "introspect",
        "client_credentials",
    ]
