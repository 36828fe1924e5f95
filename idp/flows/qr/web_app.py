"""The small web application of a phone: its first page, and what lets a browser install it.

Nothing of a person is kept on the phone by it: the service worker knows the page « hors ligne » and its look only.
"""

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import flask

from idp.domain.ids import digest
from idp.domain.phone import KnownPhone
from idp.domain.phone_request import RequestRefused
from idp.domain.texts import N_, Text
from idp.flows import answer
from idp.flows.qr import requests
from idp.flows.services import Services
from idp.settings.sections import Brand

HOME = "/qr"
STATIC = Path(__file__).parents[2] / "static"
KEPT = ("tokens.css", "page.css", "phone.css", "icons.svg", "fonts/atkinson-hyperlegible-latin-400-normal.woff2",
        "fonts/atkinson-hyperlegible-latin-700-normal.woff2")  # fmt: skip
ICONS = (
    ("qr-192.png", "192x192", "any"),
    ("qr-512.png", "512x512", "any"),
    ("qr-maskable-512.png", "512x512", "maskable"),
)
GROUND = "#f3f6f8"  # --ground of tokens.css, in light mode: what a phone shows before the page is there
REFUSALS: dict[str, Text] = {
    "foreign": N_("Ce code n'est pas celui qu'affiche l'ordinateur, ou il a expiré. Vérifiez-le et réessayez."),
    "expired": N_("Cette demande a expiré. Affichez un nouveau code sur l'ordinateur."),
}


def add_routes(bp: flask.Blueprint, services: Services) -> None:
    """The first page, and the files of the application."""
    worker = _worker(services.settings.brand)

    @bp.get(HOME)
    def home() -> flask.Response:
        return _home(services)

    @bp.post(HOME)
    def type_code() -> flask.Response:
        """The short code of who cannot scan leads where its QR code leads: looking binds nothing yet."""
        services.browser.check_form()
        typed = flask.request.form.get("code", "")
        try:
            request = requests.find_by_code(services, typed)
        except RequestRefused as refusal:
            said = services.pages.say(REFUSALS.get(refusal.code, REFUSALS["foreign"]))
            return _home(services, typed=typed[:20], error=said)
        return answer.see_other(urlsplit(requests.address(services, request)).path)

    @bp.get(f"{HOME}/offline")
    def offline() -> flask.Response:
        """What the service worker keeps: the same for everybody."""
        return services.pages.render("qr/offline.html", installs=True, home_url=HOME)

    @bp.get(f"{HOME}/manifest.webmanifest")
    def manifest() -> flask.Response:
        described = _manifest(services)
        return flask.Response(json.dumps(described, ensure_ascii=False), mimetype="application/manifest+json")

    @bp.get(f"{HOME}/sw.js")
    def service_worker() -> flask.Response:
        """Service Workers §3.1: its own folder would not have the first page in it."""
        response = flask.Response(worker, mimetype="text/javascript")
        response.headers["Service-Worker-Allowed"] = HOME
        response.headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"
        return response


def known_phone(services: Services) -> KnownPhone | None:
    """What this browser is remembered by: a hint, never a proof."""
    cookie = services.browser.read("phone")
    if cookie is None:
        return None
    with services.db.read() as tx:
        return tx.phones.by_cookie(digest(cookie))


def _home(services: Services, *, typed: str = "", error: str | None = None) -> flask.Response:
    return services.pages.render(
        "qr/home.html",
        status=400 if error else 200,
        installs=True,
        action=HOME,
        phone=known_phone(services),
        typed=typed,
        errors=[error] if error else [],
    )


def _manifest(services: Services) -> dict[str, object]:
    """W3C Web Application Manifest. Two sizes of PNG are what Chromium installs by, the masked one is Android's."""
    brand, say = services.settings.brand, services.pages.say
    return {
        "id": HOME,
        "name": say(N_("Connexion par téléphone – %(brand)s"), brand=brand.name),
        "short_name": brand.name[:12],
        "lang": services.pages.lang,
        "start_url": HOME,
        "scope": HOME,
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": brand.color,
        "icons": [
            {"src": f"/static/{name}", "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in ICONS
        ],
    }


def _worker(brand: Brand) -> str:
    """The script, with a name for what it keeps that changes with the look: browsers then fetch it anew."""
    logo = brand.logo_url or "/static/logo.svg"
    kept = [f"{HOME}/offline", *(f"/static/{name}" for name in (*KEPT, "brand.css"))]
    kept += [logo] if logo.startswith("/") else []
    script = (STATIC / "qr_worker.js").read_text(encoding="utf-8")
    of = hashlib.sha256(f"{brand.model_dump_json()}{script}".encode())
    for path in (*(STATIC / name for name in KEPT), STATIC.parent / "templates" / "qr" / "offline.html"):
        of.update(path.read_bytes())
    return f"const CACHE = {json.dumps('qr-' + of.hexdigest()[:16])};\nconst KEPT = {json.dumps(kept)};\n{script}"
