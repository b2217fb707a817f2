"""Casbin's enforcer with a lock around it, with an index inside."""

from pathlib import Path
from typing import Any

import pytest
from casbin.synced_enforcer import SyncedEnforcer

from rbac import IndexedEnforcer, IndexedSyncedEnforcer
from tests.support.drop_in_adapters import Table
from tests.support.drop_in_steps import MODELS
from tests.support.waiting import comes_true


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.conf"
    path.write_text(MODELS["roles"])
    return str(path)


def test_rules_are_loaded_once_and_found_through_the_index(model: str) -> None:
    class Counting(Table):
        loads = 0

        def load_policy(self, model: Any) -> None:
            self.loads += 1
            super().load_policy(model)

    table = Counting()
    table.begin([("p", ["admin", "/x", "GET"]), ("g", ["bob", "admin"])])
    enforcer: Any = IndexedSyncedEnforcer(model, table)
    assert table.loads == 1
    assert isinstance(enforcer, SyncedEnforcer)
    assert enforcer.enforce("bob", "/x", "GET")
    assert isinstance(enforcer._e, IndexedEnforcer)
    assert enforcer._e.indexed


@pytest.mark.parametrize("kind", [SyncedEnforcer, IndexedSyncedEnforcer])
def test_it_loads_the_policy_by_itself(kind: Any, model: str) -> None:
    table = Table()
    enforcer = kind(model, table)
    enforcer.start_auto_load_policy(0.01)
    try:
        assert enforcer.is_auto_loading_running()
        assert not enforcer.enforce("ann", "/x", "GET")
        table.begin([("p", ["ann", "/x", "GET"])])
        assert comes_true(lambda: enforcer.enforce("ann", "/x", "GET"))
    finally:
        enforcer.stop_auto_load_policy()
    assert not enforcer.is_auto_loading_running()
    enforcer._auto_loading_thread.join()


@pytest.mark.parametrize("arguments", [(), ("no such file", None), (None, None), (7, 7)])
def test_what_it_cannot_be_built_with_is_the_same_error(arguments: tuple[Any, ...]) -> None:
    raised = []
    kinds: tuple[Any, ...] = (SyncedEnforcer, IndexedSyncedEnforcer)
    for kind in kinds:
        with pytest.raises(Exception) as error:  # noqa: PT011 - whichever Casbin raises
            kind(*arguments)
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]
