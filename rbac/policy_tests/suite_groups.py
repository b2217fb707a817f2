"""Named lists in a policy test file: of roles, and of endpoints, which may contain each other by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rbac.model.request_shape import HTTP_METHODS
from rbac.policy_tests.suite import Name
from rbac.policy_tests.yaml_nodes import NodeReader, Place
from rbac.text.nearest import nearest
from rbac.text.wording import quoted

KINDS: Final = ("roles", "endpoints")

_HINT: Final = "write `groups:` with `roles:` or `endpoints:` below it, and there `name: […]`"


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of one file: by kind, each name to the nodes of its list, with other groups put in their place."""

    roles: Mapping[str, tuple[Node, ...]]
    endpoints: Mapping[str, tuple[Node, ...]]
    names: tuple[Name, ...]
    """The names of the groups of roles, and where they stand."""
    places: Mapping[tuple[str, str], Place]
    """Where each group stands, by kind and name."""
    contained: Mapping[tuple[str, str], frozenset[str]]
    """The names of the groups of the same kind that each is made of, its own among them."""


NO_GROUPS: Final = Groups({}, {}, (), {}, {})


def read_groups(reader: NodeReader, node: Node) -> Groups:
    """The groups that `groups:` holds; what is wrong with them is noted in ``reader``."""
    kinds = reader.mapping(node, KINDS, "`groups:`", _HINT)
    if isinstance(node, MappingNode) and not node.value:
        reader.refuse(node, "asserts-nothing", "`groups:` is empty", _HINT)
    read = {kind: _lists(reader, kinds[kind], kind) if kind in kinds else {} for kind in KINDS}
    names = [Name(key.value, reader.place(key)) for key in _keys(kinds.get("roles"))]
    places = {
        (kind, key.value): reader.place(key)
        for kind, lists in read.items()
        for key in _keys(kinds.get(kind))
        if key.value in lists
    }
    whole: dict[str, dict[str, tuple[Node, ...]]] = {kind: {} for kind in KINDS}
    contained: dict[tuple[str, str], frozenset[str]] = {}
    for kind, name in places:
        whole[kind][name], contained[kind, name] = _whole(reader, read[kind], name)
    return Groups(whole["roles"], whole["endpoints"], tuple(names), places, contained)


def members(items: list[Node], groups: Mapping[str, tuple[Node, ...]]) -> Iterator[tuple[Node, bool]]:
    """The items of a list, the members of a group in the place of its name; with each whether a group brought it."""
    for item in items:
        if isinstance(item, ScalarNode) and item.value in groups:
            yield from ((member, True) for member in groups[item.value])
        else:
            yield item, False


def unknown_group(reader: NodeReader, node: Node, name: str, groups: Mapping[str, object]) -> None:
    """Note that there is no group of endpoints with this name."""
    close = nearest(name, groups)
    known = quoted(groups)
    hint = f"did you mean `{close}`?" if close else f"the groups are {known}" if known else ""
    endpoint = "write a method, a space and the path, as in `GET /user`"
    reader.refuse(node, "unknown-group", f"there is no group of endpoints `{name}`", hint or endpoint)


def _keys(node: Node | None) -> list[ScalarNode]:
    pairs = node.value if isinstance(node, MappingNode) else []
    return [key for key, _ in pairs if isinstance(key, ScalarNode)]


def _lists(reader: NodeReader, node: Node, kind: str) -> dict[str, list[Node]]:
    """The lists of one kind, as they are written."""
    entries = reader.mapping(node, None, f"`{kind}:`", "write `name: […]`")
    if isinstance(node, MappingNode) and not node.value:
        reader.refuse(node, "asserts-nothing", f"`{kind}:` names no group", "write `name: […]`")
    for key in _keys(node):
        if not key.value.strip() or any(letter.isspace() or letter in "/*" for letter in key.value):
            hint = "a word without spaces, `/` and `*` cannot be mistaken for an endpoint"
            reader.refuse(key, "group", f"`{key.value}` is no name for a group", hint)
        elif kind == "endpoints" and key.value.upper() in {*HTTP_METHODS, "HEAD"}:
            hint = "call it by what its endpoints have in common"
            reader.refuse(
                key, "group", f"`{key.value}` is a method, and no name for a group of endpoints", hint
            )
    lists: dict[str, list[Node]] = {}
    for name, value in entries.items():
        lists[name] = reader.sequence(value, name)
        if isinstance(value, SequenceNode) and not lists[name]:
            reader.refuse(value, "asserts-nothing", f"the group `{name}` is empty", "write what is in it")
    return lists


def _whole(
    reader: NodeReader, lists: Mapping[str, list[Node]], name: str
) -> tuple[tuple[Node, ...], frozenset[str]]:
    """All that a group contains, through other groups too, and which those are; each of those once."""
    found: list[Node] = []
    done = {name}
    path = {name: iter(lists[name])}
    while path:
        group = next(reversed(path))
        item = next(path[group], None)
        if item is None:
            del path[group]
            continue
        inner = item.value if isinstance(item, ScalarNode) and item.value in lists else None
        if inner is None:
            found.append(item)
        elif inner in path:
            _refuse_cycle(reader, item, list(path), inner)
        elif inner not in done:
            done.add(inner)
            path[inner] = iter(lists[inner])
    return tuple(found), frozenset(done)


def _refuse_cycle(reader: NodeReader, node: Node, path: list[str], inner: str) -> None:
    # Every group of a cycle comes upon it, and so does what leads there: it is told once.
    cycle = path[path.index(inner) :]
    if path[0] == min(cycle):
        way = " > ".join((*cycle, inner))
        reader.refuse(
            node, "group-cycle", f"the group `{inner}` contains itself: {way}", "take one of them out"
        )
