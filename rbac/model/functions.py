"""The one table of Casbin's matching functions: what each takes, how it writes a placeholder, what it makes of a
pattern. Whoever has to know what ``keyMatch3`` means asks here.

Each row is read from ``casbin.util.builtin_operators`` and calls it; nothing of it is written a second time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from casbin.model.function import FunctionMap
from casbin.util import builtin_operators as casbin_operators

PatternKind = Literal["path", "regex", "glob", "address", "part", "time"]
PlaceholderStyle = Literal[":id", "{id}", ""]

_SPECIAL: Final = r".^$*+?{}\[\]\\|()"  # what a regular expression does not take literally
_COLON: Final = re.compile(r":[^/]+")
_BRACES: Final = re.compile(r"\{[^/{}]+\}")
_PLAIN: Final = re.compile(rf"[^{_SPECIAL}]*")
_PLAIN_NO_COLON: Final = re.compile(rf"[^:{_SPECIAL}]*")
_PLAIN_NO_STAR: Final = re.compile(r"[^*]*")

PLACEHOLDERS: Final[Mapping[PlaceholderStyle, re.Pattern[str]]] = {":id": _COLON, "{id}": _BRACES}
"""A whole segment that is one placeholder, by the dialect it is written in."""


@dataclass(frozen=True, slots=True)
class CasbinFunction:
    """One of Casbin's functions, as a matcher calls it.

    ``kind`` says what the second operand is: a ``path`` pattern (the ``keyMatch`` family), a ``regex``, a
    ``glob``, an ``address`` or network, a path of which a ``part`` is got (``keyGet``), a ``time``.
    """

    name: str
    snake_name: str
    kind: PatternKind
    call: Callable[..., Any]
    operands: int = 2
    dialect: PlaceholderStyle = ""
    """How a placeholder is written, with the name ``id``; empty where there are none."""
    raises: bool = False
    """Whether a pattern can be invalid, so that a call with it raises."""
    everything: tuple[str, ...] = ()
    """The patterns that people write for every value there is (a line break aside)."""
    every_path: tuple[str, ...] = ()
    """Those for every value that begins with a slash."""
    plain: re.Pattern[str] = _PLAIN
    """What a whole pattern is like that can match nothing but itself."""
    substitution: tuple[re.Pattern[str], str] | None = None
    """Casbin's own rewriting of placeholders into a regular expression."""
    ends_at_star: bool = False
    """Whether it reads a pattern letter by letter, and its first ``*`` means that anything may follow."""
    cuts_query: bool = False
    """Whether it cuts a ``?`` and what follows off the value before it compares."""
    same_names: bool = False
    """Whether a name that a pattern repeats must stand for the same text each time; groups of its own then raise."""

    @property
    def matches(self) -> bool:
        """Whether it compares a value with a pattern, and answers true or false."""
        return self.kind in {"path", "regex", "glob", "address"}

    @property
    def registered(self) -> bool:
        """Whether Casbin for Python lets a matcher call it by ``name``."""
        return self.name in _REGISTERED

    @property
    def variable(self) -> re.Pattern[str] | None:
        """A whole segment that is one placeholder."""
        return PLACEHOLDERS.get(self.dialect)

    def placeholder(self, name: str) -> str:
        """A segment that stands for any one segment, called ``name``; empty where there is no such thing."""
        return self.dialect.replace("id", name)

    def start(self, pattern: str) -> tuple[str, bool]:
        """Where it :attr:`ends_at_star`: what values begin with that ``pattern`` meets, and whether more may follow."""
        text, star, _ = pattern.partition("*")
        return text, bool(star)

    def compared(self, value: str) -> str:
        """What it compares of a value."""
        return value.split("?", 1)[0] if self.cuts_query else value

    def names(self, pattern: str) -> list[str]:
        """The names that it tells apart in ``pattern``, in order."""
        if not self.same_names or self.substitution is None:
            return []
        names: list[str] = self.substitution[0].findall(pattern.replace("/*", "/.*"))
        return names

    def repeats_a_name(self, pattern: str) -> bool:
        """Whether it takes more than one regular expression to match ``pattern``."""
        names = self.names(pattern)
        return len(set(names)) < len(names)

    def has_own_groups(self, pattern: str) -> bool:
        """Whether a call raises where a value meets ``pattern``, for its groups are not its names. Raises ``re.error`` for
        what is no expression."""
        return self.same_names and re.compile(self.expression(pattern)).groups != len(self.names(pattern))

    @property
    def has_expression(self) -> bool:
        """Whether Casbin makes a regular expression of a pattern: :meth:`expression` says which."""
        return self.kind == "regex" or self.substitution is not None

    def expression(self, pattern: str) -> str:
        """The regular expression that Casbin makes of ``pattern`` and tries at the start of the value. Raises
        ValueError where it makes none."""
        if self.kind == "regex":
            return pattern
        if self.substitution is None:
            raise ValueError(f"Casbin makes no regular expression of a pattern of `{self.name}`")
        found, replacement = self.substitution
        text = found.sub(replacement, pattern.replace("/*", "/.*"))
        if self.name == "keyMatch2" and text == "*":
            text = "(.*)"
        return f"^{text}$"


