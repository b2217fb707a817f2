"""A policy test file: YAML to scenarios, read strictly, every problem with its file, line and column.

Whoever writes these tests has perhaps never seen YAML. What YAML would read as something else than
was meant (a key written twice, `no` for a role's name, an empty list) is an error, not a test that passes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from yaml.nodes import MappingNode, Node, SequenceNode

from rbac.errors import Problem, RbacError
from rbac.source import decode
from rbac.yaml_nodes import NodeReader, Place

SUFFIXES: Final = (".yaml", ".yml")
SUITE_KEYS: Final = ("suite", "tests")
CALLER_KEYS: Final = ("role", "roles", "anonymous", "unknown-role", "only")
TEST_KEYS: Final = ("name", *CALLER_KEYS, "sub", "with", "unrouted", "can", "cannot")

_FILE: Final = "a file reads `suite: …` and `tests:` with a list of tests"
_TEST: Final = "a test has a `name:`, a caller (`role: …`), and `can:` or `cannot:`"


class ScenarioError(RbacError):
    """Policy tests that cannot be read or asked. ``problems`` is the whole list, sorted by place."""

    code: ClassVar[str] = "policy_tests_unreadable"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Name:
    """A role that a test names, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. At most one of ``roles``, ``anonymous``, ``unknown_role`` and ``only`` is set.

    ``roles`` is ``None`` where the test names none; ``sub`` goes with roles or stands alone; ``only`` names
    the callers who may, and all others must not.
    """

    roles: tuple[Name, ...] | None = None
    sub: str | None = None
    anonymous: bool = False
    unknown_role: bool = False
    only: tuple[Name, ...] | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """One thing that a caller can or cannot do: the request's words but for the caller's."""

    expected: bool
    words: Mapping[str, str]
    place: Place


@dataclass(frozen=True, slots=True)
class Scenario:
    """One test of a suite.

    ``words`` fills request words beyond caller and assertion (``with:``); ``unrouted`` says that paths which
    no route has are meant.
    """

    name: str
    caller: Caller
    assertions: tuple[Assertion, ...]
    words: Mapping[str, str]
    unrouted: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Suite:
    """One test file."""

    name: str
    file: str
    scenarios: tuple[Scenario, ...]


def find_files(paths: Sequence[str | Path]) -> tuple[Path, ...]:
    """The test files among and below ``paths``, in order, each once; ``OSError`` for a missing path."""
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            below = (file for suffix in SUFFIXES for file in path.rglob(f"*{suffix}"))
            found.update(dict.fromkeys(sorted(file for file in below if file.is_file())))
        else:
            path.stat()
            found[path] = None
    return tuple(found)


def read_suites(files: Iterable[str | Path]) -> tuple[Suite, ...]:
    """The suites in these files; ``OSError``, or :class:`ScenarioError` with every problem of all of them."""
    suites: list[Suite] = []
    problems: list[Problem] = []
    for file in files:
        suite, found = parse_suite(Path(file).read_bytes(), str(file))
        problems += found
        if suite is not None:
            suites.append(suite)
    if problems:
        raise ScenarioError(problems)
    return tuple(suites)


def parse_suite(content: bytes, file: str) -> tuple[Suite | None, tuple[Problem, ...]]:
    """The suite in ``content`` and no problems, or no suite and all of them. Never raises."""
    source = decode(content, file)
    if source.text is None or source.problems:
        return None, source.problems
    reader = _SuiteReader(file)
    root = reader.compose(source.text)
    if root is None and not reader.problems:
        reader.problems.append(Place(file, 1, 1).problem("test-asserts-nothing", "the file is empty", _FILE))
    suite = None if root is None else reader.suite(root)
    problems = tuple(sorted(reader.problems))
    return (None if problems else suite), problems


class _SuiteReader(NodeReader):
    """Reads what a suite consists of."""

    def suite(self, node: Node) -> Suite:
        entries = self.mapping(node, SUITE_KEYS, "a policy test file", _FILE)
        self.need(node, entries, SUITE_KEYS, "a policy test file", _FILE)
        name = self.text(entries["suite"], "suite") if "suite" in entries else ""
        tests = self.sequence(entries["tests"], "tests") if "tests" in entries else []
        if not tests and isinstance(entries.get("tests"), SequenceNode):
            self.refuse(entries["tests"], "asserts-nothing", "the suite has no tests", _TEST)
        return Suite(name, self.file, tuple(self.scenario(test) for test in tests))

    def need(
        self, node: Node, entries: Mapping[str, Node], keys: Sequence[str], what: str, hint: str
    ) -> None:
        for key in keys:
            if key not in entries and isinstance(node, MappingNode):
                self.refuse(node, "missing-key", f"{what} needs `{key}:`", hint)

    def scenario(self, node: Node) -> Scenario:
        before = len(self.problems)
        entries = self.mapping(node, TEST_KEYS, "a test", _TEST)
        if len(self.problems) == before:
            self.check_complete(node, entries)
        name = self.text(entries["name"], "name") if "name" in entries else ""
        assertions: list[Assertion] = []
        for key in ("can", "cannot"):
            if key in entries:
                assertions += self.assertions(entries[key], key)
        return Scenario(
            name=name,
            caller=self.caller(entries),
            assertions=tuple(assertions),
            words=self.words(entries["with"]) if "with" in entries else {},
            unrouted=self.flag(entries["unrouted"], "unrouted") if "unrouted" in entries else False,
            place=self.place(node),
        )

    def check_complete(self, node: Node, entries: Mapping[str, Node]) -> None:
        """Refuse a test without a name, a caller or an assertion."""
        self.need(node, entries, ("name",), "a test", "say in a sentence what must stay true")
        if not {"can", "cannot"} & entries.keys():
            hint = "add `can: [GET /path]` or `cannot: [GET /path]`"
            self.refuse(node, "asserts-nothing", "the test asserts nothing", hint)
        if not {*CALLER_KEYS, "sub", "with"} & entries.keys():
            hint = "add `role: …`, or `roles:`, `sub:`, `anonymous: true`, `unknown-role: true`, `only: […]`"
            self.refuse(node, "caller", "the test does not say who the caller is", hint)

    def caller(self, entries: Mapping[str, Node]) -> Caller:
        self.check_caller(entries)
        roles: tuple[Name, ...] | None = None
        if "role" in entries:
            roles = (Name(self.text(entries["role"], "role"), self.place(entries["role"])),)
        elif "roles" in entries:
            roles = self.names(entries["roles"], "roles")
        return Caller(
            roles=roles,
            sub=self.text(entries["sub"], "sub") if "sub" in entries else None,
            anonymous=self.true(entries, "anonymous"),
            unknown_role=self.true(entries, "unknown-role"),
            only=self.names(entries["only"], "only") if "only" in entries else None,
        )

    def check_caller(self, entries: Mapping[str, Node]) -> None:
        """Refuse combinations that mean nothing."""
        given = [key for key in CALLER_KEYS if key in entries]
        if len(given) > 1:
            both = " and ".join(f"`{key}:`" for key in given)
            self.refuse(
                entries[given[1]], "caller", f"a test is about one caller, not {both}", "make it two tests"
            )
        if "sub" in entries and {"anonymous", "only"} & entries.keys():
            hint = "a caller without a token has no `sub`, and `only:` is about roles"
            self.refuse(entries["sub"], "caller", "`sub:` goes with `role:` or `roles:`, or alone", hint)
        if "only" in entries and "cannot" in entries:
            hint = "`only:` already says that all others cannot"
            self.refuse(entries["cannot"], "caller", "`only:` goes with `can:`", hint)

    def names(self, node: Node, key: str) -> tuple[Name, ...]:
        found: dict[str, Name] = {}
        for item in self.sequence(node, key):
            name = Name(self.text(item, key), self.place(item))
            if name.text in found:
                self.refuse(item, "duplicate", f"`{name.text}` is listed twice in `{key}:`", "delete one")
            found[name.text] = name
        return tuple(found.values())

    def true(self, entries: Mapping[str, Node], key: str) -> bool:
        """The flag ``key``; ``false`` would say nothing about who the caller is."""
        if key not in entries:
            return False
        before = len(self.problems)
        value = self.flag(entries[key], key)
        if not value and len(self.problems) == before:
            hint = "say who the caller is instead"
            self.refuse(entries[key], "caller", f"`{key}: false` names no caller", hint)
        return value

    def assertions(self, node: Node, key: str) -> list[Assertion]:
        items = self.sequence(node, key)
        if not items and isinstance(node, SequenceNode):
            self.refuse(node, "asserts-nothing", f"the list of `{key}:` is empty", "write `GET /path` in it")
        found: list[Assertion] = []
        for item in items:
            words = self.words(item) if isinstance(item, MappingNode) else self.endpoint(item, key)
            if words and any(words == known.words for known in found):
                self.refuse(item, "duplicate", f"this is listed twice in `{key}:`", "delete one")
            found.append(Assertion(key == "can", words, self.place(item)))
        return found

    def endpoint(self, node: Node, key: str) -> Mapping[str, str]:
        """``GET /user`` as the words that it fills."""
        text = self.text(node, key)
        act, _, obj = text.partition(" ")
        if text.strip() and not (act and obj.strip()):
            hint = "write the method, a space and the path: `GET /user`"
            self.refuse(node, "endpoint", f"`{text}` is not a method and a path", hint)
        return {"act": act, "obj": obj.strip()}

    def words(self, node: Node) -> Mapping[str, str]:
        """A mapping of the model's words to texts. Which words there are is the model's business."""
        entries = self.mapping(node, None, "this")
        if isinstance(node, MappingNode) and not node.value:
            self.refuse(node, "wrong-type", "this is empty", "write the model's words, as in `{act: GET}`")
        return {key: self.text(value, key, empty=True) for key, value in entries.items()}
