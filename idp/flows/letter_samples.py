"""Sample values of every kind of letter: what a preview shows, and what an operator's templates are tried with.

The first of a kind is the usual case; the others go through what its template says otherwise. Values are those that
`idp.flows.delivery` hands to a template.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from idp.domain.alert import NOT_ME, Alert
from idp.domain.texts import N_
from idp.web.alert_texts import ALERTS
from idp.web.texts import CHANGES

Sample = Mapping[str, Any]

AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
UNTIL = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
SERVICE, LOGIN, REASON = "ROR Nouvelle-Aquitaine", "anne.pierre", "Structure d'exercice inconnue"
CARD = N_("Carte CPS")
_CODE: Sample = {"code": "482913", "minutes": "10"}
_NOT_ME: Sample = {"not_me_url": "https://idp.example/not-me/EXAMPLE"}
_URL: Sample = {"url": "https://idp.example/compte"}
_LINK: Sample = {"url": "https://idp.example/EXAMPLE"}
_WHERE: Sample = {
    "at": AT,
    "browser": "%(browser)s sous %(system)s",
    "browser_parts": {"browser": "Firefox", "system": "Windows"},
    "network": "192.0.2.0/24",
}
_TOLD: Sample = {"method": CARD, "login": LOGIN, "by": "claire", "at": AT, "until": UNTIL}
_ALERT: Sample = {
    "alert": Alert("01K0EXAMPLE", NOT_ME, AT, "01K0EXAMPLE", {"email": "not verified any more"}),
    "text": ALERTS[NOT_ME],
    "login": LOGIN,
}


def _change(event: str, **values: Any) -> Sample:
    return {"event": event, "change": CHANGES[event], **values}


_SAMPLES: dict[str, tuple[Sample, ...]] = {
    "access_expiring": ({**_URL, "service": SERVICE, "until": UNTIL},),
    "access_granted": ({**_URL, "service": SERVICE, "until": UNTIL}, {**_URL, "service": SERVICE}),
    "access_question": ({**_URL, "service": SERVICE, "text": "Dans quel service exercez-vous ?"},),
    "access_received": ({"service": SERVICE},),
    "access_refused": ({**_URL, "service": SERVICE, "text": REASON},),
    "account_ready": (
        {**_URL, "login": LOGIN, "wished": LOGIN, "service": SERVICE},
        {**_URL, "login": f"{LOGIN}2", "wished": LOGIN, "service": ""},
    ),
    "alert": (_ALERT, {**_ALERT, "alert": Alert("01K0EXAMPLE", "letters.given_up", AT), "login": None}),
    "codes_guessed": (
        {"tries": "5", "after": "password", "blocked": ""},
        {"tries": "50", "after": "", "blocked": "yes"},
        {"tries": "50", "after": "password", "blocked": "yes"},
        {"tries": "5", "after": "", "blocked": ""},
    ),
    "completion_code": ({**_CODE, "service": SERVICE, "means": "Pro Santé Connect"},),
    "contact_changed": (
        {**_NOT_ME, "event": "account.email_changed", "value": "a•••@clinique.example"},
        {"not_me_url": "", "event": "account.email_changed", "value": "a•••@clinique.example"},
        {**_NOT_ME, "event": "account.phone_changed", "value": "06 •• •• •• 12"},
        {**_NOT_ME, "event": "account.phone_changed", "value": ""},
    ),
    "email_code": (_CODE,),
    "email_otp": ({**_CODE, "service": SERVICE},),
    "email_taken": ({},),
    "emergency_code": (
        {**_change("emergency_code.issued", until=UNTIL, method=CARD), **_NOT_ME},
        {**_change("emergency_code.used", until=UNTIL, method=CARD), **_NOT_ME, **_WHERE},
    ),
    "emergency_told": (
        {**_TOLD, **_change("emergency_code.issued"), "reason": "Carte perdue, identité vérifiée au téléphone"},
        {**_TOLD, **_change("emergency_code.used"), "reason": ""},
    ),
    "identity_change": tuple(
        {**_LINK, "what": what, "value": value, "method": method, "until": UNTIL}
        for what, value, method in (
            ("email", "a•••@clinique.example", ""),
            ("rpps", "•••6786", "Pro Santé Connect"),
            ("adeli", "•••0446", CARD),
            ("employee", "•••9001", CARD),
        )
    ),
    "means_changed": (
        {**_change("means.linked", method=CARD), **_NOT_ME},
        {**_change("means.removed", method=CARD), **_NOT_ME},
        {**_change("account.close_requested", method=""), **_NOT_ME},
    ),
    "new_browser": ({**_WHERE, **_NOT_ME, "method": CARD},),
    "not_me": ({},),
    "number_unchecked": (_URL,),
    "password_changed": (_NOT_ME,),
    "password_reset": ({**_LINK, "minutes": 30, "first_login": False}, {**_LINK, "minutes": 30, "first_login": True}),
    "phone_code": (_CODE,),
    "qr_refused": tuple(
        {**_WHERE, "method": "QR code", "service": SERVICE, "reason": reason, "known": known}
        for reason in ("not_me", "number_wrong")
        for known in ("yes", "")
    ),
    "registration_approved": ({**_LINK, "days": "7"},),
    "registration_code": (_CODE,),
    "registration_known": ({"issuer": "https://idp.example"},),
    "registration_question": ({**_LINK, "question": "Dans quel service exercez-vous ?"},),
    "registration_received": ({"name": "Anne Pierre", "service": SERVICE}, {"name": "Anne Pierre", "service": ""}),
    "registration_refused": ({"reason": REASON},),
}
SAMPLES: Mapping[str, tuple[Sample, ...]] = MappingProxyType(_SAMPLES)
