"""Which files are policy tests: one answer for the command, for pytest, and for the gate of a running service."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rbac.errors import Problem

SUFFIXES: Final = frozenset({".yaml", ".yml"})

NO_TESTS: Final = "no-policy-tests"

_YAML_SOMEWHERE: Final = re.compile(r"\.ya?ml", re.IGNORECASE)
# What Vim and Emacs keep beside a file that is open in them.
_OPEN_IN_AN_EDITOR: Final = re.compile(r"\..*\.sw[a-z]|\.#.*", re.DOTALL)
# Kubernetes keeps the files that it links to in directories of their own, named `..data` and after the time.
_KEPT_ASIDE: Final = ".."


@dataclass(frozen=True, slots=True)
class SuiteFiles:
    """What lies in one place, each in the order of the names.

    ``read`` are the policy tests, links to some that are gone among them. ``passed_over`` would be YAML but for their
    names: hidden, or `.YAML`, `.yaml.txt`, `.yaml~`. ``directories`` are all in which a test would be found.
    """

    read: tuple[Path, ...] = ()
    passed_over: tuple[Path, ...] = ()
    directories: tuple[Path, ...] = ()

    def warnings(self) -> tuple[Problem, ...]:
        """A warning for each file that is passed over."""
        return tuple(not_read(str(path)) for path in self.passed_over)


def suite_files(place: Path, unlisted: Callable[[OSError], None] | None = None) -> SuiteFiles:
    """The policy tests in ``place``: a file by any name, or a directory with all that lies below it.

    Links are followed. ``unlisted`` is told of a directory that cannot be listed. A place that is not there holds none.
    """
    if not os.path.lexists(place):
        return SuiteFiles()
    if not place.is_dir():
        return SuiteFiles(read=(place,))
    read, passed_over, directories = [], [], []
    for directory, names in _walk(place, unlisted):
        hidden = _is_hidden(directory.relative_to(place))
        if not hidden:
            directories.append(directory)
        for name in names:
            if not hidden and not name.startswith(".") and Path(name).suffix in SUFFIXES:
                read.append(directory / name)
            elif _YAML_SOMEWHERE.search(name) and not _OPEN_IN_AN_EDITOR.fullmatch(name):
                passed_over.append(directory / name)
    return SuiteFiles(tuple(sorted(read)), tuple(sorted(passed_over)), tuple(directories))


def not_read(file: str) -> Problem:
    """The warning about a file that looks like a policy test and is not read as one."""
    message = "is not read as a policy test, for its name"
    hint = (
        "give it a name that ends in `.yaml` and does not begin with a `.`, or move it out of the directory"
    )
    return Problem(file, 0, 0, "test-not-read", "warning", message, hint)


def no_tests(place: str) -> Problem:
    """The error about a place without a single policy test."""
    message = "there are no policy tests here"
    hint = "write one; `POLICY_GATE=lint` is how a service is told to go without"
    return Problem(place, 0, 0, NO_TESTS, "error", message, hint)


def _walk(place: Path, unlisted: Callable[[OSError], None] | None) -> Iterator[tuple[Path, list[str]]]:
    """Each directory below ``place`` once, behind however many links, with the names of its files."""
    seen: set[tuple[int, int]] = set()
    for name, below, files in os.walk(place, onerror=unlisted, followlinks=True):
        try:
            status = Path(name).stat()
        except OSError:  # it just went
            below.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        below[:] = sorted(each for each in below if not each.startswith(_KEPT_ASIDE) and each != ".git")
        yield Path(name), files


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
