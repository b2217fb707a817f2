"""The functions that decide: written out as Python for one matcher, one effect and the shape of one index."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, Final, Protocol, TypeVar

from casbin.core_enforcer import EnforceContext

from rbac.engine.index import BranchIndex, Rows, RuleIndex, resolve, starts_of
from rbac.engine.matcher import KeySource, Matcher, Recipe
from rbac.engine.matcher_code import allowed, attribute, caller, is_address, is_true
from rbac.engine.path_tree import ALL, Node, despite_line_break, forked
from rbac.engine.reachable_roles import NO_ROLES, ReachableInDomains, ReachableRoles
from rbac.matching.key_match import Expressions, Forms, any_value, verifier
from rbac.model.functions import FUNCTIONS, MATCHING, PATH_FUNCTIONS

AskedWords = Sequence[Any]
Seek = Callable[[AskedWords], Sequence[int] | None]
"""The positions of the rules worth looking at for a request; ``None`` for one that is left to Casbin."""
Decide = Callable[[AskedWords], tuple[bool, int] | None]
"""Whether a request is allowed, and the position of the rule behind it, -1 for none; ``None`` where it is left to
Casbin."""

BUILTIN: Final[Mapping[str, Callable[..., Any]]] = {
    name: row.call for name, row in MATCHING.items() if row.kind != "glob"
}
"""The functions of Casbin's that are replaced by faster ones: their answers are known to be true or false."""

Answer = TypeVar("Answer")


class Answers(Protocol[Answer]):
    """What is answered where a rule decides."""

    known: list[Answer | None]
    """The answer of each rule, ``None`` until it is asked for; and behind them all the one of no rule."""

    def of(self, allowed: bool, place: int, /) -> Answer:
        """The answer of the rule at ``place``, which is known from then on; -1 is no rule."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an effect of Casbin's makes of a rule that matches, and says when no rule was decisive.

    A rule that is not decisive is remembered all the same: enforce_ex explains with the last one that matched.
    """

    decisive: Mapping[str, bool]  # effect of a rule -> the answer
    otherwise: bool
    granting: bool = False  # whether a rule that allows makes the other answer of what holds otherwise


EFFECTS: Mapping[str, Effect] = {
    "AllowOverrideEffector": Effect({"allow": True}, otherwise=False),
    "DenyOverrideEffector": Effect({"deny": False}, otherwise=True),
    "AllowAndDenyEffector": Effect({"deny": False}, otherwise=False, granting=True),
    "PriorityEffector": Effect({"allow": True, "deny": False}, otherwise=False),
}


Reach = tuple[Any, int, ReachableRoles | ReachableInDomains]
"""A role manager, how often it had changed, and what was reachable through it then."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What the functions are written about: a matcher and the rows that it is asked about, the index over them, and what
    it calls."""

    recipe: Recipe
    matcher: Matcher
    index: RuleIndex
    rows: Rows
    functions: Mapping[str, Callable[..., Any]]  # Casbin's function map, read at every call
    links: Mapping[str, Callable[..., Any]]  # g, g2, …, asked where the look-ups cannot answer
    reaches: Mapping[str, Reach]  # by the names of hoisted links

    @property
    def tail(self) -> range:
        """The rows behind those of the index."""
        return range(self.index.size, len(self.rows))


def seeking(basis: Basis) -> Seek:
    """A function that finds the rules worth looking at."""
    seek: Seek = _made(basis, "return None", ["return found"], {})
    return seek


def deciding(basis: Basis) -> Decide:
    """A function that decides."""
    decide: Decide = _made(basis, "return None", _deciding(basis, "return {allowed}, {place}"), {})
    return decide


def answering(
    basis: Basis, answers: Answers[Answer], elsewhere: Callable[[AskedWords], Answer]
) -> Callable[[AskedWords], Answer]:
    """A function that decides and gives the answer of the rule behind it; what is left to Casbin, ``elsewhere``
    answers. The functions that the matcher calls must stay what they are."""
    body = _deciding(basis, "return known[{place}] or of({allowed}, {place})")
    values = {"known": answers.known, "of": answers.of, "elsewhere": elsewhere}
    answer: Callable[[AskedWords], Answer] = _made(basis, "return elsewhere(words)", body, values)
    return answer


