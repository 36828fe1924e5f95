"""Every event of the audit has words for those who read it in the console."""

from idp.domain.audit import EVENTS
from idp.flows.console.event_words import WORDS


def test_every_event_has_words_of_its_own() -> None:
    assert set(WORDS) == set(EVENTS)
    assert len(set(WORDS.values())) == len(WORDS)
    assert all(words[:1] in "«" or words[:1].isupper() for words in WORDS.values())
