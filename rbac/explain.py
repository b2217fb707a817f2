"""Why a request is answered as it is: the way to the deciding rule's role, or the rules that were nearly met.

Asked for seldom, so nothing here is prepared before it is: an explanation costs one pass over the rules and a
few thousand decisions at most, however many rules there are.
"""

import heapq
import logging
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from casbin.util import generate_conditional_g_function, generate_g_function
from casbin.util.util import has_eval

from rbac.decider import Decider
from rbac.decision import Decision, Explanation, NearMiss, Rule, Words
from rbac.errors import EvaluationError
from rbac.model.comparisons import Relation
from rbac.model.expression import rewrite
from rbac.model.parser import evaluator
from rbac.model.request_shape import HTTP_METHODS, with_word
from rbac.text.likeness import FAR, breadth, distance, path_distance, roughly
from rbac.text.nearest import ranked

MOST_NEAREST: Final = 5
# Bounds for one word of the request: values tried, rules with one value looked at.
_MOST_VALUES: Final = 2_000
_MOST_RULES: Final = 200
# Near misses by one word among which the best are chosen.
_ENOUGH: Final = 20
# A matcher that cannot be indexed makes every try a pass over the rules; then so many of them are looked at for a word.
_MOST_LOOKS: Final = 20_000
# A value that no document names, for a word that the request leaves empty.
_ANY: Final = "\ue000any"

_ANYBODY: Final = 0
_RANKS: Final = {"role": 1, "equal": 3, "pattern": 4}

log = logging.getLogger("rbac.explain")


def explain(policy: Decider, decision: Decision, words: Words) -> Explanation:
    """The explanation of ``decision``, which ``policy`` took about the request ``words``."""
    path = () if decision.rule is None else role_path(policy, decision.rule, words)
    nearest = nearest_misses(policy, words) if decision.reason == "denied_by_default" else ()
    return Explanation(decision, path, nearest)


def role_path(policy: Decider, rule: Rule, words: Words) -> tuple[str, ...]:
    """From the caller to the role that ``rule`` names: ``("bob", "user", "authenticated")``.

    The caller comes first if the request names one, then the role it was asked with, then the links that lead
    on. Empty for a rule without a role, and where the matcher compares roles in a way that is not understood.
    """
    relations = policy.relations
    if relations.role_column is None:
        return ()
    role = rule.fields[relations.role_column]
    caller = _caller(policy, words)
    chains = [
        (chain if words[relation.word] == caller else (*_known(caller), *chain))
        for relation in relations.pairs
        if relation.column == relations.role_column and (chain := _chain(policy, relation, rule, words))
    ]
    if chains:
        return min(chains, key=len)
    return (*_known(caller), role) if role in relations.constants else ()


def _caller(policy: Decider, words: Words) -> str:
    """Who asks: the word ``sub``, else the first word. A request may hold things that have no name."""
    index = policy.words.index("sub") if "sub" in policy.words else 0
    return words[index] if isinstance(words[index], str) else ""


def _known(caller: str) -> tuple[str, ...]:
    return (caller,) if caller else ()


def _chain(policy: Decider, relation: Relation, rule: Rule, words: Words) -> tuple[str, ...]:
    """How one comparison of the matcher leads from its word to the rule's role, if it does."""
    value, role = words[relation.word], rule.fields[relation.column]
    if not isinstance(value, str) or relation.how == "pattern":
        return ()
    if value == role:
        return (value,)
    if relation.how == "equal":
        return ()
    domain: tuple[Any, ...] = ()
    if relation.domain is not None:
        side, index = relation.domain
        domain = ((words if side == "r" else rule.fields)[index],)
    return policy.enforcer.role_path(value, role, *domain)


class _Found(NamedTuple):
    """A near miss and its place: the kind of change, how far the value is from the asked one, how much else the rule
    opens, the line."""

    rank: int
    distance: float
    breadth: int
    line: int
    miss: NearMiss

    @property
    def place(self) -> tuple[float, ...]:
        return self[:4]


def nearest_misses(policy: Decider, words: Words) -> tuple[NearMiss, ...]:
    """At most five rules that one changed word of the request would have met, so that it were allowed; best
    first.

    Best is a caller who need only be anybody, then another role, then another value that a rule spells out (a
    method), then another path that is much like the one asked with; of one kind, the value most like the one
    asked with, then the rule that opens the least besides, then the order of the file. A rule counts once.
    """
    search = _Search(policy, words)
    best: dict[Rule, _Found] = {}
    for relation in sorted(policy.relations.pairs, key=lambda relation: _RANKS[relation.how]):
        if isinstance(words[relation.word], str):
            for found in search.misses(relation):
                known = best.setdefault(found.miss.rule, found)
                if found.place < known.place:
                    best[found.miss.rule] = found
    return tuple(
        found.miss for found in heapq.nsmallest(MOST_NEAREST, best.values(), key=lambda found: found.place)
    )


