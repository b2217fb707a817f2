"""After any edit of the policy, and after any sequence of them, the answers are still stock Casbin's."""

from collections.abc import Callable
from itertools import product
from typing import Any

import casbin
import pytest
from casbin.persist.adapters import FilteredFileAdapter
from casbin.persist.adapters.filtered_file_adapter import Filter
from casbin.util import key_match2_func
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from rbac.engine.enforcer import IndexedEnforcer
from tests.support.casbin_cases import Lines, Rows, Subject, answer, model_of
from tests.support.model_zoo import DENY, SIMPLE, model

PLAIN = "r.obj == p.obj && r.act == p.act"
RBAC = Subject("roles", model(f"g(r.sub, p.sub) && {PLAIN}", g="g = _, _"), SIMPLE)
Edit = Callable[[casbin.Enforcer], Any]

NAMES = ("a", "b", "x", "y", "root", "new")
OBJECTS = ("o1", "o2", "o3", "")
EVERYTHING = tuple(product(NAMES, OBJECTS, ("read", "write")))


def _change_a_row(enforcer: casbin.Enforcer) -> None:
    rules = enforcer.get_model().model["p"]["p"]
    rules.policy[0][:] = ["new", "o3", "write"]
    rules.policy = list(rules.policy)


EDITS: dict[str, Edit] = {
    "add_policy": lambda e: e.add_policy("new", "o1", "read"),
    "add_policy that exists": lambda e: e.add_policy("a", "o1", "read"),
    "add_policies": lambda e: e.add_policies([["new", "o1", "read"], ["new", "o2", "read"]]),
    "add_policies_ex": lambda e: e.add_policies_ex([["a", "o1", "read"], ["new", "o2", "read"]]),
    "remove_policy": lambda e: e.remove_policy("a", "o1", "read"),
    "remove_policies": lambda e: e.remove_policies([["a", "o1", "read"], ["root", "o3", "read"]]),
    "remove_filtered_policy": lambda e: e.remove_filtered_policy(1, "o1"),
    "update_policy": lambda e: e.update_policy(["a", "o1", "read"], ["new", "o1", "read"]),
    "update_policies": lambda e: e.update_policies([["a", "o1", "read"]], [["new", "o3", "write"]]),
    "update_filtered_policies": lambda e: e.update_filtered_policies([["new", "o1", "read"]], 0, "a"),
    "add_grouping_policy": lambda e: e.add_grouping_policy("new", "x"),
    "add_grouping_policies": lambda e: e.add_grouping_policies([["new", "x"], ["root", "a"]]),
    "add_grouping_policy twice, remove once": lambda e: (
        e.add_grouping_policy("new", "x"),
        e.add_grouping_policy("new", "x"),
        e.remove_grouping_policy("new", "x"),
    ),
    "remove_grouping_policy": lambda e: e.remove_grouping_policy("x", "a"),
    "remove_grouping_policies": lambda e: e.remove_grouping_policies([["x", "a"], ["y", "x"]]),
    "remove_filtered_grouping_policy": lambda e: e.remove_filtered_grouping_policy(0, "y"),
    "links without building them": lambda e: (
        e.enable_auto_build_role_links(False),
        e.add_grouping_policy("new", "x"),
    ),
    "build_role_links": lambda e: (
        e.enable_auto_build_role_links(False),
        e.add_grouping_policy("new", "x"),
        e.build_role_links(),
    ),
    "delete_user": lambda e: e.delete_user("a"),
    "delete_role": lambda e: e.delete_role("a"),
    "add_role_for_user": lambda e: e.add_role_for_user("new", "x"),
    "delete_roles_for_user": lambda e: e.delete_roles_for_user("y"),
    "add_permission_for_user": lambda e: e.add_permission_for_user("new", "o1", "read"),
    "clear_policy": lambda e: e.clear_policy(),
    "clear_policy, then add": lambda e: (e.clear_policy(), e.add_policy("new", "o1", "read")),
    "load_policy": lambda e: (e.add_policy("new", "o1", "read"), e.load_policy()),
    "load_policy of another": lambda e: (
        e.set_adapter(Lines("p, new, o1, read\ng, root, new\n")),
        e.load_policy(),
    ),
    "load_policy that fails": lambda e: (
        e.set_adapter(Lines("p, new, o1, read\n)")),
        _failing(e.load_policy),
    ),
    "set_model": lambda e: e.set_model(model_of(RBAC.model)),
    "set_model with rules": lambda e: (
        e.set_model(model_of(model("r.sub == p.sub"))),
        e.add_policy("new", "", ""),
    ),
    "rows behind its back": lambda e: e.get_model().model["p"]["p"].policy.append(["new", "o1", "read"]),
    "a list behind its back": lambda e: setattr(
        e.get_model().model["p"]["p"], "policy", [["new", "o1", "read"]]
    ),
    "a list of as many rows behind its back": lambda e: setattr(
        e.get_model().model["p"]["p"], "policy", [["new", f"o{place}", "read"] for place in range(5)]
    ),
    "a list of the same rows behind its back, one of which is another": _change_a_row,
    "links behind its back": lambda e: e.get_role_manager().add_link("new", "x"),
    "a deleted link behind its back": lambda e: e.get_role_manager().delete_link("x", "a"),
    "cleared links behind its back": lambda e: e.get_role_manager().clear(),
    "the model behind its back": lambda e: e.get_model().add_policy("p", "p", ["new", "o1", "read"]),
    "add_named_matching_func": lambda e: e.add_named_matching_func("g", key_match2_func),
    "a row that is too short": lambda e: e.add_policy("new", "o1"),
    "a row that is no string": lambda e: e.get_model().model["p"]["p"].policy.append(["new", "o1", 1]),
}


