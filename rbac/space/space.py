"""The finite set of requests that one document, or several, can tell apart.

What asks about a whole document (``matrix``, ``can``, ``who-can``, ``diff``, ``only``, mutation) asks about
these requests, and puts each of them to the real enforcer. ``docs/space.md`` says why none is missing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product, zip_longest
from math import prod

from rbac.errors import RequestError
from rbac.model.conditions import NoFormulaError, conjuncts, words_of
from rbac.model.request_shape import check_words, with_word
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space.demands import Demands, Variant
from rbac.space.residue import Residue, matching, residue_key
from rbac.space.rule_masks import RuleMasks
from rbac.space.template_paths import TemplatePaths
from rbac.space.vocabularies import Vocabularies

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


class Space(Demands):
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
        self.shape = self.policies[0].document.definition.shape
        self.words = self.shape.words
        for policy in self.policies:
            if policy.words != self.words:
                raise RequestError(
                    f"the models ask with different words: {list(self.words)}, {list(policy.words)}"
                )
        check_words(given or (), self.words)
        tables, notes = _tables(self.policies, rules or [], like)
        if like is None:
            gathered = Vocabularies(self.policies, tables, self.shape, self.routes)
            vocabularies = gathered.read(control=control)
            notes += gathered.notes
        else:
            vocabularies = like.vocabularies
        for table in tables:
            if like is None or table is not like.tables[0]:
                table.learn(vocabularies, tables[0])
        super().__init__(tables, vocabularies, dict(given or {}), notes)
        self._found: dict[tuple[str, ...], Group] = {}

    @cached_property
    def besides(self) -> tuple[str, ...]:
        """The words that are neither who asks nor what for, and that are not given."""
        known = {*self.shape.caller, self.shape.obj, self.shape.act, *self.given}
        return tuple(word for word in self.words if word not in known)

    @cached_property
    def tied(self) -> tuple[tuple[str, ...], ...]:
        """The words in groups: two words are together when a condition that must hold looks at both."""
        return tuple(self._tied_words())

    @cached_property
    def tied_to_callers(self) -> frozenset[str]:
        """The words that a condition looks at together with who asks, and these themselves."""
        asking = set(self.shape.caller)
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
            if self.tables and self.too_many(words):
                self.group(words)
        return self.notes_about(self.words)

    def notes_about(self, words: Iterable[str]) -> tuple[str, ...]:
        """Why a look at every value of these words may have missed something, as far as is known by now."""
        of_words = (
            note for word in words if word not in self.given for note in self.vocabularies[word].notes
        )
        return tuple(dict.fromkeys((*self._notes, *of_words, *self.template_paths.notes)))

    def __len__(self) -> int:
        return prod(len(group.members) for group in self.groups)

    def __iter__(self) -> Iterator[Request]:
        """Every request of the space, its values in the order of the model's words."""
        order = [word for group in self.groups for word in group.words]
        for members in product(*(group.members for group in self.groups)):
            values = chain.from_iterable(member.values for member in members)
            yield self.request(dict(zip(order, values, strict=True)))

    def request(self, words: Mapping[str, str]) -> Request:
        """These values in the model's order, and what is given; a word of which nothing is said is ""."""
        return tuple(self.given.get(word, words.get(word, "")) for word in self.words)

    def stranger(self, word: str | None) -> str:
        """A value of ``word`` that no document names."""
        return self.vocabularies[word].strangers[0] if word is not None else ""

    @cached_property
    def samples(self) -> Mapping[Route, str]:
        """For each known route the concrete path that is asked about."""
        if self.shape.obj is None:
            return {route: route.obj for route in self.routes}
        return dict(zip(self.routes, self.vocabularies[self.shape.obj].samples, strict=True))

    @cached_property
    def template_paths(self) -> TemplatePaths:
        """What the rules tell apart among the paths of a known route."""
        word = self.shape.obj
        samples = {} if word is None else self.samples
        return TemplatePaths(word or "", self.vocabularies.get(word or ""), samples)

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
        start = self.part_of(words, self.given)
        if len(words) == 1 and not self.too_many(words):
            return self._group_of_one(words, start)
        first = [word for word in words if word in self.shape.caller]
        order = (*first, *(word for word in words if word not in first))
        states: dict[tuple[object, ...], Variant] = {}
        likely = (
            (self.settled(start, dict(zip(first, pair, strict=True))), pair) for pair in self._likely(words)
        )
        for left, pair in chain(likely, self.spread([(start, ())], first)):
            states.setdefault(residue_key(left), (left, pair))
        places = [order.index(word) for word in words]
        members = [
            Member(tuple(values[place] for place in places), self.possible(masks))
            for masks, values in self.spread(states.values(), order[len(first) :])
        ]
        return Group(words, (*members, *self._off_the_routes(words, members)))

    def _group_of_one(self, words: tuple[str], start: Sequence[Residue]) -> Group:
        """The group of one word: once it is known, these demands are settled."""
        (word,) = words
        known: dict[tuple[object, ...], Member] = {}
        for value in self.vocabularies[word].values:
            values = {**self.given, word: value}
            demands = zip(start, self.tables, strict=True)
            masks = tuple([matching(one, table, values) for one, table in demands])
            known.setdefault(residue_key(masks), Member((value,), masks))
        members = list(known.values())
        return Group(words, (*members, *self._off_the_routes(words, members)))

    def _off_the_routes(self, words: tuple[str, ...], members: Sequence[Member]) -> Iterator[Member]:
        """What is like an action of a known route, with an action that no route has: a route speaks for its own alone."""
        act = self.shape.act
        other = self.vocabularies[act].anything if act in words and act is not None else None
        if other is None or self.is_routed(other):
            return
        place = words.index(act or "")
        for member in members:
            if self.is_routed(member.values[place]):
                values = with_word(member.values, place, other)
                asked = dict(zip(words, values, strict=True))
                masks = self.possible(self.part_of(words, {**self.given, **asked}))
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
        role, sub = self.shape.role, self.shape.sub
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


def _tables(
    policies: Sequence[Policy], rules: Sequence[Sequence[int]], like: Space | None
) -> tuple[Sequence[RuleMasks], list[str]]:
    """The tables of the policies; none, and why, where one has no formula."""
    try:
        found = [
            like.tables[0]
            if like is not None and policy is like.policies[0]
            else RuleMasks(policy, positions)
            for policy, positions in zip_longest(policies, rules)
        ]
    except NoFormulaError as error:
        return [], [f"not every request can be told: {error}"]
    return found, []
