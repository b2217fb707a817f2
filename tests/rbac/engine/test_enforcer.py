"""IndexedEnforcer is a casbin.Enforcer in all that can be told from outside, and says what it looked at."""

import copy
import logging
import pickle
from inspect import signature
from pathlib import Path
from typing import Any

import casbin
import pytest
from casbin.core_enforcer import CoreEnforcer, EnforceContext
from casbin.effect.default_effectors import AllowOverrideEffector
from casbin.rbac.default_role_manager import role_manager as default_links
from casbin.rbac.role_manager import RoleManager
from casbin.util import key_match_func, regex_match_func

from rbac.engine.enforcer import IndexedEnforcer
from rbac.engine.state import Compiled, Parts, compiled
from tests.support.casbin_cases import ROOT, Lines, Rows, Subject, answer, model_of
from tests.support.model_zoo import DOMAINS, SIMPLE, model

PLAIN = "r.obj == p.obj && r.act == p.act"
RBAC = Subject("roles", model(f"g(r.sub, p.sub) && {PLAIN}", g="g = _, _"), SIMPLE)
IN_DOMAINS = Subject(
    "domains",
    model(
        "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
        r="sub, dom, obj, act",
        p="sub, dom, obj, act",
        g="g = _, _, _",
    ),
    DOMAINS,
)


def both(subject: Subject) -> tuple[casbin.Enforcer, IndexedEnforcer]:
    return subject.stock(), subject.ours()


def test_it_is_built_as_casbins_own_is(tmp_path: Path) -> None:
    (tmp_path / "model.conf").write_text(RBAC.model)
    (tmp_path / "policy.csv").write_text(RBAC.policy)
    model_path, policy_path = str(tmp_path / "model.conf"), str(tmp_path / "policy.csv")
    for enforcer in (
        IndexedEnforcer(model_path, policy_path),
        IndexedEnforcer(model_path, Lines(RBAC.policy)),
        IndexedEnforcer(model_of(RBAC.model), Lines(RBAC.policy)),
        IndexedEnforcer(model=model_path, adapter=policy_path, enable_log=False),
    ):
        assert isinstance(enforcer, casbin.Enforcer)
        assert enforcer.enforce("y", "o1", "read")


def test_it_may_have_a_model_alone_and_get_its_rules_later() -> None:
    ours = IndexedEnforcer(model_of(RBAC.model))
    assert not ours.enforce("a", "o1", "read")
    ours.add_policy("a", "o1", "read")
    ours.add_grouping_policy("z", "a")
    assert ours.enforce("z", "o1", "read")