def _failing(load: Callable[[], None]) -> bool:
    with pytest.raises(IndexError):
        load()
    return True


def both() -> tuple[casbin.Enforcer, IndexedEnforcer]:
    stock, ours = RBAC.stock(), RBAC.ours()
    for enforcer in (stock, ours):
        enforcer.enable_auto_save(False)
    return stock, ours


def differences(stock: casbin.Enforcer, ours: IndexedEnforcer) -> list[tuple[Any, ...]]:
    return [
        (request, expected, got)
        for request in EVERYTHING
        if (expected := answer(stock, request)) != (got := answer(ours, request))
    ]


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_shows_at_once(name: str) -> None:
    stock, ours = both()
    assert not differences(stock, ours)
    EDITS[name](stock)
    EDITS[name](ours)
    assert not differences(stock, ours)


def test_every_edit_changes_some_answer_or_is_known_not_to() -> None:
    """The table above would show nothing if its edits did not matter to the requests."""
    same = set()
    for name, edit in EDITS.items():
        before, after = RBAC.stock(), both()[0]
        edit(after)
        if [answer(before, request) for request in EVERYTHING] == [
            answer(after, request) for request in EVERYTHING
        ]:
            same.add(name)
    assert same == {
        "add_policy that exists",
        "add_grouping_policy twice, remove once",
        "links without building them",
        "load_policy",
        "load_policy that fails",
        "add_named_matching_func",
        "a row that is no string",
    }


def test_a_filtered_policy_is_loaded_and_added_to(tmp_path: Any) -> None:
    text = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _")
    path = tmp_path / "policy.csv"
    path.write_text(SIMPLE)
    enforcers = []
    for kind in (casbin.Enforcer, IndexedEnforcer):
        enforcer = kind(model_of(text), FilteredFileAdapter(str(path)))
        answers = [[answer(enforcer, request) for request in EVERYTHING]]
        for sub, load in (("a", "load_filtered_policy"), ("b", "load_increment_filtered_policy")):
            wanted = Filter()
            wanted.P = [sub]
            wanted.G = ["x"]
            getattr(enforcer, load)(wanted)
            answers.append([answer(enforcer, request) for request in EVERYTHING])
        enforcers.append(answers)
    assert enforcers[0] == enforcers[1]
    assert len({str(answers) for answers in enforcers[0]}) == 3


def test_a_watcher_that_asks_during_a_change_sees_what_casbin_shows_it() -> None:
    class Watcher:
        def __init__(self, enforcer: casbin.Enforcer) -> None:
            self.enforcer = enforcer
            self.seen: list[bool] = []

        def update(self) -> None:
            self.seen.append(self.enforcer.enforce("a", "o1", "read"))

        def update_for_remove_policy(self, *_: Any) -> None:
            self.update()

        def update_for_add_policy(self, *_: Any) -> None:
            self.update()

    class Saving(Lines):
        def add_policy(self, sec: str, ptype: str, rule: list[str]) -> None:
            pass

        def remove_policy(self, sec: str, ptype: str, rule: list[str]) -> None:
            pass

    seen = []
    for kind in (casbin.Enforcer, IndexedEnforcer):
        enforcer = kind(model_of(RBAC.model), Saving(RBAC.policy))
        watcher = Watcher(enforcer)
        enforcer.set_watcher(watcher)
        enforcer.enforce("a", "o1", "read")
        enforcer.remove_policy("a", "o1", "read")
        enforcer.add_policy("a", "o1", "read")
        watcher.update()
        seen.append(watcher.seen)
    assert seen[0] == seen[1] == [True, True, True]


