"""The paths of a route's template that rules tell apart, one of each kind.

A template is asked about as one path. A rule may be about others of its paths alone: ``/orders/7`` or ``/orders/\\d+`` of
``/orders/{id}``. Templates that no rule divides are recognised without a look at their paths, as nearly all are.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from operator import itemgetter
from typing import Final

from rbac.matching.key_match import ANYWHERE, SegmentReader, Steps
from rbac.model.functions import PATH_FUNCTIONS
from rbac.routes import Route, plain_segments
from rbac.space.word_values import Pattern, Vocabulary
from rbac.text.visible import CONTROL

MOST_DIVIDING: Final = 50_000
"""More pairs of a template and a pattern that may divide it than this are not looked at."""
# So many combinations of segments are tried one by one sooner than in an automaton.
_MOST_CHOICES: Final = 256
# What a request for a path can ask for.
_PATH: Final = re.compile(f"/[^?#{CONTROL}]*")
_TAIL: Final = re.compile(r".*\{[^{}/]+:path\}.*|\*", re.DOTALL)
_SEGMENT: Final = re.compile(r"\(?\[\^\\?/\]\+\)?")
_SIGNS: Final = re.compile(r"\\.|\[\^?\]?[^\]]*\]|[()|]", re.DOTALL)
_SPECIAL: Final = re.compile(r"[.^$*+?{}\[\]\\|()]")


Segments = tuple[str | None, ...]
"""A path or a pattern, segment by segment, with ``None`` for any one that is not empty."""


class TemplatePaths:
    """What the rules tell apart among the paths of known templates.

    ``vocabulary`` says what paths, which are ``word`` of the request, are compared with; ``samples`` are the paths that
    routes are asked about. Of the paths of a template those are left out that the application has a finer route for.
    """

    def __init__(self, word: str, vocabulary: Vocabulary | None, samples: Mapping[Route, str]) -> None:
        self._word = word
        self._vocabulary = vocabulary
        self._samples = samples
        self._routes = {route.obj: route for route in samples}
        self._plain = {(route.act, plain) for route in samples if (plain := _plain(route.obj)) is not None}
        self._found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Why paths that were asked for may lack some, in sentences."""
        return tuple(self._notes)

    def others(self, act: str, template: str) -> tuple[str, ...]:
        """A path of each kind in a known template but that of its sample, which a request with this action can be for."""
        # What is about all paths of a finer route is about none that are left.
        dividing = [
            (pattern, segments)
            for pattern, segments in self._dividing.get(template, ())
            if segments is None or (act, segments) not in self._plain or not _lies_in(segments, template)
        ]
        if not dividing:
            return ()
        route = self._routes[template]
        beside = tuple(self._beside(act, route))
        key = template, tuple(one.obj for one in beside), tuple(text for (_, text), _ in dividing)
        if key not in self._found:
            found = self._by_segments(route, [segments for _, segments in dividing], beside)
            if found is None:
                found = self._by_automaton(route, [pattern for pattern, _ in dividing], beside)
            # What fewer rules are about is the more usual, and comes first.
            self._found[key] = tuple(path for _, path in sorted(found, key=itemgetter(0)))
        return self._found[key]

    def _by_segments(
        self, route: Route, dividing: Sequence[Segments | None], beside: Sequence[Route]
    ) -> list[tuple[int, str]] | None:
        """One path of each kind, with how many patterns match it; ``None`` where segments do not say all."""
        whole = _plain(route.obj)
        others = [_plain(one.obj) for one in beside]
        plain = [segments for segments in (*dividing, *others) if segments is not None]
        if whole is None or len(plain) < len(dividing) + len(others) or {*map(len, plain)} - {len(whole)}:
            return None
        usual = self._samples[route].split("/")
        choices = [
            (usual[at], *dict.fromkeys(one[at] for one in plain if one[at])) if text is None else (text,)
            for at, text in enumerate(whole)
        ]
        if prod(map(len, choices)) > _MOST_CHOICES:
            return None
        finer = [one for one in others if one is not None and _lies_in(one, route.obj)]
        found: dict[tuple[bool, ...], str] = {}
        for texts in product(*([text for text in some if text is not None] for some in choices)):
            if not any(_meets(texts, one) for one in finer):
                found.setdefault(tuple(_meets(texts, one) for one in plain[: len(dividing)]), "/".join(texts))
        found.pop(tuple(_meets(usual, one) for one in plain[: len(dividing)]), None)
        return [(sum(kind), path) for kind, path in found.items() if _PATH.fullmatch(path)]

    def _by_automaton(
        self, route: Route, dividing: Sequence[Pattern], beside: Sequence[Route]
    ) -> list[tuple[int, str]]:
        """The same for any patterns."""
        vocabulary = Vocabulary(self._word, names=(), patterns=dividing, routes=(route, *beside))
        inside = [path for path in vocabulary.values if route.matches(path) and _PATH.fullmatch(path)]
        outside = [path for path in vocabulary.values if not route.matches(path)]
        # A route of which all paths are the template's, too, is there for these.
        finer = [one for one in beside if not any(map(one.matches, outside))]
        seen = {vocabulary.matching(self._samples[route])}
        found: list[tuple[int, str]] = []
        for path in inside:
            kind = vocabulary.matching(path)
            if kind not in seen and not any(one.matches(path) for one in finer):
                seen.add(kind)
                found.append((kind.bit_count(), path))
        self._notes |= dict.fromkeys(vocabulary.notes)
        return found

    def _beside(self, act: str, route: Route) -> Iterator[Route]:
        """The routes with this action that answer some of the template's paths, and not its usual ones."""
        for other, sample in self._samples.items():
            if other.act == act and other.obj != route.obj and route.matches(sample):
                usual = route.sample(other.obj.split("/"))
                if not other.matches(usual):
                    yield other

    @cached_property
    def _dividing(self) -> Mapping[str, Sequence[tuple[Pattern, Segments | None]]]:
        """For each template the names and patterns that may be about some of its paths and not about others.

        With them stand their segments where these say all of it.
        """
        tree = _Tree()
        for template in dict.fromkeys(route.obj for route in self._samples if not route.literal):
            tree.add(template)
        if not tree.templates or self._vocabulary is None:
            return {}
        if len(self._vocabulary.strangers) > 1:
            self._notes[f"`{self._word}` is compared with another word, also inside templates"] = None
        found: dict[str, list[tuple[Pattern, Segments | None]]] = defaultdict(list)
        pairs = 0
        read = _Steps()
        names = (("==", name) for name in self._vocabulary.names)
        for pattern in (*names, *self._vocabulary.patterns):
            steps = read.of(pattern)
            segments = tuple(steps[0]) if steps[1] is None and steps[2] else None
            for template in tree.divided_by(steps):
                found[template].append((pattern, segments))
                pairs += 1
            if pairs > MOST_DIVIDING:
                self._notes["rules may single out more paths of templates than can be looked at"] = None
                break
        return found


