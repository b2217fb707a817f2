"""A document in files: ``model.conf``, ``policy.csv`` and a directory of policy tests, watched by file
events."""

from collections.abc import Callable, Iterable
from pathlib import Path

from rbac.policy_tests.suite_files import SuiteFiles, suite_files
from rbac.stores.store import Snapshot
from rbac.stores.watched import WatchedFiles, content_of, unreadable


class FileStore(WatchedFiles):
    """Files on disk. ``tests`` is a directory of YAML files, or one of them
    (:mod:`rbac.policy_tests.suite_files`); missing tests are no tests, but tests that cannot be read are an error."""

    def __init__(self, model: str | Path, policy: str | Path, tests: str | Path | None = None) -> None:
        super().__init__()
        self._model = Path(model)
        self._policy = Path(policy)
        self._tests = None if tests is None else Path(tests)

    def read(self) -> Snapshot:
        """The files as they are once nobody writes them and none changed while all were read.

        Raises :class:`PolicyError` when one cannot be read, or is still being written after two seconds.
        """
        return self.steady(self._read_once)

    def files(self) -> list[Path]:
        return [self._model, self._policy, *self._suites().read]

    @property
    def main(self) -> Path:
        return self._policy

    def others(self) -> Iterable[Path]:
        """What is passed over: that it is there is told."""
        return self._suites().passed_over

    def names(self) -> list[Path]:
        tests = self._suites()
        names = [*self.files(), *(path / "*" for path in tests.directories)]
        return names if self._tests is None else [*names, self._tests]

    def _read_once(self) -> Snapshot:
        tests = self._suites(_refuse_unlisted)
        return Snapshot(
            model=content_of(self._model),
            policy=content_of(self._policy),
            tests={str(path): content_of(path) for path in tests.read},
            model_name=str(self._model),
            policy_name=str(self._policy),
            tests_name="" if self._tests is None else str(self._tests),
            passed_over=tuple(map(str, tests.passed_over)),
        )

    def _suites(self, unlisted: Callable[[OSError], None] | None = None) -> SuiteFiles:
        """The policy tests; ``unlisted`` is told of a directory that cannot be listed."""
        return SuiteFiles() if self._tests is None else suite_files(self._tests, unlisted)


def _refuse_unlisted(error: OSError) -> None:
    """A document whose tests cannot be seen has not passed them; a directory that just went has none."""
    if not isinstance(error, FileNotFoundError):
        raise unreadable(Path(error.filename), (error.strerror or str(error)).lower()) from error
