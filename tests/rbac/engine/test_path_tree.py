"""A path tree beside Casbin's own functions: what it leads to, however it is walked, and in how many steps it is made."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from rbac.engine.path_tree import ALL, Node, PathTree, despite_line_break, forked
from rbac.matching.key_match import SegmentReader
from rbac.model.functions import PATH_FUNCTIONS, CasbinFunction

STYLES = list(PATH_FUNCTIONS.values())
LITERAL = ["a", "b", "ab", "a.b", "b.a", "a.", ".", "", "a.b.a"]
ODD = ["*", "a*", "*b", "(a|b)", "a+", "a?"]
WORDS = ["a", "b", "ab", "axb", "a.b", "bxa", "ax", "x", "", "a.b.a", "axbxa", ".", "a/b", "*", "a*"]


def placeholders(style: CasbinFunction) -> list[str]:
    """What stands for a segment, as the style writes it, and what is a segment with one inside."""
    if not style.dialect:
        return []
    return [style.dialect.replace("id", name) for name in ("id", "x")] + [f"a{style.dialect}", "a.*"]


def some_patterns(style: CasbinFunction, chance: random.Random, number: int) -> list[str]:
    segments = LITERAL * 2 + placeholders(style) * 3 + ODD[: chance.choice([0, 1, 1, 6])]
    return [
        "/" * (chance.random() < 0.9) + "/".join(chance.choices(segments, k=chance.randint(1, 4)))
        for _ in range(number)
    ]


def some_paths(chance: random.Random, number: int) -> list[str]:
    return [
        "/" * (chance.random() < 0.9)
        + "/".join(chance.choices(WORDS, k=chance.randint(1, 5)))
        + chance.choice(["", "", "", "\n", "\n/a", "?q=1"])
        for _ in range(number)
    ]


class Filed:
    """Patterns in a tree, each a rule of its own, and what paths lead to in it."""

    def __init__(self, style: CasbinFunction, patterns: Sequence[str], unless: Sequence[str] = ()) -> None:
        self.style = style
        self.patterns = patterns
        self.tree = PathTree(style, [("", each) for each in patterns], 1, SegmentReader(style))
        self.decided = {rule for rule, each in enumerate(patterns) if self.tree.add(rule, each, unless)}
        self.frozen: list[list[int]] = []
        self.steps = [len(self.frozen) for _ in self.tree.freeze(self._freeze)]

    def _freeze(self, rules: list[int]) -> frozenset[int]:
        self.frozen.append(rules)
        return frozenset(rules)

    def at(self, path: str) -> set[int]:
        """What a path leads to where every way on is walked."""
        exact, root = self.tree.exact.get, self.tree.root
        if "\n" in path:
            return set(every_rule_of(despite_line_break(exact, root, path)))
        return rules_of(exact(path)) | (rules_of(forked(root, path.split("/"))) if root else set())

    def by_one_way(self, path: str) -> set[int]:
        """The same where one way is followed as long as there is but one."""
        node, same = self.tree.root, rules_of(self.tree.exact.get(path))
        segments = path.split("/")
        for at, segment in enumerate(segments):
            if not isinstance(node, Node):
                return same | rules_of(node)
            if node.forks:
                return same | rules_of(forked(node, segments[at:]))
            assert node.kids is None or node.any is None, "more than one way goes on from here"
            assert (node.opens, node.masks) == (None, None), "more than one way goes on from here"
            below = node.kids.get(segment) if node.kids is not None else node.any if segment else None
            if type(below) is not Node:
                return same | rules_of(below)
            node = below
        return same | rules_of(node.end if node is not None else None)

    def matching(self, path: str) -> set[int]:
        """The rules whose pattern matches by Casbin's own function; those that it refuses match nothing."""
        found = set()
        for rule, pattern in enumerate(self.patterns):
            try:
                if self.style.call(path, pattern):
                    found.add(rule)
            except Exception:  # noqa: BLE001 - as Casbin raises it
                continue
        return found


def every_rule_of(bucket: Any) -> list[int]:
    """The rules in a bucket of a frozen tree, in which nothing is empty and no list of rules is left."""
    if bucket is None:
        return []
    if isinstance(bucket, int):
        return [bucket]
    if isinstance(bucket, frozenset):
        assert len(bucket) > 1
        return sorted(bucket)
    level, buckets = bucket
    assert level is ALL
    assert buckets
    assert None not in buckets
    return [rule for each in buckets for rule in every_rule_of(each)]


def rules_of(bucket: Any) -> set[int]:
    """The rules in it, each of which is there once."""
    rules = every_rule_of(bucket)
    assert len(rules) == len(set(rules))
    return set(rules)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
