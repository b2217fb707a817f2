"""Who may import whom: the application knows the decision, the decision knows Casbin, and never the other way
round."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# HTTP, tokens and settings belong to the service and its guard.
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

# What a module may import of it all the same, and why. The guard without these is plain ASGI.
ALLOWED: Mapping[str, set[str]] = {
    "rbac/authzen/client.py": {"httpx2"},  # asking a decision point elsewhere is HTTP
    "rbac/guard/fastapi.py": {"fastapi", "starlette"},  # the dependencies that a FastAPI application types
    "rbac/guard/http/route_index.py": {"starlette"},  # the router that is looked up for, loaded with it
    "rbac/guard/issuers/cloudauth.py": {
        "fastapi",
        "fastapi_cloudauth",
        "jose",
        "pydantic",
    },  # the library's own
    "rbac/guard/identity/key_set.py": {"httpx2"},
    "rbac/guard/identity/fetching.py": {"httpx2"},  # what the issuer answers
    "rbac/guard/identity/keys.py": {"jose"},  # its keys, made
    "rbac/guard/issuers/authenticator.py": {"httpx2"},
}

# Layers of `rbac`, and what of `rbac` they must not know: imports run downwards.
ABOVE: Mapping[str, set[str]] = {
    "rbac/decision_log": {"rbac.guard", "rbac.authzen", "rbac.cli"},
    "rbac/guard": {"rbac.authzen", "rbac.cli"},
    "rbac/authzen": {"rbac.cli"},
    "rbac/doctor": {"rbac.authzen", "rbac.cli"},
    "rbac/cli": {"rbac.authzen"},
    "rbac/__main__.py": {"rbac.authzen"},
    "rbac": {"rbac.guard", "rbac.authzen", "rbac.cli"},
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


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules("rbac"), ids=relative)
def test_rbac_knows_neither_the_service_nor_more_of_the_web_than_the_table_says(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(path)}
    assert "app" not in roots
    assert roots & WEB <= ALLOWED.get(relative(path), set())


@pytest.mark.parametrize("path", ALLOWED)
def test_the_table_allows_nothing_that_is_not_used(path: str) -> None:
    roots = {name.partition(".")[0] for name in imported(ROOT / path)}
    assert roots & WEB == ALLOWED[path]


@pytest.mark.parametrize("path", modules("rbac"), ids=relative)
def test_nothing_in_rbac_imports_what_stands_above_it(path: Path) -> None:
    layer = next(layer for layer in ABOVE if path.is_relative_to(ROOT / layer))
    above = {upper for upper in ABOVE[layer] if not relative(path).startswith(upper.replace(".", "/"))}
    assert not [name for name in imported(path) for upper in above if within(name, upper)]


GUARD = [*modules("rbac/guard"), *modules("rbac/decision_log")]


@pytest.mark.parametrize("path", GUARD, ids=relative)
def test_the_guard_and_its_log_read_no_environment_and_set_up_no_logging(path: Path) -> None:
    """The environment, the settings and the logging of the host are the host's."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {
        "environ", "getenv", "basicConfig", "dictConfig", "setLevel", "addHandler", "addFilter", "set_event_loop_policy"
    }  # fmt: skip


LIBRARY = [path for path in modules("rbac") if path.parent.name != "cli" and path.name != "__main__.py"]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_in_rbac_but_the_command_itself_imports_the_command(path: Path) -> None:
    assert not [name for name in imported(path) if within(name, "rbac.cli")]


def loaded_by(imports: str) -> set[str]:
    """What a fresh interpreter has loaded after ``import``: packages, and the modules of `rich`."""
    names = "{name if name.startswith('rich.') else name.partition('.')[0] for name in sys.modules}"
    program = f"import sys, {imports}; print(*sorted({names}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_library_loads_without_the_web_the_command_and_the_environment() -> None:
    loaded = loaded_by("rbac.policy")
    assert "casbin" in loaded
    assert not loaded & {*WEB, "app", "typer", "psycopg", "boto3", "pytest"}


def test_the_package_alone_and_the_command_alone_load_no_casbin() -> None:
    """What decides loads it; until then the files of the package say that it is the right one."""
    for imports in ("rbac", "rbac.cli"):
        loaded = loaded_by(imports)
        assert "rbac" in loaded
        assert "casbin" not in loaded


def test_the_service_loads_no_database_and_no_command_until_a_setting_asks_for_one() -> None:
    loaded = loaded_by("app.main")
    assert "fastapi" in loaded
    assert not loaded & {"psycopg", "typer", "yaml", "boto3", "pytest"}


def test_the_service_loads_what_verifies_tokens_when_it_starts_and_what_is_seldom_needed_when_it_is() -> None:
    assert not loaded_by("app.main") & {"httpx2", "jose", "cryptography", "fastapi_cloudauth", "rapidfuzz"}
    assert "httpx2" in loaded_by("rbac.guard.issuers.authenticator")


def test_the_command_loads_what_it_shows_when_it_shows_it() -> None:
    loaded = loaded_by("rbac.cli")
    assert "typer" in loaded
    assert not loaded & {"rich.progress", "yaml", "psycopg", "boto3", "fastapi", "pytest"}


def test_the_walk_sees_what_it_forbids(tmp_path: Path) -> None:
    """A forbidden import would be found, wherever in a file it stands."""
    source = tmp_path / "module.py"
    source.write_text("def f():\n    from starlette.types import Scope\n    import rbac.cli.check as c\n")
    assert {"starlette.types", "rbac.cli.check"} <= set(imported(source))
