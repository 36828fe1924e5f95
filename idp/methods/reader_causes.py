"""What keeps a card from signing on the workstation, as its page finds out; what comes after is `card_causes`."""

from collections.abc import Mapping
from types import MappingProxyType

from idp.domain.texts import N_
from idp.methods.card_causes import ASK_SUPPORT, Cause

# What the page of the card finds out by itself: a state of it each, by the name of the state.
AT_THE_READER: Mapping[str, Cause] = MappingProxyType(
    {
        "missing": Cause(
            "CPS-01",
            N_("Le logiciel du lecteur n'a pas été trouvé sur cet ordinateur"),
            N_("Votre carte est lue par un logiciel, qui n'est pas installé ou n'est pas démarré."),
            (
                N_("S'il est installé, démarrez-le : « sesame-reader »."),
                N_("Sinon, installez-le ou demandez-le au service informatique de votre établissement."),
            ),
        ),
        "denied": Cause(
            "CPS-02",
            N_("Votre navigateur interdit à ce site de communiquer avec le lecteur"),
            N_("L'accès aux applications de cet appareil a été refusé à ce site."),
            (
                N_("Cliquez sur l'icône à gauche de l'adresse de cette page."),
                N_(
                    "Autorisez l'accès aux applications de l'appareil, ou au réseau local (Chrome et Edge : dans "
                    "« Paramètres du site » si la ligne n'est pas visible)."
                ),
                N_("Revenez ici et appuyez sur « Réessayer »."),
            ),
            icon="lock",
        ),
        "refused": Cause(
            "CPS-03",
            N_("Ce site n'est pas autorisé à utiliser votre carte"),
            N_("Vous l'avez refusé, ou votre établissement ne le permet pas."),
            (N_("Pour changer d'avis, redémarrez le logiciel du lecteur, puis appuyez sur « Réessayer »."),),
            icon="lock",
        ),
        "several_helpers": Cause(
            "CPS-04",
            N_("Deux logiciels de lecture répondent sur ce poste"),
            N_("Votre code porteur ne sera pas demandé tant que nous ne savons pas lequel est le vôtre."),
            (N_("Fermez-en un et réessayez, contactez l'assistance, ou choisissez un autre mode d'authentification."),),
            names_support=True,
        ),
        "no_module": Cause(
            "CPS-05",
            N_("Le lecteur ne peut pas lire de carte CPS sur cet ordinateur"),
            N_("Le composant qui lit les cartes (Cryptolib CPS) n'est pas installé."),
            (N_("Demandez-le au service informatique de votre établissement."),),
        ),
        "no_reader": Cause(
            "CPS-10",
            N_("Aucun lecteur de carte n'est branché"),
            N_("Le logiciel est prêt, mais ne voit pas de lecteur."),
            (
                N_("Branchez votre lecteur, ou essayez une autre prise ou un autre câble."),
                N_("Cette page continue toute seule dès qu'il répond."),
            ),
        ),
        "insert": Cause(
            "CPS-11",
            N_("Insérez votre carte CPS dans le lecteur"),
            N_("Aucune carte n'est détectée dans le lecteur."),
            (N_("Si elle y est déjà, retirez-la, vérifiez son sens (puce en avant) et insérez-la jusqu'au bout."),),
            icon="card",
        ),
        "several_cards": Cause(
            "CPS-12",
            N_("Plusieurs cartes sont insérées"),
            N_("Nous ne savons pas laquelle est la vôtre."),
            (N_("Ne laissez que la vôtre : cette page continue toute seule."),),
        ),
        "no_certificate": Cause(
            "CPS-13",
            N_("Cette carte ne permet pas de se connecter"),
            N_("Aucun certificat d'authentification ne s'y trouve."),
            (N_("Insérez votre carte CPS, ou choisissez un autre mode d'authentification."),),
        ),
        "unreadable": Cause(
            "CPS-14",
            N_("Votre carte est illisible"),
            N_("Le lecteur la détecte, mais ne peut pas la lire."),
            (N_("Retirez votre carte, vérifiez son sens et insérez-la à nouveau."), ASK_SUPPORT),
            names_support=True,
        ),
        "locked": Cause(
            "CPS-20",
            N_("Votre carte est bloquée"),
            N_("Trois codes porteur erronés ont été saisis de suite."),
            (
                N_(
                    "Débloquez-la avec le code de déblocage du courrier de votre code porteur, ou choisissez un autre "
                    "mode d'authentification."
                ),
            ),
            icon="lock",
            names_support=True,
        ),
        "stale": Cause(
            "CPS-30",
            N_("Cette page a attendu trop longtemps"),
            N_("Pour votre sécurité, la demande à signer ne vaut que quelques minutes."),
            (N_("Appuyez sur « Réessayer » pour en ouvrir une autre."),),
            icon="clock",
        ),
    }
)

# What came of one try to sign: said above the state that the page is in, which says what can be done now.
AFTER_A_TRY: Mapping[str, Cause] = MappingProxyType(
    {
        "reader_gone": Cause(
            "CPS-06",
            N_("Le logiciel du lecteur ne répond plus."),
            N_("Il s'est arrêté pendant l'opération."),
            (N_("Relancez-le."),),
        ),
        "busy": Cause(
            "CPS-07",
            N_("Le lecteur est occupé."),
            N_("Il attend déjà votre réponse dans une autre fenêtre, ou vous fait patienter une minute."),
            (N_("Réessayez ensuite."),),
        ),
        "web_eid": Cause(
            "CPS-08",
            N_("L'opération a échoué dans l'application Web eID."),
            N_("Elle n'a rien signé."),
            (N_("Vérifiez la carte et le code, puis réessayez."),),
        ),
        "card_removed no_card": Cause(
            "CPS-15",
            N_("La carte a été retirée."),
            N_("Elle doit rester dans le lecteur pendant toute l'opération."),
            (N_("Insérez-la et réessayez."),),
        ),
        "unsupported": Cause(
            "CPS-16",
            N_("Cette carte ne sait pas signer comme il le faut."),
            N_("Sa clé ou son lecteur n'est pas pris en charge."),
            (N_("Contactez l'assistance."),),
        ),
        "failed": Cause(
            "CPS-17",
            N_("L'opération a échoué dans le lecteur."),
            N_("La carte n'a rien signé."),
            (N_("Retirez la carte, insérez-la à nouveau et réessayez."),),
        ),
        "pin_locked": AT_THE_READER["locked"],
        "pin_incorrect": Cause(
            "CPS-21",
            N_("Ce code porteur est incorrect."),
            N_("Trois erreurs de suite bloquent la carte."),
            (N_("Vérifiez-le avant de réessayer."),),
        ),
        "pin_malformed": Cause(
            "CPS-22",
            N_("Ce code porteur n'a pas la bonne forme."),
            N_("Il compte de quatre à huit chiffres. La carte n'a pas été interrogée."),
            (N_("Réessayez."),),
        ),
        "pin_cancelled": Cause(
            "CPS-23",
            N_("Vous n'avez pas saisi de code porteur."),
            N_("Rien n'a été envoyé."),
            (N_("Réessayez."),),
        ),
        "timeout": Cause(
            "CPS-24",
            N_("Le code porteur n'a pas été saisi à temps."),
            N_("La fenêtre du lecteur s'est refermée."),
            (N_("Réessayez."),),
        ),
    }
)
