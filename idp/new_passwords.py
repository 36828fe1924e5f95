"""What a person's new password is held against: the rules, the list that comes with us, and the operator's own."""

from collections.abc import Iterable

from idp.blocklist import FREQUENT, Blocklist
from idp.domain.account import Account
from idp.domain.password_rules import context, problem
from idp.settings import Settings


class NewPasswords:
    """The rules of one provider. Thread-safe; nothing is kept in memory."""

    def __init__(self, settings: Settings) -> None:
        """Raises BadBlocklist if the operator's list cannot be used."""
        self.min_bits = settings.password_min_bits
        self._names = (settings.brand.name, settings.brand.portal_name)
        self._lists = [Blocklist(FREQUENT)]
        if settings.password_blocklist:
            self._lists.append(Blocklist(settings.password_blocklist))
            self._lists[-1].check(samples=200)  # at each start; `sesame doctor` looks at more

    def words(self, account: Account, services: Iterable[str]) -> frozenset[str]:
        """What is too easy in a password of this account. services: names of those that are registered."""
        return context(account, (*self._names, *services))

    def problem(self, password: str, words: frozenset[str]) -> str | None:
        """Code of what is wrong with a password, as `password_rules.problem` says it. Raises Unavailable."""
        return problem(password, words, min_bits=self.min_bits, is_listed=self._is_listed)

    def _is_listed(self, password: str) -> bool:
        return any(each.holds(password) for each in self._lists)
