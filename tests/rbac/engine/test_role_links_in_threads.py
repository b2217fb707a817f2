"""Role links are asked about and changed by many threads, and stay what the edits made them."""

import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from casbin.rbac.role_manager import RoleManager
from casbin.util import key_match_func

from rbac.engine.changes import ChangeCounter
from rbac.engine.enforcer import IndexedEnforcer
from rbac.engine.role_managers import (
    ConditionalDomainLinkGraph,
    ConditionalLinkGraph,
    DomainLinkGraph,
    LinkGraph,
)
from tests.support.casbin_cases import model_of
from tests.support.model_zoo import model

THREADS = 4
GRAPHS = (LinkGraph, DomainLinkGraph, ConditionalLinkGraph, ConditionalDomainLinkGraph)


@pytest.fixture(autouse=True)
def _hurried() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    earlier = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(earlier)


def together(*acts: Callable[[int], object], times: int) -> None:
    """Each of ``acts`` in a thread of its own, one beginning at a time for all; raises what any of them raised."""
    barrier = threading.Barrier(len(acts))
    failures: list[BaseException] = []

    def repeatedly(act: Callable[[int], object]) -> None:
        try:
            for number in range(times):
                barrier.wait()
                act(number)
        except threading.BrokenBarrierError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=repeatedly, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def slow_match(name: str, pattern: str) -> bool:
    """As a matching function in Python is: other threads get a turn in the middle of it."""
    return all(isinstance(part, str) for part in [name, pattern] * 5) and bool(key_match_func(name, pattern))


def one_after_another(ask: Callable[[], object]) -> None:
    """Ask about one unknown name in two threads, the second of which finds it known while the first is asking, and goes
    on when the first is done; or, where questions take turns, only begins then."""
    asking, answered = threading.Event(), threading.Event()

    def second() -> None:
        def wait_before_it_is_looked_up(frame: FrameType, event: str, _argument: object) -> None:
            if event == "call" and frame.f_code.co_name == "_get_role":
                asking.set()
                answered.wait()

        sys.setprofile(wait_before_it_is_looked_up)
        ask()
        sys.setprofile(None)

    thread = threading.Thread(target=second)

    def first(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_name == "_has_link" and not thread.ident:
            thread.start()
            asking.wait(0.2)  # for good where questions take turns

    sys.setprofile(first)
    ask()
    sys.setprofile(None)
    answered.set()
    if thread.ident:
        thread.join()


def names_in(graph: Any) -> set[str]:
    managers = [graph, *getattr(graph, "rm_map", {}).values()]
    return {name for one in managers for name in getattr(one, "all_roles", ())}


@pytest.mark.parametrize("kind", GRAPHS)
@pytest.mark.parametrize("matching", [False, True], ids=["names", "patterns"])
def test_questions_about_one_unknown_name_leave_nothing_behind(
    kind: Callable[[ChangeCounter], RoleManager], matching: bool
) -> None:
    """However many threads ask about it at once, also where names are patterns."""
    graph: Any = kind(ChangeCounter())
    if matching:
        graph.add_matching_func(slow_match)
    domain = ("d",) if "Domain" in type(graph).__name__ else ()
    for number in range(20):
        graph.add_link(f"/{number}/*", "r", *domain)
    graph.has_link("/1/*", "r", *domain)
    before = names_in(graph)
    one_after_another(lambda: graph.has_link("/1/x", "r", *domain))
    assert names_in(graph) == before


def test_a_later_deny_is_not_an_allow_because_two_threads_asked() -> None:
    """The answer to a question does not depend on which were asked before it, and by how many threads."""
    text = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _")
    ours = IndexedEnforcer(model_of(text))
    ours.add_named_matching_func("g", slow_match)
    ours.add_policy("/1/x", "/", "GET")
    ours.add_grouping_policy("o0", "o9")
    one_after_another(lambda: ours.enforce("/1/x", "/", "GET"))
    ours.add_grouping_policy("o1", "/*")
    assert not ours.enforce("/*", "/", "GET")


@pytest.mark.parametrize("kind", GRAPHS)
def test_links_are_added_and_asked_about_at_once(kind: Callable[[ChangeCounter], RoleManager]) -> None:
    """No thread meets another's half of an edit, and every link that was added is there."""
    graph: Any = kind(ChangeCounter())
    graph.add_matching_func(slow_match)
    domain = ("d",) if "Domain" in type(graph).__name__ else ()
    graph.add_link("/0/*", "r", *domain)

    def edit(number: int) -> None:
        graph.add_link(f"/{number}/a", f"r{number}", *domain)

    def other(number: int) -> None:
        graph.add_link(f"/{number}/b", "r", *domain)
        graph.delete_link(f"/{number}/b", "r", *domain)

    def ask(number: int) -> None:
        graph.has_link(f"/{number}/stranger", "r", *domain)

    together(edit, other, ask, ask, times=40)
    assert all(graph.has_link(f"/{number}/a", f"r{number}", *domain) for number in range(40))
    assert not any(graph.has_link(f"/{number}/b", "r", *domain) for number in range(1, 40))


def test_many_threads_may_change_one_policy() -> None:
    """Every rule and every link that any of them added is there, once, and in force."""
    text = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _")
    ours = IndexedEnforcer(model_of(text))
    ours.add_policy("admin", "o", "read")

    def edit(thread: int) -> Callable[[int], None]:
        def act(number: int) -> None:
            ours.add_policy(f"r{thread}-{number}", "o", "read")
            ours.add_grouping_policy(f"u{thread}-{number}", "admin")
            ours.enforce(f"u{thread}-{number}", "o", "read")

        return act

    together(*(edit(thread) for thread in range(THREADS)), times=40)
    assert len(ours.get_policy()) == THREADS * 40 + 1
    assert len(ours.get_grouping_policy()) == THREADS * 40
    assert all(ours.enforce(user, "o", "read") for user, _ in ours.get_grouping_policy())
