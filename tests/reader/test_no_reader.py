"""A module that has no slot: no reader is connected."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from card_reader import pkcs11_card
from card_reader.card import CardError, Seen, State
from card_reader.pkcs11_card import Pkcs11Card


class Empty:
    """A module without slots."""

    def get_slots(self, token_present: bool = False) -> list[Any]:
        return []


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Pkcs11Card:
    @contextmanager
    def library(_: Path) -> Iterator[Empty]:
        yield Empty()

    monkeypatch.setattr(pkcs11_card, "_library", library)
    return Pkcs11Card(Path("/usr/lib/module.so"))


def test_that_no_reader_is_there_is_told_apart_from_no_card(card: Pkcs11Card) -> None:
    assert card.look() == Seen(State.ABSENT, code="no_reader")


def test_nothing_is_signed_without_one(card: Pkcs11Card) -> None:
    with pytest.raises(CardError, match="no_card"):
        card.sign("1234", "https://idp.example", "nonce")
