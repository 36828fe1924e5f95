"""Sentences that code chooses, in French; the catalogue has the English. Marked for extraction by N_()."""

from idp.domain.texts import N_, Text

# Why the login page is shown: title and sentence, by the reason that `decide` gave.
BANDS: dict[str, tuple[Text, Text]] = {
    "register": (N_("Pour votre inscription."), N_("Ce qui sera lu remplit le formulaire, et y sera vérifié.")),
    "step_up": (
        N_("Une étape de plus."),
        N_("Vous êtes déjà connecté, mais ce service demande un autre mode d'authentification."),
    ),
    "no_password": (
        N_("Une étape de plus."),
        N_("Ce service n'accepte pas le mot de passe seul : choisissez un mode d'authentification forte."),
    ),
    "prompt_login": (N_("Confirmez que c'est vous."), N_("Ce service vous demande de vous authentifier à nouveau.")),
    "too_old": (
        N_("Confirmez que c'est vous."),
        N_("Votre dernière authentification est trop ancienne pour ce service."),
    ),
    "other_account": (
        N_("Un autre compte est attendu."),
        N_("Ce service attend un autre compte que celui qui est connecté dans ce navigateur."),
    ),
    "prior_login": (
        N_("Une étape de plus."),
        N_(
            "Pour ce service, connectez-vous une première fois avec un autre mode, par exemple votre adresse e-mail : "
            "celui que vous avez utilisé sera accepté ensuite."
        ),
    ),
    "too_weak": (
        N_("Ce n'est pas suffisant pour ce service."),
        N_("Choisissez un autre mode d'authentification, ou contactez l'assistance."),
    ),
    "proof_void": (
        N_("Authentifiez-vous à nouveau."),
        N_("Le mode par lequel vous vous étiez connecté a été suspendu : cette connexion ne compte plus."),
    ),
    "confirm": (
        N_("Confirmez que c'est vous."),
        N_("Cette action touche à la sécurité de votre compte : authentifiez-vous à nouveau."),
    ),
    "link": (
        N_("Prouvez d'abord que ce compte est le vôtre."),
        N_(
            "Ce mode d'authentification n'est pas encore relié à votre compte. Connectez-vous avec deux preuves de ce "
            "compte pour les relier ; sans compte, contactez l'assistance."
        ),
    ),
    "add_means": (N_("Présentez ce que vous voulez relier."), N_("Il sera relié à votre compte après votre accord.")),
    "address_proven": (
        N_("Votre adresse e-mail est vérifiée."),
        N_("Saisissez maintenant le mot de passe de votre compte."),
    ),
    "one_mailbox": (
        N_("Ce n'est pas suffisant pour ce service."),
        N_(
            "Votre mot de passe a été défini depuis votre boîte mail : avec un code envoyé à la même boîte, "
            "cela ne fait qu'une seule preuve. Contactez l'assistance pour confirmer votre identité, "
            "ou choisissez un autre mode."
        ),
    ),
}

