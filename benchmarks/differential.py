"""Ask stock Casbin and IndexedEnforcer the same random questions, and count where they differ.

    python -m benchmarks.differential [--requests 1000000] [--seed 1]

Every model and policy of tests/data is asked about; the share of each is limited by what stock Casbin takes for it.
Exits 1 if any answer, explanation or exception differs.
"""

import argparse
import sys
import time
from itertools import islice

from tests.support.casbin_cases import Subject, answer, subjects
from tests.support.model_zoo import ZOO
from tests.support.random_requests import Requests

STOCK_SECONDS = 30.0  # for one policy; the slow ones are asked less, and the quick ones make up for it


def compare(subject: Subject, count: int, seed: int) -> tuple[int, int]:
    """How many requests were asked, and how many were answered differently."""
    stock, ours = subject.stock(), subject.ours()
    asked = differences = 0
    started = time.perf_counter()
    for request in islice(Requests(stock, seed), count):
        expected, got = answer(stock, request), answer(ours, request)
        asked += 1
        if expected != got:
            differences += 1
            if differences <= 5:
                print(f"  {subject.name}: {request!r}: Casbin says {expected}, ours says {got}")
        if not asked % 64 and time.perf_counter() - started > STOCK_SECONDS:
            break
    return asked, differences


def main(arguments: list[str]) -> int:
    """Compare until the number is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    total = differences = 0
    everyone = [*subjects(), *ZOO]
    seed = options.seed
    while total < options.requests:
        share = max(1, (options.requests - total) // len(everyone) + 1)
        for subject in everyone:
            asked, differing = compare(subject, share, seed)
            total += asked
            differences += differing
            print(f"{total:>9} {differences} {subject.name}", flush=True)
        seed += 1
    print(f"{total} requests over {len(everyone)} policies: {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