def _plain(template: str) -> Segments | None:
    """The segments of a template in which a placeholder is a whole segment, whatever it is; ``None`` for another."""
    found = plain_segments(template)
    return tuple(found[0]) if found is not None and found[1] is None else None


def _lies_in(segments: Segments, template: str) -> bool:
    """Whether all paths with these segments are the template's."""
    whole = _plain(template)
    return (
        whole is not None
        and len(whole) == len(segments)
        and all(
            text == one or (text is None and one != "") for text, one in zip(whole, segments, strict=True)
        )
    )


def _meets(texts: Sequence[str], segments: Segments) -> bool:
    """Whether a path with these segments, as many as the pattern's, meets it."""
    return all(text == one or (one is None and text != "") for text, one in zip(texts, segments, strict=True))


class _Steps:
    """What patterns ask of a path, segment by segment, as :data:`rbac.matching.key_match.Steps`."""

    def __init__(self) -> None:
        self._readers: dict[str, SegmentReader] = {}

    def of(self, pattern: Pattern) -> Steps:
        function, text = pattern
        if function == "==":
            return [*text.split("/")], None, True, False
        if function == "regexMatch":
            return _of_expression(text)
        style = PATH_FUNCTIONS.get(function)
        if style is None:
            return ANYWHERE
        if text in style.everything or text in style.every_path:
            return [], "", True, False
        if "|" in text and style.has_expression:
            return _of_expression(style.expression(text))
        steps = self._readers.setdefault(function, SegmentReader(style)).steps(text)
        return _without_dots(steps) if steps[3] else steps


