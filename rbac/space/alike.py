"""Callers whom nothing in a policy tells apart: people, of whom to ask about one is to ask about all, and roles that
are as one that the policy does not know.

Where a matcher compares a person's name with whole cells alone, by ``==`` and by role links, and the order of the rules
does not decide, two people with the same rules and links have the same access: to exchange their names changes neither
the document nor anything else that is asked. Whoever stands anywhere else is told apart from everybody.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from rbac.background import paced
from rbac.document.role_links import turned, walk
from rbac.model.conditions import Condition, NoFormulaError, conditions_of, literals_of
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
    literals = literals_of(policy.document.definition.formula)
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
        conditions = tuple(conditions_of(definition.formula))
    except NoFormulaError:
        return None
    by_name, who = {"==", *definition.roles}, set(definition.shape.caller)
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


def told_apart(policy: Policy) -> frozenset[str]:
    """The roles that some rule is about, or one that they inherit from; all where that cannot be known.

    Any other role of the policy, such as one that only links name, has what an unknown role has.
    """
    relations, document = policy.relations, policy.document
    column = relations.role_column
    try:
        spelled = literals_of(document.definition.formula)
    except NoFormulaError:
        return frozenset(policy.roles)
    if column is None or any(pair.column == column and pair.how == "pattern" for pair in relations.pairs):
        return frozenset(policy.roles)
    holders = turned(document.links(domains=False).get("", {}))
    # A name that the matcher spells has a meaning without any rule.
    named = [*(row[column] for row in document.rows["p"]), *spelled]
    return frozenset(walk(lambda role: holders.get(role, ()), named))
