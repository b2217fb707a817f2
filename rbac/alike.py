"""People whom nothing in a policy tells apart: to ask about one of them is to ask about all.

Where a matcher compares a person's name with whole cells alone, by ``==`` and by role links, and the order of the rules
does not decide, two people with the same rules and links have the same access: to exchange their names changes neither
the document nor anything else that is asked. Whoever stands anywhere else is told apart from everybody.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from rbac.axes import Axes
from rbac.formula import Condition, NoFormulaError, conditions_of, formula_of
from rbac.pacing import paced
from rbac.policy import Policy

_IN_ORDER = frozenset({PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT})


def alike(
    policy: Policy, word: str | None, people: Iterable[str], asked: Collection[str]
) -> tuple[tuple[str, ...], ...]:
    """``people``, who ask in ``word`` of the request, in classes of those who have the same access; sorted.

    ``asked`` are the values of every other word that will be asked: a person among them is alone.
    """
    names = sorted(people)
    columns = None if word is None else _name_columns(policy, word)
    if columns is None:
        return tuple((name,) for name in names)
    literals = {
        operand.name
        for condition in conditions_of(formula_of(policy.document.definition))
        for operand in condition.operands
        if operand.kind == "literal"
    }
    found = _places(policy, frozenset(names), columns)
    classes: dict[object, list[str]] = defaultdict(list)
    for name in paced(names):
        places = found.get(name, ())
        single = places is None or name in asked or name in literals
        classes[name if single else (tuple(sorted(places or ())),)].append(name)
    return tuple(map(tuple, classes.values()))


def _name_columns(policy: Policy, word: str) -> frozenset[int] | None:
    """The columns of rules that are compared with a person's name; ``None`` where more than the name could count."""
    definition = policy.document.definition
    if definition.effect in _IN_ORDER:
        return None
    try:
        conditions = tuple(conditions_of(formula_of(definition)))
    except NoFormulaError:
        return None
    by_name, who = {"==", *definition.roles}, set(Axes.of(definition).caller)
    columns = {name for condition in conditions if word in condition.words for name in _columns(condition)}
    for condition in conditions:
        if word not in condition.words and columns.isdisjoint(_columns(condition)):
            continue
        if condition.function not in by_name or not who.issuperset(condition.words):
            return None
    return frozenset(map(definition.policy_words.index, columns))


def _columns(condition: Condition) -> tuple[str, ...]:
    return tuple(operand.name for operand in condition.operands if operand.kind == "rule")


_Row = tuple[str, tuple[str, ...]]


def _places(policy: Policy, people: frozenset[str], columns: frozenset[int]) -> dict[str, list[_Row] | None]:
    """Each person's rows without the name; ``None`` for somebody whom a rule names elsewhere than in ``columns``."""
    found: dict[str, list[_Row] | None] = {}
    for kind, rows in policy.document.rows.items():
        for row in paced(rows):
            for name in people.intersection(row):
                rows_of_name = found.setdefault(name, [])
                stands = [index for index, cell in enumerate(row) if cell == name]
                if rows_of_name is None or (kind.startswith("p") and not columns.issuperset(stands)):
                    found[name] = None
                    continue
                # No text is as the mark is: a cell cannot hold a NUL.
                rows_of_name.append((kind, tuple("\0" if cell == name else cell for cell in row)))
    return found
