"""Role links as a graph: what they lead to, its cycles, and the chains that are longer than Casbin follows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from rbac.background import in_order, paced

LIMIT = 9  # links in a chain that stock Casbin still follows: its role manager counts ten names

Graph = Mapping[str, Mapping[str, int]]
CameFrom = dict[str, str | None]


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


def turned(graph: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The links the other way round: for each role, the names that hold it directly."""
    holders: dict[str, list[str]] = {}
    for name, roles in paced(graph.items()):
        for role in roles:
            holders.setdefault(role, []).append(name)
    return holders


def walk(
    roles_of: Callable[[str], Iterable[str]],
    names: Iterable[str],
    links: int | None = None,
    goal: str | None = None,
) -> CameFrom:
    """The names, and all that at most so many links lead to from them, nearest first, each with the name it was
    reached from; ``None`` for the names themselves.

    What is as far away comes in the order in which ``roles_of`` gives it. No further than to the ``goal``, if it is met.
    """
    came = dict.fromkeys(names)
    edge = list(came)
    for _ in count() if links is None else range(links):
        if not edge or goal in came:
            break
        step = []
        for name in edge:
            for role in roles_of(name):
                if role not in came:
                    came[role] = name
                    step.append(role)
        edge = step
    return came


def chain_to(name: str, came: CameFrom) -> tuple[str, ...]:
    """The chain of links by which :func:`walk` reached ``name``, from its beginning; ``()`` if it did not."""
    chain = []
    at = name if name in came else None
    while at is not None:
        chain.append(at)
        at = came[at]
    return tuple(reversed(chain))


def shortest_chain(
    roles_of: Callable[[str], Iterable[str]], name: str, role: str, levels: int
) -> tuple[str, ...]:
    """The shortest chain of links from ``name`` to ``role``, both included; ``()`` if none of fewer than ``levels`` is.

    Among chains of one length, the first in the order of the names.
    """
    return chain_to(role, walk(lambda one: sorted(roles_of(one)), [name], levels - 1, role))


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
    for name in paced(in_order(graph, key=lambda name: -depth[name])):
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
    came = walk(lambda name: graph.get(name, ()), [start], LIMIT + 1)
    chains = (chain_to(name, came) for name in came)
    names = next((chain for chain in chains if len(chain) > LIMIT + 1), None)
    return None if names is None else Chain(names, graph[names[-2]][names[-1]])
