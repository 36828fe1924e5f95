"""The port of a Context to professionals' cards."""

from typing import Protocol

from idp.pki import CardHolder


class Cards(Protocol):
    """Says whose card signed for this provider's origin, or was there in the browser's certificate dialog, now.

    ports: where the helper on a person's workstation listens, the first and the last. help_url: how to get it.
    has_dialog: there is a host that asks the browser for a certificate.
    """

    ports: tuple[int, int]
    help_url: str | None
    has_dialog: bool

    def authenticate(self, token: str, nonce: str) -> CardHolder:
        """token: of the format Web eID 1.0, as it was posted. Raises `idp.pki.CardRefused`."""

    def dialog_url(self, nonce: str) -> str:
        """Where the dialog is opened for this nonce of this login; from there the browser brings a ticket back."""

    def opened(self, ticket: str, nonce: str) -> bytes | None:
        """The certificate (DER) that was chosen for this nonce; None if none was. Raises CardRefused."""

    def holder(self, certificate: bytes) -> CardHolder:
        """Whose certificate of a ticket it is. Raises CardRefused."""