def _without_dots(steps: Steps) -> Steps:
    """A dot stands for any character, a slash among them: what follows one may lie anywhere."""
    segments = steps[0]
    dotted = next(at for at, text in enumerate(segments) if text is not None and "." in text)
    return segments[:dotted], "", False, False


def _of_expression(text: str) -> Steps:
    """The steps of a regular expression, which need not match to the end."""
    closed = text.endswith("$")
    body = _SEGMENT.sub("\0", text.removeprefix("^").removesuffix("$"))
    parts = body.split("/")
    if parts[0] or not _each_branch_in_a_group(text):
        return ([], "", True, False) if body == ".*" else ANYWHERE
    segments: list[str | None] = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == ".*" and last and place:
            return segments, "", True, False
        if part[:1] in {"?", "*", "+", "{"}:
            return ANYWHERE
        if (last and not closed) or (part != "\0" and ("\0" in part or _SPECIAL.search(part))):
            return (segments, "", False, False) if place else ANYWHERE
        segments.append(None if part == "\0" else part)
    return segments, None, True, False


def _each_branch_in_a_group(text: str) -> bool:
    """Whether no ``|`` divides the whole expression; what stands before a group is then so in any case."""
    if "|" in text and r"\]" in text:
        return False
    depth = 0
    for sign in _SIGNS.findall(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and depth <= 0:
            return False
    return True


@dataclass(slots=True)
class _Node:
    """Where templates go on from here: ``ends`` are those that end, ``open`` those of which anything may follow."""

    kids: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    ends: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


class _Tree:
    """Templates filed by their segments."""

    def __init__(self) -> None:
        self._root = _Node()
        self.templates = 0

    def add(self, template: str) -> None:
        self.templates += 1
        node = self._root
        for text in template.split("/"):
            if _TAIL.fullmatch(text):
                node.open.append(template)
                return
            if Route("", text).literal:
                node = node.kids.setdefault(text, _Node())
            else:
                node.any = node = node.any or _Node()
        node.ends.append(template)

    def divided_by(self, steps: Steps) -> Iterator[str]:
        """The templates of which the pattern may match some paths and not others."""
        segments, rest, simple, _ = steps
        pending = [(self._root, 0, simple)]
        while pending:
            node, at, covers = pending.pop()
            if at == len(segments):
                if rest is None:
                    yield from () if covers else node.ends
                elif rest or not covers:
                    yield from _all_below(node, rest)
                continue
            yield from node.open
            segment = segments[at]
            if segment is None:
                pending += [(kid, at + 1, covers) for text, kid in node.kids.items() if text]
            elif segment in node.kids:
                pending.append((node.kids[segment], at + 1, covers))
            if node.any is not None and segment != "":
                pending.append((node.any, at + 1, covers and segment is None))


def _all_below(node: _Node, start: str) -> Iterator[str]:
    """The templates that go on behind a node with a segment that may begin with ``start``."""
    yield from node.open
    waiting = [kid for text, kid in node.kids.items() if text.startswith(start)]
    waiting += [node.any] if node.any is not None else []
    while waiting:
        one = waiting.pop()
        yield from (*one.ends, *one.open)
        waiting += [*one.kids.values(), *([one.any] if one.any is not None else [])]
