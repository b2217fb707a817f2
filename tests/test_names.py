"""A name means one thing in the whole tree, and an error of the package is one of its family."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import rbac
from rbac.errors import RbacError

ROOT = Path(__file__).parents[1]

# Names that two modules share all the same, and why.
SHARED = {
    "Question": "what the description of the API calls it, and what the client of a decision point asks",
    "Caller": "what an endpoint of FastAPI types for whoever calls it; elsewhere the caller that a review is about",
}
# Exceptions outside of the family, and why.
APART = {
    "PolicyTestFailure": "what pytest shows of a test that failed, and nobody catches",
    "PolicyTestWarning": "what pytest shows among its warnings, and filters by its own family",
}


def top_level_names(tree: ast.Module) -> Iterator[str]:
    """The classes of a module and its aliases for types, but for what it keeps to itself."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            of_types = not isinstance(node.value, ast.Call | ast.Constant)
            if not (of_types and name[:1].isupper() and any(letter.islower() for letter in name)):
                continue
        else:
            continue
        if not name.startswith("_"):
            yield name


def test_no_class_and_no_alias_has_the_name_of_another_one() -> None:
    found: dict[str, list[str]] = {}
    for package in ("rbac", "app"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in top_level_names(ast.parse(path.read_text())):
                found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    twice = {name: paths for name, paths in found.items() if len(paths) > 1}
    assert twice.keys() == SHARED.keys(), {n: paths for n, paths in twice.items() if n not in SHARED}
    assert all(len(paths) == 2 for paths in twice.values()), twice


def exceptions() -> Iterator[type[Exception]]:
    """Every exception that the package defines for others to meet."""
    for module in pkgutil.walk_packages(rbac.__path__, "rbac."):
        if module.name != "rbac.__main__":
            for name, value in vars(importlib.import_module(module.name)).items():
                own = isinstance(value, type) and value.__module__ == module.name
                if own and issubclass(value, Exception) and not name.startswith("_"):
                    yield value


@pytest.fixture(scope="module")
def family() -> list[type[Exception]]:
    return list(exceptions())


def test_every_error_is_one_of_the_family(family: list[type[Exception]]) -> None:
    assert {each.__name__ for each in family if not issubclass(each, RbacError)} == APART.keys()


def test_every_error_has_a_code_that_is_its_own_or_its_parent_s(family: list[type[Exception]]) -> None:
    codes: dict[str, type[Exception]] = {}
    for each in family:
        if "code" in vars(each):
            code = vars(each)["code"]
            assert codes.setdefault(code, each) is each, (code, each, codes[code])
        elif each.__name__ not in APART:
            assert any("code" in vars(parent) and parent is not RbacError for parent in each.__mro__), each
