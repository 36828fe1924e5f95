"""The addresses of a login: the name of a method stands where pages have theirs."""

from idp.methods.registry import PAGES
from tests.fakes.provider import Provider

LOGIN = "/login/<handle>/"


def test_every_page_of_a_login_has_an_address_that_no_method_can_have(provider: Provider) -> None:
    rules = {rule.rule.removeprefix(LOGIN) for rule in provider.app.url_map.iter_rules() if LOGIN in rule.rule}
    assert {rule.partition("/")[0] for rule in rules} == PAGES | {"<method_id>"}
