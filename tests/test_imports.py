"""Who may import whom: the application knows the decision, the decision knows Casbin, and never the other way
round."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# HTTP, tokens and settings belong to the service.
WEB = {
    "fastapi",
    "starlette",
    "httpx2",
    "uvicorn",
    "jose",
    "fastapi_cloudauth",
    "pydantic",
    "pydantic_settings",
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports anywhere, its functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("path", modules("rbac"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_decision_knows_neither_the_service_nor_the_web(path: Path) -> None:
    names = set(imported(path))
    roots = {name.partition(".")[0] for name in names}
    assert "app" not in roots
    # Asking a decision point elsewhere is HTTP, and nothing else in the package imports the client.
    assert not roots & (WEB - {"httpx2"} if path.name == "client.py" else WEB)
    assert "rbac.client" not in names


LIBRARY = [path for path in modules("rbac") if path.parent.name != "cli" and path.name != "__main__.py"]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_in_rbac_but_the_command_itself_imports_the_command(path: Path) -> None:
    assert not [name for name in imported(path) if within(name, "rbac.cli")]


def test_the_library_loads_without_the_web_the_command_and_the_environment() -> None:
    """`import rbac` in a fresh interpreter brings in nothing of the service's parts."""
    program = "import sys, rbac; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "casbin" in loaded
    assert not loaded & {*WEB, "app", "typer", "psycopg", "boto3", "pytest"}


def test_the_walk_sees_what_it_forbids(tmp_path: Path) -> None:
    """A forbidden import would be found, wherever in a file it stands."""
    source = tmp_path / "module.py"
    source.write_text("def f():\n    from starlette.types import Scope\n    import rbac.cli.check as c\n")
    assert {"starlette.types", "rbac.cli.check"} <= set(imported(source))
