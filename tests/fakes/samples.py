"""Sound values of the domain's types: a test takes one and breaks one thing."""

from datetime import datetime, timedelta
from typing import Any

from idp.domain.account import Account, AccountStatus
from idp.domain.authn import AcrNames, Assurance, IdentityRef, Proof
from idp.domain.client import Client
from idp.domain.policy import PRIOR_LOGIN, MethodEntry, Policy
from idp.domain.request import AuthorizationRequest
from tests.fakes.clock import START

ACR = AcrNames(
    {
        Assurance.LOW: "urn:sesame:acr:low",
        Assurance.MEDIUM: "eidas1",
        Assurance.SUBSTANTIAL: "eidas2",
        Assurance.HIGH: "eidas3",
    }
)
REACH = {"password": Assurance.LOW, "email_otp": Assurance.LOW, "cps_card": Assurance.HIGH}
FIRST_FACTORS = frozenset({"password"})
PASSWORD = MethodEntry("password")
OTP = MethodEntry("email_otp", after="password")
OTP_ALONE = MethodEntry("email_otp")
CARD = MethodEntry("cps_card")
CARD_LATER = MethodEntry("cps_card", options={PRIOR_LOGIN: "yes"})


def account(account_id: str = "anne", **changes: Any) -> Account:
    values: dict[str, Any] = {
        "login_name": "anne.pierre",
        "status": AccountStatus.ACTIVE,
        "given_name": "Anne",
        "family_name": "Pierre",
        "email": "anne.pierre@chu.example",
        "email_verified": True,
        "created_at": START,
        "updated_at": START,
    }
    return Account(account_id, **{**values, **changes})


def client(**changes: Any) -> Client:
    values: dict[str, Any] = {
        "client_id": "ror",
        "name": "ROR Nouvelle-Aquitaine",
        "redirect_uris": ("https://ror.example/callback",),
        "secret_digest": "0" * 64,
    }
    return Client(**{**values, **changes})


def policy(*methods: MethodEntry, **changes: Any) -> Policy:
    values: dict[str, Any] = {"policy_id": "policy", "client_id": "ror", "effective_from": START}
    return Policy(**{**values, "methods": methods, **changes})


def request(**changes: Any) -> AuthorizationRequest:
    values: dict[str, Any] = {
        "client_id": "ror",
        "redirect_uri": "https://ror.example/callback",
        "scope": ("openid",),
        "asked_at": START,
    }
    return AuthorizationRequest(**{**values, **changes})


def password_proof(*, ago: timedelta = timedelta(0), anchor: str = "knowledge", now: datetime = START) -> Proof:
    who = IdentityRef("login_name", "anne.pierre")
    return Proof("password", who, Assurance.LOW, ("pwd",), now - ago, anchor)


def otp_proof(*, ago: timedelta = timedelta(0), now: datetime = START) -> Proof:
    who = IdentityRef("login_name", "anne.pierre")
    return Proof("email_otp", who, Assurance.LOW, ("otp",), now - ago, "mailbox")


def card_proof(*, ago: timedelta = timedelta(0), now: datetime = START) -> Proof:
    amr = ("sc", "pin", "mfa", "hwk")
    return Proof("cps_card", IdentityRef("rpps", "10003456789"), Assurance.HIGH, amr, now - ago, "card")
