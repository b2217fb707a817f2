"""Every section of the results, and how much is measured of it: in earnest, quickly, or so little that it is a test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from benchmarks import (
    authzen,
    decision_log,
    decisions,
    edits,
    imports,
    loading,
    lock_outs,
    reload,
    replicas,
    revocations,
    start,
    worst_paths,
)
from benchmarks.service import load as service

Size = Literal["full", "quick", "tiny"]


@dataclass(frozen=True)
class Place:
    """Where a section works: ``scratch`` is empty at first, ``cache`` is kept from run to run.

    ``missing`` says, by engine, why one of them is not there; ``log`` is what our service writes its decisions to.
    """

    scratch: Path
    cache: Path
    missing: Mapping[str, str]
    say: Callable[[str], None]
    log: str = "file"


@dataclass(frozen=True)
class Section:
    """One section: ``run`` measures with one of the three efforts of ``module``, and gives the figures."""

    module: ModuleType
    run: Callable[[Place, Any], dict[str, Any]]

    def measure(self, place: Place, size: Size) -> dict[str, Any]:
        """The figures."""
        return self.run(place, self.module.Effort() if size == "full" else getattr(self.module, size.upper()))


SECTIONS: Mapping[str, Section] = {
    "decisions": Section(
        decisions, lambda at, effort: decisions.run(at.scratch, effort, dict(at.missing), at.say)
    ),
    "paths": Section(worst_paths, lambda at, effort: worst_paths.run(at.scratch, effort, at.say)),
    "load": Section(loading, lambda at, effort: loading.run(at.scratch, effort, at.say)),
    "edits": Section(edits, lambda at, effort: edits.run(at.scratch, effort, at.say)),
    "log": Section(decision_log, lambda _, effort: dict(decision_log.measure(effort))),
    "service": Section(
        service,
        lambda at, effort: service.run(at.scratch, at.cache, replace(effort, decision_log=at.log), at.say),
    ),
    "authzen": Section(authzen, lambda at, effort: authzen.run(at.scratch, at.cache, effort, at.say)),
    "reload": Section(reload, lambda at, effort: reload.run(at.scratch, at.cache, effort, at.say)),
    "lock-outs": Section(lock_outs, lambda at, effort: lock_outs.run(at.scratch, effort, at.say)),
    "revocations": Section(revocations, lambda at, effort: revocations.run(at.scratch, effort, at.say)),
    "replicas": Section(replicas, lambda at, effort: replicas.run(at.scratch, effort, at.say)),
    "start": Section(start, lambda at, effort: start.run(at.scratch, effort, at.say)),
    "imports": Section(imports, lambda at, effort: imports.run(effort, at.say)),
}
