"""A web service with mozilla-django-oidc, as its documentation sets it up. SERVICE holds its settings, as JSON."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from werkzeug.serving import run_simple

SITE = "tests.clients.django_site"
TEMPLATES = Path(__file__).with_name("django_templates")
TABLES = ("auth", "contenttypes", "sessions")


def configure(given: dict[str, Any]) -> None:
    """given: metadata (the provider's), client_id, client_secret, home, database."""
    metadata = given["metadata"]
    settings.configure(
        SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF=SITE,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": given["database"]}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[*(f"django.contrib.{name}" for name in TABLES), "mozilla_django_oidc"],
        MIGRATION_MODULES=dict.fromkeys(TABLES),  # tables made at once
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "mozilla_django_oidc.middleware.SessionRefresh",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [TEMPLATES]}],
        AUTHENTICATION_BACKENDS=[f"{SITE}.People"],
        LOGIN_REDIRECT_URL=given["home"],
        LOGOUT_REDIRECT_URL=given["home"],
        OIDC_RP_CLIENT_ID=given["client_id"],
        OIDC_RP_CLIENT_SECRET=given["client_secret"],
        OIDC_RP_SIGN_ALGO="RS256",
        OIDC_RP_SCOPES="openid profile email",
        OIDC_USE_PKCE=True,
        OIDC_TOKEN_USE_BASIC_AUTH=True,
        OIDC_OP_AUTHORIZATION_ENDPOINT=metadata["authorization_endpoint"],
        OIDC_OP_TOKEN_ENDPOINT=metadata["token_endpoint"],
        OIDC_OP_USER_ENDPOINT=metadata["userinfo_endpoint"],
        OIDC_OP_JWKS_ENDPOINT=metadata["jwks_uri"],
        OIDC_OP_LOGOUT_ENDPOINT=metadata["end_session_endpoint"],
        OIDC_OP_LOGOUT_URL_METHOD=f"{SITE}.provider_logout",
        OIDC_STORE_ID_TOKEN=True,
        OIDC_STORE_ACCESS_TOKEN=True,
        OIDC_EXEMPT_URLS=["/expire"],
    )


def main() -> None:
    given = json.loads(os.environ["SERVICE"])
    configure(given)
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    run_simple("127.0.0.1", given["port"], get_wsgi_application(), threaded=True)


if __name__ == "__main__":
    main()
