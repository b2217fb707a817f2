"""Policies are loaded, explained and asked in many threads at once, and Python's parser bears one at a time."""

import ast
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from rbac import Policy
from rbac.model.parser import alone
from tests.support.documents import MODEL, POLICY, ROOT

# A sum is more than the index reads: Casbin evaluates this matcher, and parses it for every request.
LEFT_TO_CASBIN = MODEL.replace(b"&& keyMatch3", b"&& r.sub + '' == r.sub && keyMatch3")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads take turns five hundred times as often as usual, and nothing is tried again."""
    monkeypatch.setattr("rbac.model.parser._TRIES", 1)
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


def test_a_parser_that_others_disturbed_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the lines of a traceback do, which the standard library parses in whatever thread logs it."""
    disturbed = iter(range(3))

    def parse(text: str) -> ast.Module:
        for _ in disturbed:
            raise SystemError("AST constructor recursion depth mismatch (before=48, after=33)")
        return ast.parse(text)

    monkeypatch.setattr("rbac.model.parser.ast", SimpleNamespace(parse=parse))
    assert Policy.parse(MODEL, POLICY).decide(role="admin", obj="/admin", act="GET").allowed


def test_an_error_that_stays_is_raised() -> None:
    def parse() -> None:
        raise SystemError("for good")

    with pytest.raises(SystemError, match="for good"):
        alone(parse)


PARSING = {"ast.parse", "ast.literal_eval", "SimpleEval", "CoreEnforcer._get_expression"}


def unlocked(tree: ast.Module) -> list[int]:
    """The lines of a module that parse Python, but for what is handed to ``alone``."""
    nodes = list(ast.walk(tree))
    alone = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "alone"]
    locked = {inner for node in alone for inner in ast.walk(node)}
    return [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PARSING and node not in locked
    ]


@pytest.mark.parametrize(
    "path",
    sorted((*(ROOT / "rbac").rglob("*.py"), *(ROOT / "app").rglob("*.py"))),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_whatever_parses_python_does_so_alone(path: Path) -> None:
    assert unlocked(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_the_walk_sees_what_it_forbids() -> None:
    source = (
        "def f():\n    ast.parse('1')\n    alone(lambda: ast.parse('1'))\n    g = lambda: SimpleEval('1')\n"
    )
    assert unlocked(ast.parse(source)) == [2, 4]
