"""A state of an enforcer is made once for each change, of what still holds in the one before, and is right without it."""

# mypy: disallow-untyped-calls=False
# Casbin, one of whose classes is extended here, has no annotations.

from collections.abc import Callable
from itertools import product
from typing import Any

import casbin
import pytest
from casbin.core_enforcer import EnforceContext
from casbin.rbac.default_role_manager.role_manager import DomainManager, RoleManager

from rbac.engine import enforcer as engine_enforcer
from rbac.engine import state
from rbac.engine.enforcer import IndexedEnforcer
from rbac.engine.role_managers import LinkGraph
from rbac.engine.state import NOTHING
from tests.support.casbin_cases import Lines, Rows, Subject, answer, model_of
from tests.support.model_zoo import DOMAINS, SIMPLE, model

PLAIN = "r.obj == p.obj && r.act == p.act"
ROLES = Subject("roles", model(f"g(r.sub, p.sub) && {PLAIN}", g="g = _, _"), SIMPLE)
FOUR = "sub, dom, obj, act"
IN_DOMAINS = Subject(
    "domains", model(f"g(r.sub, p.sub, r.dom) && {PLAIN}", r=FOUR, p=FOUR, g="g = _, _, _"), DOMAINS
)
EVAL = Subject("eval", model(f"eval(p.sub) && {PLAIN}"), "p, r.sub == 'a', o1, read\n")
EMPTY = Subject("empty", ROLES.model, "")


def test_a_state_that_is_left_to_casbin_answers_nothing() -> None:
    assert NOTHING.decide(("a", "/x", "GET")) is None
    assert NOTHING.arity < 0  # the length of no request


def counting(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, counts: list[str]) -> None:
    original = getattr(module, name)

    def counted(*args: Any) -> Any:
        counts.append(name)
        return original(*args)

    monkeypatch.setattr(module, name, counted)


@pytest.mark.parametrize("subject", [ROLES, EVAL, EMPTY], ids=lambda subject: subject.name)
@pytest.mark.parametrize("disabled", [False, True])
def test_nothing_is_made_again_while_nothing_changes(
    subject: Subject, disabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is asked, and whether the index answers or Casbin."""
    made: list[str] = []
    counting(monkeypatch, engine_enforcer, "compiled", made)
    ours = subject.ours()
    ours.enable_enforce(not disabled)
    for _ in range(3):
        ours.compile()
        ours.enforce("a", "o1", "read")
        ours.enforce_ex("a", "o1", "read")
        ours.locate("a", "o1", "read")
        ours.candidates("a", "o1", "read")
        assert ours.indexed is (subject is not EVAL and not disabled)
    assert made == ["compiled"]
    for _ in range(3):
        ours.enforce(EnforceContext("r", "p", "e", "m"), "a", "o1", "read")
    assert made == ["compiled", "compiled"]


MADE = ("read_matcher", "RuleIndex", "ReachableRoles")
MATCHER, INDEX, REACH = ({name} for name in MADE)
EDITS: list[tuple[str, Callable[[IndexedEnforcer], Any], set[str]]] = [
    ("a rule comes", lambda e: e.add_policy("new", "o1", "read"), set()),
    ("a rule goes", lambda e: e.remove_policy("a", "o1", "read"), INDEX),
    ("a rule is another", lambda e: e.update_policy(["a", "o1", "read"], ["a", "o9", "read"]), INDEX),
    ("a link comes", lambda e: e.add_grouping_policy("new", "x"), REACH),
    ("a link goes", lambda e: e.remove_grouping_policy("x", "a"), REACH),
    ("all is loaded again", lambda e: e.load_policy(), INDEX | REACH),
    ("it is another model", lambda e: (e.set_model(model_of(ROLES.model)), e.load_policy()), INDEX | REACH),
    ("a function comes", lambda e: e.add_function("own", str), MATCHER | INDEX),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "expected"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_what_still_holds_after_an_edit_is_not_made_again(
    edit: Callable[[IndexedEnforcer], Any], expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = ROLES.ours()
    ours.enable_auto_save(False)
    ours.compile()
    made: list[str] = []
    for name in MADE:
        counting(monkeypatch, state, name, made)
    edit(ours)
    ours.compile()
    assert set(made) == expected


@pytest.mark.parametrize(("rules", "tail"), [(5, 32), (3000, 32), (5000, 50)])
def test_as_many_rules_come_at_the_end_as_cost_little(
    rules: int, tail: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the index is built again, and counts from there."""
    ours = IndexedEnforcer(
        model_of(ROLES.model), Rows(p=[[f"s{number}", "o1", "read"] for number in range(rules)])
    )
    ours.compile()
    made: list[str] = []
    counting(monkeypatch, state, "RuleIndex", made)
    for number in range(2 * tail + 2):
        ours.add_policy(f"new{number}", "o1", "read")
        assert ours.enforce(f"new{number}", "o1", "read")
        assert len(made) == (number + 1) // (tail + 1)


def test_links_of_another_manager_are_in_force_where_they_changed_as_often() -> None:
    stock, ours = ROLES.stock(), ROLES.ours()
    for enforcer, other in ((stock, RoleManager(10)), (ours, LinkGraph(ours.clock))):
        assert answer(enforcer, ("x", "o1", "read"))[0]
        enforcer.set_role_manager(other)
        enforcer.get_model().model["g"]["g"].policy[0][0] = "new"
        enforcer.build_role_links()
    for request in (("x", "o1", "read"), ("new", "o1", "read"), ("y", "o1", "read")):
        assert answer(ours, request) == answer(stock, request)
    assert ours.enforce("new", "o1", "read")
    assert not ours.enforce("x", "o1", "read")


@pytest.mark.parametrize("word", [["a"], {"a"}, 1, None, b"o1"], ids=str)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "matcher", [f"r.sub == p.sub && {PLAIN}", "r.sub == p.sub && keyMatch2(r.obj, p.obj)"]
)
def test_a_rule_that_is_no_text_is_answered_as_casbin_does(word: Any, late: bool, matcher: str) -> None:
    enforcers = []
    for kind in (casbin.Enforcer, IndexedEnforcer):
        enforcer = kind(model_of(model(matcher)), Rows(p=[["a", "o1", "read"]]))
        assert enforcer.enforce("a", "o1", "read")
        if late:
            enforcer.get_model().model["p"]["p"].policy.append(["b", word, "read"])
        else:
            enforcer.set_adapter(Rows(p=[["b", word, "read"], ["a", "o1", "read"]]))
            enforcer.load_policy()
        enforcers.append(enforcer)
    for request in (("a", "o1", "read"), ("b", "o1", "read"), ("b", word, "read")):
        assert answer(enforcers[1], request) == answer(enforcers[0], request)


