"""What the demo's services ask of those who want access: the form of Espace Pro, and the profiles of the ROR."""

from collections.abc import Mapping

from idp.domain.service_access import OTHER, Field, ServiceAccess, ServiceRole

FUNCTIONS = (
    *("Médecin", "Chirurgien", "Sage-femme", "Infirmier", "Cadre de santé", "Pharmacien", "Masseur-kinésithérapeute"),
    *("Assistant de régulation médicale", "Directeur d'établissement", "Gestionnaire de lits", "Secrétaire médical"),
    OTHER,
)
# Of TRE_R38-SpecialiteOrdinale, the most frequent.
SPECIALITIES = (
    *("Anesthésie-réanimation", "Cardiologie", "Chirurgie générale", "Gastro-entérologie", "Gériatrie"),
    *("Gynécologie-obstétrique", "Maladies infectieuses", "Médecine d'urgence", "Médecine générale"),
    *("Médecine intensive-réanimation", "Médecine interne", "Néphrologie", "Neurologie", "Pédiatrie", "Pneumologie"),
    *("Psychiatrie", "Radio-diagnostic", "Santé publique", "Sans objet"),
)
YOU_ARE = (
    *("Un professionnel d'un établissement de santé", "Un professionnel d'un établissement médico-social"),
    *("Un professionnel libéral", "Un membre d'une tutelle (ARS)", OTHER),
)
ESPACE_PRO = ServiceAccess(
    "espace-pro",
    region_approves=True,
    service_approves=True,
    fields=(
        Field("given_name", "Prénom", source="given_name", is_locked=True),
        Field("family_name", "Nom", source="family_name", is_locked=True),
        Field("email", "Email", source="email", is_locked=True),
        Field("function", "Fonction", "select", is_required=True, choices=FUNCTIONS),
        Field("function_other", "Fonction autre", hint="Si votre fonction est « - Autre - »", other_of="function"),
        Field("speciality", "Spécialité", "select", is_required=True, choices=SPECIALITIES),
        Field("you_are", "Vous êtes:", "select", is_required=True, choices=YOU_ARE),
        Field(
            "more",
            "Complément information",
            "textarea",
            hint="Merci de préciser votre profession, lieu d'exercice et besoin",
        ),
        Field(
            "phone",
            "Téléphone",
            "tel",
            hint="Numéro de téléphone professionnel",
            is_required=True,
            source="phone_number",
        ),
    ),
    terms_version="espace-pro-2026-06",
)
# JDV_J286-ProfilUtilisateurReferentielNational-ROR: those that staff of an establishment have, and three others.
ROR_ROLES = (
    ServiceRole("RESP_OFFRE_STRUCT", "Responsable Offre de structure", takes_perimeter=True),
    ServiceRole("PORTEUR_OFFRE", "Porteur d'offre", takes_perimeter=True),
    ServiceRole("RESP_DISPO_PLACE", "Responsable Disponibilité en lit / place", takes_perimeter=True),
    ServiceRole("REF_DISPO_PLACE", "Référent saisie disponibilité en lit / place", takes_perimeter=True),
    ServiceRole("RESP_QA", "Responsable Qualité", takes_perimeter=True),
    ServiceRole("REF_MSP", "Référent Maison de Santé Pluriprofessionnelle", takes_perimeter=True),
    ServiceRole("PSL", "Professionnel de Santé Libéral"),
)
ROR = ServiceAccess(
    "ror",
    region_approves=True,
    fields=(
        Field(
            "profile",
            "Profil demandé",
            "select",
            is_required=True,
            choices=tuple(role.label for role in ROR_ROLES),
        ),
        Field("finess", "Établissement", hint="Nom et numéro FINESS de votre établissement", is_required=True),
    ),
    roles=ROR_ROLES,
)
FORMS = (ESPACE_PRO, ROR)
BY_SERVICE: Mapping[str, ServiceAccess] = {form.client_id: form for form in FORMS}
