"""Finds methods by their entry points. Installed is not enabled: the settings name what loads, in order."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points

from idp.domain.authn import Assurance
from idp.domain.policy import MethodEntry, Policy
from idp.errors import InvalidOperation
from idp.methods.base import CONTRACT_VERSION, Method

GROUP = "idp.methods"
DEFAULT_FIRST = {"email_otp": "password"}  # an e-mail code alone is too weak to be what one gets by default


class MethodError(Exception):
    """A method that the settings name cannot be loaded."""


class Registry(Mapping[str, Method]):
    """The enabled methods, in the order of the settings."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self._methods = {method.id: method for method in methods}
        self.reach: Mapping[str, Assurance] = {method.id: method.assurance for method in methods}
        self.first_factors = frozenset(method.id for method in methods if method.can_be_first)

    def __getitem__(self, method_id: str) -> Method:
        return self._methods[method_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)

    def problems(self, policy: Policy) -> list[str]:
        """What forbids a policy with these methods."""
        return policy.problems(self.reach, self.first_factors)

    def entry(self, text: str) -> MethodEntry:
        """`email_otp` or `email_otp:after=password` as an entry; e-mail OTP asks the password first by default."""
        method_id, colon, option = text.partition(":")
        if not colon:
            return MethodEntry(method_id, DEFAULT_FIRST.get(method_id))
        name, _, first = option.partition("=")
        if option == "alone":
            return MethodEntry(method_id)
        if name == "after" and first:
            return MethodEntry(method_id, first)
        raise InvalidOperation(f"{text}: after the colon stands `alone` or `after=METHOD`")


def load(names: Sequence[str]) -> Registry:
    """The methods of these names. Raises MethodError naming the one that is missing or speaks another contract."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    methods: list[Method] = []
    for name in names:
        if name not in found:
            raise MethodError(f"methods: no method is installed under the name {name}")
        method: Method = found[name].load()()
        if method.contract_version != CONTRACT_VERSION or method.id != name:
            raise MethodError(f"methods: {name} does not speak version {CONTRACT_VERSION} of the contract")
        methods.append(method)
    return Registry(methods)
