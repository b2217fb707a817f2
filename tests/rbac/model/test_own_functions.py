"""Functions of one's own: given in Python, they decide as stock Casbin decides with them, and nothing guesses at them."""

import functools
import threading
from pathlib import Path
from random import Random
from typing import Any

import casbin
import pytest

from rbac import LivePolicy, Policy, PolicyError
from rbac.document.document import Document
from rbac.engine.enforcer import IndexedEnforcer
from rbac.errors import EvaluationError
from rbac.linting.lint import lint
from rbac.model.own_functions import FunctionsError, OwnFunctions
from rbac.mutation.run import mutate
from rbac.review.access import can
from rbac.routes import Route
from tests.support import random_policies as small
from tests.support.command import Workshop

ALLOW_AND_DENY = small.EFFECTS["allow and deny"].replace("p_eft", "p.eft")


def owns(path: str, role: str) -> bool:
    return path.startswith(f"/{role}")


def fails(path: str, role: str) -> bool:
    if path.endswith("b"):
        raise ValueError(f"{role} may not ask about {path}")
    return len(path) % 2 == 0


def counts(path: str, role: str) -> int:
    return len(path) - len(role)


def measures(path: str, role: str) -> float:
    return float(len(path) - len(role))


def text(path: str, role: str) -> str:
    return path if role in path else ""


def nothing(path: str, role: str) -> None:
    return None


def weekday(*_: str) -> bool:
    return True


def listed(*names: str, of: str = "admin") -> bool:
    return of in names


class Rest:
    """An object that can be called, as a function can."""

    def __call__(self, path: str, role: str) -> bool:
        return path.rpartition("/")[2] in role


OWN: OwnFunctions = {
    "owns": owns,
    "fails": fails,
    "counts": counts,
    "measures": measures,
    "text": text,
    "nothing": nothing,
    "weekday": weekday,
    "listed": listed,
    "rest": Rest(),
    "part": functools.partial(owns, role="admin"),
}
CALLS = (
    *(f"{name}(r.obj, p.role)" for name in OWN if name not in {"part", "weekday"}),
    "weekday()",
    "part(r.obj)",
    "listed(r.role, p.role, of=r.role)",
    'text(r.obj, p.role) == "/a"',
    "!owns(r.obj, p.role)",
    "counts(r.obj, p.role) > 1",
)
SHAPES = (
    "WHO && CALL",
    "CALL && WHO",
    "WHO && (WHAT || CALL) && HOW",
    "WHO && (CALL || WHAT) && HOW",
    "WHO && WHAT && HOW || CALL",
    "CALL",
    "WHO && WHAT && (HOW && CALL || r.sub == 'root')",
)


def model(matcher: str, effect: str = ALLOW_AND_DENY) -> str:
    return (
        "[request_definition]\nr = sub, role, obj, act\n[policy_definition]\np = role, obj, act, eft\n"
        f"[role_definition]\ng = _, _\n[policy_effect]\ne = {effect}\n[matchers]\nm = {matcher}\n"
    )


MODEL = model("g(r.role, p.role) && r.act == p.act && owns(r.obj, p.role)")
RULES = b"p, admin, /x, GET, allow\ng, boss, admin\n"


def documents(seed: int) -> tuple[str, str]:
    dice = Random(seed)
    matcher = dice.choice(SHAPES).replace("CALL", dice.choice(CALLS))
    for mark, choices in (("WHO", small.WHO), ("WHAT", small.WHAT), ("HOW", small.HOW)):
        matcher = matcher.replace(mark, dice.choice(choices))
    rules = [
        f"p, {dice.choice(small.NAMES)}, {dice.choice(('/a', '/b', '/admin/x', '/a/*'))}, "
        f"{dice.choice(('GET', 'POST'))}, {dice.choice(('allow', 'allow', 'deny'))}"
        for _ in range(dice.randint(1, 9))
    ]
    links = ["g, {}, {}".format(*dice.choice(small.LINKS))]
    effect = dice.choice(tuple(small.EFFECTS.values())).replace("p_eft", "p.eft")
    return model(matcher, effect), "\n".join(dict.fromkeys((*rules, *links)))


@pytest.mark.parametrize("seed", range(120))
def test_every_answer_and_every_failure_is_stock_casbins(seed: int) -> None:
    """Whatever a function gives back or raises, wherever in the matcher it is called."""
    written, rules = documents(seed)
    policy = Policy.parse(written.encode(), rules.encode(), functions=OWN)
    stock = small.stock(policy)
    for name, function in OWN.items():
        stock.add_function(name, function)
    dice = Random(seed)
    for _ in range(60):
        request = (
            dice.choice((*small.NAMES, "root", "")),
            dice.choice((*small.NAMES, "")),
            dice.choice(("/a", "/b", "/admin/x", "/a/b", "/user", "admin", "")),
            dice.choice(("GET", "POST")),
        )
        assert outcome(policy, request) == stock_outcome(stock, request), (written, rules, request)


