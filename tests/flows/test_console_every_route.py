"""What is true of every page of the console, whoever wrote it."""

import re
from collections.abc import Callable, Iterator

import pytest
from werkzeug.routing import Rule

from tests.fakes.console import Console
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of

ODD = ("%0a", "x%0d%0aSet-Cookie:%20a=b", "%00", "%ff", "'", "%25s%7bx%7d", "a" * 3000)
SOME_ID = "00000000-0000-7000-8000-000000000000"
OPEN = {"/console/callback", "/console/logout"}  # the way in and the way out


@pytest.fixture
def console(start: Callable[..., Provider]) -> Console:
    return Console.start(start)


def routes(provider: Provider) -> Iterator[tuple[str, str, Rule]]:
    """Method, address with an id in it, and rule."""
    for rule in provider.app.url_map.iter_rules():
        if rule.rule.startswith("/console") and rule.rule not in OPEN:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, re.sub(r"<[^>]+>", SOME_ID, rule.rule), rule


def test_nobody_gets_in_without_a_session(console: Console) -> None:
    browser = console.provider.browser()
    csrf = csrf_of(browser.get("/password/forgot"))
    for method, path, _ in routes(console.provider):
        answer = browser.open(path, method=method, data={"csrf": csrf} if method == "POST" else None)
        assert answer.status_code == 303, path
        assert answer.headers["Location"].partition("client_id=console")[1], path


def test_nobody_gets_in_without_a_role(console: Console) -> None:
    nobody = console.of("anne.pierre").browser
    csrf = csrf_of(nobody.get("/password/forgot"))
    for method, path, _ in routes(console.provider):
        answer = nobody.open(path, method=method, data={"csrf": csrf} if method == "POST" else None)
        assert answer.status_code == 403, path
        assert "console_denied" in answer.text, path


def test_no_form_is_taken_without_its_token(console: Console) -> None:
    operator = console.of("root", *((role, "*") for role in ("support", "approver", "policy_owner", "auditor")))
    for method, path, _ in routes(console.provider):
        if method == "POST":
            assert operator.browser.post(path, data={"reason": "x"}).status_code == 403, path


def test_odd_words_in_an_address_are_no_error(console: Console) -> None:
    operator = console.of("root", *((role, "*") for role in ("support", "approver", "policy_owner", "auditor")))
    form = {"csrf": csrf_of(operator.browser.get("/console")), "reason": "x"}
    wrong = []
    for method, _, rule in routes(console.provider):
        for odd in ODD if rule.arguments else ():
            path = re.sub(r"<[^>]+>", odd, rule.rule)
            answer = operator.browser.open(path, method=method, data=form if method == "POST" else None)
            if answer.status_code != 404 or "Set-Cookie: a=b" in str(answer.headers):
                wrong.append((method, rule.rule, odd, answer.status_code))
    assert wrong == []
