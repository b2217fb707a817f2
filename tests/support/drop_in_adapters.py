"""What the program of :mod:`tests.support.drop_in` is run with: adapters, a filter and a watcher."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from casbin.model.model import Model
from casbin.persist.adapter import Adapter, load_policy_line
from casbin.persist.adapters.asyncio import AsyncAdapter

from rbac import Policy, PolicyError
from rbac.stores.adapter import AdapterStore
from tests.support.model_zoo import model as model_text

Row = tuple[str, list[str]]


class Wanted:
    """A filter as the SQL adapters have it: the words that each column may hold."""

    def __init__(self, **columns: list[str]) -> None:
        for name in ("ptype", "v0", "v1", "v2", "v3", "v4", "v5"):
            setattr(self, name, columns.get(name, []))


class Recorder:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def taken(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls

    def set_update_callback(self, callback: Any) -> None:
        self.callback = callback

    def update(self) -> None:
        self.calls.append("update")

    def update_for_add_policy(self, sec: str, ptype: str, *rule: Any) -> None:
        self.calls.append(f"add {sec} {ptype} {rule}")

    def update_for_remove_policies(self, sec: str, ptype: str, *rules: Any) -> None:
        self.calls.append(f"remove {sec} {ptype} {rules}")


class Table(Adapter):
    """Rows in a list, kept and changed as a table of SQL is."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.filtered = False
        self.adapter = self

    def begin(self, rows: Iterable[Row]) -> None:
        self.rows = [(ptype, list(row)) for ptype, row in rows]

    def stored(self) -> list[Row]:
        return [(ptype, list(row)) for ptype, row in self.rows]

    def end(self) -> None:
        pass

    def is_filtered(self) -> bool:
        return self.filtered

    def load_policy(self, model: Model) -> None:
        for ptype, row in self.rows:
            load_policy_line(", ".join([ptype, *row]), model)

    def load_filtered_policy(self, model: Model, wanted: Wanted) -> None:
        self.filtered = True
        for ptype, row in self.rows:
            columns = zip((wanted.ptype, wanted.v0), (ptype, row[0]), strict=True)  # type: ignore[attr-defined] # set by name
            if all(not words or word in words for words, word in columns):
                load_policy_line(", ".join([ptype, *row]), model)

    def save_policy(self, model: Model) -> None:
        self.rows = [
            (ptype, list(row))
            for section in "pg"
            for ptype, one in model.model[section].items()
            for row in one.policy
        ]

    def add_policy(self, _sec: str, ptype: str, rule: list[str]) -> None:
        self.rows.append((ptype, list(rule)))

    def add_policies(self, sec: str, ptype: str, rules: list[list[str]]) -> None:
        for rule in rules:
            self.add_policy(sec, ptype, rule)

    def remove_policy(self, _sec: str, ptype: str, rule: list[str]) -> bool:
        before = len(self.rows)
        self.rows = [row for row in self.rows if row != (ptype, rule)]
        return len(self.rows) < before

    def remove_policies(self, sec: str, ptype: str, rules: list[list[str]]) -> None:
        for rule in rules:
            self.remove_policy(sec, ptype, rule)

    def remove_filtered_policy(self, _sec: str, ptype: str, place: int, *words: str) -> bool:
        before = len(self.rows)
        until = place + len(words)
        self.rows = [row for row in self.rows if row[0] != ptype or row[1][place:until] != list(words)]
        return len(self.rows) < before

    def update_policy(self, _sec: str, ptype: str, old: list[str], new: list[str]) -> None:
        self.rows[self.rows.index((ptype, old))] = (ptype, list(new))

    def update_policies(self, sec: str, ptype: str, old: list[list[str]], new: list[list[str]]) -> None:
        for one, other in zip(old, new, strict=True):
            self.update_policy(sec, ptype, one, other)