# Why what proves a national identity signs nobody in, where its method has no words of its own; and what to do.
UNLINKED: dict[str, Text] = {
    "not_linked": N_("Ce mode d'authentification n'est pas encore relié à un compte."),
    "link_removed": N_("Ce mode d'authentification n'est plus relié à votre compte."),
}
PROVE_FIRST: Text = N_(
    "Prouvez d'abord que ce compte est le vôtre. Connectez-vous avec deux preuves de votre compte pour y relier ce "
    "mode ; sans compte, contactez l'assistance."
)
# What the driver itself refuses, whatever the method; a method declares its own.
# Words are the same for a known and an unknown person.
REFUSALS: dict[str, Text] = {
    "too_many_attempts": N_(
        "Trop d'essais infructueux. Réessayez dans %(minutes)s min, ou choisissez un autre mode d'authentification."
    ),
    "account_inactive": N_("Ce compte n'est pas actif. Contactez l'assistance."),
    "means_missing": N_("Votre compte ne permet pas encore ce mode d'authentification. Contactez l'assistance."),
    "other_account": N_("Ce n'est pas le compte que ce service attend."),
    "already_linked": N_("Ce mode d'authentification est déjà relié à votre compte."),
    "not_linked": N_("Ce mode d'authentification n'est pas relié à un compte. Contactez l'assistance."),
    "prior_login_needed": N_(
        "Pour ce service, connectez-vous une première fois avec un autre mode, par exemple votre adresse e-mail : ce "
        "mode-ci sera accepté ensuite. Sans compte, contactez l'assistance."
    ),
    "link_refused": N_("Ce mode d'authentification ne peut pas être relié à ce compte. Contactez l'assistance."),
    "link_names_differ": N_(
        "Le nom transmis n'est pas celui de votre compte. L'assistance est prévenue : contactez-la."
    ),
    "proof_void": N_(
        "Cette authentification date d'avant la fin d'une suspension de ce mode : authentifiez-vous à nouveau."
    ),
    "internal": N_("Ce mode d'authentification n'a pas abouti. Réessayez, ou choisissez un autre mode."),
}

# Pages that stop a journey: title and sentence, by the code of a JourneyError.
STOPS: dict[str, tuple[Text, Text]] = {
    "interaction_gone": (
        N_("Cette connexion a expiré"),
        N_("Elle est terminée ou a duré plus de quinze minutes. Retournez sur le service et recommencez."),
    ),
    "interaction_foreign": (
        N_("Cette connexion a commencé dans un autre navigateur"),
        N_("Retournez sur le service depuis ce navigateur-ci et recommencez."),
    ),
    "interaction_busy": (
        N_("Cette page a été utilisée deux fois en même temps"),
        N_("Revenez en arrière et recommencez."),
    ),
    "form_foreign": (
        N_("Ce formulaire n'est plus valable"),
        N_("Revenez en arrière, rechargez la page et recommencez. Vérifiez que les cookies sont acceptés."),
    ),
    "method_refused": (
        N_("Ce mode d'authentification n'est pas accepté"),
        N_("Le service que vous voulez ouvrir ne l'accepte pas. Choisissez un autre mode."),
    ),
    "method_suspended": (
        N_("Ce mode d'authentification est suspendu"),
        N_("Rien n'a été relié. Réessayez quand il sera rétabli, ou contactez l'assistance."),
    ),
    "not_found": (N_("Page introuvable"), N_("L'adresse demandée n'existe pas.")),
    "method_not_allowed": (N_("Requête refusée"), N_("Cette adresse ne se demande pas ainsi.")),
    "too_large": (N_("Requête refusée"), N_("Ce qui a été envoyé est trop volumineux.")),
    "bad_request": (N_("Requête refusée"), N_("La requête n'a pas pu être lue.")),
    "card_header_forged": (
        N_("Requête refusée"),
        N_(
            "Elle contient, sur un certificat, une information que seul notre serveur peut donner. Si vous n'y êtes "
            "pour rien, prévenez votre service informatique."
        ),
    ),
    "unavailable": (
        N_("Service momentanément indisponible"),
        N_("Nos équipes sont prévenues. Réessayez dans quelques instants."),
    ),
    "internal": (
        N_("Une erreur est survenue"),
        N_("Rien n'a été enregistré. Réessayez ; si cela se répète, donnez la référence ci-dessous à l'assistance."),
    ),
    "mailbox_closed": (
        N_("Votre boîte mail ne suffit plus pour vous connecter"),
        N_("Un changement de votre compte a été signalé comme n'étant pas de vous. Contactez l'assistance."),
    ),
    "temporary_session": (
        N_("Rien ne peut être modifié avec un code de secours"),
        N_(
            "Cette session a été ouverte par un code de secours : elle sert à travailler, pas à changer vos moyens "
            "d'authentification, votre mot de passe, votre adresse ou vos données. Déconnectez-vous, puis "
            "reconnectez-vous avec vos propres moyens, ou appelez l'assistance."
        ),
    ),
    "means_needed": (
        N_("Votre mot de passe ne suffit pas pour ajouter un moyen d'authentification"),
        N_("Votre compte n'a pas encore d'autre preuve. Contactez l'assistance."),
    ),
    "link_refused": (
        N_("Ce mode d'authentification ne peut pas être relié à ce compte"),
        N_("Contactez l'assistance, qui est prévenue."),
    ),
    "link_names_differ": (
        N_("Le nom n'est pas celui de votre compte"),
        N_("Rien n'a été relié. L'assistance est prévenue : contactez-la."),
    ),
    "enrolment_over": (
        N_("Aucun téléphone n'a été ajouté"),
        N_("La demande a expiré, ou ce n'est plus le même téléphone. Recommencez depuis « Mon compte »."),
    ),
    "portal_failed": (N_("La connexion n'a pas abouti"), N_("Recommencez depuis « Mon compte ».")),
    "console_failed": (N_("La connexion n'a pas abouti"), N_("Recommencez depuis la console.")),
    "console_denied": (
        N_("Accès refusé"),
        N_("Votre compte n'a pas le rôle qu'il faut pour cette page de la console. Demandez-le à votre responsable."),
    ),
    "site_closed": (
        N_("La console est fermée"),
        N_("Sa politique n'exige pas d'authentification forte : personne n'y entre tant qu'elle n'est pas corrigée."),
    ),
}
PROTOCOL_STOP = (
    N_("Le service a envoyé une demande incorrecte"),
    N_("Ce n'est pas de votre fait. Retournez sur le service ; si cela se répète, prévenez l'assistance."),
)

