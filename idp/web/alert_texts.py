"""What alerts say, in French; the catalogue has the English."""

from idp.domain.texts import N_, Text

# What support must look at, by the kind of an alert.
ALERTS: dict[str, Text] = {
    "account.not_me": N_(
        "Une personne signale qu'un changement de son compte, ou une connexion, n'était pas d'elle. Ce qui a été "
        "changé ou a servi à se connecter est révoqué, et sa boîte mail ne permet plus de se connecter tant que cette "
        "alerte est ouverte : vérifiez d'abord son identité. Si l'adresse e-mail avait été changée, elle n'est plus "
        "vérifiée : redonnez la bonne avant de fermer l'alerte."
    ),
    "account.close_requested": N_(
        "Une personne demande la fermeture de son compte. Vérifiez que la demande vient bien d'elle, fermez le compte "
        "si rien ne s'y oppose, répondez-lui, puis fermez cette alerte."
    ),
    "identity_change.not_asked": N_(
        "Une personne a refusé un changement d'adresse ou d'identifiant national que l'assistance préparait pour son "
        "compte. Rien n'a été changé. Appelez-la, et demandez aux opérateurs qui l'ont proposé et approuvé ce qui "
        "s'est passé."
    ),
    "identity_change.stopped": N_(
        "Un changement d'adresse ou d'identifiant national, pourtant approuvé, n'a pas pu être fait : il est annulé. "
        "La raison est ci-dessous."
    ),
    "identity_change.alone": N_(
        "Un opérateur a changé seul, par la ligne de commande, l'adresse ou l'identifiant national d'un compte "
        "(option --alone). Vérifiez auprès de la personne et de l'opérateur que c'était nécessaire."
    ),
    "link.names_differ": N_(
        "Le nom d'une carte ou d'un fournisseur d'identité n'est pas celui du compte auquel on veut le relier : "
        "vérifiez l'identité de la personne, corrigez le nom ou refusez."
    ),
    "link.identity_taken": N_(
        "Une carte ou un fournisseur d'identité devait être relié à un compte, alors qu'un autre compte porte déjà "
        "cet identifiant national : vérifiez lequel est le bon."
    ),
    "link.other_identity": N_(
        "Une carte ou un fournisseur d'identité devait être relié à un compte qui porte un autre identifiant national, "
        "par exemple un numéro ADELI que le RPPS a remplacé, ou nomme deux numéros que deux comptes portent : vérifiez "
        "l'identité de la personne, retirez "
        "l'identifiant qui n'est plus le sien, puis reliez."
    ),
    "token.code_replayed": N_("Un code d'autorisation a servi deux fois : il a pu être lu en chemin."),
    "token.refresh_replayed": N_(
        "Un jeton de rafraîchissement déjà échangé a resservi : quelqu'un d'autre peut l'avoir."
    ),
    "letters.given_up": N_("Des e-mails n'ont pas pu être envoyés : vérifiez le serveur de messagerie."),
    "logout.given_up": N_(
        "Un service n'a pas pu être prévenu de la fin de sessions : des personnes y sont peut-être encore connectées."
    ),
    "audit.late": N_("Des événements d'audit sont arrivés trop tard : une horloge est fausse, ou ils ont été ajoutés."),
    "card.list_not_fetched": N_(
        "Une liste de révocation de cartes n'a pas pu être téléchargée, et celle qui est là arrive à son terme : "
        "bientôt, les cartes de cette autorité seront refusées."
    ),
    "card.list_ran_out": N_(
        "Une personne s'est connectée avec une carte sur la foi d'une liste de révocation périmée, comme le mode "
        "dégradé le permet : faites remplacer la liste."
    ),
    "totp.blocked": N_(
        "Cinquante codes faux de suite ont été saisis pour l'application d'authentification d'une personne : quelqu'un "
        "connaît peut-être son mot de passe. Ses codes ne comptent plus jusqu'à ce qu'elle se connecte par un autre "
        "moyen : vérifiez son identité, faites-lui changer son mot de passe, puis débloquez l'application."
    ),
    "passkey.copied": N_(
        "Le compteur d'une clé d'accès est revenu en arrière : quelqu'un en a peut-être une copie. La connexion a été "
        "refusée : demandez à la personne de retirer cette clé et d'en enregistrer une autre."
    ),
    "emergency_code.used": N_(
        "Une personne s'est connectée avec un code de secours. Vérifiez auprès de qui l'a remis que le besoin était "
        "réel, et que c'est bien elle qui l'a demandé."
    ),
    "keys.rotation_failed": N_("Les clés de signature n'ont pas pu être renouvelées."),
}