def test_it_may_stand_under_the_name_of_casbins_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does where a program puts it in place of the original."""
    monkeypatch.setattr(casbin, "Enforcer", IndexedEnforcer)
    left_to_casbin = Subject("eval", model("eval(p.sub) && r.obj == p.obj"), "p, r.sub == 'a', o1, -\n")
    assert casbin.Enforcer(model_of(left_to_casbin.model), Lines(left_to_casbin.policy)).enforce(
        "a", "o1", "-"
    )
    assert casbin.Enforcer(model_of(RBAC.model), Lines(RBAC.policy)).enforce("y", "o1", "read")


def test_locate_gives_the_place_of_the_rule_that_explains() -> None:
    ours = RBAC.ours()
    assert ours.locate("y", "o2", "write") == (True, 2)
    assert ours.enforce_ex("y", "o2", "write") == (True, ["a", "o2", "write"])
    assert ours.locate("y", "o3", "write") == (False, -1)
    assert ours.enforce_ex("y", "o3", "write") == (False, [])


def test_locate_finds_the_rule_where_casbin_itself_answers() -> None:
    subject = Subject("eval", model("eval(p.sub) && r.obj == p.obj"), "p, r.sub.age > 17, o1, -\n")
    ours = subject.ours()
    request: tuple[Any, ...] = (type("Person", (), {"age": 18})(), "o1", "-")
    assert not ours.indexed
    assert ours.locate(*request) == (True, 0)
    assert ours.locate(request[0], "o2", "-") == (False, -1)


def test_every_rule_is_a_candidate_for_what_is_left_to_casbin() -> None:
    ours = RBAC.ours()
    assert ours.candidates("a", "o1", "read") < len(ours.get_policy())
    for request in ((), ("a",), ("a", "o1", "read", "more"), (7, "o1", "read")):
        assert ours.candidates(*request) == len(ours.get_policy())
    left = Subject(
        "eval", model("eval(p.sub) && r.obj == p.obj"), "p, r.sub == 'a', o1, -\np, False, o2, -\n"
    )
    assert left.ours().candidates("a", "o1", "-") == 2


@pytest.mark.parametrize(
    ("name", "role", "path"),
    [
        ("y", "a", ("y", "x", "a")),
        ("y", "b", ("y", "x", "a", "b")),
        ("a", "a", ("a",)),
        ("a", "y", ()),
        ("stranger", "a", ()),
    ],
)
def test_role_path_is_the_shortest_chain_of_links(name: str, role: str, path: tuple[str, ...]) -> None:
    assert RBAC.ours().role_path(name, role) == path


@pytest.mark.parametrize(("name", "role", "path"), [("a", "a", ("a",)), ("a", "b", ()), ("", "", ("",))])
def test_without_links_a_role_is_reached_from_itself_alone(
    name: str, role: str, path: tuple[str, ...]
) -> None:
    assert (
        Subject("no links", model(f"r.sub == p.sub && {PLAIN}"), SIMPLE).ours().role_path(name, role) == path
    )


def test_role_path_prefers_the_shorter_of_two_chains() -> None:
    ours = RBAC.ours()
    ours.add_grouping_policy("y", "a")
    assert ours.role_path("y", "a") == ("y", "a")


def test_role_path_follows_links_in_a_domain() -> None:
    ours = IN_DOMAINS.ours()
    assert ours.role_path("alice", "user", "d1") == ("alice", "admin", "user")
    assert ours.role_path("alice", "user", "d2") == ("alice", "user")
    assert ours.role_path("alice", "user", "d3") == ()


def test_role_path_ends_where_casbin_stops_following_links() -> None:
    ours = IndexedEnforcer(
        model_of(RBAC.model), Rows(p=[["n12", "o", "a"]], g=[[f"n{n}", f"n{n + 1}"] for n in range(12)])
    )
    stock = casbin.Enforcer(
        model_of(RBAC.model), Rows(p=[["n12", "o", "a"]], g=[[f"n{n}", f"n{n + 1}"] for n in range(12)])
    )
    for start in range(13):
        assert ours.enforce(f"n{start}", "o", "a") == stock.enforce(f"n{start}", "o", "a")
        assert bool(ours.role_path(f"n{start}", "n12")) == ours.enforce(f"n{start}", "o", "a")
    assert [ours.enforce(f"n{start}", "o", "a") for start in (2, 3)] == [False, True]


def test_a_disabled_enforcer_allows_everything_until_it_is_enabled_again() -> None:
    stock, ours = both(RBAC)
    for enforcer in (stock, ours):
        assert not enforcer.enforce("nobody", "o1", "read")
        enforcer.enable_enforce(False)
        assert enforcer.enforce("nobody", "o1", "read")
        assert enforcer.enforce_ex("nobody", "o1", "read") == [True, []]
        enforcer.enable_enforce(True)
        assert not enforcer.enforce("nobody", "o1", "read")


@pytest.mark.parametrize("request_", [(), ("a",), ("a", "o1"), ("a", "o1", "read", "more")])
def test_a_request_of_the_wrong_size_is_the_same_error(request_: tuple[str, ...]) -> None:
    stock, ours = both(RBAC)
    with pytest.raises(RuntimeError, match="invalid request size"):
        stock.enforce(*request_)
    with pytest.raises(RuntimeError, match="invalid request size"):
        ours.enforce(*request_)


@pytest.mark.parametrize(
    "word", [None, 1, 1.0, True, b"a", ("a",), ["a"], {"a": 1}, object(), float("nan"), len, logging]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_word_that_is_no_string_is_answered_as_casbin_does(word: Any, place: int) -> None:
    for matcher in (
        f"g(r.sub, p.sub) && {PLAIN}",
        "keyMatch2(r.obj, p.obj) && r.sub == p.sub",
        "r.obj.name == p.obj",
    ):
        stock, ours = both(Subject("any", model(matcher, g="g = _, _"), SIMPLE))
        request: list[Any] = ["a", "o1", "read"]
        request[place] = word
        assert answer(ours, request) == answer(stock, request)


def test_a_word_that_cannot_be_looked_up_is_an_error_for_names_without_links_too() -> None:
    stock, ours = both(
        Subject("swapped", model("g(p.sub, r.sub)", g="g = _, _"), "p, lone, o1, read\ng, x, y\n")
    )
    assert answer(ours, (["a"], "o1", "read")) == answer(stock, (["a"], "o1", "read")) == (TypeError, None)


class Cunning(str):
    """A string that claims to be equal to every other."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


