"""Rules filed by their path pattern, so that one walk down a path's segments finds every pattern that can match it."""

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final

from rbac.matching.key_match import SegmentReader, Steps
from rbac.model.functions import CasbinFunction

# int: one rule; list[int]: rules in policy order; (level, table): rules by the key of another column; (ALL, buckets)
Bucket = Any
ALL: Final = -1
Freeze = Callable[[list[int]], Bucket]
Mask = tuple[int, tuple[int, ...]]


class Node:
    """What is known at one depth of the tree: where each next segment leads, and which patterns end or open here."""

    __slots__ = ("any", "end", "forks", "kids", "masks", "opens")

    def __init__(self) -> None:
        self.forks = (
            False  # whether a path may go on in more than one way from here; known when the tree is frozen
        )
        self.kids: dict[str, Any] | None = None  # segment -> Node, or the one rule behind it
        self.any: Any = None  # the same for a variable
        self.end: Bucket = None  # patterns that end here
        self.opens: dict[str, Bucket] | None = (
            None  # start of what follows -> patterns that fit whatever follows that
        )
        self.masks: set[Mask] | None = None  # length and dots of the dotted segments among kids


class PathTree:
    """Finds the rules whose pattern (one column, one style) can match a path: never too few, sometimes too many.

    Filled with :meth:`add`, closed with :meth:`freeze`, and from then on only read.
    """

    __slots__ = ("_column", "_plain", "_reader", "_rows", "exact", "root")

    def __init__(
        self, style: CasbinFunction, rows: Sequence[Sequence[str]], column: int, reader: SegmentReader
    ) -> None:
        self._reader = reader
        self._plain = style.plain.fullmatch
        self._rows = rows
        self._column = column
        self.exact: dict[str, Any] = {}
        self.root: Node | None = None

    def add(self, rule: int, pattern: str, unless: Container[str]) -> bool:
        """File a rule, but not under a pattern of ``unless``; whether comparing segments decides its pattern."""
        if self._plain(pattern):
            if pattern not in unless:
                there = self.exact.get(pattern)
                self.exact[pattern] = rule if there is None else _both(there, rule)
            return True
        steps = self._reader.steps(pattern)
        if pattern not in unless:
            if self.root is None:
                self.root = Node()
            self._file(self.root, 0, steps, rule)
        return steps[2]

    def _file(  # noqa: C901 - one loop that a hundred thousand patterns go through
        self, node: Node, at: int, steps: Steps, rule: int
    ) -> None:
        segments, rest, _, dotted = steps
        count = len(segments)
        while at < count:
            segment = segments[at]
            at += 1
            if segment is None:
                below = node.any
                if below is None:
                    node.any = rule
                    return
                if type(below) is int:
                    node.any = below = self._deepen(below, at)
            else:
                if dotted and "." in segment:
                    _mask(node, segment)
                kids = node.kids
                below = kids.get(segment) if kids is not None else None
                if below is None:
                    if kids is None:
                        node.kids = {segment: rule}
                    else:
                        kids[segment] = rule
                    return
                if type(below) is int and kids is not None:
                    kids[segment] = below = self._deepen(below, at)
            node = below
        if rest is None:
            node.end = rule if node.end is None else _both(node.end, rule)
            return
        if node.opens is None:
            node.opens = {}
        there = node.opens.get(rest)
        node.opens[rest] = rule if there is None else _both(there, rule)

    def _deepen(self, rule: int, at: int) -> Node:
        # Until now this rule was alone below its segment; another is to share it.
        node = Node()
        self._file(node, at, self._reader.steps(self._rows[rule][self._column]), rule)
        return node

    def freeze(self, into: Freeze) -> Iterator[None]:
        """Turn every list of rules into a bucket; yields between steps of bounded size."""
        yield from _freeze_table(self.exact, into)
        nodes = [self.root] if self.root is not None else []
        while nodes:
            node = nodes.pop()
            more = node.opens is not None or node.masks is not None
            node.forks = more or (node.any is not None and node.kids is not None)
            if type(node.end) is list:
                node.end = into(node.end)
            if node.opens is not None:
                yield from _freeze_table(node.opens, into)
            nodes.extend(kid for kid in (node.kids or {}).values() if type(kid) is Node)
            if type(node.any) is Node:
                nodes.append(node.any)
            yield


