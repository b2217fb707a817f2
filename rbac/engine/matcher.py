"""A Casbin matcher expression, read once: the Python it means, and the columns by which it lets one look rules up.

Only what Casbin's own evaluator takes, with the same meaning, is read. Everything else raises
:class:`NotCompiledError`, and Casbin evaluates it.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final

from rbac.errors import RbacError

OWN_FUNCTIONS: Final = frozenset(
    {"list", "tuple", "dict", "set"}
)  # the evaluator puts its own in their place
OPERATORS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)


class NotCompiledError(RbacError):
    """The matcher says something that is left to Casbin's own evaluator."""

    code: ClassVar[str] = "matcher_not_compiled"


class LinkKind(Enum):
    """What is known of the role manager behind ``g``."""

    NONE = "no role manager: names are compared"
    NAMES = "links between names, a domain is ignored"
    DOMAINS = "links between names in a domain"
    CERTAIN = "answers true or false and never raises, but only it knows the answer"
    OPAQUE = "someone else's: anything may happen"


@dataclass(frozen=True, slots=True)
class Functions:
    """What the names of functions stand for when a matcher is compiled."""

    names: frozenset[str]
    builtin: frozenset[str]  # those of ``names`` that are Casbin's own
    links: Mapping[str, LinkKind]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the code depends on besides the index: with an equal recipe, an index over the same rows serves again.

    ``request`` and ``rule`` are the model's words with their prefix (``r_sub``, ``p_obj``).
    """

    expression: str
    request: tuple[str, ...]
    rule: tuple[str, ...]
    functions: Functions
    effect: str
    effect_column: int  # -1: every rule allows


@dataclass(frozen=True, slots=True)
class Hoist:
    """A value worked out once a request: where role links lead from ``word``, perhaps in a domain."""

    function: str
    word: int
    domain: str | None  # Python source of the domain


@dataclass(frozen=True, slots=True)
class KeySource:
    """One place that keys for a look-up come from: a constant, a word of the request, or the reach of a hoist."""

    kind: str  # "constant", "word" or "hoist"
    value: str | int


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rules whose ``column`` has none of these keys (or a pattern that no path of ``style`` meets) cannot match."""

    kind: str  # "keys", "path" or "words"
    column: int
    sources: tuple[KeySource, ...]
    style: str = ""
    word: int = -1


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of the matcher. It matches no rule unless ``guard`` holds and every look-up finds the rule."""

    guard: str | None
    lookups: tuple[Lookup, ...]


@dataclass
class Matcher:
    """The matcher as Python over ``w0, w1, …`` (the request) and ``c0, c1, …`` (the rule)."""

    source: str = ""
    quick_source: str = ""  # the same, cheapest conjunct first; only where nothing raises
    boolean: bool = False
    string_words: set[int] = field(default_factory=set)
    hoists: list[Hoist] = field(default_factory=list)
    paths: set[tuple[int, str]] = field(default_factory=set)  # (word, style) whose segments the source uses
    path_columns: set[tuple[int, str]] = field(default_factory=set)  # (column, style) the source verifies
    matched: set[str] = field(default_factory=set)  # functions that it calls with patterns of the policy
    used: set[str] = field(default_factory=set)  # functions that must stay what they are
    branches: tuple[Branch, ...] = ()
    valid_patterns: set[tuple[int, str]] = field(
        default_factory=set
    )  # the look-ups hold if these columns are valid
    addresses: set[int] = field(default_factory=set)  # and if these words are IP addresses
