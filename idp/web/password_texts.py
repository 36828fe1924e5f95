"""Sentences about a new password, in French; the catalogue has the English."""

from idp.domain.texts import N_, Text

# What is wrong with a new password, by the code of `idp.domain.password_rules`; the page says the same while one types.
PASSWORD_PROBLEMS: dict[str, Text] = {
    "too_short": N_("Le mot de passe doit compter au moins 12 caractères."),
    "too_long": N_("Le mot de passe doit compter au plus 128 caractères."),
    "guessable": N_(
        "Le mot de passe contient votre nom, votre identifiant ou le nom d'un service, et trop peu d'autre chose."
    ),
    "common": N_("Ce mot de passe, ou celui dont il est tiré, est connu des pirates : ils l'essaient en premier."),
    "repetitive": N_("Le mot de passe se répète trop : ajoutez d'autres caractères."),
    "follows": N_("Le mot de passe suit l'ordre des touches, des lettres ou des chiffres : évitez les suites."),
    "few_words": N_("Le mot de passe compte trop peu de mots : ajoutez-en d'autres, sans lien entre eux."),
    "dated": N_("Le mot de passe est surtout fait d'une date : ajoutez autre chose."),
    "weak": N_("Le mot de passe serait trop vite trouvé : allongez-le."),
    "different": N_("Les deux mots de passe ne sont pas identiques."),
    "unchanged": N_("Choisissez un autre mot de passe que l'actuel."),
    "current_wrong": N_("Le mot de passe actuel est incorrect."),
    "too_many_attempts": N_("Trop d'essais infructueux. Réessayez dans %(minutes)s min."),
}
PASSWORD_LEVELS: dict[str, Text] = {
    "very_weak": N_("très faible"),
    "weak": N_("faible"),
    "fair": N_("correcte"),
    "good": N_("bonne"),
    "strong": N_("excellente"),
}
