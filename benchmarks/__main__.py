"""``python -m benchmarks [--only decisions,paths,load,edits,log,service,authzen,reload,lock-outs,revocations,replicas,start,
imports] [--quick] [--decision-log off]``."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import goals, machine, peers, report
from benchmarks.sections import SECTIONS, Place

CACHE = peers.ROOT / ".cache" / "benchmarks"


def main() -> int:
    """Runs the sections, writes the results; 0 whatever the figures are, they speak for themselves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures every figure again.")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, comma-separated: %(default)s")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: does everything work?")
    parser.add_argument(
        "--decision-log", choices=("off", "file"), default="file", help="what our service logs to"
    )
    parser.add_argument(
        "--out", type=Path, help="where results.* go (default: benchmarks/, with --quick .cache/)"
    )
    given = parser.parse_args()
    wanted = given.only.split(",")
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    out = given.out or (CACHE / "quick" if given.quick else peers.HERE)
    out.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    missing = peers.install()
    results = _known(out / "results.json") if set(wanted) != set(SECTIONS) else {}
    results |= {"machine": machine.describe(), "quick": given.quick}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as scratch:
        place = Place(Path(scratch), CACHE, missing, _say, given.decision_log)
        for section in wanted:
            results["taken"] = {**results.get("taken", {}), section: machine.moment()}
            if section == "service":
                results["decision_log"] = given.decision_log
            results[section] = SECTIONS[section].measure(place, "quick" if given.quick else "full")
            results["machine"]["took"] = f"{(time.monotonic() - start) / 60:.0f} minutes"
            write(results, out)
    for verdict in goals.verdicts(results):
        _say(
            f"{'met    ' if verdict.met else 'NOT MET'} {verdict.promise}: {verdict.measured} (goal {verdict.goal})"
        )
    print(out / "results.md")
    return 0


def write(results: dict[str, Any], out: Path) -> None:
    """The figures, the page and the picture."""
    raw = out / "results.json"
    raw.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "results.md").write_text(report.page(results), encoding="utf-8")
    if "decisions" in results:
        command = [str(peers.PYTHON), "-m", "benchmarks.plot", str(raw), str(out / "results.svg")]
        subprocess.run(command, cwd=peers.ROOT, env={**os.environ, "PYTHONPATH": str(peers.ROOT)}, check=True)


def _known(path: Path) -> dict[str, Any]:
    """Sections measured earlier, kept beside the one that is measured now."""
    if not path.is_file():
        return {}
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
