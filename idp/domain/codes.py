"""One-time codes as people type them."""

DIGITS = 6


def six_digits(typed: str) -> str | None:
    """The six ASCII digits that were typed, white space aside; None for anything else."""
    code = "".join(typed.split()) if len(typed) <= 4 * DIGITS else ""
    return code if len(code) == DIGITS and code.isascii() and code.isdigit() else None