def outcome(policy: Policy, request: tuple[str, ...]) -> bool | str:
    try:
        return policy.decide_request(request).allowed
    except EvaluationError as error:
        return type(error.__cause__).__name__


def stock_outcome(enforcer: casbin.Enforcer, request: tuple[str, ...]) -> bool | str:
    try:
        return bool(enforcer.enforce(*request))
    except Exception as error:  # noqa: BLE001 - whatever a function raises
        return type(error).__name__


async def later(path: str, role: str) -> bool:
    return path == role


class Unhashable:
    __hash__ = None  # type: ignore[assignment] # as any class with an `__eq__` of its own

    def __call__(self, path: str, role: str) -> bool:
        return path == role


@pytest.mark.parametrize(
    ("functions", "says"),
    [
        ({"keyMatch": owns}, "`keyMatch` is one of Casbin's functions"),
        ({"key_match2": owns}, "`key_match2` is one of Casbin's functions"),
        ({"keyGet": owns}, "`keyGet` is one of Casbin's functions"),
        ({"eval": owns}, "`eval` is one of Casbin's functions"),
        ({"set": owns}, "`set` is one of Casbin's functions"),
        ({"g": owns}, "`g` is the name of a role definition"),
        ({"g2": owns}, "`g2` is the name of a role definition"),
        ({"r_sub": owns}, "`r_sub` is what Casbin makes of a word"),
        ({"is owner": owns}, "`is owner` is no name that a matcher can call"),
        ({"<lambda>": owns}, "`<lambda>` is no name that a matcher can call"),
        ({"not": owns}, "`not` is no name that a matcher can call"),
        ({"": owns}, "`` is no name that a matcher can call"),
        ({"owns": 3}, "`owns` is no function, but a `int`"),
        ({"owns": later}, "`owns` is a coroutine function"),
        ({"run": eval}, "`run` is a function that Casbin's evaluator refuses to call"),
        ({"owns": Unhashable()}, "`owns` is a function that Casbin's evaluator refuses to call"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)) or "empty",
)
def test_what_no_matcher_can_call_is_refused_in_one_sentence(
    functions: Any, says: str, tmp_path: Path
) -> None:
    """Wherever functions are given."""
    document = Document.parse(MODEL.encode(), RULES, functions={"owns": owns})
    givers = (
        lambda: Policy.parse(MODEL.encode(), RULES, functions=functions),
        lambda: Policy(document, functions=functions),
        lambda: LivePolicy.files(tmp_path / "model.conf", tmp_path / "policy.csv", functions=functions),
    )
    for give in givers:
        with pytest.raises(FunctionsError) as refused:
            give()
        assert str(refused.value).startswith(says)


def test_without_the_function_the_problem_says_how_to_give_one() -> None:
    with pytest.raises(PolicyError) as refused:
        Policy.parse(MODEL.encode(), RULES)
    (problem,) = refused.value.problems
    assert problem.code == "unknown-function"
    assert all(way in problem.hint for way in ("--functions module:name", "POLICY_FUNCTIONS", "functions="))


@pytest.mark.parametrize("call", ["later()", "part(r.obj)", "listed(r.obj, p.obj, of=r.role)"])
def test_how_many_arguments_a_function_takes_is_its_own_affair(call: str) -> None:
    """Casbin's own take two; nobody knows it of another."""
    functions = {"later": weekday, "part": OWN["part"], "listed": listed}
    policy = Policy.parse(model(f"r.act == p.act && {call}").encode(), RULES, functions=functions)
    assert not policy.decide(obj="/elsewhere", act="POST").allowed


def test_a_function_is_no_part_of_the_revision_and_can_be_exchanged() -> None:
    policy = Policy.parse(MODEL.encode(), RULES, functions={"owns": owns})
    other = Policy(policy.document, functions={"owns": lambda _path, _role: False})
    request = {"role": "boss", "obj": "/admin/x", "act": "GET"}
    assert policy.decide(**request).allowed
    assert not other.decide(**request).allowed
    assert other.revision == policy.revision


def test_a_mapping_that_changes_later_changes_no_policy() -> None:
    functions: dict[str, Any] = {"owns": owns}
    policy = Policy.parse(MODEL.encode(), RULES, functions=functions)
    functions["owns"] = lambda _path, _role: False
    mutant = Policy(policy.document)
    assert mutant.decide(role="boss", obj="/admin/x", act="GET").allowed


