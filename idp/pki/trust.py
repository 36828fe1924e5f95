"""Which cards are trusted, and whose they are."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from idp.pki import authorities, web_eid
from idp.pki.certificate import CardCertificate, read
from idp.pki.holder import CardHolder, holder_of
from idp.pki.refused import CardRefused
from idp.pki.revocation import Revocation
from idp.settings import SettingsError
from idp.settings.sections import Card


@dataclass(frozen=True, slots=True)
class CardTrust:
    """Made once, at the start; thread-safe."""

    settings: Card
    authorities: tuple[x509.Certificate, ...]
    revocation: Revocation

    @classmethod
    def load(cls, card: Card) -> "CardTrust":
        """Raises SettingsError, which names the key."""
        if card.authorities is None:
            raise SettingsError("card.authorities: name the authorities that issue cards to persons")
        trusted = authorities.load(card.authorities, test_cards=card.test_cards)
        return cls(card, trusted, Revocation(card.crl_files, trusted))

    def authenticate(self, token: str, *, origin: str, nonce: str, now: datetime) -> CardHolder:
        """Whose card signed the nonce for a page of this origin; `token` is the JSON of Web eID.

        The caller spends the nonce first, whatever comes of it. Raises CardRefused; that its certificate is refused
        is told to whom has its key alone, for certificates are public.
        """
        stated = web_eid.parse(token)
        card = read(stated.certificate)
        stated.check_signature(card.public_key, origin, nonce)
        return self._holder(card, now)

    def holder(self, certificate_der: bytes, now: datetime) -> CardHolder:
        """Whose card it is, once something else has proven that it is there. Raises CardRefused."""
        return self._holder(read(certificate_der), now)

    def _holder(self, card: CardCertificate, now: datetime) -> CardHolder:
        authority = authorities.issuer_of(card.certificate, self.authorities, now)
        _check_dates(card.certificate, now)
        authorities.check_path(card.certificate, authority, now)
        self._check_use(card)
        options = {"test_cards": self.settings.test_cards, "non_nominative": self.settings.non_nominative}
        holder = holder_of(card, authority, **options)
        try:
            self.revocation.check(card.certificate, authority, now)
        except CardRefused as refusal:
            raise CardRefused(refusal.code, refusal.detail, holder) from refusal
        return holder

    def _check_use(self, card: CardCertificate) -> None:
        if not card.is_for_login:
            raise CardRefused("wrong_usage", "not an authentication certificate")
        if self.settings.policies and card.policies.isdisjoint(self.settings.policies):
            raise CardRefused("policy_not_accepted")


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise CardRefused("not_yet_valid")
    if now >= certificate.not_valid_after_utc:
        raise CardRefused("expired")
