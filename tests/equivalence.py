"""Ask stock Casbin whether `diff` is right: two documents, what `diff` says of them, and many random requests.

    python -m tests.equivalence [--pairs 200] [--requests 2000] [--deep 10] [--deep-requests 100000] [--seed 1]

Each pair is a random document and an edit of it, under one of many kinds of model. Exits 1 unless for every pair

- "equivalent" means that stock Casbin answers every request alike for both;
- every change that `diff` names is one that stock Casbin makes, in the same direction;
- a request that stock Casbin answers differently, asked by a caller of `diff`'s, is a change of that caller's.

Requests with a control character count only against `diff(..., control=True)`, as the service refuses them.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from random import Random

import casbin

from rbac.diff.diff import diff
from rbac.diff.differences import Diff
from rbac.errors import PolicyError
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space.callers import callers_of
from rbac.space.space import Space
from tests.support import random_documents, random_policies
from tests.support.random_requests import Requests

ROUTES = (
    Route("GET", "/a"),
    Route("POST", "/a/{id}"),
    Route("GET", "/{name}/b"),
    Route("DELETE", "/z"),
    Route("GET", "/files/{id}"),
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

Request = tuple[str, ...]


@dataclass
class Tally:
    """What was asked and found, and the sentences that say what was wrong."""

    pairs: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    differing: int = 0
    changes: int = 0
    wrong: list[str] = field(default_factory=list)


def pairs(seed: int) -> Iterator[tuple[str, Policy, Policy]]:
    """Documents and an edit of each, without end; those that strict reading refuses are left out."""
    dice = Random(seed)
    while True:
        kind = dice.choice(random_documents.KINDS)
        model = kind.model(dice)
        rows = kind.rows(dice)
        try:
            old, new = (
                random_policies.read(model, "".join(f"{', '.join(row)}\n" for row in some))
                for some in (rows, kind.edited(rows, dice))
            )
        except PolicyError:
            continue
        yield kind.name, old, new


def requests(old: casbin.Enforcer, new: casbin.Enforcer, space: Space, seed: int) -> Iterator[Request]:
    """Requests from the words of both documents and from words one character off, half of them by a caller that
    `diff` knows."""
    dice = Random(seed)
    sources = [iter(Requests(old, seed)), iter(Requests(new, seed + 1))]
    callers = [dict(caller.words) for caller in callers_of(space)]
    while True:
        request = next(dice.choice(sources))
        if dice.random() < 0.5:
            words = dict(zip(space.words, request, strict=True)) | dice.choice(callers)
            request = space.request(words)
        if dice.random() < 0.1:
            other = next(dice.choice(sources))
            request = tuple(dice.choice(both) for both in zip(request, other, strict=True))
        yield request


def check(old: Policy, new: Policy, count: int, seed: int, tally: Tally) -> Iterator[str]:
    """Every sentence that says where `diff` and stock Casbin part."""
    stock = (random_policies.stock(old), random_policies.stock(new))
    routes = ROUTES if seed % 2 else ()
    plain, odd = diff(old, new, routes), diff(old, new, routes, control=True)
    for found in (plain, odd):
        yield from confirmed(found, Space((old, new)), stock, tally)
    space = Space((old, new), routes)
    if plain.notes:
        tally.pairs["not claimed"] += 1
        return
    tally.pairs["equivalent" if plain.equivalent else "changed"] += 1
    changing = {False: directions(plain, space), True: directions(odd, space)}
    callers = {space.request(caller.words): caller.label for caller in callers_of(space)}
    known: dict[Request, tuple[bool, bool]] = {}  # the same request may come up again
    for request in islice(requests(*stock, space, seed), count):
        if request not in known:
            known[request] = (stock[0].enforce(*request), stock[1].enforce(*request))
        before, after = known[request]
        tally.requests += 1
        if before == after:
            continue
        tally.differing += 1
        control = any(map(_CONTROL.search, request))
        if (odd if control else plain).equivalent:
            yield f"said to be equivalent, but {request!r} turns from {before} to {after}"
        who = asker(request, space)
        if who in callers and (who, after) not in changing[control]:
            yield f"{callers[who]!r}: {request!r} turns from {before} to {after}, and diff does not say so"


def asker(request: Request, space: Space) -> Request:
    """The request without what it asks for."""
    left_out = {space.shape.obj, space.shape.act}
    return tuple("" if word in left_out else value for word, value in zip(space.words, request, strict=True))


def directions(found: Diff, space: Space) -> set[tuple[Request, bool]]:
    """Who is granted or revoked something."""
    changes = (*found.cells, *found.people)
    return {(asker(space.request(change.caller.words), space), change.granted) for change in changes}


def confirmed(
    found: Diff, space: Space, stock: tuple[casbin.Enforcer, casbin.Enforcer], tally: Tally
) -> Iterable[str]:
    """Ask stock Casbin about every change that `diff` names."""
    for change in (*found.cells, *found.people):
        request = space.request({**change.caller.words, **change.endpoint.words})
        tally.changes += 1
        if [enforcer.enforce(*request) for enforcer in stock] != [not change.granted, change.granted]:
            yield f"{request!r} is said to be {'granted' if change.granted else 'revoked'}, and is not"


def run(pair_count: int, requests_each: int, seed: int, tally: Tally, *, both: bool = False) -> None:
    """Check this many pairs. ``both``: as many that are equivalent as that are not."""
    wanted = {True: (pair_count + 1) // 2, False: pair_count // 2} if both else None
    done = 0
    for number, (kind, old, new) in enumerate(pairs(seed)):
        if done == pair_count:
            return
        if wanted is not None:
            found = diff(old, new)
            if found.notes or not wanted[found.equivalent]:
                continue
            wanted[found.equivalent] -= 1
        done += 1
        wrong = list(check(old, new, requests_each, seed + number, tally))
        for sentence in wrong[:2]:
            documents = "\n".join(f"{text.document.policy_bytes.decode()}--" for text in (old, new))
            sys.stdout.write(f"{kind}: {sentence}\n{old.document.definition.matcher}\n{documents}\n")
        tally.wrong += wrong
        if done % 20 == 0 or requests_each >= 50_000:
            sys.stderr.write(f"{done} pairs, {tally.requests:,} requests, {len(tally.wrong)} wrong\n")


def main(arguments: list[str]) -> int:
    """Many pairs at few requests each, then few at many."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--deep", type=int, default=10)
    parser.add_argument("--deep-requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    tally = Tally()
    run(given.pairs, given.requests, given.seed, tally)
    run(given.deep, given.deep_requests, given.seed + 1_000_000, tally, both=True)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.pairs.items()))
    sys.stdout.write(
        f"{tally.pairs.total()} pairs ({kinds}), {tally.requests:,} requests to stock Casbin for both documents, "
        f"{tally.differing:,} answered differently, {tally.changes:,} changes confirmed: {len(tally.wrong)} wrong\n"
    )
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