def test_a_function_that_raises_is_a_denial_and_an_error() -> None:
    policy = Policy.parse(
        model("g(r.role, p.role) && fails(r.obj, p.role)").encode(), RULES, functions={"fails": fails}
    )
    with pytest.raises(EvaluationError, match="admin may not ask about /b"):
        policy.decide(role="admin", obj="/b", act="GET")
    assert not any(decision.allowed for _, decision in can(policy, (Route("GET", "/b"),), roles=["admin"]))
    assert not policy.explain(role="user", obj="/b", act="GET").decision.allowed


@pytest.mark.parametrize(
    ("matcher", "told"),
    [
        ("g(r.role, p.role) && r.act == p.act && owns(r.obj, p.obj)", []),
        ("g(r.sub, p.role) && owns(r.role, p.role) && r.act == p.act && r.obj == p.obj", []),
        ("g(r.role, p.role) && r.act == p.act && r.obj == p.obj && !owns(r.obj, p.role)", []),
        ("g(r.role, p.role) && r.act == p.act && r.obj == p.obj && weekday()", []),
        (
            'g(r.role, p.role) && r.act == p.act && owns(r.obj, p.obj) || r.role == "root"',
            ["allows-by-default"],
        ),
        ('owns(r.obj, p.obj) || r.role == "root" || r.act == p.act', ["allows-by-default"]),
    ],
)
def test_lint_calls_no_function_and_says_what_holds_whatever_it_answers(
    matcher: str, told: list[str]
) -> None:
    """A right matcher is clean, and what opens the door beside the function is told."""
    called = threading.Event()

    def unasked(*_names: str) -> bool:
        called.set()
        return True

    functions = {"owns": unasked, "weekday": unasked}
    document = Document.parse(
        model(matcher).encode(),
        b"p, admin, /x, GET, allow\np, user, /y, GET, allow\ng, admin, user\n",
        functions=functions,
    )
    codes = [problem.code for problem in lint(document)]
    assert set(told) <= set(codes)
    assert told or not codes
    assert not called.is_set()


MEANT_FOR_IT = b"""p, admin, tag:finance, GET, allow
p, admin, tag:finance/{id, GET, deny
p, admin, *, GET, allow
p, user, /nowhere, GET, allow
p, user, /x/secret, GET, deny
g, admin, user
"""


@pytest.mark.parametrize(
    "matcher",
    [
        "g(r.role, p.role) && r.act == p.act && owns(r.obj, p.obj)",
        "g(r.role, p.role) && r.act == p.act && (keyMatch(r.obj, p.obj) || owns(r.obj, p.obj))",
        "g(r.role, p.role) && r.act == p.act && keyMatch(r.obj, p.obj) && owns(p.obj, r.sub)",
    ],
)
def test_a_word_that_a_function_reads_means_what_the_function_says(matcher: str) -> None:
    """It may be no path at all; the columns that it does not read are looked at as ever."""
    routes = (Route("GET", "/x"), Route("GET", "/x/{id}"))
    document = Document.parse(model(matcher).encode(), MEANT_FOR_IT, functions={"owns": owns})
    assert [str(problem) for problem in lint(document, routes)] == []
    twice = MEANT_FOR_IT + b"p, user, /nowhere, GET, allow\n"
    document = Document.parse(model(matcher).encode(), twice, functions={"owns": owns})
    assert [(problem.line, problem.code) for problem in lint(document, routes)] == [(7, "duplicate-rule")]


def test_mutants_call_the_functions_too() -> None:
    """Also those of role links, which are read again from their lines."""
    policy = Policy.parse(
        MODEL.encode(),
        b"p, admin, /x, GET, allow\np, user, /u, GET, allow\ng, admin, user\n",
        functions={"owns": owns},
    )
    report = mutate(policy, [])
    assert report.refused <= 1  # the link the other way round is one of its mutants
    assert any("`owns`" in note for note in report.notes)


def test_a_live_policy_calls_them_after_a_reload_too(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.write("model.conf", MODEL)
    shop.rules("p, admin, /x, GET, allow")
    live = LivePolicy.files(shop.model, shop.policy, functions={"owns": owns})
    live.load()
    assert live.policy.allows("admin", "GET", "/admin/1")
    shop.rules("p, user, /x, GET, allow")
    assert live.reload()
    assert live.policy.allows("user", "GET", "/user/1")


def test_a_function_that_an_enforcer_is_given_later_counts_from_then_on() -> None:
    """As of stock Casbin."""
    policy = Policy.parse(MODEL.encode(), RULES, functions={"owns": owns})
    enforcer = IndexedEnforcer(policy.document.casbin_model(), policy.document.adapter())
    enforcer.add_function("owns", owns)
    assert enforcer.enforce("", "boss", "/admin/x", "GET")
    enforcer.add_function("owns", lambda _path, _role: False)
    assert not enforcer.enforce("", "boss", "/admin/x", "GET")
