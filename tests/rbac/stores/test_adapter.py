"""Rules by a Casbin adapter: read as strictly as a file, and followed."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import casbin
import pytest
from casbin.persist.adapter import Adapter
from hypothesis import given
from hypothesis import strategies as st

from rbac import Document, LivePolicy, Policy, PolicyError
from rbac.stores.adapter import AdapterStore
from rbac.stores.adapter_rows import AdapterReading, as_lines
from tests.support.casbin_cases import Rows, model_of
from tests.support.drop_in_adapters import AsyncTable, Table
from tests.support.growth import takes_at_most
from tests.support.waiting import LIMIT_S, comes_true, until

MODEL = """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act
"""
SOUND = [("p", ["clerk", "/orders/:id", "GET", "allow"]), ("g", ["ann", "clerk"])]
NEVER_S = 60 * LIMIT_S


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.conf"
    path.write_text(MODEL)
    return path


def table(rows: Iterable[Any] = SOUND) -> Table:
    found = Table()
    found.begin(rows)
    return found


def parsed(store: AdapterStore) -> Policy:
    held = store.read()
    return Policy.parse(held.model, held.policy, model_name=held.model_name, policy_name=held.policy_name)


def may(policy: Policy, sub: str) -> bool:
    return policy.decide(sub=sub, obj="/orders/7", act="GET").allowed


@pytest.mark.parametrize("kind", [Table, AsyncTable])
def test_a_policy_decides_by_the_rows(kind: Any, model: Path) -> None:
    """The line of a rule is the number of its row."""
    adapter = kind()
    adapter.begin([("g", ["ann", "clerk"]), *SOUND[:1]])
    policy = parsed(AdapterStore(model, adapter))
    decision = policy.decide(sub="ann", obj="/orders/7", act="GET")
    assert decision.allowed
    assert decision.rule is not None
    assert decision.rule.line == 2
    assert not may(policy, "bob")


REFUSED: dict[str, tuple[Any, tuple[int, str]]] = {
    "a type that the model does not define": (("p2", ["a", "/x", "GET", "allow"]), (2, "unknown-type")),
    "another case": (("P", ["a", "/x", "GET", "allow"]), (2, "unknown-type")),
    "too few columns": (("p", ["a", "/x", "GET"]), (2, "wrong-width")),
    "too many columns": (("p", ["a", "/x", "GET", "allow", "more"]), (2, "wrong-width")),
    "a comma in a word": (("p", ["a", "/x,/y", "GET", "allow"]), (2, "wrong-width")),
    "an unknown effect": (("p", ["a", "/x", "GET", "Allow"]), (2, "unknown-effect")),
    "a bracket that closes nothing": (("p", ["a", "/x)", "GET", "allow"]), (2, "unreadable")),
    "a bracket that is not closed": (("p", ["a", "/(x", "GET", "allow"]), (2, "unbalanced-bracket")),
    "no type": (("", ["a", "/x", "GET", "allow"]), (2, "unreadable")),
    "a control character": (("p", ["a", "/x\x00", "GET", "allow"]), (2, "control-character")),
    "a line break": (("p", ["a\nb", "/x", "GET", "allow"]), (2, "unwritable-row")),
    "a half of a character": (("p", ["\udc80", "/x", "GET", "allow"]), (2, "undecodable")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_row_is_refused_as_a_line_is(name: str, model: Path) -> None:
    row, where = REFUSED[name]
    with pytest.raises(PolicyError) as refused:
        parsed(AdapterStore(model, table([SOUND[0], row])))
    (problem,) = (problem for problem in refused.value.problems if problem.severity == "error")
    assert (problem.line, problem.code) == where
    assert problem.file == "casbin_rule"


# Adapters that put rows into the model themselves: nothing is split, stripped or dropped on the way.
UNWRITABLE: dict[str, list[Any]] = {
    "a comma in a word": ["a", "/x,/y", "GET", "allow"],
    "a blank before a word": [" a", "/x", "GET", "allow"],
    "a blank behind the last word": ["a", "/x", "GET", "allow "],
    "a number": ["a", "/x", 7, "allow"],
    "nothing": ["a", "/x", "GET", None],
    "a line break": ["a", "/x", "GET", "allow\r"],
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_row_that_no_line_can_hold_is_refused_with_all_others(name: str, model: Path) -> None:
    rows = [SOUND[0][1], UNWRITABLE[name], ["a", "/x", "GET", "Allow"]]
    with pytest.raises(PolicyError) as refused:
        AdapterStore(model, Rows(p=rows), name="rules").read()
    told = [(problem.file, problem.line, problem.code) for problem in refused.value.problems]
    assert told == [("rules", 2, "unwritable-row"), ("rules", 3, "unknown-effect")]


@pytest.mark.parametrize(
    ("ptype", "code"), [("# p", "unwritable-row"), ("\ufeffp", "unwritable-row"), ("", "unknown-type")]
)
def test_a_type_that_casbin_passes_over_is_refused(ptype: str, code: str, model: Path) -> None:
    class Bringing(Adapter):
        def load_policy(self, model: Any) -> None:
            model.model["p"]["p"].policy.append(SOUND[0][1])
            model.model["p"][ptype].policy.append(SOUND[0][1])

    with pytest.raises(PolicyError) as refused:
        parsed(AdapterStore(model, Bringing()))
    assert [(one.line, one.code) for one in refused.value.problems] == [(2, code)]


def _by_add_policy(model: Any) -> None:
    for ptype, row in SOUND:
        model.add_policy(ptype[0], ptype, row)


def _by_extend(model: Any) -> None:
    for ptype, row in SOUND:
        if ptype[0] in model.model.keys() and ptype in model.model[ptype[0]].keys():  # noqa: SIM118 - as Casbin asks
            model[ptype[0]][ptype].policy.extend([row])


def _by_lists(model: Any) -> None:
    for ptype, row in SOUND:
        model.model[ptype[0]][ptype].policy = [row]


def _by_putting_in(model: Any) -> None:
    for ptype, row in SOUND:
        model.model[ptype[0]][ptype].policy[:0] = [row]


def _by_adding_lists(model: Any) -> None:
    for ptype, row in SOUND:
        model.model[ptype[0]][ptype].policy += [row]


@pytest.mark.parametrize("load", [_by_add_policy, _by_extend, _by_lists, _by_adding_lists, _by_putting_in])
def test_rows_arrive_whichever_way_the_adapter_takes(load: Any, model: Path) -> None:
    class Own(Adapter):
        def load_policy(self, model: Any) -> None:
            load(model)

    assert AdapterStore(model, Own()).read().policy == b"p, clerk, /orders/:id, GET, allow\ng, ann, clerk\n"


words = st.text(st.sampled_from("ab ,#()[]\n\r\t\ufeff\"'é\u2028"), max_size=4)


@given(st.lists(st.lists(words, min_size=3, max_size=3), max_size=4))
def test_what_is_not_refused_holds_the_very_rows(rows: list[list[str]]) -> None:
    """None is lost, cut or joined; and Casbin has the same."""
    text = b"[request_definition]\nr = a\n[policy_definition]\np = a, b, c\n[policy_effect]\n"
    text += b"e = some(where (p.eft == allow))\n[matchers]\nm = r.a == p.a\n"
    reading = AdapterReading()
    Rows(p=rows).load_policy(reading.model)
    with contextlib.suppress(PolicyError):
        document = Document.parse(text, as_lines(reading.rows(), text, "rules"))
        assert document.rows["p"] == rows
        stock = casbin.Enforcer(model_of(text.decode()), Rows(p=rows))
        assert stock.get_policy() == rows


def test_an_adapter_that_fails_is_a_refusal(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Down(Adapter):
        def load_policy(self, model: Any) -> None:
            raise ConnectionError("no route to the host that holds the rules")

    with pytest.raises(PolicyError) as refused:
        AdapterStore(model, Down()).read()
    assert [problem.code for problem in refused.value.problems] == ["unreadable"]
    assert "ConnectionError" in str(refused.value)
    assert "no route" in caplog.text


def test_only_an_adapter_is_one(model: Path) -> None:
    with pytest.raises(TypeError, match="Casbin adapter"):
        AdapterStore(model, "policy.csv")  # type: ignore[arg-type] # the mistake under test


class Watcher:
    """Calls back when it is told to, from whatever thread."""

    callback: Any = None

    def set_update_callback(self, callback: Any) -> None:
        self.callback = callback


class AsyncWatcher(Watcher):
    async def set_update_callback(self, callback: Any) -> None:  # type: ignore[override] # as asynchronous watchers do
        self.callback = callback


@pytest.mark.parametrize("watcher", [Watcher, AsyncWatcher])
async def test_a_live_policy_follows_a_watcher(watcher: type[Watcher], model: Path) -> None:
    rows, told = table(), watcher()
    async with LivePolicy(AdapterStore(model, rows, watcher=told, poll_s=None)) as live:
        assert not may(live.policy, "bob")
        await until(lambda: told.callback is not None)
        rows.add_policy("g", "g", ["bob", "clerk"])
        await asyncio.to_thread(told.callback, "a message")
        await until(lambda: may(live.policy, "bob"))


@pytest.mark.parametrize("kind", [Table, AsyncTable])
async def test_a_live_policy_looks_by_itself(kind: Any, model: Path) -> None:
    rows = kind()
    rows.begin(SOUND)
    async with LivePolicy(AdapterStore(model, rows, poll_s=0.01)) as live:
        assert not may(live.policy, "bob")
        rows.begin([*SOUND, ("g", ["bob", "clerk"])])
        await until(lambda: may(live.policy, "bob"))
        rows.begin([*SOUND, ("p", ["short"])])
        await until(lambda: live.problems)
        assert [problem.code for problem in live.problems] == ["wrong-width"]
        assert may(live.policy, "bob")
        assert live.reloads == 1


async def test_the_model_and_the_tests_are_files_that_are_watched(model: Path, tmp_path: Path) -> None:
    suites = tmp_path / "policy_tests"
    suites.mkdir()
    store = AdapterStore(model, table(), suites, poll_s=NEVER_S)
    async with LivePolicy(store) as live:
        revision = live.policy.revision
        await asyncio.sleep(0.1)
        await asyncio.to_thread(model.write_text, MODEL.replace("keyMatch2", "keyMatch3"))
        await until(lambda: live.policy.revision != revision)
        await asyncio.to_thread((suites / "a.yaml").write_text, "tests: []\n")
        assert list(store.read().tests) == [str(suites / "a.yaml")]


async def test_whoever_watches_can_stop_at_any_moment(model: Path) -> None:
    store = AdapterStore(model, table(), poll_s=0.001)

    async def watch() -> None:
        async with contextlib.aclosing(store.changes()) as changes:
            async for _ in changes:
                pass

    for pause in (0.0, 0.001, 0.05):
        watching = asyncio.create_task(watch())
        await asyncio.sleep(pause)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(LIMIT_S):
                await watching
    store.changed()  # nobody listens, and nothing happens


def test_an_adapter_that_is_waited_for_has_one_loop_of_its_own(model: Path) -> None:
    """Connections belong to the loop that opened them; whoever reads may be in a loop of their own."""
    loops = set()

    class Bound(Table):
        def load_policy(self, model: Any) -> None:
            loops.add(asyncio.get_running_loop())
            super().load_policy(model)

    adapter = AsyncTable()
    adapter.table = Bound()
    store = AdapterStore(model, adapter)
    store.read()
    reader = threading.Thread(target=store.read)
    reader.start()
    reader.join()

    async def reading() -> None:
        store.read()
        assert asyncio.get_running_loop() not in loops

    asyncio.run(reading())
    assert len(loops) == 1


@pytest.mark.parametrize("closes", [True, False])
def test_its_loop_ends_with_it(closes: bool, model: Path) -> None:
    before = set(threading.enumerate())
    store: AdapterStore | None = AdapterStore(model, AsyncTable())
    assert store is not None
    store.read()
    new = set(threading.enumerate()) - before
    (thread,) = (each for each in new if each.name == "rbac.stores")  # others may begin theirs meanwhile
    if closes:
        store.close()
    else:
        store = None
        gc.collect()
    assert comes_true(lambda: not thread.is_alive())


def test_reading_many_rows_takes_as_much_longer_as_there_are_more(model: Path) -> None:
    few, many = (
        AdapterStore(model, table([("p", [f"s{n}", f"/o/{n}", "GET", "allow"]) for n in range(size)]))
        for size in (5_000, 20_000)
    )
    assert takes_at_most(10, many.read, few.read)
