"""``cache_key_order``: a rule counts only where its columns are the request's words, and is found through the index."""

import copy
import logging
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from casbin.core_enforcer import CoreEnforcer, EnforceContext
from casbin.fast_enforcer import FastEnforcer
from casbin.model.model_fast import FastModel
from casbin.model.policy_fast import FastPolicy

from rbac import IndexedFastEnforcer
from rbac.engine.state import Compiled, compiled
from tests.support.casbin_cases import Lines, answer
from tests.support.model_zoo import model

BOTH = (FastEnforcer, IndexedFastEnforcer)
MATCHERS = (
    "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
    "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && regexMatch(r.act, p.act)",
    'r.sub == "root" || p.sub == "" || r.sub == p.sub',
    "eval(p.sub)",
    "r.sub) == (p.sub",
    "r.sub",
)
EFFECTS = ("some(where (p.eft == allow))", "!some(where (p.eft == deny))")
ORDERS: tuple[Any, ...] = ([2, 1], [1, 2], [1], [-1], [2, 1, 0], (0, 1), [], [9], None)
REQUESTS = (
    *product(["a", "d", "root"], ["/x", "/z", "/*"], ["R"]),
    ("", "/x", "R"),
    (1, "/x", "R"),
    ("a", "/x"),
    ("a", [], "R"),
    (EnforceContext("r", "p", "e", "m"), "a", "/x", "R"),
    (),
)

RULES = "p, a, /x, R\np, b, /x, R\np, a, /*, R\np, a, /y, W\np, c, /x, .\ng, d, a\n"
EDITS: tuple[Callable[[FastEnforcer], Any], ...] = (
    lambda e: e.add_policy("b", "/z", "R"),
    lambda e: e.get_model().add_policy("p", "p", ["a", "/z", "R"]),
    lambda e: e.remove_policy("a", "/x", "R"),
    lambda e: e.update_policy(["b", "/z", "R"], ["b", "/x", "R"]),
    lambda e: e.add_policy("b", "/x"),
    lambda e: e.get_model().model["p"]["p"].policy.append(["a", "/new", "R"]),
    lambda e: e.add_grouping_policy("root", "a"),
    lambda e: e.enable_enforce(False),
    lambda e: e.enable_enforce(True),
    lambda e: e.load_policy(),
    lambda e: refilled(e, ["d", "/x", "R"]),
    lambda e: e.remove_filtered_policy(0, "a"),
    lambda e: e.clear_policy(),
)


def refilled(enforcer: FastEnforcer, *rows: list[str]) -> None:
    """Its rules begin anew, twice, behind its back: the second time there are as many as the first, and others."""
    for rules in ((["a", "/x", "R"],), rows):
        enforcer.get_model().clear_policy()
        for row in rules:
            enforcer.get_model().add_policy("p", "p", row)
        enforcer.enforce("a", "/x", "R")


def built(kind: Any, folder: Path, text: str, lines: str, order: Any) -> Any:
    path = folder / "model.conf"
    path.write_text(text)
    return kind(str(path), Lines(lines), cache_key_order=order)


def answers(enforcer: Any, request: Any) -> list[Any]:
    """Of ``enforce``, and of ``enforce_ex``, which looks at all rules."""
    return [tried(lambda: enforcer.enforce(*request)), *answer(enforcer, request)]


