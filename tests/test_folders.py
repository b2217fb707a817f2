"""The house: folders of one idea each, small enough to look through, importing downwards only."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support import folders

FOLDERS = sorted({path.parent for package in ("rbac", "app") for path in folders.modules(package).values()})
MOST_MODULES = 12
ORDER = {
    "rbac": ("rbac.document", "rbac.policy", "rbac.space"),
    "app": ("app.settings", "app.checkpoint", "app.routers"),
}


def name(folder: Path) -> str:
    return str(folder.relative_to(folders.ROOT))


@pytest.mark.parametrize("package", ["rbac", "app"])
def test_folders_import_downwards_only(package: str) -> None:
    """No folder is needed by one that it needs itself, however long the way round."""
    graph = folders.folder_graph(package)
    try:
        order = list(TopologicalSorter({k: v for k, v in graph.items() if k != package}).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of folders: {' -> '.join(error.args[1])}")
    below, between, above = ORDER[package]
    assert order.index(below) < order.index(between) < order.index(above)


@pytest.mark.parametrize("package", ["rbac", "app"])
def test_modules_import_downwards_only(package: str) -> None:
    graph = folders.module_graph(package)
    try:
        list(TopologicalSorter({k: v - {package} for k, v in graph.items()}).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of modules: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_folder_can_be_looked_through(folder: Path) -> None:
    """A dozen modules at most; the commands of the command line are a list of their own."""
    rooms = [path for path in folder.glob("*.py") if path.name not in {"__init__.py", "__main__.py"}]
    assert len(rooms) <= MOST_MODULES or folder.name == "cli"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_folder_says_its_idea(folder: Path) -> None:
    """Whoever opens a folder reads what it is, and of one with several rooms where to begin."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    assert said
    rooms = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    assert len(rooms) < 2 or folder.parent == folders.ROOT or any(room in said for room in rooms)


def test_the_page_draws_the_folders_as_they_are() -> None:
    """`python -m tests.support.folders` draws them again."""
    text = folders.PAGE.read_text(encoding="utf-8")
    assert folders.page(text) == text


def test_a_circle_would_be_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder, line in (("a", "from p.b.two import x"), ("b", "def f():\n    import p.a.one")):
        room = tmp_path / "p" / folder / {"a": "one.py", "b": "two.py"}[folder]
        room.parent.mkdir(parents=True)
        room.write_text(line)
    monkeypatch.setattr(folders, "ROOT", tmp_path)
    assert folders.folder_graph("p") == {"p.a": {"p.b"}, "p.b": {"p.a"}}
