"""The graph of the folders' imports, as it is in the code; ``python -m tests.support.folders`` draws it in the docs."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "architecture.md"
_BEGIN: Final = "<!-- folders: made by `python -m tests.support.folders` -->"
_END: Final = "<!-- end of folders -->"

Graph = Mapping[str, frozenset[str]]


def modules(package: str) -> dict[str, Path]:
    """Every module of a package by its full name; a package's own file by the name of the package."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in known:
                    yield name
                elif node.module in known:
                    yield node.module


def module_graph(package: str) -> Graph:
    """Which modules of ``package`` each of its modules imports, anywhere in the file."""
    known = modules(package)
    return {name: frozenset(_imports(path, known)) - {name} for name, path in known.items()}


def folder_graph(package: str) -> Graph:
    """The same of folders. A module beside the package's folders stands for itself."""
    known = modules(package)

    def room(name: str) -> str:
        folder = ".".join(known[name].relative_to(ROOT).parent.parts)
        return name if folder == package else folder

    graph: dict[str, set[str]] = {}
    for name, imported in module_graph(package).items():
        graph.setdefault(room(name), set()).update({room(other) for other in imported} - {room(name)})
    return {name: frozenset(others) for name, others in graph.items()}


def drawn(package: str) -> str:
    """The graph of ``package`` as Mermaid, without the arrows that others imply; what imports nothing is below."""
    graph = {name: others - {package} for name, others in folder_graph(package).items() if name != package}
    below: dict[str, frozenset[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        below[name] = graph[name].union(*(below[other] for other in graph[name]))
    lines = ["```mermaid", "flowchart TD"]
    for name in sorted(graph):
        implied = frozenset().union(*(below[other] for other in graph[name]))
        lines += [
            f"    {_box(name, package)} --> {_box(other, package)}" for other in sorted(graph[name] - implied)
        ]
    return "\n".join([*lines, "```"])


def _box(name: str, package: str) -> str:
    short = name.removeprefix(f"{package}.")
    return f"{short.replace('.', '_')}[{short.replace('.', '/')}]"


def page(text: str) -> str:
    """The page's text with the graphs as they are now."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{drawn('rbac')}\n\nand so in `app`:\n\n{drawn('app')}\n\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
