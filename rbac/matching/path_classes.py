"""The classes of paths that plain templates tell apart: what :mod:`rbac.matching.value_classes` finds character by
character, segment by segment.

A plain template is literal segments and whole placeholders, and may end in ``/*``. Nearly all patterns of nearly all
policies are such, and of these a long policy has thousands.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Final, Generic, TypeVar

from rbac.matching.automaton import Automaton
from rbac.matching.key_match import SegmentReader, Steps
from rbac.matching.value_classes import ValueClasses
from rbac.model.functions import PATH_FUNCTIONS
from rbac.text.visible import has_control

_STRANGERS: Final = "xabcdefghijklmnopqrstuvwyz"


def plain_steps(function: str, pattern: str, readers: dict[str, SegmentReader]) -> Steps | None:
    """The segments of a pattern that comparing them decides, for a path without control characters; ``None`` for any
    other pattern. ``==`` is equality."""
    if function == "==":
        return [*pattern.split("/")], None, True, False
    called = PATH_FUNCTIONS.get(function)
    if called is None or called.cuts_query:
        return None
    if function not in readers:
        readers[function] = SegmentReader(called)
    steps = readers[function].steps(pattern)
    _, rest, simple, dotted = steps
    return steps if simple and not dotted and not rest else None


class _Node:
    """The templates that are alike so far: ``ends`` of them end here, ``opens`` take whatever segments follow."""

    __slots__ = ("any", "ends", "kids", "opens")

    def __init__(self) -> None:
        self.kids: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.ends = 0
        self.opens = 0

    def below(self, segment: str | None) -> "_Node":
        """Where a literal segment leads to, or with ``None`` a placeholder."""
        if segment is not None:
            found = self.kids.get(segment)
            if found is None:
                found = self.kids[segment] = _Node()
            return found
        if self.any is None:
            self.any = _Node()
        return self.any


_State = tuple[tuple[_Node, ...], int]
"""Where a beginning of a path leads to, and the open templates that take all that begins so."""

_PRIME: Final = 1_000_000_007


def mask_key(mask: int) -> tuple[int, int]:
    """What to look ``mask`` up by where there are many: equal for equal masks, with a hash of its own for each.

    Python's hash of a number is its remainder by ``2**61 - 1``, by which bit ``n`` counts as bit ``n % 61``: thousands of
    masks that differ in one bit have 61 hashes between them, and a dict of them is searched from end to end.
    """
    return mask % _PRIME, mask


class PathClasses:
    """What plain templates tell apart. A set of templates is a bit mask of their places in ``templates``.

    Speaks of values without a control character, as no request with one reaches a decision.
    """

    def __init__(self, templates: Sequence[Steps], numbers: Sequence[int] | None = None) -> None:
        """``numbers``: the places to say for the templates, where these are not those they have in the row."""
        self._root = _Node()
        self._states = 0
        for number, (segments, rest, _, _) in zip(numbers or count(), templates, strict=False):
            node = self._root
            for segment in segments:
                node = node.below(segment)
            if rest is None:
                node.ends |= 1 << number
            else:
                node.opens |= 1 << number

    @property
    def start(self) -> _State:
        """Where every value begins."""
        return (self._root,), 0

    def matching(self, value: str) -> int:
        """The templates that match ``value``."""
        state = self.start
        for segment in value.split("/"):
            if not state[0]:
                break
            state = _after(state, segment)
        return _accepted(state)

    def examples(self, limit: int, first: str = "") -> Iterator[tuple[int, str]]:
        """Every set of templates that some value matches exactly, each with such a value of few segments.

        With ``first``, which is ``/``, values that begin with it come before all others. Stops without a word after
        ``limit`` states: ask :meth:`exhausted`.
        """
        start = self.start
        found: set[tuple[int, int]] = set()
        seen: set[_State] = set()
        for beginning in (((_after(start, ""), first),) if first else ()) + ((start, ""),):
            queue = deque([beginning])
            while queue and self._states <= limit:
                state, prefix = queue.popleft()
                if state in seen:
                    continue
                seen.add(state)
                self._states += 1
                for segment in _segments(state):
                    after = _after(state, segment)
                    matched = _accepted(after)
                    key = mask_key(matched)
                    if key not in found:
                        found.add(key)
                        yield matched, prefix + segment
                    if after[0] and after not in seen:
                        queue.append((after, f"{prefix}{segment}/"))

    def exhausted(self, limit: int) -> bool:
        """Whether :meth:`examples` with this ``limit`` left classes out."""
        return self._states > limit


def _after(state: _State, segment: str) -> _State:
    nodes, taken = state
    reached: list[_Node] = []
    for node in nodes:
        taken |= node.opens
        below = node.kids.get(segment)
        if below is not None:
            reached.append(below)
        # A placeholder stands for something.
        if segment and node.any is not None:
            reached.append(node.any)
    return tuple(reached), taken


def _accepted(state: _State) -> int:
    nodes, matched = state
    for node in nodes:
        matched |= node.ends
    return matched


def _segments(state: _State) -> Iterable[str]:
    """One segment of each kind that may follow: one that nothing names, those that something does, and an empty one."""
    nodes = state[0]
    named = dict.fromkeys(segment for node in nodes for segment in node.kids)
    numbered = (f"x{number}" for number in count(1))
    other = next(segment for segment in chain(_STRANGERS, numbered) if segment not in named)
    return dict.fromkeys((other, *named, ""))


_Words = dict[str, "_Words"]
"""Words letter by letter; a word ends where there is "" among what follows."""
_NO_WORDS: Final[_Words] = {}
_Both = tuple[_State, int]
"""Where a beginning of a path leads to among the templates, and where among the other patterns."""


_Begun = tuple[str, _Both]
_Item = TypeVar("_Item")


class _Queue(Generic[_Item]):
    """Texts with what they lead to, in the order in which they came; those with a ``?``, which no request for a path
    holds, behind all others."""

    def __init__(self, items: Iterable[tuple[str, _Item]]) -> None:
        self._usual: deque[tuple[str, _Item]] = deque()
        self._late: deque[tuple[str, _Item]] = deque()
        self.put(items)

    def put(self, items: Iterable[tuple[str, _Item]]) -> None:
        """Takes more."""
        for item in items:
            (self._late if "?" in item[0] else self._usual).append(item)

    def __iter__(self) -> Iterator[tuple[str, _Item]]:
        while self._usual or self._late:
            yield (self._usual or self._late).popleft()


class MixedClasses:
    """What plain templates and patterns of any other kind tell apart together. A set is a bit mask of all their places.

    Templates are read segment by segment, and only within a segment the others character by character: few patterns that
    are no plain templates cost no more than they ask. Speaks of values without a control character.
    """

    def __init__(self, templates: Mapping[int, Steps], automaton: Automaton, numbers: Sequence[int]) -> None:
        """``templates`` are by their places, ``numbers`` the places of the patterns of ``automaton``."""
        self._plain = PathClasses(tuple(templates.values()), tuple(templates))
        texts = (text for steps in templates.values() for text in steps[0] if text is not None)
        letters = {letter for text in texts if not has_control(text) for letter in text}
        self._others = ValueClasses(automaton, apart=sorted({*letters, "/"}))
        self._numbers = numbers
        self._places: dict[int, int] = {}
        self._unnamed: dict[tuple[int, frozenset[str]], Mapping[int, str]] = {}
        self._states = 0

    def matching(self, value: str) -> int:
        """The templates and patterns that match ``value``."""
        return self._plain.matching(value) | self._placed(self._others.matching(value))

    def _placed(self, matched: int) -> int:
        if matched not in self._places:
            places, left = 0, matched
            while left:
                lowest = left & -left
                places |= 1 << self._numbers[lowest.bit_length() - 1]
                left ^= lowest
            self._places[matched] = places
        return self._places[matched]

    def examples(self, limit: int, first: str = "") -> Iterator[tuple[int, str]]:
        """As :meth:`PathClasses.examples`."""
        start: _Both = self._plain.start, self._others.start
        found: set[tuple[int, int]] = set()
        seen: set[_Both] = set()
        begun = ((self._after(start, "", more=True), first),) if first else ()
        for state, prefix in (*begun, (start, "")):
            queue = _Queue(self._further(state, prefix, seen))
            for value, after in queue:
                matched = _accepted(after[0]) | self._placed(self._others.accepted(after[1]))
                key = mask_key(matched)
                if key not in found:
                    found.add(key)
                    yield matched, value
                more = after[0], self._others.after(after[1], "/")
                # What a slash settles shows behind it.
                if self._states <= limit and (
                    more[0][0] or more[1] != after[1] or not self._others.stays(more[1])
                ):
                    queue.put(self._further(more, f"{value}/", seen))

    def _further(self, state: _Both, prefix: str, seen: set[_Both]) -> Iterator[_Begun]:
        """The values that go on with one segment of each kind, unless this was asked before."""
        if state not in seen:
            seen.add(state)
            self._states += 1
            for segment in self._segments(state):
                yield prefix + segment, self._after(state, segment)

    def exhausted(self, limit: int) -> bool:
        """As :meth:`PathClasses.exhausted`."""
        return max(self._states, len(self._others)) > limit

    def _after(self, state: _Both, segment: str, *, more: bool = False) -> _Both:
        """Where a segment leads to, with the slash behind it where there is to be ``more``."""
        return _after(state[0], segment), self._others.after(state[1], segment + "/" * more)

    def _segments(self, state: _Both) -> Iterable[str]:
        """One segment of each kind that may follow, as the templates and as the other patterns see it."""
        templates, reached = state
        if self._others.stays(reached):
            return [one for one in _segments(templates) if not has_control(one)]
        named = {name for node in templates[0] for name in node.kids if not has_control(name)}
        key = reached, frozenset(named)
        if key not in self._unnamed:
            self._unnamed[key] = self._read_unnamed(reached, named)
        return dict.fromkeys((*self._unnamed[key].values(), *sorted(named), ""))

    def _read_unnamed(self, start: int, named: Iterable[str]) -> Mapping[int, str]:
        """Where segments lead to that are not empty and not among ``named``, each with one of them."""
        words: _Words = {}
        for name in named:
            place = words
            for letter in (*name, ""):
                place = place.setdefault(letter, {})
        found: dict[int, str] = {}
        seen: set[tuple[int, int]] = set()
        queue = _Queue([("", (start, words))])
        for text, (state, below) in queue:
            if (state, id(below)) in seen:
                continue
            seen.add((state, id(below)))
            if text and "" not in below:
                found.setdefault(state, text)
            if text and state in found and self._others.stays(state):
                continue
            queue.put(
                (text + letter, (target, below.get(letter, _NO_WORDS)))
                for letter, target in self._others.ways(state, ("/", *filter(None, below)))
                if letter != "/"
            )
        return found
