"""``python -m tests.support.soak [--minutes 30] [--json FILE]``: exit code 1 for whatever is not as it should be."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.support.soak.judgement import faults
from tests.support.soak.run import Effort, soak


def main() -> int:
    """Runs one soak and prints what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: %(default)g)")
    parser.add_argument("--json", type=Path, help="where all figures go, the readings included")
    parser.add_argument(
        "--known",
        type=int,
        default=10_000,
        help="tokens that each worker remembers at first (default: %(default)d)",
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        outcome = soak(Path(scratch), Effort(seconds=60 * given.minutes, known=given.known), _say)
    figures = outcome.to_json()
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for name, value in figures.items():
        if name != "series":
            _say(f"{name}: {value}")
    found = faults(outcome)
    for fault in found:
        _say(f"NOT AS IT SHOULD BE: {fault}")
    return 1 if found else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
