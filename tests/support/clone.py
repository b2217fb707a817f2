"""A clone of what is in the working tree, as a stranger would have it, with the environment that is already installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.service import ROOT

AUTHOR = ("-c", "user.name=A Stranger", "-c", "user.email=stranger@example.com")


def cloned(directory: Path) -> Path:
    """``directory`` with every file that git knows or would take, committed, and this run's `.venv`."""
    listed = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
            os.utime(directory / name, (1, 1))  # older than the environment, so that make installs nothing
    (directory / ".venv").symlink_to(sys.prefix)
    for arguments in (["init", "-q"], ["add", "-A"], [*AUTHOR, "commit", "-q", "-m", "As it is"]):
        subprocess.run(["git", *arguments], cwd=directory, check=True)
    return directory
