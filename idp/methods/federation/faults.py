"""Why a login at an upstream does not count here."""


class LoginRefused(Exception):
    """code: names the sentence to show. The text is for the log: it quotes no token."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
