"""YAML read strictly: every value with its place, and nothing turned into something else than was written."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rbac.errors import Problem
from rbac.text.nearest import nearest
from rbac.text.wording import quoted

_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = {
    "str": "a text",
    "bool": "`true` or `false`",
    "null": "nothing",
    "int": "a number",
    "float": "a number",
    "seq": "a list",
    "map": "a mapping",
    "timestamp": "a date",
}
_QUOTES: Final = (
    "check the indentation, and put quotes around a text that holds `{`, `}`, `[`, `]`, `#` or `: `"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def problem(self, code: str, message: str, hint: str = "") -> Problem:
        """An error at this place."""
        return Problem(self.file, self.line, self.column, code, "error", message, hint)

    def warning(self, code: str, message: str, hint: str) -> Problem:
        """A warning at this place."""
        return replace(self.problem(code, message, hint), severity="warning")


@dataclass(slots=True)
class NodeReader:
    """Reads the nodes of one file and collects their problems; what has a problem reads as empty."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def place(self, node: Node) -> Place:
        """Where ``node`` begins."""
        mark = node.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    def refuse(self, node: Node, code: str, message: str, hint: str = "") -> None:
        """Note an error at ``node``."""
        self.problems.append(self.place(node).problem(f"test-{code}", message, hint))

    def compose(self, text: str) -> Node | None:
        """The one YAML document in ``text``; ``None`` when there is none: a problem, unless it is empty."""
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file, 1, 1)
            said = " ".join(part for part in (error.context, error.problem) if part)
            self.problems.append(place.problem("test-syntax", f"this is not YAML: {said}", _QUOTES))
        except (yaml.YAMLError, RecursionError) as error:
            said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            self.problems.append(Place(self.file, 1, 1).problem("test-syntax", f"this is not YAML: {said}"))
        return None

    def mapping(
        self, node: Node, keys: Collection[str] | None, what: str, example: str = ""
    ) -> dict[str, Node]:
        """The entries of a mapping by key, without those that are twice or not among ``keys``: problems."""
        if not isinstance(node, MappingNode):
            message = f"{what} is a mapping of `key: value`, not {kind(node)}"
            self.refuse(node, "wrong-type", message, example)
            return {}
        entries: dict[str, Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None or (keys is not None and key not in keys):
                self.refuse(key_node, "unknown-key", *_unknown(key, keys or (), what))
            elif key in entries:
                self.refuse(key_node, "duplicate", f"`{key}:` is written twice here", "keep one of the two")
            else:
                entries[key] = value
        return entries

    def sequence(self, node: Node, key: str) -> list[Node]:
        """The items of a list."""
        if isinstance(node, SequenceNode):
            return list(node.value)
        self.refuse(node, "wrong-type", f"`{key}:` is a list, not {kind(node)}", f"write `{key}: […]`")
        return []

    def text(self, node: Node, key: str, *, empty: bool = False) -> str:
        """A text as it was written. `no`, `42` and dates are none: YAML takes them for something else."""
        if not isinstance(node, ScalarNode) or node.tag != f"{_TAG}str":
            written = isinstance(node, ScalarNode) and node.value
            hint = f'put it in quotes: "{node.value}"' if written else ""
            quoted = f"`{node.value}` in " if written else ""
            self.refuse(node, "wrong-type", f"{quoted}`{key}:` is {kind(node)}, not a text", hint)
            return ""
        if not empty and not node.value.strip():
            self.refuse(node, "wrong-type", f"`{key}:` is empty", "write something, or delete the line")
        return str(node.value)

    def flag(self, node: Node, key: str) -> bool:
        """``true`` or ``false``."""
        if node.tag != f"{_TAG}bool":
            message = f"`{key}:` is `true` or `false`, not {kind(node)}"
            self.refuse(node, "wrong-type", message, f"write `{key}: true`")
            return False
        return str(node.value).lower() in {"true", "yes", "on"}


def kind(node: Node) -> str:
    """What a value is, for people: ``a text``, ``a list``."""
    name = node.tag.removeprefix(_TAG)
    return _KINDS.get(name, f"a `{name}`")


def _unknown(key: str | None, keys: Collection[str], what: str) -> tuple[str, str]:
    if key is None:
        return f"a key of {what} is a word", "write `key: value`"
    close = nearest(key, keys)
    known = quoted(keys)
    return f"{what} has no key `{key}`", f"did you mean `{close}`?" if close else f"the keys are {known}"
