"""Every sentence that a person may read has its English, with the same values in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from idp.methods import registry
from idp.settings import Settings
from idp.web.texts import REFUSALS

IDP = Path(__file__).parents[2] / "idp"
WAYS = [("**.py", "python"), ("templates/**", "jinja2.ext.babel_extract")]
OPTIONS = {"templates/**": {"trimmed": "true", "silent": "false"}}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")


def sentences() -> Iterator[tuple[str, str]]:
    """(message, where it stands)"""
    found = extract_from_dir(IDP, WAYS, OPTIONS, keywords={"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)})
    for file, line, message, _comments, _context in found:
        for text in [message] if isinstance(message, str) else message:
            yield text, f"{file}:{line}"
    names = Settings.model_fields["methods"].default
    for name, method in registry.load(names).items():
        yield method.offer.label, f"methods/{name}.py: label"
        yield method.offer.hint, f"methods/{name}.py: hint"


SENTENCES = dict(sentences())


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with (IDP / "translations" / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def _translations(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def test_sentences_are_found_in_code_and_in_templates() -> None:
    places = set(SENTENCES.values())
    assert len(SENTENCES) > 100
    assert any(place.startswith("web/texts.py") for place in places)
    assert any(place.startswith("templates/mail/") for place in places)


def test_every_sentence_has_its_english(catalog: Catalog) -> None:
    missing = [
        f"{place}: {text}"
        for text, place in SENTENCES.items()
        if (found := catalog.get(text)) is None or not all(part.strip() for part in _translations(found))
    ]
    assert missing == []


def test_a_translation_has_the_values_of_its_sentence(catalog: Catalog) -> None:
    wrong = [
        message.id
        for message in catalog
        if message.id
        for original in ([message.id] if isinstance(message.id, str) else message.id)
        for said in _translations(message)
        if sorted(PLACEHOLDER.findall(original)) != sorted(PLACEHOLDER.findall(said))
    ]
    assert wrong == []


def test_nothing_is_fuzzy_and_nothing_is_left_over(catalog: Catalog) -> None:
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in catalog if message.id}
    assert [message.id for message in catalog if message.id and message.fuzzy] == []
    assert known - set(SENTENCES) == set()
    assert not catalog.obsolete


def test_what_is_said_of_any_method_names_no_card() -> None:
    """Who signed in by telephone is not told of a card; a method has sentences of its own for that."""
    assert [code for code, sentence in REFUSALS.items() if "carte" in sentence] == []