def _waited(name: str) -> Any:
    """The method of :class:`Table`, in mid-wait."""

    async def method(self: "AsyncTable", *arguments: Any) -> Any:
        await asyncio.sleep(0)
        result = getattr(self.table, name)(*arguments)
        await asyncio.sleep(0)
        return result

    return method


class AsyncTable(AsyncAdapter):
    """The same, waited for: the loop goes round before and after whatever is done."""

    load_policy = _waited("load_policy")
    load_filtered_policy = _waited("load_filtered_policy")
    save_policy = _waited("save_policy")
    add_policy = _waited("add_policy")
    add_policies = _waited("add_policies")
    remove_policy = _waited("remove_policy")
    remove_policies = _waited("remove_policies")
    remove_filtered_policy = _waited("remove_filtered_policy")
    update_policy = _waited("update_policy")
    update_policies = _waited("update_policies")

    def __init__(self) -> None:
        self.table = Table()
        self.adapter = self
        self.begin, self.stored, self.end = self.table.begin, self.table.stored, self.table.end

    def is_filtered(self) -> bool:
        return self.table.is_filtered()


class Sql:
    """A table of SQLite, with one of the adapters that people use; waited for or not, as that adapter is."""

    def __init__(self, folder: Path, adapter: Any, scheme: str) -> None:
        self._file = folder / "rules.sqlite"
        self.adapter = adapter(f"{scheme}:///{self._file}")

    async def begin(self, rows: Iterable[Row]) -> None:
        if hasattr(self.adapter, "create_table"):
            await self.adapter.create_table()
        places = "?, ?, ?, ?, ?, ?, ?"
        with closing(sqlite3.connect(self._file)) as database, database:
            for ptype, row in rows:
                columns = [ptype, *row, *[None] * (6 - len(row))]
                database.execute(
                    f"INSERT INTO casbin_rule (ptype, v0, v1, v2, v3, v4, v5) VALUES ({places})",
                    columns,
                )

    def stored(self) -> list[Any]:
        with closing(sqlite3.connect(self._file)) as database:
            rows = database.execute("SELECT ptype, v0, v1, v2, v3, v4, v5 FROM casbin_rule ORDER BY id")
            return rows.fetchall()

    async def end(self) -> None:
        disposed = self.adapter._engine.dispose()
        if disposed is not None:
            await disposed


def sql(folder: Path) -> Sql:
    """``casbin-sqlalchemy-adapter``, which has to be installed."""
    from casbin_sqlalchemy_adapter import Adapter as SqlAdapter

    return Sql(folder, SqlAdapter, "sqlite")


def asynchronous_sql(folder: Path) -> Sql:
    """``casbin-async-sqlalchemy-adapter``, which has to be installed."""
    from casbin_async_sqlalchemy_adapter import Adapter as AsyncSqlAdapter

    return Sql(folder, AsyncSqlAdapter, "sqlite+aiosqlite")


def stored_rules(folder: Path, make: Callable[[Path], Sql]) -> None:
    """Print what :class:`AdapterStore` reads of a table, three times, and what it says of a row that is no rule."""
    model = folder / "model.conf"
    model.write_text(model_text("r.sub == p.sub && r.obj == p.obj && r.act == p.act"), encoding="utf-8")
    rules = make(folder)
    asyncio.run(rules.begin([("p", ["ann", "/x", "GET"])]))
    store = AdapterStore(model, rules.adapter)
    with ThreadPoolExecutor(1) as threads:
        good = [store.read().policy.decode(), *threads.map(lambda _: store.read().policy.decode(), range(2))]
    asyncio.run(rules.begin([("p", ["ann", "/x"])]))
    now = store.read()
    try:
        Policy.parse(now.model, now.policy, policy_name=now.policy_name)
        bad = []
    except PolicyError as refused:
        bad = [[problem.file, problem.line, problem.code] for problem in refused.problems]
    store.close()
    sys.stdout.write(json.dumps([good, bad]))
