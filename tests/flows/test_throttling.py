"""Guessing is slow; nobody is locked out of another method; a busy network is slowed and never refused."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from flask.testing import FlaskClient

from idp.web.network import LONGEST_PAUSE_S, WINDOW, Network
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of

TOO_MANY = "Trop d&#39;essais infructueux. Réessayez dans %s min"
WRONG = "Identifiant ou mot de passe incorrect."


def fail(provider: Provider, login: str = "anne.pierre", times: int = 1, browser: FlaskClient | None = None) -> str:
    """Wrong passwords, each from a new browser unless one is given; the text of the last page."""
    text = ""
    for _ in range(times):
        rp = RelyingParty(provider, browser=browser or provider.browser())
        text = rp.give_password(rp.open_login(), login, "wrong").text
    return text


def counted(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return len(tx._connection.exec_driver_sql("SELECT bucket FROM throttle").all())


def test_more_than_a_minute_after_five_failures(provider: Provider) -> None:
    assert WRONG in fail(provider, times=5)
    rp = RelyingParty(provider)
    assert TOO_MANY % 2 in rp.give_password(rp.open_login()).text
    assert provider.events("login.throttled")[0].detail == {"method": "password", "reason": "too_many_attempts"}
    provider.clock.advance(seconds=60)
    assert TOO_MANY % 1 in rp.give_password(rp.open_login()).text
    provider.clock.advance(seconds=4.5)
    assert TOO_MANY % 1 in rp.give_password(rp.open_login()).text
    provider.clock.advance(seconds=0.5)
    assert "code" in answer_of(rp.give_password(rp.open_login()))


@pytest.mark.parametrize(("lang", "said"), [("fr", "Mot de passe oublié ?"), ("en", "Forgotten password?")])
@pytest.mark.parametrize("login", ["anne.pierre", "nobody"])
def test_a_delayed_password_shows_the_way_out(provider: Provider, login: str, lang: str, said: str) -> None:
    """In the refusal itself, beside the time to wait; and it leads on: a new password is good at once."""
    way_out = f'id="way-out" href="/password/forgot">{said}</a>'
    assert 'id="way-out"' not in fail(provider, login, 5)
    rp = RelyingParty(provider)
    rp.browser.get(f"/password/forgot?lang={lang}")
    page = rp.give_password(rp.open_login(), login).text
    assert way_out in page.partition("</ul>")[2].partition('class="ref"')[0]
    if login == "anne.pierre":
        rp.post("/password/forgot", page="/password/forgot", login=login)
        path, fresh = provider.last_reset_path(), "Huit-Tasses-de-Tilleul-9"
        rp.post(path, page=path, password=fresh, confirmation=fresh)
        assert "code" in answer_of(rp.give_password(rp.open_login(), login, fresh))


def test_the_code_behind_a_delayed_password_waits_with_it(provider: Provider) -> None:
    provider.add_client("ror", methods=("email_otp",))
    fail(provider, times=5)
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD).text
    assert TOO_MANY % 2 in page
    assert 'id="way-out"' in page
    assert not provider.mails()


def test_a_delayed_code_shows_no_way_out_that_is_none(provider: Provider) -> None:
    """A new password does not make a code come sooner."""
    provider.add_client("alone", methods=("email_otp:alone",))
    rp = RelyingParty(provider, "alone")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre")
    code = provider.last_code()
    for _ in range(5):
        rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=f"{(int(code) + 1) % 1_000_000:06d}")
    provider.clock.advance(seconds=61)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", resend="1")
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code()).text
    assert TOO_MANY.partition(" Réessayez")[0] in page
    assert 'id="way-out"' not in page


def test_a_refused_attempt_does_not_lengthen_the_delay(provider: Provider) -> None:
    fail(provider, times=5)
    for _ in range(6):
        assert TOO_MANY.partition(" Réessayez")[0] in fail(provider)
        provider.clock.advance(seconds=10)
    provider.clock.advance(seconds=5)
    assert WRONG in fail(provider)


def test_at_most_25_in_a_day_even_after_a_restart(provider: Provider) -> None:
    for _ in range(25):
        assert WRONG in fail(provider)
        provider.clock.advance(minutes=16)
    restarted = provider.with_services()
    rp = RelyingParty(restarted)
    assert "Trop d&#39;essais" in rp.give_password(rp.open_login()).text
    provider.clock.advance(hours=24)
    assert "code" in answer_of(rp.give_password(rp.open_login()))


def test_a_success_ends_the_delays_but_not_the_count(provider: Provider) -> None:
    for _ in range(6):
        fail(provider, times=4)
        rp = RelyingParty(provider)
        assert "code" in rp.login()
    fail(provider)
    assert "Trop d&#39;essais" in fail(provider)


def test_another_method_stays_open(provider: Provider) -> None:
    provider.add_client("alone", methods=("email_otp:alone", "password"))
    fail(provider, times=5)
    rp = RelyingParty(provider, "alone")
    path = rp.open_login()
    assert "Trop d&#39;essais" in rp.give_password(path).text
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre")
    answered = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code())
    assert "code" in answer_of(answered)


def test_an_unknown_name_is_treated_alike(provider: Provider) -> None:
    """Words, status and delay are those of somebody known."""

    def seen(login: str) -> list[tuple[int, bool, bool]]:
        pages = []
        for _ in range(7):
            rp = RelyingParty(provider)
            page = rp.give_password(rp.open_login(), login, "wrong")
            pages.append((page.status_code, WRONG in page.text, TOO_MANY % 2 in page.text))
        return pages

    known = seen("anne.pierre")
    assert known == seen("nobody") == seen("nobody@chu.example")
    assert known[4:6] == [(200, True, False), (200, False, True)]
    assert [event.subject for event in provider.events("login.throttled")].count(None) == 4


def test_login_name_and_address_share_one_count(provider: Provider) -> None:
    fail(provider, "anne.pierre", 3)
    fail(provider, "anne.pierre@chu.example", 2)
    assert "Trop d&#39;essais" in fail(provider, "ANNE.PIERRE")


def test_what_is_stored_of_a_name_is_a_digest(provider: Provider) -> None:
    fail(provider, "quelquun.dautre")
    with provider.services.db.read() as tx:
        rows = tx._connection.exec_driver_sql("SELECT bucket FROM throttle").all()
    assert "quelquun" not in repr(rows)
    assert counted(provider) == 1


def test_a_remembered_browser_is_not_delayed_by_others(provider: Provider) -> None:
    mine = RelyingParty(provider)
    mine.login()
    fail(provider, times=5)
    path = mine.open_login(prompt="login")
    assert "code" in answer_of(mine.give_password(path))


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


class Slowed:
    """A provider whose pauses are written down instead of waited for."""

    def __init__(self, provider: Provider) -> None:
        self.pauses: list[float] = []
        services = provider.services
        network = Network(services.settings, services.ephemeral, self.pauses.append)
        self.provider = provider.with_services(network=network)

    def fail(self, address: str, times: int = 1, forwarded: str | None = None) -> int:
        """Wrong passwords for names that nobody has; the last status."""
        status = 0
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        for turn in range(times):
            browser = self.provider.browser()
            browser.environ_base["REMOTE_ADDR"] = address
            path = RelyingParty(self.provider, browser=browser).open_login()
            data = {"csrf": csrf_of(browser.get(path)), "login": f"nobody{turn}", "password": "x"}
            status = browser.post(f"{path}/password", data=data, headers=headers).status_code
        return status


@pytest.fixture
def slowed(start: Callable[..., Provider]) -> Callable[..., Slowed]:
    def make(**settings: Any) -> Slowed:
        made = start(failures_per_10_min=2, **settings)
        made.add_client("rp")
        made.add_account("anne.pierre")
        return Slowed(made)

    return make


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
