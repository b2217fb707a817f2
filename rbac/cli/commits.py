"""What commits of Git hold, beside what was published: which commit the newest version is, and what is beside Git.

A commit and a version are the same where model, rules, policy tests and endpoints are, byte for byte.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

from rbac.cli.stored import ROUTES, working_copy
from rbac.errors import PolicyError, RbacError
from rbac.routes import KnownRoutes, RoutesError
from rbac.stores import Snapshot

if TYPE_CHECKING:  # the driver is an extra
    from rbac.stores.postgres.versions import Version

# Commits that changed a document's files, from the newest on, in which a version is looked for.
_LOOKED_AT: Final = 200


class CommitsError(RbacError):
    """Git is not there, or cannot say what was asked."""

    code: ClassVar[str] = "git_failed"


class DocumentPaths(NamedTuple):
    """Where a document lies in a working tree: its files, below ``folder``."""

    folder: Path
    model: Path
    policy: Path
    tests: Path

    @classmethod
    def of(cls, model: Path, policy: Path, tests: Path) -> Self:
        """The places of these files, which may lie in different folders."""
        places = [Path(os.path.abspath(path)) for path in (model, policy, tests)]  # noqa: PTH100 - `..` goes, links stay
        folder = Path(os.path.commonpath([path.parent for path in places]))
        return cls(folder, *(path.relative_to(folder) for path in places))

    @property
    def names(self) -> list[str]:
        """The files and folders, endpoints beside the policy among them, as seen from ``folder``."""
        return [str(path) for path in (self.model, self.policy, self.tests, self.policy.parent / ROUTES)]


class Commit(NamedTuple):
    """A commit, and who made it with which subject, as a version's reason says it: `1a2b3c4 Alice: Open a path`."""

    sha: str
    subject: str


@dataclass(frozen=True, slots=True)
class GitHead:
    """How far the store is along ``revision``.

    ``version`` is the newest that a commit holds, and ``commit`` is that one; ``None`` where none does. ``unpublished``
    commits of the document came later, the newest first. ``beside`` are the versions behind ``version``: whatever
    they hold, no later commit holds it.
    """

    revision: str
    commit: Commit | None
    version: "Version | None"
    unpublished: tuple[Commit, ...]
    beside: "tuple[Version, ...]"

    @property
    def same(self) -> bool:
        """Whether the newest version is what the newest commit holds."""
        return self.version is not None and not self.unpublished and not self.beside

    def to_json(self) -> dict[str, Any]:
        """As ``rbac status --format json`` shows it."""
        return {
            "revision": self.revision,
            "same": self.same,
            "commit": self.commit and self.commit.sha,
            "version": self.version and self.version.number,
            "unpublished": [commit.sha for commit in self.unpublished],
            "beside": [version.to_json() for version in self.beside],
        }


def held_at(commit: str, paths: DocumentPaths) -> tuple[Snapshot, KnownRoutes]:
    """What a commit holds, and the endpoints that it goes with. Raises CommitsError, PolicyError, RoutesError."""
    listed = _git(paths.folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", *paths.names).split(b"\0")
    with TemporaryDirectory(prefix="rbac-") as directory:
        folder = Path(directory)
        for name in filter(None, listed):
            file = folder / name.decode(errors="surrogateescape")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_git(paths.folder, "cat-file", "blob", f"{commit}:./".encode() + name))
        return working_copy(folder / paths.model, folder / paths.policy, folder / paths.tests, None)


def git_head(revision: str, paths: DocumentPaths, versions: "Sequence[Version]") -> GitHead:
    """How far ``versions``, the newest first, are along the first parents of ``revision``. Raises CommitsError.

    Of several commits that hold the same the newest counts, and of several versions, too: a rollback by hand to what an
    earlier commit held is beside Git.
    """
    numbers = {version.digest: version for version in reversed(versions)}
    later: list[Commit] = []
    for commit in _commits(revision, paths):
        try:
            version = numbers.get(held_at(commit.sha, paths)[0].digest)
        except (PolicyError, RoutesError):  # it held no document yet, or none that can be read
            version = None
        if version is not None:
            beside = tuple(each for each in versions if each.number > version.number)
            return GitHead(revision, commit, version, tuple(later), beside)
        later.append(commit)
    return GitHead(revision, None, None, tuple(later), tuple(versions))


def commit_at(revision: str, folder: Path) -> Commit:
    """The commit that a branch, a tag or the like names. Raises CommitsError."""
    named = ("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    sha = _git(folder, "rev-parse", *named, silent=f"there is no commit `{revision}`").decode().strip()
    return next(_logged(folder, "-1", sha))


def _commits(revision: str, paths: DocumentPaths) -> Iterator[Commit]:
    """Those that changed the document, the newest first. Raises CommitsError."""
    options = ("--first-parent", "-m", f"-{_LOOKED_AT}", "--end-of-options", revision, "--")
    return _logged(paths.folder, *options, *paths.names)


def _logged(folder: Path, *arguments: str) -> Iterator[Commit]:
    for line in _git(folder, "log", "--no-patch", "--format=%H%x00%h %an: %s", *arguments).splitlines():
        sha, _, subject = line.decode(errors="replace").partition("\0")
        yield Commit(sha, subject)


def _git(folder: Path, *arguments: str | bytes, silent: str = "") -> bytes:
    """What git prints. Raises CommitsError, with ``silent`` where git itself says nothing."""
    program = shutil.which("git")
    if program is None:
        raise CommitsError("git is not installed")
    command = [program, "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise CommitsError(f"git: {lines[0] if lines else silent or f'exit code {done.returncode}'}")
    return done.stdout
