"""Many threads may ask while one changes the policy, and no number of callers makes the enforcer grow."""

import gc
import sys
import threading
import time
from collections.abc import Callable
from itertools import count

import casbin
import pytest
from casbin.model.model import Model
from casbin.util import key_match_func

from rbac.engine.enforcer import IndexedEnforcer
from tests.support.casbin_cases import ROOT, Lines, Subject, model_of
from tests.support.model_zoo import DOMAINS, SIMPLE, model
from tests.support.waiting import comes_true

PLAIN = "r.obj == p.obj && r.act == p.act"
MATCHERS = {
    "roles": (model(f"g(r.sub, p.sub) && {PLAIN}", g="g = _, _"), SIMPLE),
    "left to Casbin": (model(f"g(r.sub, p.sub) && {PLAIN} && r.sub + '' == r.sub", g="g = _, _"), SIMPLE),
}


FEW = 500  # blocks: what the interpreter itself may take or give back meanwhile


def grown(ask: Callable[[str], object], callers: int) -> int:
    """How many more blocks of memory are in use after so many strangers were answered."""
    for number in range(1000):
        ask(f"early-{number}")
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(callers):
        ask(f"stranger-{number}")
    gc.collect()
    return sys.getallocatedblocks() - before


def test_two_hundred_thousand_strangers_leave_nothing_behind() -> None:
    ours = IndexedEnforcer(str(ROOT / "model.conf"), str(ROOT / "policy.csv"))
    assert grown(lambda name: ours.enforce(name, name, f"/{name}", name), 200_000) < FEW


@pytest.mark.parametrize("name", MATCHERS)
def test_strangers_leave_nothing_behind_whoever_answers_them(name: str) -> None:
    ours = Subject(name, *MATCHERS[name]).ours()
    assert grown(lambda name: ours.enforce(name, "o1", "read"), 3000) < FEW


def test_strangers_leave_nothing_behind_where_names_are_patterns() -> None:
    ours = Subject("roles", *MATCHERS["roles"]).ours()
    ours.add_named_matching_func("g", casbin.util.key_match2_func)
    assert grown(lambda name: ours.enforce(name, "o1", "read"), 3000) < FEW


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    def answers(enforcer: casbin.Enforcer, *before: str) -> list[bool]:
        enforcer.add_named_matching_func("g", key_match_func)
        enforcer.add_policy("/a/b", "/", "GET")
        for name in before:
            enforcer.enforce(name, "/", "GET")
        enforcer.add_grouping_policy("o1", "/*")
        return [enforcer.enforce(name, "/", "GET") for name in ("/*", "o1", "/*")]

    text, _ = MATCHERS["roles"]
    unasked = answers(casbin.Enforcer(model_of(text)))
    assert answers(casbin.Enforcer(model_of(text)), "/a/b") != unasked
    assert answers(IndexedEnforcer(model_of(text)), "/a/b") == unasked == [False, True, False]


def test_domains_that_nobody_knows_leave_nothing_behind() -> None:
    matcher = "g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act"
    text = model(matcher, r="sub, dom, obj, act", p="sub, dom, obj, act", g="g = _, _, _")
    ours = Subject("domains", text, DOMAINS).ours()
    assert grown(lambda name: ours.enforce(name, name, "o1", "read"), 20_000) < FEW
    ours.add_named_domain_matching_func("g", casbin.util.key_match_func)
    assert grown(lambda name: ours.enforce(name, name, "o1", "read"), 1000) < FEW


def test_strangers_leave_nothing_behind_where_no_links_were_ever_loaded() -> None:
    ours = IndexedEnforcer(model_of(MATCHERS["roles"][0]))
    ours.add_policy("a", "o1", "read")
    assert grown(lambda name: ours.enforce(name, "o1", "read"), 3000) < FEW


def test_strangers_in_a_domain_that_is_known_leave_nothing_behind() -> None:
    matcher = "g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act"
    text = model(matcher, r="sub, dom, obj, act", p="sub, dom, obj, act", g="g = _, _, _")
    ours = Subject("domains", text, DOMAINS).ours()
    assert grown(lambda name: ours.enforce(name, "d1", "o1", "read"), 3000) < FEW


def test_questions_about_links_leave_nothing_behind() -> None:
    ours = Subject("roles", *MATCHERS["roles"]).ours()

    def ask(name: str) -> None:
        ours.get_roles_for_user(name)
        ours.get_users_for_role(name)
        ours.role_path(name, "a")

    assert grown(ask, 3000) < FEW


def test_every_answer_is_one_of_before_or_after_while_rules_come_and_go() -> None:
    """`steady` is always allowed and `never` never is; between the two, `toggled` may be either, and nothing may raise."""
    ours = Subject("roles", *MATCHERS["roles"]).ours()
    ours.enable_auto_save(False)
    ours.add_policies([[f"r{n}", f"o{n}", "read"] for n in range(200)])
    ours.add_grouping_policies([["steady", "r1"], ["toggled", "r2"]])
    over = threading.Event()
    wrong: list[object] = []
    asked: list[None] = []

    def ask() -> None:
        try:
            while not over.is_set():
                asked.append(None)
                if not ours.enforce("steady", "o1", "read"):
                    wrong.append("steady")
                if ours.enforce("never", "o1", "read") or ours.enforce("steady", "o3", "read"):
                    wrong.append("never")
                ours.enforce("toggled", "o2", "read")
        except Exception as error:  # noqa: BLE001 - a thread's error is shown below
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    changes, until = 0, time.monotonic() + 1.5
    while not wrong and (time.monotonic() < until or changes < 6 or len(asked) < 100):
        ours.remove_grouping_policy("toggled", "r2")
        assert not ours.enforce("toggled", "o2", "read")
        ours.remove_policy("r3", "o3", "read")
        ours.add_policy("r3", "o3", "read")
        ours.add_grouping_policy("toggled", "r2")
        assert ours.enforce("toggled", "o2", "read")
        changes += 1
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_permitted_caller_is_never_denied_while_the_policy_is_loaded_again() -> None:
    """Stock Casbin takes the role links down before the new ones are up."""
    ours = IndexedEnforcer(model_of(MATCHERS["roles"][0]), Slow(SIMPLE))
    assert ours.enforce("y", "o2", "write")
    done = threading.Event()
    answers: list[bool] = []

    def ask() -> None:
        while not done.is_set():
            answers.append(ours.enforce("y", "o2", "write"))

    thread = threading.Thread(target=ask)
    thread.start()
    loads = count(1)

    def often_enough() -> bool:
        ours.load_policy()
        return next(loads) >= 20 and len(answers) > 100

    assert comes_true(often_enough)
    done.set()
    thread.join()
    assert all(answers)


class Slow(Lines):
    """Takes its time, so that others are asked in the middle."""

    def load_policy(self, model: Model) -> None:
        super().load_policy(model)
        time.sleep(0.005)