_REGISTERED: Final = frozenset(FunctionMap.load_function_map().get_functions())

_ROWS: Final = (
    CasbinFunction(
        "keyMatch",
        "key_match",
        "path",
        casbin_operators.key_match_func,
        everything=("*",),
        every_path=("/*",),
        plain=_PLAIN_NO_STAR,
        ends_at_star=True,
    ),
    CasbinFunction(
        "keyMatch2",
        "key_match2",
        "path",
        casbin_operators.key_match2_func,
        dialect=":id",
        raises=True,
        everything=("*",),
        every_path=("/*",),
        plain=_PLAIN_NO_COLON,
        substitution=(casbin_operators.KEY_MATCH2_PATTERN, r"\g<1>[^\/]+\g<2>"),
    ),
    CasbinFunction(
        "keyMatch3",
        "key_match3",
        "path",
        casbin_operators.key_match3_func,
        dialect="{id}",
        raises=True,
        every_path=("/*",),
        substitution=(casbin_operators.KEY_MATCH3_PATTERN, r"\g<1>[^\/]+\g<2>"),
    ),
    CasbinFunction(
        "keyMatch4",
        "key_match4",
        "path",
        casbin_operators.key_match4_func,
        dialect="{id}",
        raises=True,
        every_path=("/*",),
        substitution=(casbin_operators.KEY_MATCH4_PATTERN, "([^/]+)"),
        same_names=True,
    ),
    CasbinFunction(
        "keyMatch5",
        "key_match5",
        "path",
        casbin_operators.key_match5_func,
        dialect="{id}",
        raises=True,
        every_path=("/*",),
        substitution=(casbin_operators.KEY_MATCH5_PATTERN, "[^/]+"),
        cuts_query=True,
    ),
    CasbinFunction(
        "regexMatch",
        "regex_match",
        "regex",
        casbin_operators.regex_match_func,
        raises=True,
        everything=(".*", "^.*$"),
    ),
    CasbinFunction("globMatch", "glob_match", "glob", casbin_operators.glob_match_func),
    CasbinFunction("ipMatch", "ip_match", "address", casbin_operators.ip_match_func),
    CasbinFunction("keyGet", "key_get", "part", casbin_operators.key_get),
    CasbinFunction("keyGet2", "key_get2", "part", casbin_operators.key_get2, operands=3, dialect=":id"),
    CasbinFunction("keyGet3", "key_get3", "part", casbin_operators.key_get3, operands=3, dialect="{id}"),
    CasbinFunction("timeMatch", "time_match", "time", casbin_operators.time_match_func),
)

FUNCTIONS: Final[Mapping[str, CasbinFunction]] = {row.name: row for row in _ROWS}
"""Every function by the name that matchers call it by."""

BY_ANY_NAME: Final[Mapping[str, CasbinFunction]] = {**{row.snake_name: row for row in _ROWS}, **FUNCTIONS}
"""The same, and by the ``snake_case`` names that Casbin for Python has besides."""

MATCHING: Final[Mapping[str, CasbinFunction]] = {row.name: row for row in _ROWS if row.matches}
"""The functions that compare a value with a pattern: ``keyMatch`` to ``keyMatch5``, ``regexMatch``, ``globMatch``,
``ipMatch``."""

PATH_FUNCTIONS: Final[Mapping[str, CasbinFunction]] = {row.name: row for row in _ROWS if row.kind == "path"}
"""The ``keyMatch`` family."""

TEXT_FUNCTIONS: Final[Mapping[str, CasbinFunction]] = {
    row.name: row for row in _ROWS if row.kind in {"path", "regex", "glob"}
}
"""The functions whose pattern describes a text, character by character."""

FALLIBLE: Final[Mapping[str, CasbinFunction]] = {row.name: row for row in _ROWS if row.raises}
"""The functions that raise over an invalid pattern."""
