"""Why a card is refused."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.pki.holder import CardHolder

CAUSES = frozenset(
    {
        "token_malformed",  # the token is not one of Web eID
        "ticket_malformed",  # what came back of the browser's dialog was not sealed by us, for this login
        "ticket_expired",  # it was, for what is over
        "no_certificate",  # none was chosen in the dialog
        "signature_wrong",  # by another key, over another origin or nonce, or damaged
        "certificate_malformed",  # it cannot be read, or uses what is not accepted (SHA-1, a short key)
        "unknown_authority",
        "expired",
        "not_yet_valid",
        "wrong_usage",  # the signature certificate, an authority's, a software certificate
        "policy_not_accepted",
        "test_card",
        "not_nominative",
        "identity_malformed",
        "identity_disagrees",  # the certificate says two things of its holder
        "revoked",
        "revocation_unknown",  # no list of its authority that is signed and fresh
    }
)


class CardRefused(Exception):
    """code: one of CAUSES. detail: for the log, without anything personal. holder: if only a list is against it."""

    def __init__(self, code: str, detail: str = "", holder: "CardHolder | None" = None) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        if code not in CAUSES:
            raise ValueError(f"{code}: not a cause of refusal")
        self.code, self.detail, self.holder = code, detail, holder