def test_a_string_of_ones_own_making_is_answered_as_casbin_does() -> None:
    stock, ours = both(Subject("plain", model(f"r.sub == p.sub && {PLAIN}"), SIMPLE))
    request = [Cunning("nobody"), Cunning("nothing"), Cunning("none")]
    assert answer(ours, request) == answer(stock, request) == (True, ["a", "o1", "read"])


def test_rules_that_are_no_strings_are_answered_as_casbin_does() -> None:
    rows: list[list[Any]] = [["a", "o1", 1], ["b", None, "read"], ["a", "o1", "read"]]
    stock = casbin.Enforcer(model_of(RBAC.model), Rows(p=rows))
    ours = IndexedEnforcer(model_of(RBAC.model), Rows(p=rows))
    for request in (["a", "o1", 1], ["b", None, "read"], ["a", "o1", "read"], ["a", "o2", "read"]):
        assert answer(ours, request) == answer(stock, request)


CONTEXTS = """[request_definition]
r = sub, obj, act
r2 = sub, act
[policy_definition]
p = sub, obj, act
p2 = sub, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
e2 = !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
m2 = g(r2.sub, p2.sub) && r2.act == p2.act
"""


def test_a_context_has_an_index_of_its_own() -> None:
    subject = Subject(
        "contexts",
        CONTEXTS,
        SIMPLE + "p2, a, read, allow\np2, b, write, deny\np2, b, write, allow\np2, c, write, allow\n",
    )
    stock, ours = both(subject)
    context = EnforceContext("r2", "p2", "e", "m2")
    for request in (("x", "read"), ("y", "write"), ("nobody", "read"), ("y",), ("y", "o1", "read")):
        assert answer(ours, (context, *request)) == answer(stock, (context, *request))
    assert ours.locate(context, "y", "write") == (True, 2)
    assert ours.candidates(context, "nobody", "read") == 0
    ours.add_named_policy("p2", "c", "read", "allow")
    assert ours.enforce(context, "c", "read")
    assert ours.enforce("y", "o1", "read")


IN_CONTEXT = Subject("contexts", CONTEXTS, SIMPLE + "p2, b, write, deny\np2, a, read, allow\n")
CONTEXT = EnforceContext("r2", "p2", "e", "m2")


def test_what_can_be_looked_up_is_answered_without_casbins_own_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = IN_CONTEXT.ours()
    requests: list[tuple[Any, ...]] = [("y", "o2", "write"), (CONTEXT, "x", "read"), ("nobody", "o1", "read")]
    expected = [IN_CONTEXT.stock().enforce_ex(*request) for request in requests]
    monkeypatch.setattr(CoreEnforcer, "enforce_ex", None)
    assert [ours.enforce_ex(*request) for request in requests] == [tuple(each) for each in expected]
    assert [ours.enforce(*request) for request in requests] == [True, True, False]
    assert [ours.locate(*request)[0] for request in requests] == [True, True, False]


@pytest.mark.parametrize("words", [("x", 7), (7, "read"), ("x",), ("x", "read", "more"), ()])
def test_words_that_a_context_has_no_place_for_are_answered_as_casbin_does(words: tuple[Any, ...]) -> None:
    stock, ours = both(IN_CONTEXT)
    assert answer(ours, (CONTEXT, *words)) == answer(stock, (CONTEXT, *words))


