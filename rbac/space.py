"""The finite set of requests that one document, or several, can tell apart.

What asks about a whole document (``matrix``, ``can``, ``who-can``, ``diff``, ``only``, mutation) asks about
these requests, and puts each of them to the real enforcer. ``docs/space.md`` says why none is missing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product, zip_longest
from math import prod
from typing import Final

from rbac.asking import document_names
from rbac.axes import HTTP_METHODS, Axes
from rbac.errors import RequestError
from rbac.formula import AllOf, Condition, Formula, NoFormulaError, conditions_of, conjuncts, words_of
from rbac.policy import Policy
from rbac.residue import Residue, possible, residue_of, settled
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
        given: Mapping[str, str] | None = None,
        control: bool = False,
        like: "Space | None" = None,
        rules: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.policies = tuple(policies)
        self.routes = tuple(routes)
        self.axes = Axes.of(self.policies[0].document.definition)
        self.words = self.axes.words
        self.given = dict(given or {})
        for policy in self.policies:
            if policy.words != self.words:
                raise RequestError(
                    f"the models ask with different words: {list(self.words)}, {list(policy.words)}"
                )
        self._check_given()
        self._notes: list[str] = []
        self.tables = self._tables(like, rules or [])
        self.vocabularies: Mapping[str, Vocabulary] = (
            self._read_vocabularies(control=control) if like is None else like.vocabularies
        )
        for table in self.tables:
            if like is None or table is not like.tables[0]:
                table.learn(self.vocabularies, self.tables[0])
        self._found: dict[tuple[str, ...], Group] = {}
        self._begun: tuple[tuple[str, str], tuple[Residue, ...]] | None = None

    def _check_given(self) -> None:
        for word in self.given:
            if word not in self.words:
                known = ", ".join(f"`{one}`" for one in self.words)
                raise RequestError(f"the model's request has no word `{word}`; it has {known}")

    def _tables(self, like: "Space | None", rules: Sequence[Sequence[int]]) -> tuple[RuleTable, ...]:
        try:
            return tuple(
                like.tables[0]
                if like is not None and policy is like.policies[0]
                else RuleTable(policy, positions)
                for policy, positions in zip_longest(self.policies, rules)
            )
        except NoFormulaError as error:
            self._notes.append(f"not every request can be told: {error}")
            return ()

    @cached_property
    def besides(self) -> tuple[str, ...]:
        """The words that are neither who asks nor what for, and that are not given."""
        known = {*self.axes.caller, self.axes.obj, self.axes.act, *self.given}
        return tuple(word for word in self.words if word not in known)

    @cached_property
    def tied(self) -> tuple[tuple[str, ...], ...]:
        """The words in groups: two words are together when a condition that must hold looks at both."""
        return tuple(self._tied_words())

    @cached_property
    def tied_to_callers(self) -> frozenset[str]:
        """The words that a condition looks at together with who asks, and these themselves."""
        asking = set(self.axes.caller)
        return frozenset(word for words in self.tied if not asking.isdisjoint(words) for word in words)

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
        for words in self.tied:
            if (
                self.tables
                and prod(len(self.vocabularies[word].values) for word in words) > MOST_COMBINATIONS
            ):
                self.group(words)
        return self.notes_about(self.words)

    def notes_about(self, words: Iterable[str]) -> tuple[str, ...]:
        """Why a look at every value of these words may have missed something, as far as is known by now."""
        of_words = (
            note for word in words if word not in self.given for note in self.vocabularies[word].notes
        )
        return tuple(dict.fromkeys((*self._notes, *of_words)))

    def note(self, sentence: str) -> None:
        """Remember why something is missing."""
        if sentence not in self._notes:
            self._notes.append(sentence)

    def __len__(self) -> int:
        return prod(len(group.members) for group in self.groups)

    def __iter__(self) -> Iterator[Request]:
        """Every request of the space, its values in the order of the model's words."""
        order = [word for group in self.groups for word in group.words]
        for members in product(*(group.members for group in self.groups)):
            values = chain.from_iterable(member.values for member in members)
            yield self.request(dict(zip(order, values, strict=True)))

    @cached_property
    def residues(self) -> tuple[Residue, ...]:
        """For each policy what its matcher demands beyond the words that are given."""
        return tuple(settled(residue_of(table.formula, table), table, self.given) for table in self.tables)

    def demands(self, words: Mapping[str, str]) -> tuple[Residue, ...]:
        """For each policy what its matcher still demands when these words are known. What demands the same is alike."""
        words = dict(words)
        first = next(iter(words.items()), None)
        if first is None:
            return self.residues
        # Callers come in a row with the same first word: the `sub` that no document names, for every role.
        if self._begun is None or self._begun[0] != first:
            self._begun = first, self._settled(self.residues, {first[0]: first[1]})
        del words[first[0]]
        return self._settled(self._begun[1], words)

    def _settled(self, residues: Sequence[Residue], words: Mapping[str, str]) -> tuple[Residue, ...]:
        return tuple(
            settled(residue, table, words) for residue, table in zip(residues, self.tables, strict=True)
        )

    def possible(self, demands: Sequence[Residue]) -> tuple[int, ...]:
        """For each policy the rules that some request can match that makes these demands."""
        return tuple(
            possible(residue, table.all) for residue, table in zip(demands, self.tables, strict=True)
        )

    def variants(
        self, demands: tuple[Residue, ...], words: Sequence[str]
    ) -> dict[tuple[Residue, ...], tuple[str, ...]]:
        """Values for ``words``, one choice of each kind, by what they leave of ``demands``.

        What a value that nothing names is like is shown by such a value.
        """
        return self._spread({demands: ()}, words, rest_first=True)

    def _values(self, word: str, *, rest_first: bool) -> Sequence[str]:
        vocabulary = self.vocabularies[word]
        if not rest_first or vocabulary.anything is None:
            return vocabulary.values
        return (vocabulary.anything, *(value for value in vocabulary.values if value != vocabulary.anything))

    def _spread(
        self,
        states: dict[tuple[Residue, ...], tuple[str, ...]],
        words: Sequence[str],
        *,
        rest_first: bool = False,
    ) -> dict[tuple[Residue, ...], tuple[str, ...]]:
        """``states`` with each of ``words`` put in: what is alike so far goes on as one."""
        tried = 0
        for word in words:
            values = self._values(word, rest_first=rest_first)
            spread: dict[tuple[Residue, ...], tuple[str, ...]] = {}
            for demands, chosen in states.items():
                if all(isinstance(residue, int) for residue in demands):
                    spread.setdefault(demands, (*chosen, values[0]))
                    continue
                tried += len(values)
                if tried > MOST_COMBINATIONS:
                    self.note(f"`{'` and `'.join(words)}` have more combinations than can be listed")
                    break
                for value in values:
                    left = tuple(
                        settled(residue, table, {word: value})
                        for residue, table in zip(demands, self.tables, strict=True)
                    )
                    spread.setdefault(left, (*chosen, value))
            states = spread
        return states

    def masks(self, request: Mapping[str, str]) -> tuple[int, ...]:
        """For each policy, the rules that match this request. Only where the matchers have a formula."""
        return tuple(table.mask(table.formula, request) for table in self.tables)

    def request(self, words: Mapping[str, str]) -> Request:
        """These values in the model's order, and what is given; a word of which nothing is said is ""."""
        return tuple(self.given.get(word, words.get(word, "")) for word in self.words)

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
        taken: dict[str, set[str]] = {word: set() for word in self.words}
        if self.axes.act is not None:
            names[self.axes.act] |= {route.act for route in self.routes}
        for word in self.axes.caller:
            taken[word].update(*map(document_names, self.policies))
        for table in self.tables:
            for condition in conditions_of(table.formula):
                _collect(condition, table, names, patterns)
                _join(condition, partners)
                for word in condition.words:
                    taken[word].update(*(table.unread(operand) for operand in condition.operands))
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
                taken=set().union(*(taken[other] for other in tied)),
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
        together: list[set[str]] = [{word} for word in self.words if word not in self.given]
        for table in self.tables:
            for part in conjuncts(table.formula):
                words = words_of(part) - self.given.keys()
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
        start = tuple(
            settled(residue_of(_part(table, words, self.given), table), table, self.given)
            for table in self.tables
        )
        first = [word for word in words if word in self.axes.caller]
        order = (*first, *(word for word in words if word not in first))
        states: dict[tuple[Residue, ...], tuple[str, ...]] = {}
        for pair in self._likely(words):
            left = tuple(
                settled(residue, table, dict(zip(first, pair, strict=True)))
                for residue, table in zip(start, self.tables, strict=True)
            )
            states.setdefault(left, pair)
        for left, pair in self._spread({start: ()}, first).items():
            states.setdefault(left, pair)
        places = [order.index(word) for word in words]
        members = [
            Member(tuple(values[place] for place in places), self.possible(masks))
            for masks, values in self._spread(states, order[len(first) :]).items()
        ]
        return Group(words, (*members, *self._off_the_routes(words, members)))

    def _off_the_routes(self, words: tuple[str, ...], members: Sequence[Member]) -> Iterator[Member]:
        """What is like an action of a known route, with an action that no route has: a route speaks for its own alone."""
        act = self.axes.act
        other = self.vocabularies[act].anything if act in words and act is not None else None
        if other is None or self.is_routed(other):
            return
        place = words.index(act or "")
        for member in members:
            if self.is_routed(member.values[place]):
                values = (*member.values[:place], other, *member.values[place + 1 :])
                asked = dict(zip(words, values, strict=True))
                masks = self.possible(
                    tuple(
                        settled(
                            residue_of(_part(table, words, self.given), table), table, {**self.given, **asked}
                        )
                        for table in self.tables
                    )
                )
                if masks == member.masks:
                    yield Member(values, masks)

    def is_routed(self, act: str) -> bool:
        """Whether a known route has this action."""
        return act in self._routed

    @cached_property
    def _routed(self) -> frozenset[str]:
        return frozenset(route.act for route in self.routes)

    def _likely(self, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Person and role of callers as they come: nobody, a token without a role, each role, each person without one.

        What they are told apart by is shown by one of them, and not by a role in a person's place.
        """
        role, sub = self.axes.role, self.axes.sub
        if sub is None or role is None or sub == role or not {role, sub} <= set(words):
            return
        somebody = self.stranger(sub)
        pairs = chain(
            (("", ""), (somebody, "")),
            ((somebody, name) for name in self.vocabularies[role].values),
            ((name, "") for name in self.vocabularies[sub].values),
        )
        for person, name in pairs:
            yield (person, name) if words.index(sub) < words.index(role) else (name, person)


def _part(table: RuleTable, words: tuple[str, ...], given: Iterable[str]) -> Formula:
    """What a table's matcher demands of these words alone, and what it demands of the rule alone."""
    known = {*words, *given}
    return AllOf(tuple(part for part in conjuncts(table.formula) if words_of(part) <= known))


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
