"""Which cards are trusted, and whose they are."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

from idp.outgoing import Outgoing
from idp.pki import authorities, web_eid
from idp.pki.certificate import CardCertificate, read
from idp.pki.holder import CardHolder, holder_of
from idp.pki.index import Index, Mac
from idp.pki.ocsp import Responder
from idp.pki.refused import CardRefused
from idp.pki.revocation import Revocation
from idp.settings import SettingsError
from idp.settings.sections import Addresses, Card


@dataclass(frozen=True, slots=True)
class CardTrust:
    """Made once, at the start; thread-safe."""

    settings: Card
    authorities: tuple[x509.Certificate, ...]
    revocation: Revocation
    index: Index | None = None

    @classmethod
    def load(cls, card: Card, *, mac: Mac | None = None, outgoing: Outgoing | None = None) -> "CardTrust":
        """mac: for the lists that the worker keeps; without it, as without `outgoing`, files alone are looked at.

        Raises SettingsError, which names the key.
        """
        if card.authorities is None:
            raise SettingsError("card.authorities: name the authorities that issue cards to persons")
        trusted = authorities.load(card.authorities, test_cards=card.test_cards)
        addresses = _addresses(card, trusted)
        index = Index(card.revocation_dir, mac, trusted) if mac else None
        responders = {
            authority: Responder(named.ocsp, outgoing, nonce_required=card.ocsp_nonce_required)
            for authority, named in addresses.items()
            if outgoing and named.ocsp
        }
        revocation = Revocation(
            card.crl_files,
            trusted,
            order=card.revocation,
            grace=timedelta(hours=card.revocation_max_age_h),
            index=index,
            responders=responders,
        )
        return cls(card, trusted, revocation, index)

    def addresses(self) -> dict[x509.Certificate, Addresses]:
        """Where lists and answers about each authority's cards are had, of those that the settings name."""
        return _addresses(self.settings, self.authorities)

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
            ran_out_at = self.revocation.check(card.certificate, authority, now)
        except CardRefused as refusal:
            raise CardRefused(refusal.code, refusal.detail, holder) from refusal
        return replace(holder, list_ran_out_at=ran_out_at)

    def _check_use(self, card: CardCertificate) -> None:
        if not card.is_for_login:
            raise CardRefused("wrong_usage", "not an authentication certificate")
        if self.settings.policies and card.policies.isdisjoint(self.settings.policies):
            raise CardRefused("policy_not_accepted")


def _addresses(card: Card, trusted: tuple[x509.Certificate, ...]) -> dict[x509.Certificate, Addresses]:
    """By the name of the authority: its successor may have the same. Raises SettingsError for one that is not known."""
    by_name = {each.authority: each for each in card.addresses}
    if unknown := by_name.keys() - set(map(authorities.common_name, trusted)):
        lines = (f"card.addresses: {name}: not one of card.authorities" for name in sorted(unknown))
        raise SettingsError("\n".join(lines))
    return {each: by_name[name] for each in trusted if (name := authorities.common_name(each)) in by_name}


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now < certificate.not_valid_before_utc:
        raise CardRefused("not_yet_valid")
    if now >= certificate.not_valid_after_utc:
        raise CardRefused("expired")