def test_many_additions_one_by_one_are_all_found() -> None:
    text = model("g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act", g="g = _, _")
    ours = IndexedEnforcer(model_of(text), Rows(p=[[f"s{n}", f"/o{n}/:id", "GET"] for n in range(300)]))
    for n in range(300, 500):
        assert not ours.enforce(f"s{n}", f"/o{n}/1", "GET")
        ours.add_policy(f"s{n}", f"/o{n}/:id", "GET")
        assert ours.locate(f"s{n}", f"/o{n}/1", "GET") == (True, n)
        assert ours.candidates(f"s{n - 200}", f"/o{n - 200}/1", "GET") <= 40
    assert all(ours.enforce(f"s{n}", f"/o{n}/1", "GET") for n in range(500))


def test_rules_with_a_priority_are_put_where_they_belong() -> None:
    text = model(
        f"g(r.sub, p.sub) && {PLAIN}",
        p="priority, sub, obj, act, eft",
        g="g = _, _",
        e="priority(p.eft) || deny",
    )
    subject = Subject("priority", text, "p, 10, a, o1, read, deny\np, 20, a, o1, read, allow\ng, x, a\n")
    stock, ours = subject.stock(), subject.ours()
    assert not differences(stock, ours)
    for enforcer in (stock, ours):
        enforcer.add_policy("5", "a", "o1", "read", "allow")
        assert enforcer.enforce("x", "o1", "read")
    assert not differences(stock, ours)


words = st.sampled_from(["a", "b", "c", "d", "x"])
paths = st.sampled_from(["/x", "/x/:id", "/x/*", "/:id", "/x.y", "/x/(a|b)", "*", "/x/:id/y", ""])
acts = st.sampled_from(["GET", "POST", "*"])
effects = st.sampled_from(["allow", "deny", "other"])
rows = st.tuples(words, paths, acts, effects).map(list)
links = st.tuples(words, words).map(list)

EDITED = model(
    '(p.sub == "x" || g(r.sub, p.sub)) && keyMatch2(r.obj, p.obj) && (p.act == "*" || p.act == r.act)',
    p="sub, obj, act, eft",
    g="g = _, _",
    e=DENY,
)


class Edited(RuleBasedStateMachine):
    """Stock and ours under the same edits; asked about everything after each."""

    def __init__(self) -> None:
        super().__init__()
        self.stock = casbin.Enforcer(model_of(EDITED))
        self.ours = IndexedEnforcer(model_of(EDITED))

    def do(self, method: str, *args: Any) -> None:
        results = []
        for enforcer in (self.stock, self.ours):
            try:
                results.append(getattr(enforcer, method)(*args))
            except Exception as error:  # noqa: BLE001 - what one raises the other has to raise
                results.append(type(error))
        assert results[0] == results[1]

    @rule(row=rows)
    def add(self, row: list[str]) -> None:
        self.do("add_policy", *row)

    @rule(several=st.lists(rows, max_size=4))
    def add_several(self, several: list[list[str]]) -> None:
        self.do("add_policies", several)

    @rule(row=rows)
    def remove(self, row: list[str]) -> None:
        self.do("remove_policy", *row)

    @rule(column=st.sampled_from([0, 1, 2]), word=st.one_of(words, paths, acts))
    def remove_filtered(self, column: int, word: str) -> None:
        if word:
            self.do("remove_filtered_policy", column, word)

    @rule(data=st.data(), row=rows)
    def update(self, data: st.DataObject, row: list[str]) -> None:
        known = self.stock.get_policy()
        if known:
            old = list(data.draw(st.sampled_from(known)))
            self.do("update_policy", old, row)

    @rule(link=links)
    def add_link(self, link: list[str]) -> None:
        self.do("add_grouping_policy", *link)

    @rule(link=links)
    def remove_link(self, link: list[str]) -> None:
        self.do("remove_grouping_policy", *link)

    @rule(name=words)
    def delete_user(self, name: str) -> None:
        self.do("delete_user", name)

    @rule()
    def rebuild(self) -> None:
        self.do("build_role_links")

    @rule()
    def clear(self) -> None:
        self.do("clear_policy")

    @rule(enabled=st.booleans())
    def enable(self, enabled: bool) -> None:
        self.do("enable_enforce", enabled)

    @invariant()
    def answers_are_the_same(self) -> None:
        for request in product("abdx", ("/x", "/x/1", "/xzy", "/x/a/y", "/", "", "/x\n"), ("GET", "PUT")):
            assert answer(self.ours, request) == answer(self.stock, request), request


def test_random_edits_keep_the_answers_the_same() -> None:
    run_state_machine_as_test(
        Edited,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