def forked(node: Node, segments: Sequence[str]) -> Bucket:
    """All that ``segments`` lead to from ``node``, where more than one way may go on."""
    found: list[Bucket] = []
    _walk(node, segments, 0, found)
    return (ALL, found) if found else None


def despite_line_break(exact: Callable[[str], Bucket | None], root: Node | None, path: str) -> Bucket:
    """All that a path with a line break leads to: `$` also matches before one at the very end."""
    found: list[Bucket] = []
    for text in {path, path.removesuffix("\n")}:
        bucket = exact(text)
        if bucket is not None:
            found.append(bucket)
        if root is not None:
            _walk(root, text.split("/"), 0, found)
    return (ALL, found) if found else None


def _walk(  # noqa: C901 - every request goes through it, and a pattern may have more segments than Python has frames
    node: Node, segments: Sequence[str], at: int, found: list[Bucket]
) -> None:
    count = len(segments)
    pending = [(node, at)]
    while pending:
        node, at = pending.pop()
        while at < count:
            if node.opens is not None:
                _collect_opens(node.opens, segments, at, found)
            segment = segments[at]
            if node.masks is not None:
                pending += _dotted(node, segments, at, found)
            at += 1
            below = node.kids.get(segment) if node.kids is not None else None
            if node.any is not None and segment:
                if below is None:
                    below = node.any
                elif type(node.any) is int:
                    found.append(node.any)
                else:
                    pending.append((node.any, at))
            if type(below) is not Node:
                if below is not None:
                    found.append(below)
                break
            node = below
        else:
            if node.end is not None:
                found.append(node.end)


def _collect_opens(opens: dict[str, Bucket], segments: Sequence[str], at: int, found: list[Bucket]) -> None:
    if len(opens) == 1 and "" in opens:
        found.append(opens[""])
        return
    rest = segments[at]  # no start has a slash
    if len(opens) <= len(rest):
        found.extend(bucket for start, bucket in opens.items() if rest.startswith(start))
        return
    for length in range(len(rest) + 1):
        bucket = opens.get(rest[:length])
        if bucket is not None:
            found.append(bucket)


def _dotted(node: Node, segments: Sequence[str], at: int, found: list[Bucket]) -> Iterator[tuple[Node, int]]:
    """Where a dotted segment leads on from here, and at which segment of the path to go on there."""
    # A dot stands for any character, a slash among them: try the text with dots where the patterns have them.
    rest = "/".join(segments[at:])
    for length, dots in node.masks or ():
        text = rest[:length]
        if len(text) < length or rest[length : length + 1] not in ("", "/"):
            continue
        spelled = list(text)
        for dot in dots:
            spelled[dot] = "."
        key = "".join(spelled)
        if key == segments[at]:
            continue  # found as it is spelled
        below = (node.kids or {}).get(key)
        if type(below) is Node:
            yield below, at + 1 + text.count("/")
        elif below is not None:
            found.append(below)


def _mask(node: Node, segment: str) -> None:
    if node.masks is None:
        node.masks = set()
    node.masks.add((len(segment), tuple(at for at, char in enumerate(segment) if char == ".")))


def _both(there: Any, rule: int) -> list[int]:
    if type(there) is int:
        return [there, rule]
    there.append(rule)
    return there  # type: ignore[no-any-return]  # a bucket that is no int is a list until the tree is frozen


def _freeze_table(table: dict[str, Bucket], into: Freeze) -> Iterator[None]:
    for count, (key, bucket) in enumerate(table.items()):
        if type(bucket) is list:
            table[key] = into(bucket)
        if not count % 256:
            yield
