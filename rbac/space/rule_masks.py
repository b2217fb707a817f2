"""All rules of a policy evaluated at once: which of them match a request, as a bit mask.

The enforcer has the last word on every request. This says beforehand which requests two documents could
answer differently, and which requests cannot be told apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from operator import and_, or_

from casbin.constant.constants import (
    ALLOW_AND_DENY_EFFECT,
    ALLOW_OVERRIDE_EFFECT,
    DENY_OVERRIDE_EFFECT,
)

from rbac.document.role_links import LIMIT, Graph, walk
from rbac.model.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Formula,
    NoFormulaError,
    Not,
    Operand,
    conditions_of,
)
from rbac.model.functions import MATCHING
from rbac.policy import Policy
from rbac.space.bits import bits, mask_of
from rbac.space.word_values import Vocabulary

Assignment = Mapping[str, str]
"""Values for some words of the request."""


def first_decides(effect: str) -> bool:
    """Whether under this effect the first rule that matches decides, so that their order matters."""
    return effect not in {ALLOW_OVERRIDE_EFFECT, DENY_OVERRIDE_EFFECT, ALLOW_AND_DENY_EFFECT}


class RuleMasks:
    """The rules of one policy in the order in which it decides; bit ``n`` of a mask is rule ``n``.

    A policy without rules is one rule of empty columns, as Casbin has it. Raises NoFormulaError for a
    matcher of which this cannot be said.
    """

    def __init__(self, policy: Policy, positions: Sequence[int] | None = None) -> None:
        """``positions`` are the rules to look at, in order, where not all of them are of interest."""
        definition = policy.document.definition
        self.policy = policy
        self.formula = definition.formula
        self.columns = definition.policy_words
        self.empty = not policy.document.rows["p"]
        if positions is None:
            positions = range(len(policy.document.rows["p"]))
        rows: Sequence[Sequence[str]] = [policy.rule_at(position).fields for position in positions]
        self.rows = [[""] * len(self.columns)] if self.empty else rows
        self.all = (1 << len(self.rows)) - 1
        self._effect = definition.effect
        self._links = _read_links(policy)
        self._values: dict[Condition, dict[tuple[str, ...], int]] = {}
        self._settled: dict[tuple[Condition, str, str], Condition | int] = {}
        self._closures: dict[tuple[str, str, str], frozenset[str]] = {}
        self._vocabularies: Mapping[str, Vocabulary] = {}

    def learn(self, vocabularies: Mapping[str, Vocabulary], like: "RuleMasks | None" = None) -> None:
        """Take over what the values of each word are matched against; needed before :meth:`mask`.

        ``like`` is a table that learned the same: where both have the same rules, what one finds the other
        knows.
        """
        self._vocabularies = vocabularies
        self._values = {}
        self._settled = {}
        if like is not None and like.rows == self.rows and like.formula == self.formula:
            self._values = {
                condition: like.known(condition)
                for condition in conditions_of(self.formula)
                if condition.function not in self._links
            }

    def known(self, condition: Condition) -> dict[tuple[str, ...], int]:
        """What was found out about one condition: the rules for which it holds, by the values of its
        words."""
        return self._values.setdefault(condition, {})

    def holding(self, condition: Condition, values: tuple[str, ...]) -> int:
        """The rules for which one condition holds, by the values of its words."""
        known = self.known(condition)
        if values not in known:
            known[values] = self._condition(condition, values)
        return known[values]

    @cached_property
    def _holders(self) -> dict[str, dict[str, int]]:
        """For each column: value to the rules that hold it."""
        holders: dict[str, dict[str, int]] = {}
        for index, column in enumerate(self.columns):
            places: dict[str, list[int]] = {}
            for number, row in enumerate(self.rows):
                places.setdefault(row[index], []).append(number)
            holders[column] = {value: mask_of(numbers) for value, numbers in places.items()}
        return holders

    @cached_property
    def effects(self) -> tuple[int, int]:
        """The rules that allow, and those that deny."""
        if "eft" not in self.columns or self.empty:
            return self.all, 0
        holders = self._holders["eft"]
        return holders.get("allow", 0), holders.get("deny", 0)

    @property
    def closing(self) -> int:
        """The rules of which none can match a request that is allowed."""
        deny_wins = not self.empty and self._effect in {DENY_OVERRIDE_EFFECT, ALLOW_AND_DENY_EFFECT}
        return self.effects[1] if deny_wins else 0

    def values(self, operand: Operand) -> frozenset[str]:
        """Every value that a literal or a rule's column has; none for a word of the request."""
        match operand.kind:
            case "literal":
                return frozenset((operand.name,))
            case "rule":
                return frozenset(self._holders[operand.name])
        return frozenset()

    def unread(self, operand: Operand) -> frozenset[str]:
        """What rules that are not looked at have in a column: :meth:`values` of all rules holds these, too."""
        rows = self.policy.document.rows["p"]
        if operand.kind != "rule" or len(rows) == len(self.rows):
            return frozenset()
        return _column(rows, self.columns.index(operand.name))

    def linked_names(self, definition: str, *, domains: bool = False) -> frozenset[str]:
        """The names in the links of a role definition, or the domains."""
        links = self._links[definition]
        if domains:
            return frozenset(links)
        return frozenset(
            name for graph in links.values() for pair in graph.items() for name in (pair[0], *pair[1])
        )

    def mask(self, formula: Formula, assignment: Assignment) -> int:
        """The rules for which ``formula`` holds, given a value for each of its words."""
        match formula:
            case Condition():
                return self.holding(formula, tuple([assignment[word] for word in formula.words]))
            case Not(part):
                return self.all & ~self.mask(part, assignment)
            case AllOf(parts):
                return reduce(and_, (self.mask(part, assignment) for part in parts), self.all)
            case AnyOf(parts):
                return reduce(or_, (self.mask(part, assignment) for part in parts), 0)

    def settle(self, condition: Condition, word: str, value: str) -> Condition | int:
        """``condition`` with ``value`` for ``word``: the rules for which it holds, or what other words have to say."""
        key = (condition, word, value)
        if key not in self._settled:
            self._settled[key] = self._settle(condition, word, value)
        return self._settled[key]

    def _settle(self, condition: Condition, word: str, value: str) -> Condition | int:
        if all(name == word for name in condition.words):
            return self.mask(condition, {word: value})
        given = Operand("literal", value)
        operands = (
            given if operand == Operand("request", word) else operand for operand in condition.operands
        )
        return Condition(condition.function, tuple(operands))

    def allows(self, mask: int) -> bool:
        """What the policy decides when exactly these rules match, by its effect."""
        allow, deny = self.effects
        match self._effect:
            case _ if self.empty:
                return bool(mask) or self._effect == DENY_OVERRIDE_EFFECT
            case effect if effect == ALLOW_OVERRIDE_EFFECT:
                return bool(mask & allow)
            case effect if effect == DENY_OVERRIDE_EFFECT:
                return not mask & deny
            case effect if effect == ALLOW_AND_DENY_EFFECT:
                return bool(mask & allow) and not mask & deny
        decisive = mask & (allow | deny)
        return bool(decisive & -decisive & allow)

    def allowing(self, mask: int, holders: Mapping[int, int], everybody: int) -> int:
        """The callers whom the policy allows, when of the rules of ``mask`` each matches for its ``holders``.

        Callers are a mask as rules are; what is said of one of them is what :meth:`allows` says of the rules that match.
        """
        allow, deny = self.effects
        if self.empty:
            matched = holders.get(0, 0) if mask else 0
            return everybody if self._effect == DENY_OVERRIDE_EFFECT else matched
        if self.ordered:
            allowed, left = 0, everybody
            for rule in bits(mask & (allow | deny)):
                held = holders.get(rule, 0) & left
                allowed |= held if allow >> rule & 1 else 0
                left &= ~held
            return allowed
        allowed = denied = 0
        for rule in bits(mask & allow):
            allowed |= holders.get(rule, 0)
        for rule in bits(mask & deny):
            denied |= holders.get(rule, 0)
        match self._effect:
            case effect if effect == ALLOW_OVERRIDE_EFFECT:
                return allowed
            case effect if effect == DENY_OVERRIDE_EFFECT:
                return everybody & ~denied
        return allowed & ~denied

    @property
    def whole(self) -> bool:
        """Whether all rules of the policy are looked at."""
        return self.empty or len(self.rows) == len(self.policy.document.rows["p"])

    @property
    def needs_allow(self) -> bool:
        """Whether nothing is allowed that no matching rule allows."""
        return not self.empty and self._effect in {ALLOW_OVERRIDE_EFFECT, ALLOW_AND_DENY_EFFECT}

    @property
    def ordered(self) -> bool:
        """Whether the order of the rules matters: the first match decides."""
        return first_decides(self._effect)

    def _condition(self, condition: Condition, values: Sequence[str]) -> int:
        """The rules for which one condition holds: asked once for each combination of columns it looks at."""
        function, operands = condition.function, condition.operands
        is_link = function in self._links
        if function != "==" and not is_link and operands[0].kind == "request":
            return self._pattern(condition, values[0])
        if function == "==" and len(values) == 1:
            for operand in operands:
                if operand.kind == "rule":
                    return self._holders[operand.name].get(values[0], 0)
        given = dict(zip(condition.words, values, strict=True))
        if is_link and self._is_asked_of_rules(condition):
            return self._linked(condition, given)
        choices: list[tuple[int, tuple[str, ...]]] = [(self.all, ())]
        for operand in condition.operands:
            choices = [
                (mask & more, (*chosen, value))
                for mask, chosen in choices
                for value, more in self._choices(operand, given)
                if mask & more
            ]
        return reduce(or_, (mask for mask, chosen in choices if self._holds(condition.function, chosen)), 0)

    @staticmethod
    def _is_asked_of_rules(condition: Condition) -> bool:
        """Whether a name and a domain that are known are asked about the roles in one column."""
        name, role, *domain = condition.operands
        return name.kind != "rule" and role.kind == "rule" and all(one.kind != "rule" for one in domain)

    def _linked(self, condition: Condition, given: Assignment) -> int:
        """The rules whose role is one that a name has."""
        name, role, *domain = condition.operands
        known = [
            given[operand.name] if operand.kind == "request" else operand.name for operand in (name, *domain)
        ]
        holders = self._holders[role.name]
        found = [holders[one] for one in self._reached(condition.function, *known) if one in holders]
        return reduce(or_, found) if found else 0

    def _choices(self, operand: Operand, given: Assignment) -> Iterable[tuple[str, int]]:
        if operand.kind == "rule":
            return self._holders[operand.name].items()
        return ((given[operand.name] if operand.kind == "request" else operand.name, self.all),)

    def _pattern(self, condition: Condition, value: str) -> int:
        vocabulary = self._vocabularies[condition.words[0]]
        pattern = condition.operands[1]
        holders = self._holders[pattern.name] if pattern.kind == "rule" else {pattern.name: self.all}
        matched = [vocabulary.patterns[number] for number in bits(vocabulary.matching(value))]
        found = [
            holders[text] for function, text in matched if function == condition.function and text in holders
        ]
        return reduce(or_, found) if found else 0

    def _holds(self, function: str, values: Sequence[str]) -> bool:
        if function == "==":
            return values[0] == values[1]
        if function in self._links:
            name, role, *domain = values
            return role in self._reached(function, name, *domain)
        return bool(MATCHING[function].call(values[0], values[1]))

    def _reached(self, definition: str, name: str, domain: str = "") -> frozenset[str]:
        """``name``, and every role that it has through links."""
        key = (definition, name, domain)
        if key not in self._closures:
            graph = self._links[definition].get(domain, {})
            self._closures[key] = frozenset(walk(lambda one: graph.get(one, ()), [name], LIMIT))
        return self._closures[key]


def _column(rows: Sequence[Sequence[str]], index: int) -> frozenset[str]:
    return frozenset(row[index] for row in rows)


def _read_links(policy: Policy) -> dict[str, dict[str, Graph]]:
    """The links of each role definition by their domain (``""`` without)."""
    document = policy.document
    model = document.casbin_model()
    for definition in document.definition.roles:
        if "(" in model["g"][definition].value:
            raise NoFormulaError(f"links of `{definition}` have conditions")
    return {definition: document.links(definition) for definition in document.definition.roles}
