"""What people are told of an upstream; `%(means)s` is its name. French; the catalogue has the English."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from idp.domain.texts import N_, Text

DOES_NOT_ANSWER: Final[Text] = N_("%(means)s ne répond pas en ce moment. Vous pouvez essayer quand même.")

HINTS: Final[Mapping[str, Text]] = MappingProxyType(
    dict.fromkeys(
        ("pro_sante_connect", "pro_sante_connect_sandbox"), N_("via votre carte CPS ou l'application mobile e-CPS")
    )
)

_BEGIN_AGAIN: Final = N_(
    "La réponse de %(means)s n'est pas celle que nous attendions. Par sécurité, elle n'a pas été acceptée. "
    "Recommencez ; si cela se répète, contactez l'assistance."
)
_CANNOT_VERIFY: Final = N_(
    "Nous n'avons pas pu vérifier la réponse de %(means)s. Par sécurité, elle n'a pas été acceptée. Choisissez un "
    "autre mode d'authentification et prévenez l'assistance."
)
REFUSALS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "down": N_("%(means)s ne répond pas. Réessayez plus tard, ou choisissez un autre mode d'authentification."),
        "slow": N_(
            "%(means)s n'a pas répondu à temps. Réessayez dans quelques instants, ou choisissez un autre mode "
            "d'authentification."
        ),
        "stale": N_(
            "Cette demande à %(means)s n'est plus valable : elle a plus de dix minutes, ou a déjà servi. Réessayez."
        ),
        "declined": N_("Vous avez interrompu la connexion avec %(means)s. Recommencez, ou choisissez un autre mode."),
        "upstream_error": N_(
            "%(means)s n'a pas pu terminer cette connexion. Réessayez, ou choisissez un autre mode d'authentification."
        ),
        "iss_wrong": _BEGIN_AGAIN,
        "answer_malformed": _BEGIN_AGAIN,
        "code_refused": _BEGIN_AGAIN,
        "nonce_wrong": _BEGIN_AGAIN,
        "other_subject": _BEGIN_AGAIN,
        "meant_for_others": _BEGIN_AGAIN,
        "iss_missing": _CANNOT_VERIFY,
        "signature_wrong": _CANNOT_VERIFY,
        "key_unknown": _CANNOT_VERIFY,
        "token_malformed": _CANNOT_VERIFY,
        "expired": N_(
            "La réponse de %(means)s est arrivée trop tard, ou son horloge et la nôtre diffèrent. Réessayez."
        ),
        "not_fresh": N_(
            "%(means)s ne confirme pas que vous venez de vous y authentifier, ce que ce service demande. "
            "Déconnectez-vous de %(means)s, puis réessayez."
        ),
        "acr_missing": N_(
            "%(means)s ne dit pas avec quel niveau de garantie vous vous êtes connecté. Choisissez un autre mode "
            "d'authentification."
        ),
        "acr_unexpected": N_(
            "Le niveau de garantie annoncé par %(means)s n'est pas accepté ici. Choisissez un autre mode "
            "d'authentification ou contactez l'assistance."
        ),
        "identity_missing": N_(
            "%(means)s ne nous a pas transmis votre identifiant national. Choisissez un autre mode d'authentification "
            "ou contactez l'assistance."
        ),
        "identity_malformed": N_(
            "L'identifiant national transmis par %(means)s n'est pas accepté ici. Choisissez un autre mode "
            "d'authentification ou contactez l'assistance."
        ),
        "not_linked": N_("Votre identité %(means)s n'est pas encore reliée à un compte."),
        "link_removed": N_("Votre identité %(means)s n'est plus reliée à votre compte."),
        "link_names_differ": N_(
            "Le nom transmis par %(means)s n'est pas celui de votre compte. L'assistance est prévenue : contactez-la."
        ),
    }
)
