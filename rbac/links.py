"""Role links as a graph: its cycles, and the chains that are longer than Casbin follows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rbac.pacing import paced

LIMIT = 9  # links in a chain that stock Casbin still follows: its role manager counts ten names

Graph = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Chain:
    """Names in the order of the links between them, and the line of the link that makes it a fault."""

    names: tuple[str, ...]
    line: int


def link_graphs(links: Iterable[tuple[Sequence[str], int]], *, domains: bool) -> dict[str, Graph]:
    """The links of each domain (``""`` if there are none): each name to its roles, with their first line."""
    graphs: dict[str, dict[str, dict[str, int]]] = {}
    for row, line in links:
        graph = graphs.setdefault(row[2] if domains else "", {})
        graph.setdefault(row[0], {}).setdefault(row[1], line)
    return {**graphs}


def find_faults(
    rows: Sequence[Sequence[str]], lines: Sequence[int], *, domains: bool
) -> tuple[list[Chain], list[Chain]]:
    """The cycles, and where there is none, the chains that Casbin does not follow to their end."""
    # A link of a name to itself does nothing, and closes no circle.
    links = [(row, line) for row, line in paced(zip(rows, lines, strict=True)) if row[0] != row[1]]
    between = {row[0] for row, _ in links} & {row[1] for row, _ in links}
    inner = ((row, line) for row, line in links if row[0] in between)
    cycles: list[Chain] = []
    chains: list[Chain] = []
    for domain, graph in link_graphs(inner, domains=domains).items():
        found = list(find_cycles(graph))
        cycles += found
        if not found and max(_depths(graph).values()) >= LIMIT:
            every = link_graphs(links, domains=domains)[domain]
            chains += _deep_chains(every)
    return cycles, chains


def find_cycles(graph: Graph) -> Iterator[Chain]:
    """A cycle for each link that leads back to a name it came from, ending with the name it begins with."""
    done: set[str] = set()
    for start in paced(graph):
        if start in done:
            continue
        path = {start: iter(graph[start])}
        while path:
            name = next(reversed(path))
            role = next(path[name], None)
            if role is None:
                done.add(name)
                del path[name]
            elif role in path:
                walk = list(path)
                yield _closed(graph, walk[walk.index(role) :])
            elif role not in done:
                path[role] = iter(graph.get(role, ()))


def _closed(graph: Graph, names: list[str]) -> Chain:
    """The cycle through ``names``, turned so that the link written last comes last."""
    steps = zip(names, names[1:] + names[:1], range(len(names)), strict=True)
    line, position = max((graph[name][role], position) for name, role, position in steps)
    turned = names[position + 1 :] + names[: position + 1]
    return Chain((*turned, turned[0]), line)


def _deep_chains(graph: Graph) -> Iterator[Chain]:
    """Chains to a role that is too far away, one for each bundle of chains that share a start or an end."""
    depth = _depths(graph)
    told: set[str] = set()
    for name in sorted(graph, key=lambda name: -depth[name]):
        if depth[name] <= LIMIT or name in told:
            continue
        chain = _too_far(graph, name)
        if chain is not None and chain.names[-1] not in told:
            told.update(chain.names)
            yield chain


def _depths(graph: Graph) -> dict[str, int]:
    """How many links the longest chain from each name has, in a graph without cycles."""
    depth: dict[str, int] = {}
    for start in paced(graph):
        stack = [start]
        while stack:
            roles = graph.get(stack[-1], {})
            missing = [role for role in roles if role not in depth]
            if missing:
                stack += missing
            else:
                depth[stack.pop()] = 1 + max((depth[role] for role in roles), default=-1)
    return depth


def _too_far(graph: Graph, start: str) -> Chain | None:
    """The shortest chain from ``start`` to the first role that is just more than :data:`LIMIT` links away."""
    came: dict[str, tuple[str, ...]] = {start: (start,)}
    level = [start]
    for _ in range(LIMIT + 1):
        following = []
        for name in level:
            for role in graph.get(name, ()):
                if role not in came:
                    came[role] = (*came[name], role)
                    following.append(role)
        level = following
    if not level:
        return None
    names = came[level[0]]
    return Chain(names, graph[names[-2]][names[-1]])
