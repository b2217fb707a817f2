"""Rules filed by their path pattern, so that one walk down a path's segments finds every pattern that can match it."""

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from rbac.keymatch import Reader, Steps, Style

Bucket = (
    Any  # int: one rule; list[int]: rules in policy order; (level, table): rules by the key of another column
)
Freeze = Callable[[list[int]], Bucket]
Mask = tuple[int, tuple[int, ...]]


class Node:
    """What is known at one depth of the tree: where each next segment leads, and which patterns end or open here."""

    __slots__ = ("any", "end", "kids", "masks", "opens")

    def __init__(self) -> None:
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

    def __init__(self, style: Style, rows: Sequence[Sequence[str]], column: int, reader: Reader) -> None:
        self._reader = reader
        self._plain = style.plain.fullmatch
        self._rows = rows
        self._column = column
        self.exact: dict[str, Any] = {}
        self.root: Node | None = None

    def add(self, rule: int, pattern: str, unless: Container[str]) -> str | None:
        """File a rule; returns its pattern if only a regular expression decides that. Does not file patterns of ``unless``."""
        plain = self._plain(pattern) is not None
        if plain and pattern not in unless:
            exact = self.exact
            there = exact.get(pattern)
            exact[pattern] = rule if there is None else _both(there, rule)
        if plain:
            return None
        steps = self._reader.steps(pattern)
        if pattern not in unless:
            if self.root is None:
                self.root = Node()
            self._file(self.root, 0, steps, rule)
        return None if steps.simple else pattern

    def _file(self, node: Node, depth: int, steps: Steps, rule: int) -> None:
        segments, rest = steps.segments, steps.rest
        for at in range(depth, len(segments)):
            segment = segments[at]
            if segment is None:
                below, node.any = node.any, None
            else:
                if node.kids is None:
                    node.kids = {}
                below = node.kids.get(segment)
                if steps.dotted and "." in segment:
                    _mask(node, segment)
            if below is None:
                _put(node, segment, rule)
                return
            if type(below) is int:
                below = self._deepen(below, at + 1)
            _put(node, segment, below)
            node = below
        if rest is None:
            node.end = rule if node.end is None else _both(node.end, rule)
            return
        if node.opens is None:
            node.opens = {}
        there = node.opens.get(rest)
        node.opens[rest] = rule if there is None else _both(there, rule)

    def _deepen(self, rule: int, depth: int) -> Node:
        # Until now this rule was alone below its segment; another is to share it.
        node = Node()
        self._file(node, depth, self._reader.steps(self._rows[rule][self._column]), rule)
        return node

    def freeze(self, into: Freeze) -> Iterator[None]:
        """Turn every list of rules into a bucket; yields between steps of bounded size."""
        yield from _freeze_table(self.exact, into)
        nodes = [self.root] if self.root is not None else []
        while nodes:
            node = nodes.pop()
            if type(node.end) is list:
                node.end = into(node.end)
            if node.opens is not None:
                yield from _freeze_table(node.opens, into)
            nodes.extend(kid for kid in (node.kids or {}).values() if type(kid) is Node)
            if type(node.any) is Node:
                nodes.append(node.any)
            yield

    def find(self, path: str, segments: Sequence[str] | None) -> list[Bucket]:
        """The buckets of every pattern that can match ``path``; ``segments`` is ``None`` if it holds a line break."""
        found: list[Bucket] = []
        if segments is None:
            # `$` also matches before a line break at the very end.
            for text in {path, path.removesuffix("\n")}:
                self._find(text, text.split("/"), found)
        else:
            self._find(path, segments, found)
        return found

    def _find(self, path: str, segments: Sequence[str], found: list[Bucket]) -> None:
        bucket = self.exact.get(path)
        if bucket is not None:
            found.append(bucket)
        if self.root is not None:
            _walk(self.root, segments, 0, found)


def _walk(node: Node, segments: Sequence[str], at: int, found: list[Bucket]) -> None:
    count = len(segments)
    while at < count:
        if node.opens is not None:
            _collect_opens(node.opens, segments, at, found)
        segment = segments[at]
        if node.masks is not None:
            _walk_dotted(node, segments, at, found)
        at += 1
        below = node.kids.get(segment) if node.kids is not None else None
        if node.any is not None and segment:
            if below is None:
                below = node.any
            elif type(node.any) is int:
                found.append(node.any)
            else:
                _walk(node.any, segments, at, found)
        if type(below) is not Node:
            if below is not None:
                found.append(below)
            return
        node = below
    if node.end is not None:
        found.append(node.end)


def _collect_opens(opens: dict[str, Bucket], segments: Sequence[str], at: int, found: list[Bucket]) -> None:
    if len(opens) == 1 and "" in opens:
        found.append(opens[""])
        return
    rest = "/".join(segments[at:])
    if len(opens) <= len(rest):
        found.extend(bucket for start, bucket in opens.items() if rest.startswith(start))
        return
    for length in range(len(rest) + 1):
        bucket = opens.get(rest[:length])
        if bucket is not None:
            found.append(bucket)


def _walk_dotted(node: Node, segments: Sequence[str], at: int, found: list[Bucket]) -> None:
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
            _walk(below, segments, at + 1 + text.count("/"), found)
        elif below is not None:
            found.append(below)


def _put(node: Node, segment: str | None, below: Any) -> None:
    if segment is None:
        node.any = below
    elif node.kids is not None:
        node.kids[segment] = below


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
