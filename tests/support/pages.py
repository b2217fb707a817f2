"""Pages of the documentation that are followed as they are written, and where their readers stand.

``python -m tests.support.pages`` writes into each what its commands show today.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rbac.guard import DecisionLog
from tests.support.clone import cloned
from tests.support.decisions import BOB, decided
from tests.support.service import ROOT
from tests.support.transcript import rewritten


def an_empty_folder(folder: Path) -> Path:
    """Nothing but this run's environment."""
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def a_clone_with_decisions(folder: Path) -> Path:
    """A clone, and a decision log of what users did."""
    clone = cloned(folder)
    asked = [("/user", BOB), ("/profile", BOB), ("/public", None), ("/admin", BOB)]
    log = DecisionLog.file(clone / "decisions.jsonl")
    log.start()
    for obj, who in asked:
        log.record(decided(obj, who=who))
    log.stop()
    return clone


PAGES: Final[dict[str, Callable[[Path], Path]]] = {
    "docs/incident.md": cloned,
    "docs/moving.md": an_empty_folder,
    "docs/other-model.md": an_empty_folder,
    "docs/review.md": a_clone_with_decisions,
}


def main() -> None:
    """Writes the pages anew."""
    for name, placed in PAGES.items():
        path = ROOT / name
        with tempfile.TemporaryDirectory() as folder:
            page = rewritten(path.read_text(encoding="utf-8"), placed(Path(folder)))
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
