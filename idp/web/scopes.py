"""What each scope means to a person: title and what is shared."""

from idp.domain.texts import N_, Text

SCOPE_TEXTS: dict[str, tuple[Text, Text]] = {
    "openid": (N_("Votre identifiant technique"), N_("Un numéro qui désigne votre compte, et rien d'autre.")),
    "profile": (N_("Votre identité"), N_("Nom, prénom, civilité et données de profil.")),
    "email": (N_("Votre adresse e-mail"), N_("Adresse et indication qu'elle est vérifiée.")),
    "address": (N_("Votre adresse professionnelle"), N_("Adresse postale.")),
    "phone": (N_("Votre téléphone"), N_("Numéro de téléphone professionnel.")),
    "identite_ps": (
        N_("Votre identité de professionnel de santé"),
        N_(
            "Identifiant national (RPPS ou ADELI), profession, spécialités, structures, activités et coordonnées"
            " professionnelles (adresse, téléphone, e-mail), avec leur origine."
        ),
    ),
    "habilitations": (
        N_("Vos habilitations dans ce service"),
        N_("Les rôles que vous y avez reçus, et les établissements pour lesquels ils valent."),
    ),
    "offline_access": (
        N_("Un accès prolongé"),
        N_("Le service peut relire ces informations même quand vous n'êtes pas connecté(e)."),
    ),
}
