"""What the person typed, in a box: neither a log nor a traceback that prints local variables shows it."""

import re

from card_reader.card import CardError

FORM = re.compile(r"[0-9]{4,8}")  # four digits on a CPS card; cards of tests and of other issuers may have more


class Pin:
    """The only place that names the typed text is where it is handed to the card."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<Pin>"

    def check_form(self) -> None:
        """Raises CardError("pin_malformed") for what cannot be a PIN, so that the card loses no try over it."""
        if not FORM.fullmatch(self.text):
            raise CardError("pin_malformed")
