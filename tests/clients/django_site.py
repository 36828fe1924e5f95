"""Pages and accounts of a Django site with mozilla-django-oidc."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import include, path
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class People(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Accounts of the site, found by `sub`: an e-mail address may change hands (OIDC Core §5.7)."""

    def filter_users_by_claims(self, claims: Mapping[str, Any]) -> Any:
        return self.UserModel.objects.filter(username=claims["sub"])

    def create_user(self, claims: Mapping[str, Any]) -> Any:
        return self.update_user(self.UserModel(username=claims["sub"]), claims)

    def update_user(self, user: Any, claims: Mapping[str, Any]) -> Any:
        user.first_name, user.last_name, user.email = claims["given_name"], claims["family_name"], claims["email"]
        user.save()
        return user


def provider_logout(request: HttpRequest) -> str:
    """Where a logout leads (OIDC_OP_LOGOUT_URL_METHOD), so that the provider's session ends too."""
    asked = {
        "id_token_hint": request.session["oidc_id_token"],
        "post_logout_redirect_uri": settings.LOGOUT_REDIRECT_URL,
    }
    return f"{settings.OIDC_OP_LOGOUT_ENDPOINT}?{urlencode(asked)}"


def home(request: HttpRequest) -> HttpResponse:
    known: dict[str, Any] = {"claims": None}
    if request.user.is_authenticated:
        id_token = request.session["oidc_id_token"]  # verified by the library when it was received
        known = {
            "claims": jwt.decode(id_token, options={"verify_signature": False}),
            "userinfo": {
                "sub": request.user.username, "name": request.user.get_full_name(), "email": request.user.email,
            },
            "access_token": request.session["oidc_access_token"],
            "id_token": id_token,
        }  # fmt: skip
    return render(request, "home.html", {"known": json.dumps(known)})


def expire(request: HttpRequest) -> HttpResponse:
    """As if OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS had passed."""
    request.session["oidc_id_token_expiration"] = 0
    return HttpResponseRedirect("/")


urlpatterns = [path("", home), path("expire", expire), path("oidc/", include("mozilla_django_oidc.urls"))]
