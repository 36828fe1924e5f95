"""The national identifier of a health professional (PS_IdNat): a type, then an identifier (ANS, TRE_G08)."""

import re

from idp.domain.authn import IdentityRef

_NUMBER = r"/[0-9A-Za-z._-]{1,32}"  # of the register of the structure
FORMS = {
    "0": r"[0-9A-Z]{9}",  # ADELI; a department may have a letter
    "1": rf"[0-9A-Z]{{1,20}}{_NUMBER}",  # employee of a cabinet, by its ADELI number
    "3": rf"[0-9A-Z]{{9}}{_NUMBER}",  # of a FINESS
    "4": rf"[0-9]{{9}}{_NUMBER}",  # of a SIREN
    "5": rf"[0-9]{{14}}{_NUMBER}",  # of a SIRET
    "6": rf"[0-9A-Z]{{1,20}}{_NUMBER}",  # of a cabinet, by its RPPS number
    "8": r"[0-9]{11}",  # RPPS
}
OF_A_PERSON = {"0": "adeli", "8": "rpps"}


def identity_of(national_id: str) -> IdentityRef:
    """Whom the identifier names; that of an employee stays whole. Raises ValueError, which does not quote it."""
    kind, value = national_id[:1], national_id[1:]
    if kind not in FORMS:
        raise ValueError("a type of identifier that is not accepted")
    if not re.fullmatch(FORMS[kind], value):
        raise ValueError(f"not the form of type {kind}")
    if kind == "8" and not has_luhn_key(value):  # over the number without its type (ANS)
        raise ValueError("the key of the RPPS number is wrong")
    return IdentityRef(OF_A_PERSON[kind], value) if kind in OF_A_PERSON else IdentityRef("employee", national_id)


def has_luhn_key(digits: str) -> bool:
    """The last digit is the key of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