def _made(basis: Basis, left: str, body: Iterable[str], own: dict[str, Any]) -> Any:
    values = _values(basis) | own
    lines = [*_head(basis, left, watched="elsewhere" not in own), *body]
    text = "\n".join(f"        {line}" for line in lines)
    source = f"def factory({', '.join(values)}):\n    def written(words):\n{text}\n    return written\n"
    namespace: dict[str, Any] = {}
    exec(_compiled(source), namespace)  # noqa: S102 - written from a syntax tree that was checked node by node
    # INVARIANT: a reload leaves no circle behind. Nobody looks for them: see rbac.background.
    return namespace.pop("factory")(**values)


@lru_cache(maxsize=64)
def _compiled(source: str) -> CodeType:
    return compile(source, "<casbin matcher>", "exec")


# What is written ---------------------------------------------------------------------------------------------------


def _head(basis: Basis, left: str, *, watched: bool) -> Iterable[str]:
    """From the words to ``found``, the rules worth looking at."""
    yield f"{''.join(f'w{word}, ' for word in range(len(basis.recipe.request)))} = words"
    tests = _checks(basis.matcher, watched=watched)
    if tests:
        yield f"if {' or '.join(tests)}: {left}"
    yield from _hoisted(basis.matcher)
    yield from _found(basis.matcher, basis.index, tail=bool(basis.tail))


def _checks(matcher: Matcher, *, watched: bool) -> list[str]:
    tests = [f"type(w{word}) is not str" for word in sorted(matcher.string_words)]
    if 0 not in matcher.string_words:
        tests.append("isinstance(w0, EnforceContext)")
    if watched:
        tests += [
            f"functions.get({name!r}) is not builtin_{name}" for name in sorted(matcher.used & BUILTIN.keys())
        ]
    return tests


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
        yield f"{path} = w{of}.split('?', 1)[0]" if PATH_FUNCTIONS[style].cuts_query else f"{path} = w{of}"
        yield f"{segments} = {path}.split('/') if '\\n' not in {path} else None"


def _deciding(basis: Basis, answer: str) -> Iterable[str]:
    """From ``found`` to the answer."""
    matcher, recipe = basis.matcher, basis.recipe
    effect, width = EFFECTS[recipe.effect], len(recipe.rule)
    in_any_order = matcher.quick_source if not basis.index.may_raise else ""
    yield "last = -1"
    yield "granted = False"
    yield "for i in found:"
    yield "    row = rows[i]"
    if basis.index.uneven:
        yield f"    if len(row) != {width}: raise RuntimeError('invalid policy size')"
    yield f"    {''.join(f'c{column}, ' for column in range(width))} = row"
    test = in_any_order or matcher.source
    yield f"    if {test}:" if matcher.boolean else f"    if true({test}):"
    yield "        last = i"
    eft = f"c{recipe.effect_column}" if recipe.effect_column >= 0 else "'allow'"
    if effect.granting:
        yield f"        if {eft} == 'allow': granted = True; continue"
    for value, allowed_by in effect.decisive.items():
        yield f"        if {eft} == {value!r}: {answer.format(allowed=allowed_by, place='i')}"
    yield answer.format(allowed="granted" if effect.granting else effect.otherwise, place="last")


def _found(matcher: Matcher, index: RuleIndex, *, tail: bool) -> Iterable[str]:
    if not index.branches:
        yield "found = everything"
        return
    for place, branch in enumerate(index.branches):
        yield from _of_branch(branch, place)
    names = [f"*found{place}" for place in range(len(index.branches))]
    names += [f"*unsure{place}" for place, branch in enumerate(index.branches) if branch.unsure]
    yield "found = found0" if len(names) == 1 else f"found = sorted({{{', '.join(names)}}})"
    if tail:
        yield "found = [*found, *tail]"
    for word in sorted(matcher.addresses):
        yield f"if not address(w{word}): found = everything"


