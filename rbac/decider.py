"""The function that decides: written out as Python for one matcher, one effect and the shape of one index."""

import ipaddress
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import simpleeval
from casbin.core_enforcer import EnforceContext

from rbac.functions import FUNCTIONS, PATH_FUNCTIONS
from rbac.index import BranchIndex, Rows, RuleIndex, resolve, starts_of
from rbac.keymatch import Expressions, any_value, verifier
from rbac.matcher import Matcher, Source
from rbac.reach import NOBODY, DomainReach, Reach

Answer = tuple[bool, int]
Decide = Callable[..., Answer | None]
Seek = Callable[..., Sequence[int] | None]

# What each of Casbin's effects does with a rule that matches, and answers when no rule was decisive. `last` is the
# position of the last rule that matched: the one that enforce_ex explains with.
EFFECTS: Mapping[str, tuple[str, str]] = {
    "AllowOverrideEffector": ("if {eft} == 'allow': return True, i", "return False, last"),
    "DenyOverrideEffector": ("if {eft} == 'deny': return False, i", "return True, last"),
    "AllowAndDenyEffector": (
        "if {eft} == 'deny': return False, i\n            if {eft} == 'allow': granted = True",
        "return granted, last",
    ),
    "PriorityEffector": (
        "if {eft} == 'allow': return True, i\n            if {eft} == 'deny': return False, i",
        "return False, last",
    ),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What the written function calls: the functions of the enforcer and its role links."""

    functions: Mapping[str, Callable[..., Any]]  # Casbin's function map, read at every call
    builtin: Mapping[str, Callable[..., Any]]  # those of them that the function replaces by faster ones
    links: Mapping[str, Callable[..., Any]]  # g, g2, …, asked where the look-ups cannot answer
    reach: Sequence[Reach | DomainReach]  # one a hoist


@dataclass(frozen=True, slots=True)
class Shape:
    """What the written function depends on besides the matcher."""

    arity: int
    width: int
    effect: str
    effect_column: int  # -1: every rule allows


def write(matcher: Matcher, shape: Shape, index: RuleIndex, *, tail: bool) -> str:
    """The source of a factory of ``seek`` and ``decide``."""
    args = ", ".join(f"w{word}" for word in range(shape.arity))
    head = "\n".join(
        f"        {line}" for line in (*_checks(matcher), *_hoisted(matcher), *_found(matcher, index, tail))
    )
    eft = f"c{shape.effect_column}" if shape.effect_column >= 0 else "'allow'"
    matched, final = EFFECTS[shape.effect]
    columns = "".join(f"c{column}, " for column in range(shape.width))
    in_any_order = matcher.quick_source if not index.may_raise else ""
    test = f"if {in_any_order or matcher.source}:" if matcher.boolean else f"if true({matcher.source}):"
    width = (
        f"if len(row) != {shape.width}: raise RuntimeError('invalid policy size')" if index.uneven else "pass"
    )
    return f"""
def factory({", ".join(_names(matcher, index))}):
    def seek({args}):
{head}
        return found
    def decide({args}):
{head}
        last = -1
        granted = False
        for i in found:
            row = rows[i]
            {width}
            {columns}= row
            {test}
                last = i
                {matched.replace("            ", "                ").format(eft=eft)}
        {final}
    return seek, decide
"""


def _checks(matcher: Matcher) -> Iterable[str]:
    replaced = sorted(matcher.used & (PATH_FUNCTIONS.keys() | {"regexMatch", "ipMatch"}))
    tests = [f"type(w{word}) is not str" for word in sorted(matcher.string_words)]
    if 0 not in matcher.string_words:
        tests.append("isinstance(w0, EnforceContext)")
    tests += [f"functions.get({name!r}) is not builtin_{name}" for name in replaced]
    if tests:
        yield f"if {' or '.join(tests)}: return None"


def _hoisted(matcher: Matcher) -> Iterable[str]:
    for place, hoist in enumerate(matcher.hoists):
        word = f"w{hoist.word}"
        if hoist.domain is not None:
            yield f"h{place} = reach{place}.of({word}, {hoist.domain})"
        else:
            stranger = f"(({word},), nobody)"
            yield f"h{place} = known{place}({word}) or (of{place}({word}) if {word} in links{place} else {stranger})"
    for of, style in sorted(matcher.paths):
        path, segments = f"path_{style}_{of}", f"segments_{style}_{of}"
        yield f"{path} = w{of}.split('?', 1)[0]" if style == "keyMatch5" else f"{path} = w{of}"
        yield f"{segments} = {path}.split('/') if '\\n' not in {path} else None"


def _found(matcher: Matcher, index: RuleIndex, tail: bool) -> Iterable[str]:
    if not index.branches:
        yield "found = everything"
        return
    for place, branch in enumerate(index.branches):
        found = _of_branch(branch, place)
        guarded = f"{found} if {branch.guard} else ()" if branch.guard else found
        yield f"found{place} = {guarded}"
    names = [f"*found{place}" for place in range(len(index.branches))]
    names += [f"*unsure{place}" for place, branch in enumerate(index.branches) if branch.unsure]
    yield "found = found0" if len(names) == 1 else f"found = sorted({{{', '.join(names)}}})"
    if tail:
        yield "found = [*found, *tail]"
    for word in sorted(matcher.addresses):
        yield f"if not address(w{word}): found = everything"


def _of_branch(branch: BranchIndex, place: int) -> str:
    if branch.path is None and not branch.levels:
        return "everything"
    keys = "".join(
        f"{_keys(level.sources, level.kind, place, at)}, " for at, level in enumerate(branch.levels)
    )
    if branch.path is None:
        return f"resolve([root{place}], ({keys}))"
    path = f"{branch.path.style}_{branch.path.word}"
    return f"resolve(find{place}(path_{path}, segments_{path}), ({keys}))"


def _keys(sources: Iterable[Source], kind: str, branch: int, level: int) -> str:
    if kind == "words":
        words = [f"w{source.value}" for source in sources]
        return f"starts_of({words[0]}, lengths{branch}_{level})"
    fixed = [repr(source.value) for source in sources if source.kind == "constant"]
    fixed += [f"w{source.value}" for source in sources if source.kind == "word"]
    parts = [f"({', '.join(fixed)},)"] if fixed else []
    parts += [f"h{source.value}[0]" for source in sources if source.kind == "hoist"]
    return " + ".join(parts)


def _names(matcher: Matcher, index: RuleIndex) -> Iterable[str]:
    yield from ("rows", "tail", "everything", "functions", "resolve", "starts_of")
    yield from ("call", "allowed", "attribute", "address", "true", "regex", "nobody", "EnforceContext")
    yield from (
        f"builtin_{name}"
        for name in sorted(matcher.used & (PATH_FUNCTIONS.keys() | {"regexMatch", "ipMatch"}))
    )
    yield from (f"match_{name}" for name in sorted(matcher.matched))
    for place, hoist in enumerate(matcher.hoists):
        yield from (
            f"{part}{place}" for part in (("known", "of", "links") if hoist.domain is None else ("reach",))
        )
    yield from (f"verify_{style}_{column}" for column, style in sorted(matcher.path_columns))
    for place, branch in enumerate(index.branches):
        yield from (f"root{place}", f"find{place}", f"unsure{place}")
        yield from (f"lengths{place}_{level}" for level in range(len(branch.levels)))


@lru_cache(maxsize=64)
def _compiled(source: str) -> CodeType:
    return compile(source, "<casbin matcher>", "exec")


def decider(
    matcher: Matcher, shape: Shape, index: RuleIndex, rows: Rows, environment: Environment
) -> tuple[Seek, Decide]:
    """``seek(*words)`` gives the positions of the rules worth looking at; ``decide(*words)`` the answer and the
    position of the rule behind it, -1 for none. Both give ``None`` for a request that is left to Casbin."""
    tail = range(index.size, len(rows))
    namespace: dict[str, Any] = {}
    source = write(matcher, shape, index, tail=bool(tail))
    exec(_compiled(source), namespace)  # noqa: S102 - written above from a syntax tree that was checked node by node
    values = _values(matcher, index, environment) | {
        "rows": rows,
        "tail": tail,
        "everything": range(len(rows)),
    }
    seek, decide = namespace["factory"](**{name: values[name] for name in _names(matcher, index)})
    return seek, decide


def _values(matcher: Matcher, index: RuleIndex, environment: Environment) -> dict[str, Any]:
    values: dict[str, Any] = {
        "functions": environment.functions,
        "resolve": resolve,
        "starts_of": starts_of,
        "call": _caller(environment),
        "allowed": allowed,
        "attribute": attribute,
        "address": is_address,
        "true": is_true,
        "regex": Expressions(FUNCTIONS["regexMatch"]).matches,
        "nobody": NOBODY,
        "EnforceContext": EnforceContext,
    }
    values |= {f"builtin_{name}": function for name, function in environment.builtin.items()}
    values |= {f"match_{name}": any_value(FUNCTIONS[name]) for name in matcher.matched}
    for place, reach in enumerate(environment.reach):
        if isinstance(reach, Reach):
            values |= {f"known{place}": reach.known.get, f"links{place}": reach.links, f"of{place}": reach.of}
        values[f"reach{place}"] = reach
    for column, style in matcher.path_columns:
        values[f"verify_{style}_{column}"] = verifier(
            PATH_FUNCTIONS[style], index.patterns.odd[column, style]
        )
    for place, branch in enumerate(index.branches):
        values[f"root{place}"] = branch.root
        values[f"find{place}"] = branch.tree.finder() if branch.tree is not None else None
        values[f"unsure{place}"] = branch.unsure
        values |= {f"lengths{place}_{level}": sorted(found) for level, found in enumerate(branch.lengths)}
    return values


# What the evaluator does with a node, for the nodes that Python alone does not treat alike ---------------------------

_evaluator = simpleeval.EvalWithCompoundTypes()


def allowed(value: Any) -> Any:
    """The value, unless it is one that the evaluator lets nobody have (a module, ``eval``)."""
    _evaluator._check_disallowed_items(value)  # noqa: SLF001 - the evaluator's own rule, not a copy of it
    return value


def attribute(value: Any, name: str) -> Any:
    """``value.name``, or ``value["name"]`` where there is no such attribute. Raises as the evaluator does."""
    try:
        item = getattr(value, name)
    except (AttributeError, TypeError):
        try:
            item = value[name]
        except (KeyError, TypeError):
            raise simpleeval.AttributeDoesNotExist(name, "matcher") from None
    if isinstance(item, types.ModuleType):
        raise simpleeval.FeatureNotAvailable("Sorry, modules are not allowed in attribute access")
    return allowed(item)


def is_address(text: Any) -> bool:
    """Whether ``ipMatch`` takes this as an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_true(result: Any) -> bool:
    """What Casbin makes of a matcher's result."""
    if isinstance(result, bool):
        return result
    if isinstance(result, float):
        return result != 0
    raise RuntimeError("matcher result should be bool, int or float")


def _caller(environment: Environment) -> Callable[..., Any]:
    functions, links = environment.functions, environment.links

    def call(name: str, *args: Any) -> Any:
        linked = links.get(name)
        if linked is not None:
            return linked(*args)
        function = functions.get(name)
        if function is None:
            raise simpleeval.FunctionNotDefined(name, "matcher")
        if function in simpleeval.DISALLOW_FUNCTIONS:
            raise simpleeval.FeatureNotAvailable("This function is forbidden")
        return allowed(function(*args))

    return call
