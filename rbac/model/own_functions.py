"""Functions of one's own that a matcher calls by name: given in Python, or named as `module:name`.

Casbin gets them as they are. Nothing is known of what they do: no index, space or lint looks into one.
"""

import inspect
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import simpleeval

from rbac.errors import RbacError
from rbac.model.expression import EVALUATED_FUNCTIONS, ROLE_DEFINITION
from rbac.model.functions import BY_ANY_NAME
from rbac.model.imported import REFERENCE, NotImportedError, imported

OwnFunctions = Mapping[str, Callable[..., Any]]

NO_FUNCTIONS: Final[OwnFunctions] = MappingProxyType({})

_TAKEN: Final = frozenset((*BY_ANY_NAME, *EVALUATED_FUNCTIONS, "eval"))
_WORD: Final = re.compile(r"[rp]\d*_\w*")


class FunctionsError(RbacError):
    """A function of one's own that no matcher can call, or that cannot be had."""

    code: ClassVar[str] = "functions_refused"


def own_functions(given: OwnFunctions | None) -> OwnFunctions:
    """``given``, looked at, and kept from changing. Raises FunctionsError for a name that is taken or is none, and for
    what a matcher cannot call."""
    if not given:
        return NO_FUNCTIONS
    for name, function in given.items():
        _check_name(name)
        _check_callable(name, function)
    return MappingProxyType(dict(given))


def named_functions(references: Iterable[str]) -> OwnFunctions:
    """The functions that these `module:name` name: a mapping of names to functions, or one function by its own name.

    Nothing else is imported. Raises FunctionsError.
    """
    found: dict[str, Callable[..., Any]] = {}
    for reference in dict.fromkeys(references):
        for name, function in _named(reference).items():
            if found.get(name, function) is not function:
                raise FunctionsError(f"`{name}` is given twice, and `{reference}` names another function")
            found[name] = function
    return found


def _named(reference: str) -> OwnFunctions:
    if not REFERENCE.fullmatch(reference):
        raise FunctionsError(f"`{reference}` is not `module:name`, such as `policy_functions:is_owner`")
    try:
        value = imported(reference)
    except NotImportedError as error:
        raise FunctionsError(str(error)) from error
    if not isinstance(value, Mapping):
        if not callable(value):
            raise FunctionsError(
                f"`{reference}` is neither a function nor a mapping of names to functions, but a "
                f"`{type(value).__name__}`"
            )
        value = {getattr(value, "__name__", ""): value}
    try:
        return own_functions(value)
    except FunctionsError as error:
        raise FunctionsError(f"`{reference}`: {error}") from error


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise FunctionsError(
            f"`{name}` is no name that a matcher can call; give the function in a mapping, under a name"
        )
    if name in _TAKEN:
        raise FunctionsError(f"`{name}` is one of Casbin's functions; give yours another name")
    if ROLE_DEFINITION.fullmatch(name):
        raise FunctionsError(f"`{name}` is the name of a role definition; give the function another one")
    if _WORD.fullmatch(name):
        raise FunctionsError(f"`{name}` is what Casbin makes of a word; give the function another name")


def _check_callable(name: str, function: object) -> None:
    if not callable(function):
        raise FunctionsError(f"`{name}` is no function, but a `{type(function).__name__}`")
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object whose call is a coroutine's
    ):
        raise FunctionsError(f"`{name}` is a coroutine function, and Casbin does not await one")
    try:
        forbidden = function in simpleeval.DISALLOW_FUNCTIONS
    except TypeError:
        forbidden = True
    if forbidden:
        raise FunctionsError(f"`{name}` is a function that Casbin's evaluator refuses to call")