@pytest.mark.parametrize("levels", [0, 1, 2])
@pytest.mark.parametrize("subject", [ROLES, IN_DOMAINS], ids=lambda subject: subject.name)
@pytest.mark.parametrize("own", [False, True])
def test_links_are_followed_as_far_as_their_manager_says(subject: Subject, levels: int, own: bool) -> None:
    """With none, a name is not even its own role."""
    domain = ("d1",) if subject is IN_DOMAINS else ()
    enforcers = subject.stock(), subject.ours()
    for enforcer in enforcers:
        if own:
            enforcer.set_role_manager((DomainManager if domain else RoleManager)(levels))
        else:
            enforcer.get_role_manager().max_hierarchy_level = levels
        enforcer.build_role_links()
    for name in ("a", "x", "y", "alice", "admin", "bob", "user"):
        request = (name, *domain, "o1", "read")
        assert answer(enforcers[1], request) == answer(enforcers[0], request)


class Own(RoleManager):
    """Role links of one's own: the same, but for what is said about two names."""

    said: Any = True

    def has_link(self, name1: str, name2: str, *domain: str) -> Any:
        if name2 == "root":
            raise LookupError(name1)
        return self.said if name2 == "b" else super().has_link(name1, name2, *domain)


@pytest.mark.parametrize("said", [True, False, "", "yes", None, 1])
@pytest.mark.parametrize("matcher", [f"g(r.sub, p.sub) && {PLAIN}", f"{PLAIN} && g(r.sub, p.sub)"])
def test_a_role_manager_of_ones_own_may_raise_and_say_what_it_likes(said: Any, matcher: str) -> None:
    """It is asked about every rule that Casbin asks it about."""
    subject = Subject("own", model(matcher, g="g = _, _"), SIMPLE)
    enforcers = subject.stock(), subject.ours()
    for enforcer in enforcers:
        manager = Own(10)
        manager.said = said
        enforcer.set_role_manager(manager)
        enforcer.build_role_links()
    for request in product(("a", "b", "x", "nobody"), ("o1", "o2", "o3", ""), ("read", "write")):
        assert answer(enforcers[1], request) == answer(enforcers[0], request)


def test_rules_of_roles_in_a_domain_are_found_by_the_callers_roles_there() -> None:
    rules = "".join(f"p, r{number}, d1, o1, read\n" for number in range(40))
    ours = Subject("many roles", IN_DOMAINS.model, rules + "g, alice, r7, d1\ng, r7, r8, d1\n").ours()
    assert ours.candidates("alice", "d1", "o1", "read") == 2
    assert ours.candidates("r9", "d1", "o1", "read") == 1
    assert ours.candidates("alice", "d2", "o1", "read") == 0


