"""The program of :mod:`tests.support.drop_in`: models, their rules, and every public method with its arguments."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final, NamedTuple

import casbin
from casbin.model.policy_op import PolicyOp
from casbin.rbac.default_role_manager.role_manager import RoleManager
from casbin.util import key_match2_func

from tests.support.drop_in_adapters import Wanted

Step = tuple[str, tuple[Any, ...]]

_MODEL = """[request_definition]
r = {words}
[policy_definition]
p = {rule}
[role_definition]
g = {links}
[policy_effect]
e = {effect}
[matchers]
m = {matcher}
"""


def _model(words: str, links: str, matcher: str, *, rule: str = "", effect: str = "") -> str:
    effect = effect or "some(where (p.eft == allow))"
    return _MODEL.format(words=words, rule=rule or words, links=links, effect=effect, matcher=matcher)


DOMAINS: Final = "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act"
MODELS: Final = {
    "roles": _model("sub, obj, act", "_, _", "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"),
    "patterns": _model(
        "sub, obj, act",
        "_, _",
        '(p.sub == "" || g(r.sub, p.sub)) && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)',
        rule="sub, obj, act, eft",
        effect="some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    ),
    "domains": _model("sub, dom, obj, act", "_, _, _", DOMAINS),
    "conditions": _model("sub, obj, act", "_, _, (_, _)", "g(r.sub, p.sub) && r.obj == p.obj"),
}
NAMES: Final = ("ann", "bob", "new", "admin")


class World(NamedTuple):
    """What a model is asked and edited with: rows of its width."""

    rules: tuple[list[str], ...]
    links: tuple[list[str], ...]
    requests: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, name: str) -> "World":
        objects = ("/x", "/x/:id", "/y/1")
        requests: list[tuple[str, ...]]
        if name == "domains":
            rules = [[sub, "d", obj, "GET"] for sub, obj in product(("ann", "admin", "clerk"), objects)]
            links = [["bob", "admin", "d"], ["admin", "clerk", "d"]]
            requests = [*product(NAMES, "d", ("/x", "/x/1"), ["GET"]), ("bob", "e", "/x", "GET")]
        else:
            rules = [[sub, obj, "GET"] for sub, obj in product(("ann", "admin", "clerk"), objects)]
            links = [["bob", "admin"], ["admin", "clerk"]]
            requests = [*product(NAMES, ("/x", "/x/1"), ["GET"]), ("bob", "/x", "PUT")]
            if name == "patterns":
                rules = [[*rule, "deny" if rule[0] == "clerk" else "allow"] for rule in rules]
            if name == "conditions":
                links = [[*link, "_", "_"] for link in links]
        return cls(tuple(rules), tuple(links), tuple(requests))


def steps(world: World) -> Iterator[Step]:
    """Every public method, in an order in which most of them have something to do."""
    yield from _reading(world)
    yield from _editing(world)
    yield from _roles(world)
    yield from _settings(world)


def _reading(world: World) -> Iterator[Step]:
    rule, link, request = world.rules[0], world.links[0], world.requests[0]
    for name in ("subjects", "objects", "actions", "roles"):
        yield f"get_all_{name}", ()
        yield f"get_all_named_{name}", ("g" if name == "roles" else "p",)
    for middle, row, ptype in (("", rule, "p"), ("grouping_", link, "g")):
        yield f"get_{middle}policy", ()
        yield f"get_filtered_{middle}policy", (0, row[0])
        yield f"get_named_{middle}policy", (ptype,)
        yield f"get_filtered_named_{middle}policy", (ptype, 0, row[0])
        yield f"has_{middle}policy", tuple(row)
        yield f"has_named_{middle}policy", (ptype, row)
    for name in ("bob", "stranger"):
        for method in ("get_roles_for_user", "get_permissions_for_user", "get_implicit_roles_for_user"):
            yield method, (name,)
        yield "get_implicit_permissions_for_user", (name,)
        yield "get_implicit_permissions_for_user", (name, "d")
        yield "get_named_implicit_permissions_for_user", ("p", name)
        yield "get_roles_for_user_in_domain", (name, "d")
        yield "get_permissions_for_user_in_domain", (name, "d")
        yield "get_named_permissions_for_user_in_domain", ("p", name, "d")
    yield "get_users_for_role", ("admin",)
    yield "get_users_for_role_in_domain", ("admin", "d")
    yield "has_role_for_user", ("bob", "admin")
    yield "has_permission_for_user", tuple(rule)
    yield "get_implicit_users_for_permission", request[1:]
    yield "get_implicit_users_for_resource", ("/x",)
    yield "get_implicit_users_for_resource_by_domain", ("/x", "d")
    yield "get_allowed_object_conditions", ("bob", "GET", "/")
    yield "get_all_roles_by_domain", ("d",)
    yield "get_field_index", ("p", "obj")
    for method in ("get_adapter", "get_model", "get_role_manager", "is_filtered", "new_model"):
        yield method, ()
    yield "get_named_role_manager", ("g",)
    yield "get_named_role_manager", ("none",)
    yield "new_enforce_context", ("2",)
    for method in ("enforce", "enforce_ex"):
        yield method, request
        yield method, request[1:]
        yield method, ()
        yield method, (7, *request[1:])
        yield method, ([], *request[1:])
        yield method, (casbin.core_enforcer.EnforceContext("r", "p", "e", "m"), *request)
    yield "batch_enforce", (list(world.requests[:4]),)


def _editing(world: World) -> Iterator[Step]:
    """Additions, changes and removals of rules and of links, singly, together and by a filter."""
    for middle, row, ptype in (("", world.rules[0], "p"), ("grouping_", world.links[0], "g")):
        one, two, three, four = ([name, *row[1:]] for name in ("new", "newer", "newest", "cat"))
        yield f"add_{middle}policy", tuple(one)
        yield f"add_{middle}policy", (one,)
        yield f"add_{middle}policies", ([two, three],)
        yield f"add_{middle}policies", ([three, four],)
        yield f"add_{middle}policies_ex", ([three, four],)
        yield f"add_named_{middle}policy", (ptype, "dan", *row[1:])
        yield f"add_named_{middle}policies", (ptype, [["eve", *row[1:]]])
        yield f"add_named_{middle}policies_ex", (ptype, [["eve", *row[1:]], ["fay", *row[1:]]])
        if ptype == "p":
            yield "update_policy", (one, ["bob", *row[1:]])
            yield "update_policy", (["nobody", *row[1:]], one)
            yield "update_policies", ([two], [one])
            yield "update_named_policy", ("p", three, ["gil", *row[1:]])
            yield "update_named_policies", ("p", [four], [["hal", *row[1:]]])
            yield "update_filtered_policies", ([["ivy", *row[1:]]], 0, "fay")
            yield "load_policy", ()
            yield "update_filtered_named_policies", ("p", [["jan", *row[1:]]], 0, "ann")
            yield "load_policy", ()
        yield f"remove_{middle}policy", tuple(one)
        yield f"remove_{middle}policy", ("nobody", *row[1:])
        yield f"remove_{middle}policies", ([["dan", *row[1:]]],)
        yield f"remove_named_{middle}policy", (ptype, "eve", *row[1:])
        yield f"remove_named_{middle}policies", (ptype, [["hal", *row[1:]]])
        yield f"remove_filtered_{middle}policy", (0, "ivy")
        yield "load_policy", ()
        yield f"remove_filtered_named_{middle}policy", (ptype, 0, "cat")
        yield "load_policy", ()


def _roles(world: World) -> Iterator[Step]:
    rule, request = world.rules[0], world.requests[0]
    yield "add_role_for_user", ("new", "admin")
    yield "add_role_for_user_in_domain", ("newer", "admin", "d")
    yield "add_permission_for_user", ("new", *rule[1:])
    yield "delete_permission_for_user", ("new", *rule[1:])
    yield "delete_role_for_user", ("new", "admin")
    yield "delete_roles_for_user_in_domain", ("newer", "admin", "d")
    yield "add_role_for_user", ("new", "clerk")
    yield "delete_roles_for_user", ("new",)
    yield "delete_permissions_for_user", ("new",)
    yield "load_policy", ()
    yield "delete_permission", ("/y/1",)
    yield "load_policy", ()
    yield "delete_user", ("ann",)
    yield "load_policy", ()
    yield "enable_enforce", (False,)
    yield "enforce", request
    yield "enable_enforce", (True,)
    yield "enable_auto_build_role_links", (False,)
    yield "add_grouping_policy", ("new", *world.links[0][1:])
    yield "build_role_links", ()
    yield "enable_auto_build_role_links", (True,)
    yield "build_incremental_role_links", (PolicyOp.Policy_add, "g", [["newest", *world.links[0][1:]]])
    yield "load_policy", ()


def _settings(world: World) -> Iterator[Step]:
    yield "add_function", ("mine", lambda *_: True)
    yield "add_named_matching_func", ("g", key_match2_func)
    yield "add_named_matching_func", ("none", key_match2_func)
    yield "load_policy", ()
    yield "add_named_domain_matching_func", ("g", key_match2_func)
    condition = ("g", "bob", "admin")
    yield "add_named_link_condition_func", (*condition, lambda one, _: one == "1")
    yield "set_named_link_condition_func_params", (*condition, "1", "2")
    yield "add_named_domain_link_condition_func", (*condition, "d", lambda *_: True)
    yield "set_named_domain_link_condition_func_params", (*condition, "d", "1")
    yield "save_policy", ()
    for method in ("load_filtered_policy", "load_increment_filtered_policy"):
        yield method, (Wanted(ptype=["p"], v0=["ann"]),)
    yield "save_policy", ()
    yield "load_policy", ()
    yield "enable_auto_notify_watcher", (False,)
    yield "add_policy", ("quiet", *world.rules[0][1:])
    yield "enable_auto_save", (False,)
    yield "add_policy", ("unsaved", *world.rules[0][1:])
    yield "set_field_index", ("p", "obj", 0)
    yield "set_effector", (casbin.get_effector("!some(where (p_eft == deny))"),)
    yield "set_role_manager", (RoleManager(3),)
    yield "set_named_role_manager", ("g", RoleManager(3))
    yield "init_rm_map", ()
    yield "delete_role", ("admin",)
    yield "set_watcher", (None,)
    yield "clear_policy", ()
    yield "load_model", ()
    yield "configure_logging", ({"version": 1, "incremental": True},)
    yield "is_auto_loading_running", ()
    yield "start_auto_load_policy", (3600,)
    yield "is_auto_loading_running", ()
    yield "stop_auto_load_policy", ()
    yield "is_auto_loading_running", ()
