"""Which passwords may be chosen (ASVS 5 §6.2: length and context, no composition rule)."""

from idp.domain.account import Account

MIN_LENGTH, MAX_LENGTH = 12, 128
CONTEXT = ("esea", "oruna", "motdepasse", "password", "azerty", "qwerty", "123456789")
MIN_DIFFERENT = 5


def problem(password: str, account: Account) -> str | None:
    """Code of what is wrong, None if the password may be used: "too_short", "too_long", "guessable".

    Words of the context (name, login, service) are taken out before the length is counted again.
    """
    if len(password) < MIN_LENGTH:
        return "too_short"
    if len(password) > MAX_LENGTH:
        return "too_long"
    rest = password.casefold()
    local_part = (account.email or "").partition("@")[0]
    words = (*CONTEXT, account.login_name, account.given_name, account.family_name, local_part)
    for word in sorted(words, key=len, reverse=True):  # a word before its parts
        if len(word) >= 4:
            rest = rest.replace(word.casefold(), "")
    if len(rest) < MIN_LENGTH - 4 or len(set(rest)) < MIN_DIFFERENT:
        return "guessable"
    return None
