"""Cards: the chain, dates, purpose, revocation and holder of a certificate, and the signature of a login."""

from idp.pki.holder import CardHolder
from idp.pki.refused import CAUSES, CardRefused
from idp.pki.trust import CardTrust

__all__ = ["CAUSES", "CardHolder", "CardRefused", "CardTrust"]
