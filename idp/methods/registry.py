"""Finds methods by their entry points. Installed is not enabled: the settings name what loads, in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.resources import files

from idp.domain.authn import Assurance
from idp.domain.policy import MethodEntry, Policy
from idp.errors import InvalidOperation
from idp.methods.base import CONTRACT_VERSION, Method

GROUP = "idp.methods"
# What stands where a method's name does, in the addresses of a login (`/login/<handle>/…`).
PAGES = frozenset({"account", "cancel", "complete", "consent", "link"})


class MethodError(Exception):
    """A method that the settings name cannot be loaded."""


class Registry(Mapping[str, Method]):
    """The enabled methods, in the order of the settings."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self._methods = {method.id: method for method in methods}
        self.reach: Mapping[str, Assurance] = {method.id: method.assurance for method in methods}
        self.first_factors = frozenset(method.id for method in methods if method.can_be_first)
        self.options = {method.id: method.options for method in methods}
        self.only_after = {method.id: method.only_after for method in methods if method.only_after}
        self.packages = tuple(dict.fromkeys(method.templates for method in methods if method.templates))

    def __getitem__(self, method_id: str) -> Method:
        return self._methods[method_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)

    def problems(self, policy: Policy) -> list[str]:
        """What forbids a policy with these methods."""
        return policy.problems(self.reach, self.first_factors, self.options, self.only_after)

    def entry(self, text: str) -> MethodEntry:
        """An entry as an operator writes it: `email_otp`, or `email_otp:alone` or `email_otp:after=password`, and then
        options, as in `email_otp:after=password,lifetime_minutes=5`.

        Raises InvalidOperation for what cannot be read; whether names and values are good, `problems` says.
        """
        method_id, colon, rest = text.partition(":")
        method = self.get(method_id)
        given: dict[str, str] = {}
        for part in rest.split(",") if colon else ():
            name, equals, value = part.partition("=")
            if name in given or not name or (bool(equals) if name == "alone" else not value):
                raise InvalidOperation(f"{text}: after the colon stands `alone` or `after=METHOD`, or `OPTION=VALUE`")
            given[name] = value
        if given.keys() >= {"alone", "after"}:
            raise InvalidOperation(f"{text}: either `alone` or `after=METHOD`")
        default = method.default_after if method and "alone" not in given else None
        given.pop("alone", None)
        after = given.pop("after", default)
        known = method.options if method else {}
        return MethodEntry(
            method_id, after, {name: known[name].read(v) if name in known else v for name, v in given.items()}
        )

    def text(self, entry: MethodEntry) -> str:
        """What `entry` reads as this entry."""
        method = self.get(entry.id)
        parts = [f"{name}={value}" for name, value in entry.options.items()]
        if entry.after:
            parts.insert(0, f"after={entry.after}")
        elif method and method.default_after:
            parts.insert(0, "alone")
        return f"{entry.id}:{','.join(parts)}" if parts else entry.id


def load(names: Sequence[str], described: Iterable[Method] = ()) -> Registry:
    """The methods of these names, by their entry points; or of `described`, which the settings make.

    Raises MethodError naming the one that is missing, is there twice, has a page's name or speaks another contract.
    """
    found = {point.name: point for point in entry_points(group=GROUP)}
    made = {method.id: method for method in described}
    if twice := sorted(made.keys() & found.keys()):
        raise MethodError(f"upstreams.{twice[0]}: another method has this name")
    if taken := sorted(PAGES & {*names, *made}):
        raise MethodError(f"{taken[0]}: a page of the login has this address; the method needs another name")
    methods: list[Method] = []
    for name in names:
        if name in made:
            methods.append(made[name])
            continue
        if name not in found:
            raise MethodError(f"methods: no method is installed under the name {name}")
        method: Method = found[name].load()()
        if method.contract_version != CONTRACT_VERSION or method.id != name:
            raise MethodError(f"methods: {name} does not speak version {CONTRACT_VERSION} of the contract")
        if method.templates and not files(method.templates).joinpath("templates").is_dir():
            raise MethodError(f"methods: {name} has no folder of templates in {method.templates}")
        methods.append(method)
    return Registry(methods)
