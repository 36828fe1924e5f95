"""The picture that one shows of oneself (P-092): to oneself only, for now."""

from datetime import timedelta

import flask

from idp.domain.audit import AuditEvent
from idp.domain.texts import N_, Text
from idp.domain.throttle import PICTURES
from idp.errors import JourneyError
from idp.flows.portal.contact_change import hold
from idp.flows.portal.contacts import PERSONAL
from idp.flows.portal.door import HOME, Visitor, opened, visitor
from idp.flows.portal.frame import done
from idp.flows.portal.personal import show
from idp.flows.services import Services
from idp.store.pictures import Picture
from idp.web.portrait import MEDIA_TYPE, BadPicture, portrait
from idp.web.uploads import PICTURE

SHOWN = f"{HOME}/picture"
PROBLEMS: dict[str, Text] = {
    "none": N_("Choisissez d'abord une image."),
    "unreadable": N_("Ce fichier n'est pas une image JPEG, PNG ou WebP, ou il est abîmé."),
    "too_many_pixels": N_("Cette image est trop grande : 12 millions de pixels au plus."),
    "animated": N_("Cette image est animée. Choisissez une image fixe."),
    "too_many": N_("Trop d'images ont été envoyées. Réessayez dans %(minutes)s min."),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """Sending one, removing it, and the image itself."""

    @bp.post(PICTURE)
    @opened(services, PERSONAL)
    def send_picture(visitor: Visitor) -> flask.Response:
        file = flask.request.files.get("picture")
        sent = file.read() if file else b""
        if not (file and file.filename):
            return show(services, visitor, {"picture": services.pages.say(PROBLEMS["none"])})
        with services.db.write() as tx:
            wait = tx.throttle.take(f"picture:{visitor.account.account_id}", PICTURES, services.now())
        if wait:
            minutes = -(-wait // timedelta(minutes=1))
            return show(services, visitor, {"picture": services.pages.say(PROBLEMS["too_many"], minutes=minutes)})
        try:
            image = portrait(sent)
        except BadPicture as error:
            return show(services, visitor, {"picture": services.pages.say(PROBLEMS[error.code])})
        with services.db.write() as tx:
            who = hold(services, tx, visitor).account_id
            tx.pictures.put(who, Picture(MEDIA_TYPE, image, services.now()))
            services.record(tx, AuditEvent("account.picture_changed", who, who, detail={"to": "another"}))
        return done(services, visitor, N_("Votre photo est enregistrée."), PERSONAL)

    @bp.post(f"{PICTURE}/remove")
    @opened(services, PERSONAL)
    def remove_picture(visitor: Visitor) -> flask.Response:
        with services.db.write() as tx:
            who = hold(services, tx, visitor).account_id
            if tx.pictures.remove(who):
                services.record(tx, AuditEvent("account.picture_changed", who, who, detail={"to": "none"}))
        return done(services, visitor, N_("Votre photo est supprimée."), PERSONAL)

    @bp.get(SHOWN)
    def picture() -> flask.Response:
        """The holder's own. No sign-in is started for it: an image in a page cannot follow one."""
        found = visitor(services)
        with services.db.read() as tx:
            kept = tx.pictures.get(found.account.account_id) if found else None
        if kept is None:
            raise JourneyError("not_found", status=404)
        response = flask.Response(kept.image, mimetype=kept.media_type)
        response.headers["Cache-Control"] = "private, max-age=300"
        return response
