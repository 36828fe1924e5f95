"""A value that is made at its first use."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801 - a decorator, like cached_property
    """functools.cached_property without a lock: for objects of one thread.

    That of Python 3.11 is held for all instances at once while one makes its value. A unit that waits in there for the
    database would hold up the unit that it waits for, as soon as that one makes a value too.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make, self._name = make, ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, _owner: type | None = None) -> T:
        value: T = self._make(instance)
        instance.__dict__[self._name] = value  # found there from now on, before this
        return value