@pytest.mark.parametrize("seed", range(25))
def test_a_path_leads_to_every_rule_that_matches_it_whichever_way_it_is_walked(
    style: CasbinFunction, seed: int
) -> None:
    chance = random.Random(f"{style.name} {seed}")
    patterns = some_patterns(style, chance, chance.choice([1, 3, 12, 40]))
    patterns += chance.choices(patterns, k=len(patterns) // 4)  # some stand in several rules
    unless = chance.sample(patterns, 1) if chance.random() < 0.3 else []
    filed = Filed(style, patterns, unless)
    left_out = {rule for rule, pattern in enumerate(patterns) if pattern in unless}
    paths = some_paths(chance, 40) + [style.compared(pattern) for pattern in patterns]
    for path in paths:
        asked = style.compared(path)
        found = filed.at(asked)
        assert filed.matching(path) - left_out <= found
        assert not found & left_out
        assert "\n" in asked or filed.by_one_way(asked) == found


@pytest.mark.parametrize(
    ("patterns", "path", "found"),
    [
        (["/a", "/b", "/a"], "/a", {0, 2}),
        (["/a"], "/a\n", {0}),
        (["/a"], "/b\n", set()),
        (["/a\n", "/a"], "/a\n", {0, 1}),
        (["/{x}"], "/a\n", {0}),
        (["/{x}/b"], "/a\nc/b", {0}),
        (["/a/{x}", "/a/b", "/{x}/b"], "/a/b", {0, 1, 2}),
        (["/a/{x}", "/a/{x}/c"], "/a/", set()),
        (["/{x}/a", "/{x}/b"], "//a", set()),
        (["/a/{x}/", "/a/{x}"], "/a/b/", {0}),
        (["/a/*", "/a/b*", "/a/b/*"], "/a/b/c", {0, 1, 2}),
        (["/a/*", "/a/bb*", "/*"], "/a/b", {0, 1, 2}),  # a quantifier takes the last letter back
        (["/a/*", "/a/bb*", "/*"], "/a/c", {0, 2}),
        (["/a.b", "/{x}"], "/axb", {0, 1}),
        (["/a.b/c", "/a.b/d", "/axb/c"], "/axb/c", {0, 2}),
        (["/a.b/{x}"], "/a/b/c", {0}),
        (["/{x}/a.b", "/{x}/c"], "/d/a/b", {0}),
        (["/a.b", "/ab.c", "/a.b.c", "/{x}"], "/a.b.c", {2, 3}),
    ],
)
def test_where_a_path_leads(patterns: list[str], path: str, found: set[int]) -> None:
    filed = Filed(PATH_FUNCTIONS["keyMatch3"], patterns)
    assert filed.at(path) == found
    assert "\n" in path or filed.by_one_way(path) == found


@pytest.mark.parametrize(
    ("patterns", "forks"),
    [
        (["/a/{x}", "/b/{y}/c"], []),
        (["/a/b/{x}", "/a/c/{x}"], []),
        (["/{x}/a", "/{y}/b"], []),
        (["/a/{x}", "/{y}/b", "/a/{x}/c", "/{y}/b/c"], [""]),
        (["/b/{x}", "/b/c.d", "/e/{x}", "/e/{y}"], ["b"]),
        (["/a/*", "/b/{x}"], []),  # of which one rule stands below `a`
        (["/a/*", "/a/{x}", "/b/{x}"], ["a"]),
    ],
)
def test_a_way_forks_only_where_more_than_one_goes_on(patterns: list[str], forks: list[str]) -> None:
    tree = Filed(PATH_FUNCTIONS["keyMatch3"], patterns).tree
    assert tree.root is not None
    assert tree.root.kids is not None
    top = tree.root.kids[""]
    nodes = {"": top} | {key: kid for key, kid in (top.kids or {}).items() if isinstance(kid, Node)}
    assert [key for key, node in nodes.items() if node.forks] == forks
    assert not tree.root.forks


def test_a_new_node_leads_nowhere() -> None:
    node = Node()
    assert (node.forks, node.kids, node.any, node.end, node.opens, node.masks) == (False, *[None] * 5)


def test_patterns_that_are_no_more_than_a_path_make_no_tree() -> None:
    filed = Filed(PATH_FUNCTIONS["keyMatch3"], ["/a", "/b", "/a"])
    assert (filed.tree.root, filed.decided, filed.frozen) == (None, {0, 1, 2}, [[0, 2]])


@pytest.mark.parametrize(
    ("pattern", "nodes"),
    [
        ("/{number}", 0),
        ("/{number}/{x}", 1 + 1 + 1000 + 1000),
        ("/a/{number}x*", 3),
        ("/a/{x}/{number}x*", 4),
    ],
)
def test_a_tree_is_frozen_in_steps_of_a_bounded_size(pattern: str, nodes: int) -> None:
    """Whoever reloads a large policy lets requests through between them."""
    shared = [pattern.replace("{number}", str(number)) for number in range(1000)]
    filed = Filed(PATH_FUNCTIONS["keyMatch3"], shared * 2)
    assert len(filed.frozen) == 1000
    assert {tuple(rules) for rules in filed.frozen} == {(rule, rule + 1000) for rule in range(1000)}
    each = [after - before for before, after in zip([0, *filed.steps], [*filed.steps, 1000], strict=True)]
    assert max(each) <= 256
    tables = 4 if "/{x}" not in pattern or "*" in pattern else 0  # of a thousand places, which are 256 a step
    assert len(filed.steps) == tables + nodes