@pytest.mark.parametrize("request_", [(), ("a",), ("a", "o1", "read", "more")])
def test_no_rule_is_located_for_a_request_of_the_wrong_size(request_: tuple[str, ...]) -> None:
    with pytest.raises(RuntimeError, match="invalid request size"):
        RBAC.ours().locate(*request_)


def test_a_context_that_the_model_lacks_is_the_same_error() -> None:
    stock, ours = both(RBAC)
    request = (EnforceContext("r3", "p3", "e3", "m3"), "a", "o1", "read")
    assert answer(ours, request) == answer(stock, request) == (KeyError, None)


def test_batches_are_answered_one_by_one() -> None:
    stock, ours = both(RBAC)
    requests = [["a", "o1", "read"], ["nobody", "o1", "read"], ["y", "o2", "write"]]
    assert ours.batch_enforce(requests) == stock.batch_enforce(requests) == [True, False, True]


def test_an_added_function_is_used_at_once_and_looked_up_no_more() -> None:
    stock, ours = both(
        Subject("paths", model("r.sub == p.sub && keyMatch2(r.obj, p.obj)"), "p, a, /x/:id, -\n")
    )
    for enforcer in (stock, ours):
        assert not enforcer.enforce("a", "/y/1", "-")
        enforcer.add_function("keyMatch2", lambda path, pattern: path[-1] == "1")
        assert enforcer.enforce("a", "/y/1", "-")
        vars(enforcer)["fm"].fm["keyMatch2"] = key_match_func
        assert not enforcer.enforce("a", "/y/1", "-")
        assert enforcer.enforce("a", "/x/:id", "-")


def test_a_function_that_is_missing_is_the_same_error_until_it_is_added() -> None:
    stock, ours = both(Subject("own", model("own(r.obj, p.obj) && r.sub == p.sub"), SIMPLE))
    assert answer(ours, ("a", "o1", "-")) == answer(stock, ("a", "o1", "-"))
    for enforcer in (stock, ours):
        enforcer.add_function("own", regex_match_func)
    for request in (("a", "o1", "-"), ("a", "o9", "-"), ("b", "o1", "-")):
        assert answer(ours, request) == answer(stock, request)
    for enforcer in (stock, ours):
        enforcer.add_function("own", lambda *_: logging)
    assert answer(ours, ("a", "o1", "-")) == answer(stock, ("a", "o1", "-"))


def test_forbidden_functions_stay_forbidden() -> None:
    stock, ours = both(Subject("own", model("own(r.obj) == p.obj"), SIMPLE))
    for enforcer in (stock, ours):
        enforcer.add_function("own", eval)
    assert answer(ours, ("a", "1", "-")) == answer(stock, ("a", "1", "-"))


class Unhashable:
    """A function that no set can be asked about, as Casbin's evaluator asks for the forbidden ones."""

    __hash__ = None  # type: ignore[assignment]  # as a class with ``__eq__`` alone has it

    def __call__(self, word: str) -> str:
        return word


def test_a_function_that_cannot_be_hashed_is_the_same_error() -> None:
    stock, ours = both(Subject("own", model("r.sub == p.sub"), SIMPLE))
    for enforcer in (stock, ours):
        enforcer.add_function("own", Unhashable())
    for request in (("a", "o1", "-"), ("nobody", "o1", "-")):
        assert answer(ours, request) == answer(stock, request)
    assert answer(ours, ("a", "o1", "-"))[0] is TypeError


class DenyMisses(AllowOverrideEffector):
    """Denies as soon as some rule before did not match."""

    def intermediate_effect(self, effects: set[int]) -> int:
        return self.DENY if self.INDETERMINATE in effects else self.INDETERMINATE

    def final_effect(self, effects: set[int]) -> int:
        return self.DENY if self.INDETERMINATE in effects else self.ALLOW


