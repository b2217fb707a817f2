"""One program, run against an enforcer of Casbin's and against ours: every public method, with what it leads to.

``python -m tests.support.drop_in FOLDER`` runs it with the SQL adapters that people use, and prints where the two differ.
"""

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import casbin
from casbin.async_enforcer import AsyncEnforcer
from casbin.fast_enforcer import FastEnforcer
from casbin.model.policy_fast import FastPolicy
from casbin.synced_enforcer import SyncedEnforcer

import rbac
from tests.support.drop_in_adapters import Recorder, asynchronous_sql, sql
from tests.support.drop_in_steps import MODELS, Step, World, steps

Make = Callable[[Path], Any]


class Pair(NamedTuple):
    """An enforcer of Casbin's, ours in its place, and what both are made with."""

    stock: Any
    ours: Any
    options: Mapping[str, Any] = {}


PAIRS: Final = {
    "Enforcer": Pair(casbin.Enforcer, rbac.IndexedEnforcer),
    "AsyncEnforcer": Pair(AsyncEnforcer, rbac.IndexedAsyncEnforcer),
    "SyncedEnforcer": Pair(SyncedEnforcer, rbac.IndexedSyncedEnforcer),
    "FastEnforcer": Pair(FastEnforcer, rbac.IndexedFastEnforcer),
    "FastEnforcer by two columns": Pair(FastEnforcer, rbac.IndexedFastEnforcer, {"cache_key_order": (2, 1)}),
    "FastEnforcer by one column": Pair(FastEnforcer, rbac.IndexedFastEnforcer, {"cache_key_order": [1]}),
}


async def rows(kind: Any, options: Mapping[str, Any], model: str, folder: Path, make: Make) -> list[Any]:
    """The table of one enforcer: each step's result, then rules, stored rules, a watcher's calls, and all answers."""
    path = folder / "model.conf"
    world = World.of(model)
    adapter = make(folder)
    await done(adapter.begin, [("p", row) for row in world.rules] + [("g", row) for row in world.links])
    enforcer = kind(str(path), adapter.adapter, **options)
    watcher = Recorder()
    await done(enforcer.set_watcher, watcher)
    found = [["built", await told(enforcer.load_policy), *await state(enforcer, adapter, world)]]
    for name, arguments in (*steps(world), *_later(folder, adapter.adapter)):
        result = (
            await told(getattr(enforcer, name), *arguments) if hasattr(enforcer, name) else "no such method"
        )
        label = f"{name}{tuple(map(plain, arguments))}".replace(str(folder), "")
        found.append([label, result, watcher.taken(), *await state(enforcer, adapter, world)])
    await done(adapter.end)
    return found


def _later(folder: Path, adapter: Any) -> Iterator[Step]:
    """What makes the enforcer anew."""
    path, other = str(folder / "model.conf"), casbin.Enforcer.new_model(str(folder / "model.conf"))
    yield "set_model", (other,)
    yield "set_adapter", (adapter,)
    yield "load_policy", ()
    yield "init_with_file", (path, str(folder / "policy.csv"))
    yield "init_with_adapter", (path, adapter)
    yield "init_with_model_and_adapter", (other, adapter)
    yield "init_with_model_and_adapter", (None, adapter)


async def state(enforcer: Any, adapter: Any, world: World) -> list[Any]:
    """What the enforcer holds, what its adapter stores, and every answer."""
    model = enforcer.get_model()
    held = {
        ptype: await told(list, one.policy) for section in "pg" for ptype, one in model.model[section].items()
    }
    answers = []
    for request in world.requests:
        answers += [await told(enforcer.enforce, *request), await told(enforcer.enforce_ex, *request)]
    return [held, await done(adapter.stored), answers]


async def done(method: Callable[..., Any], *arguments: Any) -> Any:
    result = method(*arguments)
    return await result if inspect.isawaitable(result) else result


async def told(method: Callable[..., Any], *arguments: Any) -> Any:
    """The result as plain values, or the type of the error."""
    try:
        return plain(await done(method, *arguments))
    except Exception as error:  # noqa: BLE001 - what one raises the other has to raise
        return f"{type(error).__name__} is raised"


def plain(value: Any) -> Any:
    """Rules and answers as they are; anything else as the class of Casbin's that it is, or is made from."""
    if isinstance(value, list | tuple | FastPolicy):
        return [plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    kinds = [kind for kind in type(value).__mro__ if kind.__module__.startswith("casbin")]
    return f"a {kinds[0].__name__}" if kinds else f"a {type(value).__name__}"


def _begun(folder: Path, model: str) -> None:
    folder.mkdir(parents=True)
    (folder / "model.conf").write_text(MODELS[model], encoding="utf-8")
    rules = [", ".join(["p", *row]) for row in World.of(model).rules]
    (folder / "policy.csv").write_text("\n".join(rules), encoding="utf-8")


async def both(name: str, model: str, folder: Path, make: Make) -> list[tuple[Any, Any]]:
    """The tables of Casbin's enforcer and of ours, row beside row."""
    stock, ours, options = PAIRS[name]
    for side in ("stock", "ours"):
        _begun(folder / side, model)
    theirs = await rows(stock, options, model, folder / "stock", make)
    return list(zip(theirs, await rows(ours, options, model, folder / "ours", make), strict=True))


def main(folder: Path) -> None:
    """The table with the SQL adapters, on SQLite."""
    found: dict[str, Any] = {}
    for (name, pair), model in product(PAIRS.items(), MODELS):
        make = asynchronous_sql if pair.stock is AsyncEnforcer else sql
        table = asyncio.run(both(name, model, folder / f"{name}-{model}", make))
        found[f"{name}, {model}"] = {
            "rows": len(table),
            "differing": [row for row in table if row[0] != row[1]],
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
