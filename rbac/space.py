"""The finite set of requests that one document, or several, can tell apart.

What asks about a whole document (``matrix``, ``can``, ``who-can``, ``diff``, ``only``, mutation) asks about
these requests, and puts each of them to the real enforcer. ``docs/space.md`` says why none is missing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product
from math import prod
from typing import Final

from rbac.axes import HTTP_METHODS, Axes
from rbac.decision import Decision
from rbac.errors import EvaluationError, RequestError
from rbac.formula import AllOf, Condition, Formula, NoFormulaError, conditions_of, conjuncts, words_of
from rbac.policy import Policy
from rbac.routes import Route
from rbac.table import RuleTable
from rbac.vocabulary import Pattern, Vocabulary

MOST_COMBINATIONS: Final = 400_000
"""More combinations of values than this, of words that a matcher ties together, are not followed to the
end."""

Request = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Values for the words of a group, and for each policy the rules that they leave possible."""

    values: tuple[str, ...]
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Words that the matchers tie together, with one member for each combination of values they tell
    apart."""

    words: tuple[str, ...]
    members: tuple[Member, ...]


class Space:
    """The requests that some policies with the same request words can tell apart, with the known routes
    among them.

    ``complete`` says that policies that agree on every request of the space agree on every request there is
    (but for values with a control character, unless ``control``); ``notes`` say why not, in sentences.
    ``like`` is a space of the first policy, with the same routes, that names everything the others name: what it
    found is not looked for again. Raises RequestError for policies that ask with different words.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        routes: Iterable[Route] = (),
        *,
        control: bool = False,
        like: "Space | None" = None,
    ) -> None:
        self.policies = tuple(policies)
        self.routes = tuple(routes)
        self.axes = Axes.of(self.policies[0].document.definition)
        self.words = self.axes.words
        for policy in self.policies:
            if policy.words != self.words:
                raise RequestError(
                    f"the models ask with different words: {list(self.words)}, {list(policy.words)}"
                )
        self._notes: list[str] = []
        self._too_many_noted = False
        self.tables = self._tables(like)
        self.vocabularies: Mapping[str, Vocabulary] = (
            self._read_vocabularies(control=control) if like is None else like.vocabularies
        )
        for table in self.tables:
            if like is None or table is not like.tables[0]:
                table.learn(self.vocabularies, self.tables[0])
        self._notes += (note for vocabulary in self.vocabularies.values() for note in vocabulary.notes)
        self._found: dict[tuple[str, ...], Group] = {}

    def _tables(self, like: "Space | None") -> tuple[RuleTable, ...]:
        try:
            return tuple(
                like.tables[0] if like is not None and policy is like.policies[0] else RuleTable(policy)
                for policy in self.policies
            )
        except NoFormulaError as error:
            self._notes.append(f"not every request can be told: {error}")
            return ()

    @cached_property
    def tied(self) -> tuple[tuple[str, ...], ...]:
        """The words in groups: two words are together when a condition that must hold looks at both."""
        return tuple(self._tied_words())

    def group(self, words: tuple[str, ...]) -> Group:
        """The group of these words, one of :attr:`tied`."""
        if words not in self._found:
            self._found[words] = self._group(words)
        return self._found[words]

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group: the space is their product."""
        return tuple(map(self.group, self.tied))

    @property
    def complete(self) -> bool:
        """Whether nothing that the policies tell apart is missing."""
        return not self.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """Why something may be missing, one sentence each."""
        if not self._too_many_noted:
            for words in self.tied:
                if (
                    self.tables
                    and prod(len(self.vocabularies[word].values) for word in words) > MOST_COMBINATIONS
                ):
                    self._notes.append(f"`{'` and `'.join(words)}` have more combinations than can be listed")
            self._too_many_noted = True
        return tuple(dict.fromkeys(self._notes))

    def __len__(self) -> int:
        return prod(len(group.members) for group in self.groups)

    def __iter__(self) -> Iterator[Request]:
        """Every request of the space, its values in the order of the model's words."""
        order = [word for group in self.groups for word in group.words]
        places = [order.index(word) for word in self.words]
        for members in product(*(group.members for group in self.groups)):
            values = tuple(chain.from_iterable(member.values for member in members))
            yield tuple(values[place] for place in places)

    def masks(self, request: Mapping[str, str]) -> tuple[int, ...]:
        """For each policy, the rules that match this request. Only where the matchers have a formula."""
        return tuple(table.mask(table.formula, request) for table in self.tables)

    def request(self, words: Mapping[str, str]) -> Request:
        """These values in the model's order; a word that is not given is ""."""
        return tuple(words.get(word, "") for word in self.words)

    def stranger(self, word: str | None) -> str:
        """A value of ``word`` that no document names."""
        return self.vocabularies[word].strangers[0] if word is not None else ""

    @cached_property
    def samples(self) -> Mapping[Route, str]:
        """For each known route the concrete path that is asked about."""
        if self.axes.obj is None:
            return {route: route.obj for route in self.routes}
        return dict(zip(self.routes, self.vocabularies[self.axes.obj].samples, strict=True))

    def _read_vocabularies(self, *, control: bool) -> Mapping[str, Vocabulary]:
        names: dict[str, set[str]] = {word: set() for word in self.words}
        patterns: dict[str, set[Pattern]] = {word: set() for word in self.words}
        partners: dict[str, set[str]] = {word: {word} for word in self.words}
        if self.axes.act is not None:
            names[self.axes.act] |= {route.act for route in self.routes}
        for table in self.tables:
            for condition in conditions_of(table.formula):
                _collect(condition, table, names, patterns)
                _join(condition, partners)
        if not self.tables:
            self._guess(names, patterns)
        vocabularies = {}
        for word in self.words:
            tied = sorted(partners[word])
            if len(tied) > 1 and any(patterns[other] for other in tied):
                self._notes.append(f"`{'` and `'.join(tied)}` are compared with each other and with patterns")
            vocabularies[word] = Vocabulary(
                word,
                names=set().union(*(names[other] for other in tied)),
                patterns=patterns[word],
                routes=self.routes if word == self.axes.obj else (),
                strangers=len(tied),
                tied=tied[0],
                usual=HTTP_METHODS if word == self.axes.act else (),
                is_path=word == self.axes.obj,
                control=control,
            )
        return vocabularies

    def _guess(self, names: dict[str, set[str]], patterns: dict[str, set[Pattern]]) -> None:
        """Without a formula: what rules, role links and the matcher itself name, word by word."""
        for policy in self.policies:
            definition, rows = policy.document.definition, policy.document.rows
            literals = set(re.findall(r"""["']([^"']*)["']""", definition.matcher))
            linked = {name for kind in definition.roles for row in rows.get(kind, ()) for name in row}
            for index, word in enumerate(self.words):
                columns = {relation.column for relation in policy.relations.of_word(index)}
                columns |= {definition.policy_words.index(word)} if word in definition.policy_words else set()
                values = {row[column] for column in columns for row in rows["p"]}
                names[word] |= values | literals | (linked if word in self.axes.caller else set())
                if word == self.axes.obj:
                    patterns[word] |= {("keyMatch", value) for value in values}

    def _tied_words(self) -> list[tuple[str, ...]]:
        """The words in groups: two words are together when a condition that must hold looks at both."""
        together: list[set[str]] = [{word} for word in self.words]
        for table in self.tables:
            for part in conjuncts(table.formula):
                words = words_of(part)
                if words:
                    meeting = [group for group in together if group & words]
                    together = [group for group in together if not group & words]
                    together.append(set().union(*meeting))
        ordered = [tuple(word for word in self.words if word in group) for group in together]
        return sorted(ordered, key=lambda group: self.words.index(group[0]))

    def _group(self, words: tuple[str, ...]) -> Group:
        choices = [self.vocabularies[word].values for word in words]
        if not self.tables:
            return Group(words, tuple(Member(values, ()) for values in product(*choices)))
        parts = [_part(table, words) for table in self.tables]
        found: dict[tuple[int, ...], Member] = {}
        for number, values in enumerate(chain(self._likely(words), product(*choices))):
            if number > MOST_COMBINATIONS:
                break
            assignment = dict(zip(words, values, strict=True))
            masks = tuple(
                table.mask(part, assignment) for table, part in zip(self.tables, parts, strict=True)
            )
            if masks not in found:
                found[masks] = Member(values, masks)
        return Group(words, tuple(found.values()))

    def _likely(self, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Callers as they come: without a token, with a token and no role, with a role, a person without a
        role.

        What they are told apart by is shown by one of them, and not by a role in a person's place.
        """
        role, sub = self.axes.role, self.axes.sub
        if sub is None or sub == role or not {role, sub} <= set(words):
            return
        somebody = self.stranger(sub)
        known = self.vocabularies[role].values
        pairs = chain(
            (("", ""), (somebody, "")),
            ((somebody, name) for name in known),
            ((name, "") for name in self.vocabularies[sub].values),
        )
        others = [(word, self.vocabularies[word].values[0]) for word in words]
        for person, name in pairs:
            assignment = dict(others) | {sub: person, role: name}
            yield tuple(assignment[word] for word in words)


def decide(policy: Policy, request: Request) -> Decision:
    """What ``policy`` decides; a request that its matcher fails over is denied, as anything in doubt is."""
    try:
        return policy.decide_request(request)
    except EvaluationError:
        return Decision(allowed=False, rule=None, reason="denied_by_default", revision=policy.revision)


def _part(table: RuleTable, words: tuple[str, ...]) -> Formula:
    """What a table's matcher demands of these words alone, and what it demands of the rule alone."""
    return AllOf(tuple(part for part in conjuncts(table.formula) if words_of(part) <= set(words)))


def _collect(
    condition: Condition, table: RuleTable, names: dict[str, set[str]], patterns: dict[str, set[Pattern]]
) -> None:
    """Note what each word in ``condition`` is compared with."""
    function, operands = condition.function, condition.operands
    others = set().union(*(table.values(operand) for operand in operands[:2]))
    is_role = function in table.policy.document.definition.roles
    for place, operand in enumerate(operands):
        if operand.kind != "request":
            continue
        if function == "==":
            names[operand.name] |= others
        elif is_role:
            names[operand.name] |= table.linked_names(function, domains=place == 2)
            names[operand.name] |= others if place < 2 else set()
        elif place == 0:
            patterns[operand.name] |= {(function, value) for value in table.values(operands[1])}


def _join(condition: Condition, partners: dict[str, set[str]]) -> None:
    """Note words that are compared with each other: they need strangers in common."""
    words = {operand.name for operand in condition.operands[:2] if operand.kind == "request"}
    if len(words) > 1:
        whole = set().union(*(partners[word] for word in words))
        for word in whole:
            partners[word] = whole
