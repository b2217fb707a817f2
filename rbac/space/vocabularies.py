"""What each word of a request is compared with and matched against, as some policies have it."""

import re
from collections.abc import Mapping, Sequence

from rbac.asking import document_names
from rbac.model.conditions import Condition, conditions_of
from rbac.model.request_shape import HTTP_METHODS, RequestShape
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space.rule_masks import RuleMasks
from rbac.space.word_values import Pattern, Vocabulary

Gathered = Mapping[str, set[str]]
"""Values by the word that they are compared with."""


class Vocabularies:
    """The vocabularies of the words of ``shape``, gathered from the policies and their tables: from what the policies
    spell, where their matchers have no formula. ``notes`` say what of it cannot be told exactly."""

    def __init__(
        self,
        policies: Sequence[Policy],
        tables: Sequence[RuleMasks],
        shape: RequestShape,
        routes: Sequence[Route],
    ) -> None:
        self.notes: list[str] = []
        self._shape = shape
        self._routes = routes
        self._names: Gathered = {word: set() for word in shape.words}
        self._patterns: Mapping[str, set[Pattern]] = {word: set() for word in shape.words}
        self._partners: dict[str, set[str]] = {word: {word} for word in shape.words}
        self._taken: Gathered = {word: set() for word in shape.words}
        if shape.act is not None:
            self._names[shape.act].update(route.act for route in routes)
        for word in shape.caller:
            self._taken[word].update(*map(document_names, policies))
        for table in tables:
            for condition in conditions_of(table.formula):
                self._collect(condition, table)
                self._join(condition)
                for word in condition.words:
                    self._taken[word].update(*(table.unread(operand) for operand in condition.operands))
        if not tables:
            for policy in policies:
                self._guess(policy)

    def read(self, *, control: bool) -> Mapping[str, Vocabulary]:
        """The vocabulary of each word. Words that are compared with each other have all of each other's names."""
        return {word: self._vocabulary(word, control=control) for word in self._shape.words}

    def _vocabulary(self, word: str, *, control: bool) -> Vocabulary:
        tied = sorted(self._partners[word])
        if len(tied) > 1 and any(self._patterns[other] for other in tied):
            self.notes.append(f"`{'` and `'.join(tied)}` are compared with each other and with patterns")
        return Vocabulary(
            word,
            names=set().union(*(self._names[other] for other in tied)),
            patterns=self._patterns[word],
            taken=set().union(*(self._taken[other] for other in tied)),
            routes=self._routes if word == self._shape.obj else (),
            strangers=len(tied),
            tied=tied[0],
            usual=HTTP_METHODS if word == self._shape.act else (),
            is_path=word == self._shape.obj,
            control=control,
        )

    def _guess(self, policy: Policy) -> None:
        """Without a formula: what rules, role links and the matcher itself name, word by word."""
        definition, rows = policy.document.definition, policy.document.rows
        literals = set(re.findall(r"""["']([^"']*)["']""", definition.matcher))
        linked = {name for kind in definition.roles for row in rows.get(kind, ()) for name in row}
        for index, word in enumerate(self._shape.words):
            columns = {relation.column for relation in policy.relations.of_word(index)}
            columns |= {definition.policy_words.index(word)} if word in definition.policy_words else set()
            values = {row[column] for column in columns for row in rows["p"]}
            self._names[word].update(values, literals, linked if word in self._shape.caller else ())
            if word == self._shape.obj:
                self._patterns[word].update(("keyMatch", value) for value in values)

    def _collect(self, condition: Condition, table: RuleMasks) -> None:
        """Note what each word in ``condition`` is compared with."""
        function, operands = condition.function, condition.operands
        others = set().union(*(table.values(operand) for operand in operands[:2]))
        is_role = function in table.policy.document.definition.roles
        for place, operand in enumerate(operands):
            if operand.kind != "request":
                continue
            if function == "==":
                self._names[operand.name].update(others)
            elif is_role:
                self._names[operand.name].update(table.linked_names(function, domains=place == 2))
                self._names[operand.name].update(others if place < 2 else ())
            elif place == 0:
                self._patterns[operand.name].update((function, value) for value in table.values(operands[1]))

    def _join(self, condition: Condition) -> None:
        """Note words that are compared with each other: they need strangers in common."""
        words = {operand.name for operand in condition.operands[:2] if operand.kind == "request"}
        if len(words) > 1:
            whole = set().union(*(self._partners[word] for word in words))
            for word in whole:
                self._partners[word] = whole
