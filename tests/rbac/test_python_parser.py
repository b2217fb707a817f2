"""Policies are loaded, explained and asked in many threads at once, and Python's parser bears one at a time."""

import ast
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rbac import Policy
from tests.support.documents import MODEL, POLICY, ROOT

# A sum is more than the index reads: Casbin evaluates this matcher, and parses it for every request.
LEFT_TO_CASBIN = MODEL.replace(b"&& keyMatch3", b"&& r.sub + '' == r.sub && keyMatch3")


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns five hundred times as often as usual."""
    earlier = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(earlier)


def at_depth(frames: int, act: Callable[[], object]) -> object:
    """``act``, called so many frames deep: the parser counts from the depth at which it is called."""
    return act() if frames == 0 else at_depth(frames - 1, act)


@pytest.mark.usefixtures("hurried")
def test_threads_that_explain_load_and_decide_do_not_trip_over_each_other() -> None:
    policy, slow = Policy.parse(MODEL, POLICY), Policy.parse(LEFT_TO_CASBIN, POLICY)
    assert policy.enforcer.indexed
    assert not slow.enforcer.indexed
    request = {"sub": "x", "role": "user", "obj": "/admin", "act": "GET"}
    failures: list[Exception] = []

    def repeatedly(act: Callable[[], object], times: int, frames: int) -> None:
        try:
            for _ in range(times):
                at_depth(frames, act)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
            failures.append(error)

    work: list[tuple[Callable[[], object], int, int]] = [
        (lambda: policy.explain(**request), 200, 1),
        (lambda: slow.decide(**request), 600, 5),
        (lambda: slow.decide(**request), 600, 9),
        (lambda: Policy.parse(MODEL, POLICY), 60, 13),
    ]
    threads = [threading.Thread(target=repeatedly, args=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


PARSING = {"ast.parse", "ast.literal_eval", "SimpleEval", "casbin.Enforcer._get_expression"}


def unlocked(tree: ast.Module) -> list[int]:
    """The lines of a module that parse Python outside of a ``with PARSER``."""
    found: list[int] = []

    def visit(node: ast.AST, *, locked: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            locked = False  # it runs when it is called, not where it stands
        if isinstance(node, ast.With):
            locked = locked or any(ast.unparse(item.context_expr) == "PARSER" for item in node.items)
        if not locked and isinstance(node, ast.Call) and ast.unparse(node.func) in PARSING:
            found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, locked=locked)

    visit(tree, locked=False)
    return found


@pytest.mark.parametrize(
    "path",
    sorted((*(ROOT / "rbac").rglob("*.py"), *(ROOT / "app").rglob("*.py"))),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_whatever_parses_python_holds_the_lock(path: Path) -> None:
    assert unlocked(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_the_walk_sees_what_it_forbids() -> None:
    source = "def f():\n    ast.parse('1')\n    with PARSER:\n        ast.parse('1')\n        g = lambda: SimpleEval('1')\n"
    assert unlocked(ast.parse(source)) == [2, 5]
