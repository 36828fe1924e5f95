"""Why a card signed nobody in: the code that support searches for, what people read, what they can do.

Here is what the provider refuses; `idp.methods.reader_causes` has what the page finds out on the workstation. A code is
never changed, nor given to another cause. docs/card.md has the table for support; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from idp.domain.texts import N_, Text

OTHER_WAY = N_("Sinon, choisissez un autre mode d'authentification.")
ASK_SUPPORT = N_("Si cela se répète, contactez l'assistance.")


@dataclass(frozen=True, slots=True)
class Cause:
    """code: `CPS-` and two digits. happened: one sentence. to_do: what to do, in this order."""

    code: str
    title: Text
    happened: Text
    to_do: tuple[Text, ...] = ()
    icon: str = "warning"
    names_support: bool = False


# What the provider refuses: a page each, by the code of the refusal.
REFUSED: Mapping[str, Cause] = MappingProxyType(
    {
        "token_missing": Cause(
            "CPS-31",
            N_("La carte n'a rien signé"),
            N_("Aucune signature de votre carte ne nous est parvenue."),
            (N_("Réessayez."), N_("Si cela se répète, relancez le logiciel du lecteur, ou mettez-le à jour.")),
        ),
        "challenge_expired": Cause(
            "CPS-32",
            N_("Cette demande n'est plus valable"),
            N_("Elle a plus de cinq minutes, ou a été ouverte deux fois."),
            (N_("Réessayez, dans une seule fenêtre."),),
            icon="clock",
        ),
        "token_malformed": Cause(
            "CPS-33",
            N_("La réponse du lecteur est incompréhensible"),
            N_("Le logiciel du lecteur a répondu d'une manière que nous ne savons pas lire."),
            (N_("Mettez à jour ce logiciel, puis réessayez."), ASK_SUPPORT),
            names_support=True,
        ),
        "signature_wrong": Cause(
            "CPS-34",
            N_("La signature de la carte n'est pas valable"),
            N_("La carte a signé une autre demande, ou pour une autre adresse que celle de cette page."),
            (N_("Fermez cette page et recommencez depuis le service."), ASK_SUPPORT),
            icon="shield",
            names_support=True,
        ),
        "no_certificate": Cause(
            "CPS-35",
            N_("Aucun certificat n'a été choisi"),
            N_(
                "La fenêtre de choix du certificat (« Sélectionner un certificat ») a été fermée, ou ne s'est pas "
                "ouverte."
            ),
            (
                N_("Vérifiez que votre carte est dans le lecteur, puis appuyez sur « Réessayer »."),
                N_("Sélectionnez le certificat de votre carte, validez avec « OK » et saisissez votre code porteur."),
                N_(
                    "Si aucun certificat n'est proposé, demandez à votre service informatique d'installer le logiciel "
                    "de la carte (Cryptolib CPS)."
                ),
                N_(
                    "Si la fenêtre ne s'ouvre pas, fermez toutes les fenêtres du navigateur et recommencez depuis le "
                    "service."
                ),
            ),
            icon="card",
        ),
        "ticket_malformed": Cause(
            "CPS-36",
            N_("La réponse du navigateur n'est pas la bonne"),
            N_("Elle est abîmée, ou vient d'une autre connexion que celle-ci."),
            (N_("Fermez cette page et recommencez depuis le service."), ASK_SUPPORT),
            icon="shield",
            names_support=True,
        ),
        "ticket_expired": Cause(
            "CPS-37",
            N_("Le certificat a été choisi trop tard"),
            N_("La réponse du navigateur ne vaut que cinq minutes."),
            (N_("Réessayez."),),
            icon="clock",
        ),
        "expired": Cause(
            "CPS-40",
            N_("Cette carte a expiré"),
            N_("Sa date de fin de validité est passée."),
            (N_("Utilisez votre nouvelle carte."), OTHER_WAY),
            icon="calendar",
        ),
        "not_yet_valid": Cause(
            "CPS-41",
            N_("Cette carte n'est pas encore valable"),
            N_("Sa date de début de validité n'est pas atteinte."),
            (N_("Utilisez l'ancienne jusque-là."), OTHER_WAY),
            icon="calendar",
        ),
        "revoked": Cause(
            "CPS-42",
            N_("Cette carte a été révoquée"),
            N_("L'autorité qui l'a émise l'a annulée : elle ne permet plus de se connecter."),
            (N_("Utilisez une autre carte ou contactez l'assistance."),),
            icon="stop",
            names_support=True,
        ),
        "revocation_unknown": Cause(
            "CPS-43",
            N_("Nous ne pouvons pas vérifier cette carte pour le moment"),
            N_("Il nous manque la liste des cartes révoquées : la vôtre n'est pas en cause."),
            (N_("Réessayez plus tard."), OTHER_WAY),
            icon="clock",
        ),
        "unknown_authority": Cause(
            "CPS-44",
            N_("Cette carte n'est pas reconnue ici"),
            N_("Elle ne fait pas partie des cartes de professionnel de santé acceptées ici."),
            (
                N_("Insérez votre carte CPS, puis réessayez."),
                N_(
                    "Si votre navigateur vous a fait choisir un certificat, il garde ce choix : "
                    "voyez « Changer de carte »."
                ),
                OTHER_WAY,
            ),
        ),
        "wrong_usage": Cause(
            "CPS-45",
            N_("Ce certificat ne sert pas à se connecter"),
            N_("Une carte en porte plusieurs, et celui-ci sert à signer ou à autre chose."),
            (
                N_(
                    "Si votre navigateur vous a fait choisir, prenez l'autre certificat de la carte, celui "
                    "d'authentification : voyez « Changer de carte »."
                ),
                N_("Sinon, mettez à jour le logiciel du lecteur."),
            ),
        ),
        "test_card": Cause(
            "CPS-46",
            N_("Cette carte est une carte de test"),
            N_("Les cartes de test ne sont pas acceptées ici."),
            (N_("Utilisez votre carte CPS."), OTHER_WAY),
        ),
        "not_nominative": Cause(
            "CPS-47",
            N_("Cette carte n'est pas nominative"),
            N_("Elle n'est au nom de personne, et ne dit donc pas qui se connecte."),
            (N_("Utilisez une carte à votre nom."), OTHER_WAY),
        ),
        "certificate_malformed": Cause(
            "CPS-48",
            N_("Le certificat de cette carte est illisible"),
            N_("Il est abîmé, ou d'un type trop ancien pour être sûr."),
            (N_("Essayez une autre carte ou contactez l'assistance."),),
            names_support=True,
        ),
        "policy_not_accepted": Cause(
            "CPS-49",
            N_("Ce type de carte n'est pas accepté ici"),
            N_("Elle est valable, mais d'une famille de cartes que nous n'acceptons pas."),
            (N_("Utilisez une autre carte ou contactez l'assistance."),),
            names_support=True,
        ),
        "identity_malformed": Cause(
            "CPS-50",
            N_("L'identifiant national inscrit dans cette carte n'est pas valable"),
            N_("La carte elle-même est à remplacer."),
            (N_("Contactez l'assistance."), OTHER_WAY),
            names_support=True,
        ),
        "identity_disagrees": Cause(
            "CPS-51",
            N_("Les identifiants inscrits dans cette carte se contredisent"),
            N_("Elle porte deux identifiants différents : elle est à remplacer."),
            (N_("Contactez l'assistance."), OTHER_WAY),
            names_support=True,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class OfTheAccount:
    """words: of the card, instead of what the driver says of any method."""

    code: str
    words: Text | None = None


# What is wrong with the account and not with the card: said by the login page.
OF_THE_ACCOUNT: Mapping[str, OfTheAccount] = MappingProxyType(
    {
        "not_linked": OfTheAccount("CPS-60", N_("Votre carte CPS n'est pas encore reliée à un compte.")),
        "link_removed": OfTheAccount("CPS-61", N_("Votre carte CPS n'est plus reliée à votre compte.")),
        "other_account": OfTheAccount(
            "CPS-62",
            N_(
                "Cette carte n'est pas celle du compte attendu. Insérez la vôtre, ou choisissez un autre mode "
                "d'authentification."
            ),
        ),
        "link_refused": OfTheAccount("CPS-63"),
        "link_names_differ": OfTheAccount("CPS-64"),
        "account_inactive": OfTheAccount("CPS-65"),
    }
)
