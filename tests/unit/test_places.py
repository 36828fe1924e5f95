"""Browsers and networks in words."""

import pytest

from idp.flows.portal.places import UNKNOWN_BROWSER, UNKNOWN_NETWORK, browser, network
from idp.settings.sections import Egress

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
EGRESSES = (
    Egress(label="CHU de Bordeaux", networks=("192.0.2.16/28", "2001:db8:1::/48")),  # type: ignore[arg-type]
    Egress(label="CH de Dax", networks=("198.51.0.0/16",)),  # type: ignore[arg-type]
)


@pytest.mark.parametrize(
    ("user_agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox sous Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0.0.0 Safari/537.36", "Chrome sous Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge sous Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/140.0 Safari/537.36 OPR/124.0", "Opera sous Linux"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 16181) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome sous ChromeOS"),
        (f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} Chrome/140.0 Mobile Safari/537.36", "Chrome sous Android"),
        (f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} SamsungBrowser/27 Chrome/125", "Samsung Internet sous Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1", "Safari sous macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18.0 Mobile Safari/604", "Safari sous iPhone"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) CriOS/140 Mobile Safari/604", "Chrome sous iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 18 like Mac OS X) FxiOS/140 Mobile Safari/604", "Firefox sous iPad"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer sous Windows"),
        ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
        ("Firefox/140.0", "Firefox"),
        ("curl/8.0", UNKNOWN_BROWSER),
        ("", UNKNOWN_BROWSER),
        ("%(system)s", UNKNOWN_BROWSER),
    ],
)
def test_browsers(user_agent: str, said: str) -> None:
    words, values = browser(user_agent)
    assert (words % values if values else words) == said


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("192.0.2.0/24", "CHU de Bordeaux (192.0.2.0/24)"),
        ("198.51.100.0/24", "CH de Dax (198.51.100.0/24)"),
        ("2001:db8:1::/48", "CHU de Bordeaux (2001:db8:1::/48)"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("2001:db8:2::/48", "2001:db8:2::/48"),
        ("0.0.0.0/24", UNKNOWN_NETWORK),
    ],
)
def test_networks(prefix: str, said: str) -> None:
    assert network(prefix, EGRESSES) == said