def test_a_custom_effector_sees_every_rule() -> None:
    stock, ours = both(RBAC)
    for enforcer in (stock, ours):
        enforcer.set_effector(DenyMisses())
    for request in (("a", "o1", "read"), ("b", "o1", "read"), ("y", "o2", "write")):
        assert answer(ours, request) == answer(stock, request)
    for enforcer in (stock, ours):
        enforcer.set_effector(AllowOverrideEffector())
        assert enforcer.enforce("y", "o2", "write")


def test_a_role_manager_of_ones_own_is_asked() -> None:
    class Everyone(RoleManager):
        def __init__(self) -> None:
            self.all_links: list[tuple[str, str]] = []

        def clear(self) -> None:
            self.all_links = []

        def print_roles(self) -> None:
            pass

        def add_link(self, name1: str, name2: str, *domain: str) -> None:
            self.all_links.append((name1, name2))

        def has_link(self, name1: str, name2: str, *domain: str) -> bool:
            return name2 == "a"

    stock, ours = both(RBAC)
    for enforcer in (stock, ours):
        enforcer.set_role_manager(Everyone())
        enforcer.build_role_links()
        assert enforcer.enforce("stranger", "o2", "write")
        assert not enforcer.enforce("root", "o3", "read")


def test_a_role_manager_of_casbins_that_somebody_chose_stays() -> None:
    stock, ours = both(RBAC)
    for enforcer in (stock, ours):
        chosen = default_links.RoleManager(2)
        enforcer.set_role_manager(chosen)
        enforcer.init_rm_map()
        enforcer.build_role_links()
        assert enforcer.get_role_manager() is chosen
        assert enforcer.enforce("x", "o2", "write")
        assert not enforcer.enforce("y", "o2", "write")
    assert ours.role_path("x", "a") == ("x", "a")
    assert ours.role_path("y", "a") == ()


@pytest.mark.parametrize(
    "request_", [("u1", "/book/1", "GET"), ("u2", "/book/1", "GET"), ("u1", "/pen/1", "GET")]
)
def test_patterns_in_roles_are_followed(request_: tuple[str, ...]) -> None:
    text = model("g2(r.obj, p.obj) && g(r.sub, p.sub) && r.act == p.act", g="g = _, _\ng2 = _, _")
    policy = "p, readers, books, GET\ng, u1, readers\ng2, /book/:id, books\n"
    stock, ours = both(Subject("patterns", text, policy))
    for enforcer in (stock, ours):
        assert not enforcer.enforce("u1", "/book/1", "GET")
        enforcer.add_named_matching_func("g2", casbin.util.key_match2_func)
    assert answer(ours, request_) == answer(stock, request_)
    assert ours.indexed


def test_patterns_in_domains_are_followed() -> None:
    stock, ours = both(IN_DOMAINS)
    for enforcer in (stock, ours):
        enforcer.add_named_domain_matching_func("g", casbin.util.key_match_func)
        enforcer.add_policy("admin", "d9", "o9", "read")
        assert enforcer.enforce("carol", "d9", "o9", "read")
        assert not enforcer.enforce("bob", "d9", "o9", "read")


def test_requests_are_logged_as_casbin_logs_them(caplog: pytest.LogCaptureFixture) -> None:
    stock, ours = both(IN_CONTEXT)
    logger = logging.getLogger("casbin.enforcer")
    disabled, logger.disabled = logger.disabled, False
    try:
        said = []
        for enforcer in (stock, ours):
            caplog.clear()
            with caplog.at_level(logging.INFO, logger="casbin.enforcer"):
                enforcer.enforce("a", "o1", "read")
                enforcer.enforce("nobody", "o1", "read")
                enforcer.enforce_ex("a", "o1", "read")
                enforcer.enforce_ex("nobody", "o1", "read")
                enforcer.enforce(CONTEXT, "a", "read")
                enforcer.enforce(CONTEXT, "b", "write")
            said.append([(record.levelname, record.getMessage()) for record in caplog.records])
    finally:
        logger.disabled = disabled
    assert said[0] == said[1]
    assert len(said[0]) == 6


