"""Role managers that remember nobody answer as Casbin's do, after every edit, with patterns, and in a copy."""

import copy
import gc
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

import casbin
import pytest
from casbin.rbac.default_role_manager.role_manager import (
    ConditionalDomainManager,
    ConditionalRoleManager,
    DomainManager,
    RoleManager,
)
from casbin.util import key_match_func, regex_match_func

from rbac.engine.changes import ChangeCounter
from rbac.engine.role_managers import (
    MAX_PATTERN_DOMAINS,
    ConditionalDomainLinkGraph,
    ConditionalLinkGraph,
    DomainLinkGraph,
    LinkGraph,
)
from tests.support.casbin_cases import Subject, answer
from tests.support.model_zoo import DOMAINS, SIMPLE, model

FOUR = "sub, dom, obj, act"
IN_DOMAINS = Subject(
    "domains",
    model("g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act", r=FOUR, p=FOUR, g="g = _, _, _"),
    # A link that stands twice is gone with the first where its domain was asked about, and else with the second.
    DOMAINS.replace("g, alice, user, d2\n", "", 1) + "p, x, d1, o1, read\n",
)
PLAIN = Subject("plain", model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _"), SIMPLE)
NAMES = ("alice", "bob", "carol", "admin", "user", "a*", "a", "b", "x", "y", "nobody")
DOMAIN_NAMES = ("d1", "d2", "d*", "*", "nowhere")

Edit = Callable[[casbin.Enforcer], Any]


def links(enforcer: casbin.Enforcer) -> Any:
    return enforcer.get_role_manager()


def told(enforcer: casbin.Enforcer, subject: Subject) -> Iterator[Any]:
    """What can be asked about links, and what requests come to. Stock remembers whoever was asked about: each question
    about links is put to a copy."""
    domains = [(name,) for name in DOMAIN_NAMES] if subject is IN_DOMAINS else [()]
    for name, domain in product(NAMES, domains):
        yield name, domain, sorted(set(copy.deepcopy(links(enforcer)).get_roles(name, *domain)))
        yield name, domain, sorted(set(copy.deepcopy(links(enforcer)).get_users(name, *domain)))
        for role in ("admin", "user", "a", "x"):
            yield name, role, domain, copy.deepcopy(links(enforcer)).has_link(name, role, *domain)
    for name, domain in product(NAMES, domains):
        yield name, domain, answer(enforcer, (name, *domain, "o1", "read"))


EDITS: list[list[Edit]] = [
    [lambda e: e.add_grouping_policy("carol", "user", "d1"), lambda e: e.remove_grouping_policy("bob", "user", "d1")],
    [lambda e: e.remove_grouping_policy("alice", "admin", "d1"), lambda e: e.remove_grouping_policy("nobody", "user", "d1")],
    [lambda e: e.add_grouping_policies([["x", "admin", "d2"], ["x", "user", "nowhere"]])],
    [lambda e: e.remove_filtered_grouping_policy(1, "user")],
    [lambda e: links(e).add_link("nobody", "admin", "d1"), lambda e: links(e).delete_link("admin", "user", "d1")],
    [lambda e: links(e).clear()],
    [lambda e: links(e).add_matching_func(key_match_func), lambda e: e.add_grouping_policy("a*", "x", "d1")],
    [lambda e: e.add_grouping_policy("a*", "x", "d1"), lambda e: links(e).add_matching_func(key_match_func)],
    [lambda e: e.add_named_domain_matching_func("g", key_match_func), lambda e: e.add_grouping_policy("bob", "x", "d*")],
    [lambda e: e.add_grouping_policy("bob", "x", "d*"), lambda e: links(e).add_domain_matching_func(key_match_func)],
    [
        lambda e: e.add_named_domain_matching_func("g", key_match_func),
        lambda e: e.add_named_matching_func("g", key_match_func),
        lambda e: e.add_grouping_policy("a*", "x", "d*"),
        lambda e: e.remove_grouping_policy("a*", "x", "d*"),
    ],
    [lambda e: e.add_named_domain_matching_func("g", _raising), lambda e: e.add_grouping_policy("bob", "x", "d2")],
    [lambda e: e.clear_policy(), lambda e: e.add_grouping_policy("bob", "x", "d1")],
]  # fmt: skip


def _raising(*_: str) -> bool:
    raise LookupError("of the function's own")


def of_plain(edit: Edit) -> Edit:
    """The same edit where links have no domain."""

    class Without:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            method = getattr(self.inner, name)
            if name == "get_role_manager":
                return lambda: Without(method())

            def called(*args: Any) -> Any:
                kept = [
                    [each[:2] for each in arg] if isinstance(arg, list) else arg
                    for arg in args
                    if arg not in DOMAIN_NAMES
                ]
                return method(*kept)

            return called

    return lambda enforcer: edit(Without(enforcer))  # type: ignore[arg-type]  # stands for it


@pytest.mark.parametrize("edits", range(len(EDITS)))
@pytest.mark.parametrize("subject", [IN_DOMAINS, PLAIN], ids=lambda subject: subject.name)
def test_every_edit_of_links_is_in_force_at_once_as_stocks_is(subject: Subject, edits: int) -> None:
    ours, made = subject.ours(), [edit if subject is IN_DOMAINS else of_plain(edit) for edit in EDITS[edits]]
    for count in range(len(made) + 1):
        stock = subject.stock()
        raised = [raised_by(edit, stock) for edit in made[:count]]
        if count:
            assert raised_by(made[count - 1], ours) is raised[-1]
        assert list(told(ours, subject)) == list(told(stock, subject))


def raised_by(edit: Edit, enforcer: casbin.Enforcer) -> type[Exception] | None:
    try:
        edit(enforcer)
    except Exception as error:  # noqa: BLE001 - whatever one raises, the other has to raise
        return type(error)
    return None


@pytest.mark.parametrize("patterns", [False, True])
def test_a_copied_domain_manager_has_the_same_links_and_goes_its_own_way(patterns: bool) -> None:
    made = DomainLinkGraph(ChangeCounter(), 3)
    if patterns:
        made.add_matching_func(key_match_func)
        made.add_domain_matching_func(key_match_func)
    for name, role, domain in (("a*", "x", "d*"), ("x", "y", "d1"), ("y", "z", "d1"), ("z", "end", "d1")):
        made.add_link(name, role, domain)
    twin = copy.deepcopy(made)

    def answers(manager: DomainManager) -> list[bool]:
        asked = product(("a*", "alice", "x", "y"), ("x", "y", "z", "end"), ("d1", "d*", "d2"))
        return [manager.has_link(*each) for each in asked]

    before = answers(made)
    assert answers(twin) == before
    assert True in before
    assert False in before
    twin.add_link("alice", "z", "d1")
    twin.delete_link("x", "y", "d1")
    assert answers(made) == before
    assert twin.has_link("alice", "z", "d1")
    assert not twin.has_link("x", "y", "d1")


@pytest.mark.parametrize("levels", [0, 1, 2, 5])
@pytest.mark.parametrize("kind", [(LinkGraph, RoleManager, ()), (DomainLinkGraph, DomainManager, ("d",))])
def test_links_are_followed_as_far_as_stock_follows_them(levels: int, kind: Any) -> None:
    ours, stock = kind[0](ChangeCounter(), levels), kind[1](levels)
    names = "abcdefgh"
    for manager in (ours, stock):
        for name, role in pairwise(names):
            manager.add_link(name, role, *kind[2])
    for name, role in product("aceho", "abcefhop"):
        assert ours.has_link(name, role, *kind[2]) is stock.has_link(name, role, *kind[2]), (name, role)


@pytest.mark.parametrize("patterns", [False, True])
def test_a_question_leaves_no_name_and_no_link_behind(patterns: bool) -> None:
    manager = LinkGraph(ChangeCounter())
    if patterns:
        manager.add_matching_func(key_match_func)
    manager.add_link("a*", "x")
    manager.add_link("bob", "a*")

    def kept() -> dict[str, tuple[list[str], list[str]]]:
        return {
            name: (sorted(other.name for other in role.roles), sorted(other.name for other in role.users))
            for name, role in manager.all_roles.items()
        }

    before = kept()
    for name, other in (("alice", "x"), ("nobody", "nowhere"), ("x", "alice"), ("a*", "alice")):
        manager.has_link(name, other)
        manager.get_roles(name)
        manager.get_users(other)
        assert kept() == before
    assert manager.has_link("alice", "x") is patterns


@pytest.mark.parametrize("function", [None, regex_match_func, key_match_func, _raising])
@pytest.mark.parametrize("asked", [False, True])
def test_what_an_edit_of_a_domain_comes_to_does_not_depend_on_what_was_asked_before(
    function: Any, asked: bool
) -> None:
    """`a+b` is an expression that does not match itself."""
    policy = "p, admin, a+b, o1, read\ng, alice, admin, a+b\ng, bob, admin, a+b\n"
    ours = Subject("domains", IN_DOMAINS.model, policy).ours()
    if function is not None:
        ours.add_named_domain_matching_func("g", function)

    def allowed() -> list[str]:
        return [name for name in ("alice", "bob", "carol") if ours.enforce(name, "a+b", "o1", "read")]

    if asked:
        assert allowed() == ["alice", "bob"]
    ours.remove_grouping_policy("alice", "admin", "a+b")
    ours.add_grouping_policy("carol", "admin", "a+b")
    if asked:
        assert allowed() == ["bob", "carol"]
    ours.remove_filtered_grouping_policy(0, "bob")
    assert allowed() == ["carol"]


def test_of_domains_that_only_a_pattern_knows_the_latest_are_remembered_and_answered_alike() -> None:
    manager = DomainLinkGraph(ChangeCounter())
    manager.add_domain_matching_func(key_match_func)
    manager.add_link("bob", "user", "d*")
    manager.add_link("bob", "guest", "e*")
    for _ in range(2):
        for place in range(MAX_PATTERN_DOMAINS + 20):
            assert manager.has_link("bob", "user", f"d{place}")
            assert not manager.has_link("bob", "guest", f"d{place}")
    assert len(manager.rm_map) == MAX_PATTERN_DOMAINS
    manager.delete_link("bob", "user", "d*")
    assert not manager.has_link("bob", "user", f"d{MAX_PATTERN_DOMAINS}")
    manager.clear()
    assert not manager.rm_map
    assert not manager.has_link("bob", "guest", "e1")


@pytest.mark.parametrize("patterns", [False, True])
def test_a_question_about_a_domain_leaves_no_name_behind(patterns: bool) -> None:
    """Nor is a domain kept that has no links, where domains are no patterns."""
    manager = DomainLinkGraph(ChangeCounter())
    if patterns:
        manager.add_matching_func(key_match_func)
    manager.add_link("a*", "x", "d1")
    assert not manager.rm_map
    for asked in (manager.get_roles, manager.get_users):
        asked("nobody", "d1")
        asked("nobody", "d2")
    for name, role in (("alice", "x"), ("x", "nobody"), ("nobody", "nowhere")):
        manager.has_link(name, role, "d1")
        manager.has_link(name, role, "d2")
    assert {domain: set(links.all_roles) for domain, links in manager.rm_map.items()} == {"d1": {"a*", "x"}}


@pytest.mark.parametrize("kind", [ConditionalLinkGraph, ConditionalDomainLinkGraph])
def test_a_question_about_conditional_links_leaves_no_name_behind(kind: Any) -> None:
    manager = kind(ChangeCounter())
    domain = ("d",) if kind is ConditionalDomainLinkGraph else ()
    manager.add_link("alice", "admin", *domain)
    for name, role in (("alice", "nobody"), ("nobody", "admin"), ("nobody", "nowhere")):
        assert not manager.has_link(name, role, *domain)
    held = manager.rm_map["d"] if domain else manager
    assert set(held.all_roles) == {"alice", "admin"}


def test_a_condition_of_one_domain_is_one_of_that_domain_alone() -> None:
    for manager in (ConditionalDomainManager(10), ConditionalDomainLinkGraph(ChangeCounter())):
        for domain in ("d1", "d2"):
            manager.add_link("alice", "admin", domain)
        manager.add_domain_link_condition_func("alice", "admin", "d1", lambda *words: words == ("yes",))
        assert not manager.has_link("alice", "admin", "d1")
        assert manager.has_link("alice", "admin", "d2")
        manager.set_domain_link_condition_func_params("alice", "admin", "d1", "yes")
        assert manager.has_link("alice", "admin", "d1")


def test_conditional_links_are_told_of_by_name_as_casbins_are() -> None:
    for manager in (ConditionalRoleManager(10), ConditionalLinkGraph(ChangeCounter())):
        manager.add_link(name1="alice", name2="admin")
        manager.add_link_condition_func(user_name="alice", role_name="admin", fn=lambda *_: False)
        assert not manager.has_link("alice", "admin")


def test_links_in_a_circle_go_with_their_manager() -> None:
    """At once, and not when circles are looked for."""
    manager = LinkGraph(ChangeCounter())
    for name, role in pairwise("abca"):
        manager.add_link(name, role)
    held = [weakref.ref(role) for role in manager.all_roles.values()]
    gc.disable()
    try:
        del manager
        assert [role() for role in held] == [None, None, None]
    finally:
        gc.enable()