def tried(act: Callable[[], Any]) -> Any:
    """What comes of it, or the type of the error."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - what one raises the other has to raise
        return type(error)


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("matcher", MATCHERS)
def test_it_answers_as_casbins_own(matcher: str, order: Any, tmp_path: Path) -> None:
    """Also after each of the edits, whatever becomes of the rules."""
    for effect, lines in product(EFFECTS, (RULES, "g, d, a\n")):
        text = model(matcher, g="g = _, _", e=effect)
        stock, ours = (tried(partial(built, kind, tmp_path, text, lines, order)) for kind in BOTH)
        if isinstance(stock, type):
            assert stock is ours
            continue
        for edit in (lambda _: None, *EDITS):
            assert tried(partial(edit, stock)) == tried(partial(edit, ours))
            for request in REQUESTS:
                assert answers(stock, request) == answers(ours, request), request


MODEL = model("r.sub == p.sub && r.obj == p.obj")
ODD_MODELS = {
    "no matcher": MODEL.partition("[matchers]")[0],
    "a request that is shorter than a rule": model("r.sub == p.sub", r="sub, obj"),
    "a rule that is shorter than a request": model("r.sub == p.sub", p="sub, obj"),
    "a request of another name": MODEL.replace("r = ", "r2 = "),
}


@pytest.mark.parametrize("order", [[0], [2], [2, 1], [-1]], ids=str)
@pytest.mark.parametrize("text", ODD_MODELS.values(), ids=ODD_MODELS)
def test_what_is_wrong_with_a_model_is_casbins_own_error(text: str, order: Any, tmp_path: Path) -> None:
    for lines in ("", "p, a, /x, R\n", "p, a, /x\n"):
        stock, ours = (tried(partial(built, kind, tmp_path, text, lines, order)) for kind in BOTH)
        if isinstance(stock, type):
            assert stock is ours
            continue
        for request in (("a", "/x", "R"), ("a", "/x"), ("a",)):
            assert answers(stock, request)[0] == answers(ours, request)[0], (lines, request)


@pytest.mark.parametrize("order", [[2, 1], [1], None], ids=str)
def test_a_model_is_made_of_a_text_or_a_file(order: Any, tmp_path: Path) -> None:
    stock, ours = (built(kind, tmp_path, MODEL, "", order) for kind in BOTH)
    file = str(tmp_path / "model.conf")
    for given in ({"path": file}, {"text": MODEL}, {"path": file, "text": "none"}, {}, {"text": "none"}):
        made = [tried(lambda: kept(enforcer.new_model(**given))) for enforcer in (stock, ours)]  # noqa: B023 - at once
        assert made[0] == made[1], given


def kept(model: Any) -> tuple[str, bool]:
    """The matcher of a model, and whether its rules are kept by columns."""
    return model.model["m"]["m"].value, isinstance(model.model["p"]["p"].policy, FastPolicy)


@pytest.mark.parametrize("level", ["INFO", "WARNING", "ERROR"])
@pytest.mark.parametrize("order", [[2, 1], None], ids=str)
def test_each_request_is_logged_as_casbin_does(
    order: Any, level: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("casbin.enforcer")
    found = []
    for kind in BOTH:
        enforcer = built(kind, tmp_path, MODEL, "p, ann, /x, R\n", order)
        monkeypatch.setattr(logger, "disabled", False)
        caplog.set_level(level, logger.name)
        caplog.clear()
        for request in (("ann", "/x", "R"), ("bob", "/x", "R"), ("ann", "/y", "R")):
            enforcer.enforce(*request)
        found.append([(record.levelname, record.getMessage()) for record in caplog.records])
    assert found[0] == found[1]
    assert len(found[0]) == {"INFO": 3, "WARNING": 2, "ERROR": 0}[level]


def exact(rules: int) -> str:
    return "".join(f"p, s{n}, /{n % 100}, R\n" for n in range(rules))


def test_rules_of_one_key_are_found_through_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by Casbin, nor by a scan, which would show in the functions that it calls."""
    calls: list[str] = []

    def said(name: str) -> bool:
        calls.append(name)
        return True

    text = model("r.sub == p.sub && r.obj == p.obj && said(p.sub)")
    ours = built(IndexedFastEnforcer, tmp_path, text, exact(1000), [2, 1])
    ours.add_function("said", said)
    monkeypatch.delattr(CoreEnforcer, "enforce_ex")
    assert ours.enforce("s507", "/7", "R")
    assert calls == ["s507"]