def test_pauses_are_taken_while_the_index_is_built() -> None:
    rows = [[f"s{n}", f"/o{n}/:id", "GET"] for n in range(5000)]
    text = model("r.sub == p.sub && keyMatch2(r.obj, p.obj) && r.act == p.act")
    ours = IndexedEnforcer(model_of(text), Rows(p=rows))
    pauses: list[int] = []
    ours.compile(lambda: pauses.append(1))
    built = len(pauses)
    assert built > 10
    ours.compile(lambda: pauses.append(1))
    assert len(pauses) == built
    assert ours.enforce("s4999", "/o4999/1", "GET")


def test_a_copy_has_a_life_of_its_own() -> None:
    ours = RBAC.ours()
    assert ours.enforce("a", "o1", "read")
    twin = copy.deepcopy(ours)
    twin.remove_policy("a", "o1", "read")
    twin.add_grouping_policy("q", "a")
    assert not twin.enforce("x", "o9", "read")
    assert twin.enforce("q", "o2", "write")
    assert not ours.enforce("q", "o2", "write")
    assert ours.locate("a", "o1", "read") == (True, 0)


def test_the_shipped_policy_survives_pickling() -> None:
    ours = IndexedEnforcer(str(ROOT / "model.conf"), str(ROOT / "policy.csv"))
    twin = pickle.loads(pickle.dumps(ours))
    assert twin.enforce("", "admin", "/user", "GET")
    twin.add_policy("user", "/more", "GET", "allow")
    assert twin.enforce("", "admin", "/more", "GET")


def test_what_was_asked_does_not_keep_an_enforcer_from_being_pickled() -> None:
    ours = Subject("contexts", CONTEXTS, SIMPLE + "p2, a, read, allow\n").ours()
    context = EnforceContext("r2", "p2", "e", "m2")
    asked = ("a", "o1", "read"), (context, "a", "read")
    before = [ours.enforce_ex(*request) for request in asked]
    twin = pickle.loads(pickle.dumps(ours))
    assert [twin.enforce_ex(*request) for request in asked] == before


def test_asking_changes_nothing_that_an_answer_depends_on() -> None:
    ours = RBAC.ours()
    changes = ours.clock.now
    for _ in range(2):
        assert ours.enforce("y", "o1", "read")
        assert ours.enforce_ex("y", "o1", "read")[0]
    assert ours.clock.now == changes


def test_rules_that_are_changed_behind_its_back_are_in_force_at_once() -> None:
    ours = RBAC.ours()
    rules = ours.get_model().model["p"]["p"]
    assert not ours.enforce("new", "o1", "read")
    rules.policy.append(["new", "o1", "read"])
    assert ours.enforce("new", "o1", "read")
    rules.policy = [["newer", "o1", "read"] for _ in rules.policy]
    assert ours.enforce("newer", "o1", "read")
    assert not ours.enforce("new", "o1", "read")


def test_a_policy_is_compiled_once_and_once_more_for_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, made = IN_CONTEXT.ours(), []

    def counting(parts: Parts, old: Compiled, pause: Any) -> Compiled:
        made.append((parts.rtype, parts.ptype, parts.mtype))
        return compiled(parts, old, pause)

    monkeypatch.setattr("rbac.engine.enforcer.compiled", counting)
    for _ in range(3):
        assert ours.enforce("x", "o1", "read")
        assert ours.enforce(CONTEXT, "x", "read")
    assert made == [("r", "p", "m"), ("r2", "p2", "m2")]


@pytest.mark.parametrize("name", ["load_policy", "add_named_grouping_policy", "add_function", "clear_policy"])
def test_a_method_that_changes_something_is_called_and_described_as_casbins_own(name: str) -> None:
    ours, casbins = getattr(IndexedEnforcer, name), getattr(casbin.Enforcer, name)
    assert (ours.__name__, ours.__doc__) == (name, casbins.__doc__)
    assert signature(ours) == signature(casbins)


def test_a_method_that_changes_something_takes_its_arguments_by_name() -> None:
    ours = Subject("own", model("own(r.obj, p.obj) && r.sub == p.sub"), SIMPLE).ours()
    ours.add_function(name="own", func=regex_match_func)
    assert ours.enforce("a", "o1", "-")