def _of_branch(branch: BranchIndex, place: int) -> Iterable[str]:
    keys = "".join(
        f"{_keys(level.sources, level.kind, place, at)}, " for at, level in enumerate(branch.levels)
    )
    if branch.path is not None:
        path = f"{branch.path.style}_{branch.path.word}"
        walk = WALK if branch.tree is not None and branch.tree.root is not None else EXACT
        yield from walk.format(path=f"path_{path}", segments=f"segments_{path}", place=place).splitlines()
        found = f"below if type(below) is list else () if below is None else resolve([below], ({keys}))"
    else:
        found = f"resolve([root{place}], ({keys}))" if branch.levels else "everything"
    yield f"found{place} = {f'({found}) if {branch.guard} else ()' if branch.guard else found}"


# The rules whose pattern is the path itself.
EXACT: Final = """\
below = exact{place}({path}) if {segments} is not None else despite_line_break(exact{place}, None, {path})"""

# And those whose pattern's segments are the path's: down one way, as long as there is but one. Calls would take as long
# again.
WALK: Final = """\
if {segments} is None:
    below = despite_line_break(exact{place}, root{place}, {path})
else:
    below = root{place}
    steps = iter({segments})
    for segment in steps:
        if below.forks:
            below = forked(below, [segment, *steps])
            break
        kids = below.kids
        if kids is not None:
            below = kids.get(segment)
        elif segment:
            below = below.any
        else:
            below = None
            break
        if type(below) is not Node: break
    else:
        below = below.end
    same = exact{place}({path})
    if same is not None:
        below = same if below is None else (ALL, (same, below))"""


def _keys(sources: Iterable[KeySource], kind: str, branch: int, level: int) -> str:
    if kind == "words":
        words = [f"w{source.value}" for source in sources]
        return f"starts_of({words[0]}, lengths{branch}_{level})"
    fixed = [repr(source.value) for source in sources if source.kind == "constant"]
    fixed += [f"w{source.value}" for source in sources if source.kind == "word"]
    parts = [f"({', '.join(fixed)},)"] if fixed else []
    parts += [f"h{source.value}[0]" for source in sources if source.kind == "hoist"]
    return " + ".join(parts)


# What it is written with -------------------------------------------------------------------------------------------


def _values(basis: Basis) -> dict[str, Any]:
    matcher, index = basis.matcher, basis.index
    values: dict[str, Any] = {
        "rows": basis.rows,
        "tail": basis.tail,
        "everything": range(len(basis.rows)),
        "functions": basis.functions,
        "resolve": resolve,
        "starts_of": starts_of,
        "forked": forked,
        "despite_line_break": despite_line_break,
        "Node": Node,
        "ALL": ALL,
        "call": caller(basis.functions, basis.links),
        "allowed": allowed,
        "attribute": attribute,
        "address": is_address,
        "true": is_true,
        "regex": Expressions(FUNCTIONS["regexMatch"]).matches,
        "nobody": NO_ROLES,
        "EnforceContext": EnforceContext,
    }
    values |= {f"builtin_{name}": BUILTIN[name] for name in sorted(matcher.used & BUILTIN.keys())}
    values |= {f"match_{name}": any_value(FUNCTIONS[name]) for name in sorted(matcher.matched)}
    for place, hoist in enumerate(matcher.hoists):
        reach = basis.reaches[hoist.function][2]
        if isinstance(reach, ReachableRoles):
            values |= {f"known{place}": reach.known.get, f"links{place}": reach.links, f"of{place}": reach.of}
        values[f"reach{place}"] = reach
    for column, style in sorted(matcher.path_columns):
        odd = index.patterns.odd[column, style]
        if PATH_FUNCTIONS[style].variable is not None:
            values[f"forms_{style}_{column}"] = Forms(PATH_FUNCTIONS[style], odd)
        values[f"verify_{style}_{column}"] = verifier(PATH_FUNCTIONS[style], odd)
    for place, branch in enumerate(index.branches):
        values |= {f"root{place}": branch.root, f"unsure{place}": branch.unsure}
        if branch.tree is not None:
            values |= {f"root{place}": branch.tree.root, f"exact{place}": branch.tree.exact.get}
        values |= {f"lengths{place}_{level}": sorted(found) for level, found in enumerate(branch.lengths)}
    return values
