"""The HTML forms met on the way to a code: found and filled in by field name."""

import html
import re
from collections.abc import Mapping
from urllib.parse import urljoin

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.S | re.I)
FIELD = re.compile(r"<(?:input|button)\b([^>]*)>", re.S | re.I)
ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def fill(page: str, url: str, values: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """Where the first form with one of these fields is sent, and what with: its hidden fields and `values`.

    values: field name → what to write; a name that the form does not have is left out. url: of the page.
    """
    for attributes, content in FORM.findall(page):
        fields = _fill(content, values)
        if fields.keys() & values.keys():
            return urljoin(url, _attributes(attributes).get("action") or url), fields
    return None


def _fill(content: str, values: Mapping[str, str]) -> dict[str, str]:
    fields = {}
    for raw in FIELD.findall(content):
        field = _attributes(raw)
        name = field.get("name", "")
        if name in values:
            fields[name] = values[name]
        elif name and field.get("type") == "hidden":
            fields[name] = field.get("value", "")
    return fields


def _attributes(text: str) -> dict[str, str]:
    return {key.lower(): html.unescape(double or single) for key, double, single in ATTRIBUTE.findall(text)}
