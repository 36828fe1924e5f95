"""Networks: how they are slowed, where a request comes from, and what it may say of where it went."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from idp.web.network import LONGEST_PAUSE_S, WINDOW
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of
from tests.fakes.slowed import WRONG, Slowed, fail


@pytest.fixture
def slowed(start: Callable[..., Provider]) -> Callable[..., Slowed]:
    def make(**settings: Any) -> Slowed:
        made = start(failures_per_10_min=2, **settings)
        made.add_client("rp")
        made.add_account("anne.pierre")
        return Slowed(made)

    return make


def test_a_remembered_browser_has_limits_too_and_replaces_no_factor(provider: Provider) -> None:
    mine = RelyingParty(provider)
    mine.login()
    mine.browser.delete_cookie("__Host-sesame-session")
    assert mine.silent()["error"] == "login_required"
    assert WRONG in fail(provider, times=5, browser=mine.browser)
    assert "Trop d&#39;essais" in mine.give_password(mine.open_login()).text
    other = RelyingParty(provider)
    assert "code" in other.login()


def test_a_browser_is_remembered_for_its_own_account_only_and_not_for_ever(provider: Provider) -> None:
    provider.add_account("samir")
    mine = RelyingParty(provider)
    mine.login()
    mine.browser.delete_cookie("__Host-sesame-session")
    fail(provider, "samir", 5)
    assert "Trop d&#39;essais" in mine.give_password(mine.open_login(), "samir").text
    provider.clock.advance(days=181)
    fail(provider, times=5)
    assert "Trop d&#39;essais" in mine.give_password(mine.open_login()).text


def test_a_network_over_its_limit_is_slowed_and_never_refused(slowed: Callable[..., Slowed]) -> None:
    made = slowed()
    made.fail("192.0.2.1", 2)
    assert not made.pauses
    assert made.fail("192.0.2.1", 6) == 200
    assert made.pauses == sorted(made.pauses)
    assert len(made.pauses) == 5
    assert all(0 < pause <= LONGEST_PAUSE_S for pause in made.pauses)
    rp = RelyingParty(made.provider)
    rp.browser.environ_base["REMOTE_ADDR"] = "192.0.2.1"
    assert "code" in rp.login()
    before = len(made.pauses)
    made.fail("192.0.2.2")
    assert len(made.pauses) == before
    made.provider.clock.advance(minutes=10)
    made.fail("192.0.2.1")
    assert len(made.pauses) == before


def test_a_pause_is_short_however_many_failed(slowed: Callable[..., Slowed]) -> None:
    made = slowed()
    services = made.provider.services
    for _ in range(2000):
        services.ephemeral.count("network", "192.0.2.1/32", WINDOW)
    made.fail("192.0.2.1")
    assert made.pauses == [LONGEST_PAUSE_S]


def test_pauses_hold_a_quarter_of_the_threads_at_most(slowed: Callable[..., Slowed]) -> None:
    made = slowed(threads=4)
    network = made.provider.services.network
    made.fail("192.0.2.1", 3)
    assert network._held.acquire(blocking=False)
    assert made.fail("192.0.2.1") == 200
    assert not made.pauses
    network._held.release()
    made.fail("192.0.2.1")
    assert len(made.pauses) == 1


def test_one_ipv6_network_is_one(slowed: Callable[..., Slowed]) -> None:
    made = slowed()
    made.fail("2001:db8:1:2::1", 2)
    made.fail("2001:db8:1:2:ffff::7", 2)
    assert len(made.pauses) == 1
    made.fail("2001:db8:1:3::1")
    assert len(made.pauses) == 1


def test_ipv4_on_a_dual_stack_socket_is_not_one_network_for_the_world(slowed: Callable[..., Slowed]) -> None:
    made = slowed(trusted_proxies=("10.0.0.0/8",))
    made.fail("::ffff:192.0.2.1", 3)
    made.fail("::ffff:192.0.2.2")
    assert not made.pauses
    made.fail("192.0.2.1")
    assert len(made.pauses) == 1
    made.fail("::ffff:10.0.0.1", forwarded="192.0.2.1")
    assert len(made.pauses) == 2


def test_a_declared_egress_has_its_own_limit(slowed: Callable[..., Slowed]) -> None:
    networks = (ip_network("198.51.100.0/28"), ip_network("2001:db8:9::/48"))
    made = slowed(egress=({"label": "CHU", "networks": networks, "failures_per_10_min": 4},))
    made.fail("198.51.100.1", 3)
    made.fail("2001:db8:9:8::1")
    assert not made.pauses
    made.fail("198.51.100.2")
    made.fail("198.51.100.3")
    assert len(made.pauses) == 1


@pytest.mark.embedded  # asks nothing of a store
@pytest.mark.parametrize(
    ("address", "forwarded", "counted_as"),
    [
        ("192.0.2.7", "203.0.113.1", "192.0.2.7"),  # nobody's proxy: what it says is not believed
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.1", "203.0.113.1"),  # what the client itself put in front
        ("10.0.0.1", "1.1.1.1, 203.0.113.1, 10.0.0.2", "203.0.113.1"),
        ("10.0.0.1", "203.0.113.1, rubbish", "0.0.0.0"),  # spoilt: nobody, and never the proxy
        ("10.0.0.1", "rubbish, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "", "0.0.0.0"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "é, ,", "0.0.0.0"),
        ("not an address", "203.0.113.1", "0.0.0.0"),
    ],
)
def test_where_a_request_comes_from(
    slowed: Callable[..., Slowed], address: str, forwarded: str, counted_as: str
) -> None:
    made = slowed(trusted_proxies=(ip_network("10.0.0.0/8"),))
    headers = [("X-Forwarded-For", forwarded.encode().decode("latin-1"))]
    with made.provider.app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": address}):
        assert str(made.provider.services.network.address) == counted_as


def test_the_right_password_counts_nothing(provider: Provider) -> None:
    for _ in range(30):
        rp = RelyingParty(provider)
        assert "code" in answer_of(rp.give_password(rp.open_login(), "anne.pierre", PASSWORD))


def test_the_link_names_the_issuer_whatever_the_host_header(provider: Provider) -> None:
    browser = provider.browser()
    data = {"csrf": csrf_of(browser.get("/password/forgot")), "login": "anne.pierre"}
    browser.post("/password/forgot", data=data, headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in provider.mails()[-1].text
    assert provider.last_reset_path()