class _Search:
    """The search for what one request nearly met."""

    def __init__(self, policy: Decider, words: Words) -> None:
        self.policy = policy
        self.words = words
        self.holders: dict[int, dict[str, list[int]]] = {}
        self.matches = _rule_matcher(policy)
        rules = len(policy.document.rows["p"])
        self._tries = _MOST_VALUES if policy.enforcer.indexed else max(1, _MOST_LOOKS // max(1, rules))

    def misses(self, relation: Relation) -> Iterator[_Found]:
        """Near misses by another value of the word of ``relation``, at least the five best if there are as
        many."""
        asked: str = self.words[relation.word]
        word = self.policy.words[relation.word]
        values = self._values(relation, asked)
        found = 0
        if not asked and (rule := self._allowing(self._changed(relation, _ANY))):
            found = 1
            yield _Found(_ANYBODY, 0.0, 0, rule.line, NearMiss(rule, f"any {word} instead of none"))
        for far, value, positions in values[: self._tries]:
            if found >= _ENOUGH:
                return
            for rule in self._met(relation, value, positions):
                found += 1
                rank = _RANKS[relation.how] + (relation.how == "role" and word != "role")
                miss = NearMiss(rule, _missing(relation, word, value, asked))
                yield _Found(rank, far, breadth(rule.fields), rule.line, miss)

    def _changed(self, relation: Relation, value: str) -> Words:
        return with_word(self.words, relation.word, value)

    def _values(self, relation: Relation, asked: str) -> list[tuple[float, str, list[int]]]:
        """What allowing rules have in the column, other than ``asked``: nearest first, with the rules that
        have it."""
        holders = self._holders(relation.column)
        passed = {asked, *(self.policy.relations.constants if relation.how == "role" else ())}
        others = [value for value in holders if value not in passed]
        if relation.how == "pattern" and "/" in asked:
            # A path that is not like this one says nothing about it.
            ordered = [
                (far, holders[value][0], value)
                for value in heapq.nsmallest(_MOST_VALUES, others, key=lambda value: roughly(asked, value))
                if (far := path_distance(asked, value)) < FAR
            ]
        else:
            ordered = [
                (distance(asked, value, exact=relation.how != "pattern"), holders[value][0], value)
                for value in ranked(asked, others, _MOST_VALUES)
            ]
        return [(far, value, holders[value]) for far, _, value in sorted(ordered)]

    def _holders(self, column: int) -> dict[str, list[int]]:
        """The rules that allow, by what they have in ``column``."""
        if column in self.holders:
            return self.holders[column]
        effect = self.policy.effect_column
        holders = self.holders[column] = {}
        for position, row in enumerate(self.policy.document.rows["p"]):
            if effect is None or row[effect] == "allow":
                holders.setdefault(row[column], []).append(position)
        return holders

    def _met(self, relation: Relation, value: str, positions: list[int]) -> Iterator[Rule]:
        """The rules at ``positions`` that the request would meet with ``value``, if it were allowed with
        it."""
        for spelling in _spellings(relation, value):
            changed = self._changed(relation, spelling)
            first = self._allowing(changed)
            if first is None:
                continue
            if first.fields[relation.column] == value:
                yield first
            others = (self.policy.document_rule(position) for position in positions[:_MOST_RULES])
            found = (rule for rule in others if rule != first and self.matches(changed, rule))
            yield from islice(found, MOST_NEAREST)
            return

    def _allowing(self, words: Words) -> Rule | None:
        """The rule that allows another request, if one does."""
        try:
            decision = self.policy.decide_request(words)
        except EvaluationError:
            return None
        return decision.rule if decision.allowed else None


def _spellings(relation: Relation, value: str) -> tuple[str, ...]:
    """Words that a rule with ``value`` in this column should meet: the value, or what it is an expression
    for."""
    if relation.how != "pattern":
        return (value,)
    alternatives = value.strip("()^$").split("|")
    return (value, alternatives[0].strip("()"), value.partition("/")[0])


_METHOD = re.compile(rf"\b(?:{'|'.join(HTTP_METHODS)})\b")


def _missing(relation: Relation, word: str, value: str, asked: str) -> str:
    """What the request would need, as people say it."""
    if relation.how == "role" and word != "role" and asked:
        return f"role `{value}`, which `{asked}` does not hold"
    return f"{_spoken(word, value)} `{value}` instead of {f'`{asked}`' if asked else 'none'}"


def _spoken(word: str, value: str) -> str:
    """What people call a word of the model whose values are paths or methods."""
    if word == "obj" and value.startswith("/"):
        return "path"
    return "method" if word == "act" and _METHOD.search(value) else word


def _rule_matcher(policy: Decider) -> Callable[[Words, Rule], bool]:
    """Whether a request meets one rule, as Casbin's own evaluator says; never, where rules bring their own
    expressions."""
    definition = policy.document.definition
    model: Any = policy.enforcer.model
    known: Any = policy.enforcer.fm
    if has_eval(definition.matcher):
        return lambda _words, _rule: False
    functions = dict(known.get_functions())
    for name, assertion in model.model.get("g", {}).items():
        functions[name] = (
            generate_g_function(assertion.rm)
            if assertion.rm is not None
            else generate_conditional_g_function(assertion.cond_rm)
        )
    expression = evaluator(rewrite(definition.matcher), functions)
    request = [f"r_{word}" for word in definition.request_words]
    columns = [f"p_{word}" for word in definition.policy_words]

    def matches(words: Words, rule: Rule) -> bool:
        names = dict(zip((*request, *columns), (*words, *rule.fields), strict=True))
        try:
            return bool(expression.eval(names))
        except Exception:
            log.debug("rule %d cannot be compared with the request", rule.line, exc_info=True)
            return False

    return matches
