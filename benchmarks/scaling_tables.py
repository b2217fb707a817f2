"""What was measured, as a table; and what follows for many replicas, rules and publications, as arithmetic."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CONNECTIONS: Final = 2
"""Of a worker: one for the document, one for who was sent away."""

_LOOK_S: Final = 4.25  # between two looks: 5 seconds, spread over 0.7 to 1.0 of it


@dataclass(frozen=True)
class Measured:
    """Figures of one machine. By the number of rules (0: the shipped document) a swap's processor seconds in a worker, and
    the document's bytes; MiB of a service's parent and of each worker; for each worker that follows it, the database's
    MiB, and microseconds of its processors for a look and for a publication."""

    taken: str
    swap_s: dict[str, float]
    document_bytes: dict[str, int]
    parent_mib: float
    worker_mib: float
    follower_mib: float
    look_us: int
    publication_us: int


@dataclass(frozen=True)
class Plan:
    """A deployment to reckon with."""

    replicas: int
    workers: int
    rules: int
    publications_s: float


PLANS: Final = (
    Plan(4, 2, 0, 1 / 60),
    Plan(100, 2, 10_000, 1 / 60),
    Plan(1_000, 2, 0, 1.0),
    Plan(1_000, 2, 10_000, 1.0),
    Plan(1_000, 2, 100_000, 1 / 60),
    Plan(1_000, 2, 1_000_000, 1 / 3600),
    Plan(1_000, 2, 1_000_000, 1.0),
)


def written_into(page: str, found: Measured) -> str:
    """``page`` with both tables anew, each behind its mark."""
    for mark, lines in (("measured", _measured(found)), ("computed", _computed(found))):
        table = "\n".join(lines)
        page = re.sub(
            rf"(?s)(<!-- {mark}[^\n]*-->\n\n).*?(\n\n<!-- end of {mark} -->)", rf"\g<1>{table}\g<2>", page
        )
    return page


def _measured(found: Measured) -> Iterator[str]:
    yield f"Taken {found.taken}."
    yield ""
    yield "| of | rules | a swap, processor seconds | the document, MB |"
    yield "|---|---:|---:|---:|"
    for rules, seconds in found.swap_s.items():
        name = "the shipped document" if rules == "0" else "the benchmarks' document"
        size = found.document_bytes[rules] / 1e6
        yield f"| {name} | {'35' if rules == '0' else f'{int(rules):,}'} | {seconds:.3f} | {size:.3f} |"
    yield ""
    yield "| of | |"
    yield "|---|---:|"
    yield f"| a service's parent (shipped document) | {found.parent_mib:.0f} MiB |"
    yield f"| each of its workers | {found.worker_mib:.0f} MiB |"
    yield f"| PostgreSQL, a worker's {CONNECTIONS} connections | {found.follower_mib:.1f} MiB |"
    yield f"| PostgreSQL, a look of a worker on both, reports included | {found.look_us:,} µs |"
    yield f"| PostgreSQL, a publication of the shipped document, a worker | {found.publication_us:,} µs |"


def _computed(found: Measured) -> Iterator[str]:
    yield (
        "| replicas of 2 workers | rules | publications | connections | PostgreSQL, GiB | PostgreSQL, cores | "
        "to send, MB a second | a worker's core is taken by swaps |"
    )
    yield "|---:|---:|---|---:|---:|---:|---:|---:|"
    for plan in PLANS:
        if str(plan.rules) in found.swap_s:
            yield row(found, plan)


def row(found: Measured, plan: Plan) -> str:
    """What follows for one deployment."""
    size, swap = found.document_bytes[str(plan.rules)], found.swap_s[str(plan.rules)]
    workers = plan.replicas * plan.workers
    # What a larger document costs PostgreSQL besides is the sending of it, in its own column.
    cores = workers * (found.look_us / _LOOK_S + found.publication_us * plan.publications_s) / 1e6
    sent = workers * size * plan.publications_s / 1e6
    cells = (
        f"{plan.replicas:,}",
        "35" if plan.rules == 0 else f"{plan.rules:,}",
        _often(plan.publications_s),
        f"{workers * CONNECTIONS:,}",
        f"{workers * found.follower_mib / 1024:.1f}",
        f"{cores:.2f}",
        f"{sent:,.1f}",
        f"{swap * plan.publications_s:.1%}",
    )
    return f"| {' | '.join(cells)} |"


def _often(a_second: float) -> str:
    for seconds, name in ((1, "a second"), (60, "a minute"), (3600, "an hour")):
        if abs(a_second * seconds - 1) < 1e-9:
            return f"one {name}"
    raise ValueError(f"no word for {a_second} a second")