@pytest.mark.parametrize(
    ("manager", "expected"),
    [(RoleManager(10), 20), (Own(10), 40), (None, 1)],
    ids=["Casbin's", "own", "none"],
)
def test_links_of_ones_own_alone_have_every_rule_looked_at(manager: Any, expected: int) -> None:
    """Casbin's managers never raise; without any, a name is its own role alone."""
    rules = "".join(f"p, r{number}, o{number % 2}, read\n" for number in range(40))
    ours = Subject("two objects", ROLES.model, rules).ours()
    ours.get_model().model["g"]["g"].rm = manager
    assert ours.candidates("r1", "o1", "read") == expected


def _with_eval(enforcer: casbin.Enforcer) -> None:
    enforcer.set_model(model_of(EVAL.model))
    enforcer.add_policy("r.sub == 'a'", "o1", "read")
    enforcer.add_function("eval", lambda _: False)


class Unhashable:
    """A function that cannot be looked for in a set."""

    __hash__ = None  # type: ignore[assignment] # that is the point

    def __call__(self, *_: str) -> bool:
        return True


def _without_matcher(enforcer: casbin.Enforcer) -> None:
    del enforcer.get_model().model["m"]["m"]
    enforcer.add_policy("new", "o1", "read")


def _without_matchers(enforcer: casbin.Enforcer) -> None:
    del enforcer.get_model().model["m"]
    enforcer.add_policy("new", "o1", "read")


LEFT_TO_CASBIN: dict[str, Callable[[casbin.Enforcer], Any]] = {
    "a function called as eval is": _with_eval,
    "a forbidden function that is not called": lambda e: e.add_function("own", eval),
    "a function that cannot be looked for": lambda e: e.add_function("own", Unhashable()),
    "no matcher": _without_matcher,
    "no matchers": _without_matchers,
    "one that a definition does not have": lambda e: setattr(e.get_model().model["g"]["g"], "rm", None),
    "conditions for some links": lambda e: setattr(e, "cond_rm_map", {"g2": None}),
}


@pytest.mark.parametrize("name", LEFT_TO_CASBIN)
def test_what_casbin_refuses_or_reads_otherwise_is_left_to_it(name: str) -> None:
    for asked_before in (False, True):
        stock, ours = ROLES.stock(), ROLES.ours()
        for enforcer in (stock, ours):
            if asked_before:
                enforcer.enforce("a", "o1", "read")
            LEFT_TO_CASBIN[name](enforcer)
            enforcer.add_policy("late", "o1", "read")
        for request in (("a", "o1", "read"), ("x", "o1", "read"), ("nobody", "o1", "read")):
            assert answer(ours, request) == answer(stock, request)


def test_links_without_any_manager_are_the_same_error() -> None:
    """Where nothing was asked before: what Casbin was asked about once it goes on with."""
    stock, ours = ROLES.stock(), ROLES.ours()
    for enforcer in (stock, ours):
        enforcer.rm_map = {}
    for request in (("a", "o1", "read"), ("nobody", "o1", "read")):
        assert answer(ours, request) == answer(stock, request)
        assert isinstance(answer(ours, request)[0], type)


@pytest.mark.parametrize("function", ["keyMatch", "keyMatch2", "regexMatch"])
@pytest.mark.parametrize("as_links", [False, True])
def test_a_name_of_casbins_own_function_may_stand_for_something_else(function: str, as_links: bool) -> None:
    """Links that are called as a function of Casbin's are what Casbin calls; so is a function that took its place."""
    enforcers = []
    for kind in (casbin.Enforcer, IndexedEnforcer):
        enforcer = kind(model_of(model(f"{function}(r.sub, p.sub) && {PLAIN}", g="g = _, _")), Lines(""))
        enforcer.add_policy("a*", "o1", "read")
        if as_links:
            links = enforcer.get_model().model["g"]
            links[function] = links["g"]
            enforcer.add_grouping_policy("x", "a*")
        else:
            enforcer.add_function(function, lambda name, role: (name, role) == ("x", "a*"))
        enforcers.append(enforcer)
    for name in ("x", "a", "ab", "a*"):
        assert answer(enforcers[1], (name, "o1", "read")) == answer(enforcers[0], (name, "o1", "read"))
    assert enforcers[1].enforce("x", "o1", "read")
    assert not enforcers[1].enforce("ab", "o1", "read")
