"""Addresses and telephone numbers, as people type them and as they are stored."""

import re

from idp.domain.account import EMAIL, normalise_login

EMAIL_CHANGED, PHONE_CHANGED = "account.email_changed", "account.phone_changed"  # events of the audit
MAX_EMAIL = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
SEPARATORS = re.compile(r"[\s.\-/\u2010-\u2015]|\(0\)|[()]")
INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164 §6: 15 digits at most
FRANCE = re.compile(r"\+33[1-79][0-9]{8}")  # 08 is not a person's
NATIONAL = re.compile(r"0[1-79][0-9]{8}")
# Territories that share the national form have country codes of their own (plan de numérotation, Arcep).
OVERSEAS = {
    **dict.fromkeys(("0262", "0263", "0269", "0639", "0692", "0693"), "+262"),
    **dict.fromkeys(("0590", "0690", "0691"), "+590"),
    **dict.fromkeys(("0594", "0694"), "+594"),
    **dict.fromkeys(("0596", "0696", "0697"), "+596"),
}


def sound_email(typed: str) -> str | None:
    """An address as it is stored and compared; None for what is none."""
    address = normalise_login(typed)
    return address if len(address) <= MAX_EMAIL and EMAIL.fullmatch(address) else None


def sound_phone(typed: str) -> str | None:
    """A number in the international form (E.164): French, or any that begins with + or 00; None for what is none."""
    if len(typed) > 40:
        return None
    number = SEPARATORS.sub("", typed)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if NATIONAL.fullmatch(number):
        number = OVERSEAS.get(number[:4], "+33") + number[1:]
    shape = FRANCE if number.startswith("+33") else INTERNATIONAL
    return number if number.isascii() and shape.fullmatch(number) else None


def shown_phone(number: str) -> str:
    """A French number in pairs of digits that no line breaks; any other as it is."""
    sound = sound_phone(number) or number
    if not FRANCE.fullmatch(sound):
        return sound
    pairs = [sound[at : at + 2] for at in range(4, len(sound), 2)]
    return "\u00a0".join((sound[:3], sound[3], *pairs))


def mask_phone(number: str) -> str:
    """Enough to recognise one's own."""
    return f"•••{number[-2:]}"
