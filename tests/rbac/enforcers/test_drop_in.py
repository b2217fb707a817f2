"""The drop-in table: one program against each enforcer of Casbin's and against ours, and no row differs."""

import asyncio
import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import casbin
import pytest
from casbin.async_enforcer import AsyncEnforcer

from tests.support.command import ROOT
from tests.support.drop_in import PAIRS, both, done
from tests.support.drop_in_adapters import AsyncTable, Table
from tests.support.drop_in_steps import MODELS, World, steps
from tests.test_package import environment, run

SQL = ("casbin-sqlalchemy-adapter==1.4.0", "casbin-async-sqlalchemy-adapter==1.17.0")
NEEDED = ("SQLAlchemy==2.1.9", "aiosqlite==0.22.1", "greenlet==3.5.6")
# The program's last steps, which make the enforcer anew.
REMAKING = {"set_model", "set_adapter", "init_with_file", "init_with_adapter", "init_with_model_and_adapter"}


def table(name: str, model: str, folder: Path) -> list[tuple[Any, Any]]:
    kind = AsyncTable if PAIRS[name].stock is AsyncEnforcer else Table
    return asyncio.run(both(name, model, folder, lambda _: kind()))


@pytest.mark.parametrize("name", PAIRS)
def test_the_table_has_every_public_method(name: str) -> None:
    stock = PAIRS[name].stock
    public = {method for method in dir(stock) if callable(getattr(stock, method)) and method[0] != "_"}
    asked = {method for method, _ in steps(World.of("roles"))} | REMAKING
    assert public <= asked


@pytest.mark.parametrize(("name", "model"), list(product(PAIRS, MODELS)))
def test_no_row_differs(name: str, model: str, tmp_path: Path) -> None:
    assert [row for row in table(name, model, tmp_path) if row[0] != row[1]] == []


def test_the_table_shows_something(tmp_path: Path) -> None:
    """Every method does something of its own in some row, rules change, requests are allowed and denied."""
    worked: set[str] = set()
    held: set[str] = set()
    answers: set[str] = set()
    for model in MODELS:
        for row, _ in table("Enforcer", model, tmp_path / model):
            if "is raised" not in str(row[1]):
                worked.add(row[0].partition("(")[0])
            held.add(json.dumps(row[-3]))
            answers.add(json.dumps(row[-1]))
    public = {method for method in dir(casbin.Enforcer) if callable(getattr(casbin.Enforcer, method))}
    assert {method for method in public if method[0] != "_"} <= worked
    assert len(held) > 100
    assert len(answers) > 30


@pytest.mark.parametrize("name", PAIRS)
def test_a_watcher_tells_the_others(name: str, tmp_path: Path) -> None:
    """Two enforcers over one table: what one changes the other answers by, once its watcher has called."""
    assert {asyncio.run(_told(name, kind, tmp_path)) for kind in ("stock", "ours")} == {(False, True, False)}


async def _told(name: str, kind: str, folder: Path) -> tuple[bool, ...]:
    pair = PAIRS[name]
    model = folder / "model.conf"
    model.write_text(MODELS["roles"])
    shared: Any = AsyncTable() if pair.stock is AsyncEnforcer else Table()
    shared.begin([("p", ["admin", "/x", "GET"])])
    here, there = (getattr(pair, kind)(str(model), shared, **pair.options) for _ in range(2))
    watcher = _Calling(there.load_policy)
    here.set_watcher(watcher)
    await done(here.load_policy)
    await done(there.load_policy)
    answers = [there.enforce("bob", "/x", "GET")]
    for change in (here.add_grouping_policy, here.remove_grouping_policy):
        await done(change, "bob", "admin")
        # Casbin tells the others of an addition before it has made it itself, and after its adapter has.
        await asyncio.sleep(0)
        answers.append(there.enforce("bob", "/x", "GET"))
    return tuple(answers)


class _Calling:
    """A watcher whose message arrives at once."""

    def __init__(self, callback: Any) -> None:
        self._callback = callback
        self.update = self._update_async if asyncio.iscoroutinefunction(callback) else self._update

    def _update(self) -> None:
        self._callback()

    async def _update_async(self) -> None:
        await self._callback()


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The adapters that people use. One of them requires Casbin's older namesake, whose files would take the place of
    pycasbin's: both are installed into an environment of their own, without what they require."""
    folder = tmp_path_factory.mktemp("adapters")
    python = str(environment(folder / "env", *NEEDED) / "python")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *SQL], folder)
    found = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip()
    assert not (Path(found) / "casbin").exists()
    return found


def with_adapters(adapters: str, program: str, folder: Path) -> Any:
    """What ``program`` prints as JSON, with this repository's packages, and the adapters beside them."""
    path = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {adapters!r}]; from pathlib import Path; "
    return json.loads(run([sys.executable, "-W", "ignore", "-c", f"{path}{program}"], folder))


def test_no_row_differs_with_the_sql_adapters(adapters: str, tmp_path: Path) -> None:
    program = f"from tests.support.drop_in import main; main(Path({str(tmp_path / 'run')!r}))"
    found = with_adapters(adapters, program, tmp_path)
    assert found.keys() == {f"{name}, {model}" for name, model in product(PAIRS, MODELS)}
    assert min(table["rows"] for table in found.values()) > 150
    assert {name: table["differing"] for name, table in found.items() if table["differing"]} == {}


@pytest.mark.parametrize("make", ["sql", "asynchronous_sql"])
def test_a_store_reads_by_the_sql_adapters(make: str, adapters: str, tmp_path: Path) -> None:
    """Again and again, from one thread and another, as a running service does."""
    program = f"from tests.support.drop_in_adapters import {make}, stored_rules; stored_rules(Path({str(tmp_path)!r}), {make})"
    good, bad = with_adapters(adapters, program, tmp_path)
    assert good == ["p, ann, /x, GET\n"] * 3
    assert bad == [["casbin_rule", 2, "wrong-width"]]
