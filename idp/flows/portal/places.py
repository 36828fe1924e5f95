"""Where a person signed in from, in words: a browser by its User-Agent, a network by the operators' labels."""

import re
from collections.abc import Iterable
from ipaddress import ip_network

from idp.domain.texts import N_, Text
from idp.settings.sections import Egress

# The first that matches: browsers name those that they pass for, too.
BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Version/.*Safari/"),
    ("Internet Explorer", r"Trident/|MSIE "),
)
SYSTEMS = (
    ("Windows", r"Windows"),
    ("iPhone", r"iPhone|iPod"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("ChromeOS", r"\bCrOS\b"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
BOTH: Text = N_("%(browser)s sous %(system)s")
UNKNOWN_BROWSER: Text = N_("Navigateur inconnu")
UNKNOWN_NETWORK: Text = N_("réseau inconnu")
NOWHERE = ip_network("0.0.0.0/24")  # what is written of an address that could not be read


def browser(user_agent: str) -> tuple[Text, dict[str, str]]:
    """A sentence and its values: `Firefox sous Windows`. A hint for the person, never more: anybody can claim it."""
    name, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if name and system:
        return BOTH, {"browser": name, "system": system}
    return name or system or UNKNOWN_BROWSER, {}


def network(prefix: str, egresses: Iterable[Egress]) -> Text:
    """`CHU de Bordeaux (192.0.2.0/24)`, or the prefix alone where no operator's network is in it, or around it."""
    found = ip_network(prefix)
    if found == NOWHERE:
        return UNKNOWN_NETWORK
    for egress in egresses:
        if any(found.version == own.version and found.overlaps(own) for own in egress.networks):
            return f"{egress.label} ({prefix})"
    return prefix


def _first(table: Iterable[tuple[str, str]], user_agent: str) -> str | None:
    return next((name for name, pattern in table if re.search(pattern, user_agent)), None)
