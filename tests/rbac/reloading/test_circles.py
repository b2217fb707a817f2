"""A reload leaves nothing behind that only the collector would find: what a service holds is kept out of its sight."""

import gc
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rbac import LivePolicy, Policy, PolicyError
from rbac.guard import gate
from rbac.linting.lint import lint
from rbac.routes import NO_ROUTES
from rbac.stores.file import FileStore
from tests.support.casbin_cases import Subject
from tests.support.model_zoo import ZOO
from tests.support.service import ROOT


@contextmanager
def nothing_left() -> Iterator[None]:
    """What is done within leaves no object that is reached by nothing but itself. What was there before is not walked."""
    gc.disable()
    gc.freeze()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
        assert not left, left.most_common(20)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()


def test_a_reload_of_the_shipped_document_leaves_no_circle(tmp_path: Path) -> None:
    for name in ("model.conf", "policy.csv"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "policy_tests", tmp_path / "policy_tests")
    policy = (tmp_path / "policy.csv").read_bytes()
    live = LivePolicy(
        FileStore(tmp_path / "model.conf", tmp_path / "policy.csv", tmp_path / "policy_tests"),
        gate=lambda policy, snapshot: gate.lint_and(lambda _: (), NO_ROUTES, policy, snapshot),
        tests_gate=lambda policy, snapshot: gate.tests_hold(NO_ROUTES, policy, snapshot),
    )
    live.load()

    def edit(number: int) -> bool:
        (tmp_path / "policy.csv").write_bytes(policy + b"# edit %d\n" % number)
        return live.reload()

    assert edit(0)  # what is made once is made
    with nothing_left():
        assert edit(1)
        assert edit(2)


def judge(subject: Subject) -> None:
    try:
        policy = Policy.parse(subject.model.encode(), subject.policy.encode())
    except PolicyError:
        return
    lint(policy.document)
    policy.decide_request(tuple("x" for _ in policy.words))


# A third of them: each kind of pattern and of effect is among it.
@pytest.mark.parametrize("subject", ZOO[::3], ids=lambda subject: subject.name)
def test_no_model_leaves_a_circle(subject: Subject) -> None:
    judge(subject)
    with nothing_left():
        judge(subject)