RESET_INCOMPLETE = N_("Renseignez votre identifiant ou votre adresse e-mail.")

# What is enrolled and has not a method's name, by its kind.
KINDS: dict[str, Text] = {"phone": N_("Téléphone")}

# What a letter to a holder spoke of, by the name of its event.
CHANGES: dict[str, Text] = {
    "password.changed": N_("Le mot de passe de votre compte a été changé."),
    "account.email_changed": N_("L'adresse e-mail de votre compte a été changée."),
    "account.phone_changed": N_("Le numéro de téléphone de votre compte a été changé ou supprimé."),
    "means.linked": N_("Un mode d'authentification a été relié à votre compte : il permet de s'y connecter."),
    "account.identity_related": N_(
        "Un autre identifiant national (RPPS ou ADELI) a été ajouté à votre compte, d'après votre fournisseur "
        "d'identité."
    ),
    "means.added": N_("Un moyen d'authentification a été ajouté à votre compte : il permet de s'y connecter."),
    "means.confirmed": N_("Un moyen d'authentification de votre compte a été confirmé : il compte davantage."),
    "means.removed": N_(
        "Un moyen d'authentification a été retiré de votre compte : il ne permet plus de s'y connecter."
    ),
    "phone.revoked": N_(
        "Un téléphone a été retiré de votre compte : dix codes PIN faux y ont été saisis de suite. Il ne permet plus "
        "d'approuver de connexion."
    ),
    "passkey.copied": N_(
        "Une clé d'accès de votre compte vient d'être refusée : il y en a peut-être une copie. Retirez-la dans « Mon "
        "compte » et enregistrez-en une autre."
    ),
    "means.removed_by_support": N_(
        "L'assistance a retiré un moyen d'authentification de votre compte : il ne permet plus de s'y connecter."
    ),
    "login.new_browser": N_("Quelqu'un s'est connecté à votre compte depuis un nouveau navigateur."),
    "emergency_code.issued": N_("L'assistance a préparé un code de secours pour votre compte."),
    "emergency_code.used": N_("Un code de secours a servi à se connecter à votre compte."),
    "account.close_requested": N_("La fermeture de votre compte a été demandée."),
}