def test_all_rules_are_gone_through_by_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Casbin can go through them at all."""
    ours = built(IndexedFastEnforcer, tmp_path, MODEL, exact(1000), [2, 1])
    paused: list[bool] = []
    ours.compile(lambda: paused.append(True))
    assert paused
    context = EnforceContext("r", "p", "e", "m")
    monkeypatch.delattr(CoreEnforcer, "enforce_ex")
    for request in (("s507", "/7", "R"), (context, "s507", "/7", "R")):
        assert ours.enforce_ex(*request) == (True, ["s507", "/7", "R"])
        assert ours.candidates(*request) == 1


def test_what_follows_from_the_rules_is_worked_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[object] = []

    def counted(*parts: Any) -> Compiled:
        worked_out.append(parts)
        return compiled(*parts)

    monkeypatch.setattr("rbac.enforcers.fast.compiled", counted)
    ours = built(IndexedFastEnforcer, tmp_path, MODEL, exact(3), [2, 1])
    for times in (1, 2):
        for n in range(5):
            ours.enforce(f"s{n}", f"/{n}", "R")
        assert len(worked_out) == times
        ours.add_policy("new", "/new", "R")


def test_a_row_of_the_wrong_width_is_an_error_for_requests_with_its_words(tmp_path: Path) -> None:
    text = model("r.sub == p.sub && r.obj == p.obj && r.act == p.act")
    stock, ours = (built(kind, tmp_path, text, "p, ann, /x, R\np, ann, /y\n", [1]) for kind in BOTH)
    found = [
        [answers(enforcer, ("ann", path, "R"))[0] for path in ("/x", "/y")] for enforcer in (stock, ours)
    ]
    assert found == [[True, RuntimeError]] * 2


def test_a_pattern_in_a_column_of_the_key_matches_only_itself(tmp_path: Path) -> None:
    text = model("r.sub == p.sub && keyMatch(r.obj, p.obj) && r.act == p.act")
    stock, ours = (built(kind, tmp_path, text, "p, ann, /*, R\n", [2, 1]) for kind in BOTH)
    for request, allowed in ((("ann", "/x", "R"), False), (("ann", "/*", "R"), True)):
        assert stock.enforce(*request) == ours.enforce(*request) == allowed


def test_a_model_that_was_made_elsewhere_is_used_as_it_is() -> None:
    found = []
    for kind in BOTH:
        fast: Any = FastModel([2, 1])
        fast.load_model_from_text(model("r.sub == p.sub && r.obj == p.obj"))
        enforcer = kind(fast, Lines("p, ann, /x, R\n"), cache_key_order=[2, 1])
        enforcer.add_policy("bob", "/x", "R")
        found.append([enforcer.enforce(name, "/x", "R") for name in ("ann", "bob", "cid")])
    assert found == [[True, True, False]] * 2


def test_several_threads_may_ask(tmp_path: Path) -> None:
    """Casbin filters the rules for one request at a time."""
    text = model("r.sub == p.sub && r.obj == p.obj && r.act == p.act")
    ours = built(IndexedFastEnforcer, tmp_path, text, exact(300), [2, 1])
    wrong: list[int] = []

    def asking(start: int) -> None:
        for n in range(start, 3000, 7):
            right = ours.enforce(f"s{n % 300}", f"/{n % 100}", "R")
            none = ours.enforce(f"s{n % 300}", "/none", "R")
            if not right or none:
                wrong.append(n)

    threads = [threading.Thread(target=asking, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for n in range(300, 330):
        ours.add_policy(f"s{n}", f"/{n % 100}", "R")
    for thread in threads:
        thread.join()
    assert not wrong


def test_rules_of_a_model_that_were_never_loaded_may_be_changed_alone(tmp_path: Path) -> None:
    """Behind the enforcer's back, and to the same end as with Casbin's."""
    (tmp_path / "model.conf").write_text(MODEL)
    found = []
    for kind in BOTH:
        enforcer: Any = kind(str(tmp_path / "model.conf"), cache_key_order=[2, 1])
        enforcer.add_policy("ann", "/x", "R")
        seen = [enforcer.enforce("bob", "/x", "R")]
        rules = enforcer.get_model().model["p"]["p"].policy
        rules.append(["bob", "/x", "R"])
        seen.append(enforcer.enforce("bob", "/x", "R"))
        for row in (["bob", "/x", "R"], ["bob", "/x", "R"], ["bob", "/none", "R"]):
            seen.append(tried(partial(rules.remove, row)))
            seen.append(enforcer.enforce("bob", "/x", "R"))
        found.append(seen)
    assert found[0] == found[1]
    assert found[1] == [False, True, True, False, KeyError, False, True, False]


class Filtered(Lines):
    """Rules that are loaded while somebody else asks."""

    def __init__(self, text: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(text)
        self.meanwhile = meanwhile

    def is_filtered(self) -> bool:
        return False

    def load_filtered_policy(self, model: Any, _: object) -> None:
        self.meanwhile()
        self.load_policy(model)


@pytest.mark.parametrize("effect", EFFECTS)
def test_another_thread_never_sees_the_middle_of_a_change(effect: str, tmp_path: Path) -> None:
    """Casbin takes all rules away before it loads them anew: nobody is allowed or denied by that."""
    path = tmp_path / "model.conf"
    path.write_text(model("r.sub == p.sub && r.obj == p.obj", p="sub, obj, act, eft", e=effect))
    seen: list[list[bool]] = []

    def asked() -> None:
        seen.append([ours.enforce(name, "/x", "R") for name in ("ann", "bob")])

    def from_another_thread() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asked).result()

    lines = "p, ann, /x, R, allow\np, bob, /x, R, deny\n"
    ours: Any = IndexedFastEnforcer(str(path), Filtered(lines, from_another_thread), cache_key_order=[2, 1])
    asked()
    ours.load_filtered_policy(None)
    asked()
    assert seen == [[True, False]] * 3


def test_who_is_first_to_ask_may_do_so_in_the_middle_of_a_change(tmp_path: Path) -> None:
    """Nothing is known of before: the answer is of the rules as they are, and is not kept."""
    path = tmp_path / "model.conf"
    path.write_text(MODEL)
    asked: list[bool] = []

    def from_another_thread() -> None:
        with ThreadPoolExecutor(1) as pool:
            asked.append(pool.submit(ours.enforce, "ann", "/x", "R").result())

    ours: Any = IndexedFastEnforcer(
        str(path), Filtered("p, ann, /x, R\n", from_another_thread), cache_key_order=[2, 1]
    )
    ours.load_filtered_policy(None)
    assert asked == [False]
    assert ours.enforce("ann", "/x", "R")


@pytest.mark.parametrize("name", ["append", "remove"])
def test_a_change_of_the_rules_alone_is_noticed_whenever_somebody_asks(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also just before it is made: what is worked out then is of the rules before it."""
    ours = built(IndexedFastEnforcer, tmp_path, MODEL, "p, ann, /x, R\np, bob, /x, R\n", [2, 1])
    rules = ours.get_model().model["p"]["p"].policy
    change = getattr(FastPolicy, name)

    def slowly(self: FastPolicy, row: Any) -> Any:
        ours.enforce("ann", "/x", "R")
        return change(self, row)

    monkeypatch.setattr(FastPolicy, name, slowly)
    getattr(rules, name)(["cid" if name == "append" else "bob", "/x", "R"])
    assert [ours.enforce(who, "/x", "R") for who in ("ann", "bob", "cid")] == [
        True,
        name == "append",
        name == "append",
    ]


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_has_a_life_of_its_own(twin: Callable[[Any], Any], tmp_path: Path) -> None:
    ours = built(IndexedFastEnforcer, tmp_path, model("r.sub == p.sub && r.obj == p.obj"), exact(3), [2, 1])
    assert ours.enforce("s1", "/1", "R")
    other = twin(ours)
    other.enable_auto_save(False)
    other.remove_policy("s1", "/1", "R")
    assert not other.enforce("s1", "/1", "R")
    assert ours.enforce("s1", "/1", "R")
