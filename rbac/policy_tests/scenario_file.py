"""A policy test file: YAML to scenarios, read strictly, every problem with its file, line and column.

Whoever writes these tests has perhaps never seen YAML. What YAML would read as something else than
was meant (a key written twice, `no` for a role's name, an empty list) is an error, not a test that passes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rbac.document.names import CLIENT, SCOPE
from rbac.errors import Problem
from rbac.model.request_shape import HTTP_METHODS
from rbac.policy_tests.suite import Assertion, Name, Scenario, ScenarioCaller, ScenarioError, Suite
from rbac.policy_tests.suite_files import suite_files
from rbac.policy_tests.suite_groups import NO_GROUPS, Groups, members, read_groups, unknown_group
from rbac.policy_tests.yaml_nodes import NodeReader, Place
from rbac.text.hidden import hidden_in_prose
from rbac.text.source import decode
from rbac.text.yaml_text import yaml_text

SUITE_KEYS: Final = ("suite", "groups", "tests")
CALLER_KEYS: Final = ("role", "roles", "roles-each", "anonymous", "unknown-role", "only")
ASSERTION_KEYS: Final = ("can", "cannot", "exactly")
PROGRAM_KEYS: Final = ("client", "scopes")
TEST_KEYS: Final = (
    "name",
    "why",
    *CALLER_KEYS,
    "sub",
    *PROGRAM_KEYS,
    "with",
    "unrouted",
    "methods",
    *ASSERTION_KEYS,
)
BELOW: Final = "below"

_KEPT: Final = 64  # suites, one a file

_FILE: Final = "a file reads `suite: …` and `tests:` with a list of tests"
_TEST: Final = "a test has a `name:`, a caller (`role: …`), and `can:` or `cannot:`"


def find_files(paths: Sequence[str | Path]) -> tuple[Path, ...]:
    """The test files among and below ``paths`` (:mod:`rbac.policy_tests.suite_files`), in order, each once.

    Raises ``OSError`` for a path that is missing or cannot be listed.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        path.stat()
        found.update(dict.fromkeys(suite_files(path, _unlisted).read))
    return tuple(found)


def _unlisted(error: OSError) -> None:
    raise error


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


# A reload reads the same tests for its lint and for its tests, and most reloads change none of them.
@lru_cache(_KEPT)
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
    # What is wrong with a group is come upon wherever it is used.
    problems = tuple(sorted(set(reader.problems)))
    return (None if problems else suite), problems


def named_in(tests: Mapping[str, bytes]) -> frozenset[str]:
    """The roles and persons that these policy tests (name to content) speak of; none of tests that cannot be read."""
    suites = (parse_suite(content, file)[0] for file, content in tests.items())
    return frozenset(name for suite in suites if suite is not None for name in suite.named)


def suite_warnings(tests: Mapping[str, bytes]) -> Iterator[Problem]:
    """What is odd about these policy tests, and keeps none from being asked: names that stand twice, groups that no test
    uses, lines that are not what they look like."""
    yield from hidden_in_suites(tests)
    for file, content in tests.items():
        suite, _ = parse_suite(content, file)
        yield from () if suite is None else suite.warnings


def hidden_in_suites(tests: Mapping[str, bytes]) -> Iterator[Problem]:
    """A warning for each line of these policy tests that is not what it looks like; none of tests that are no text."""
    for file, content in tests.items():
        yield from hidden_in_prose(decode(content, file).text or "", file)


class _SuiteReader(NodeReader):
    """Reads what a suite consists of."""

    groups: Groups = NO_GROUPS
    used: frozenset[tuple[str, str]] = frozenset()

    def suite(self, node: Node) -> Suite:
        entries = self.mapping(node, SUITE_KEYS, "a policy test file", _FILE)
        self.need(node, entries, ("suite", "tests"), "a policy test file", _FILE)
        name = self.text(entries["suite"], "suite") if "suite" in entries else ""
        if "groups" in entries:
            self.groups = read_groups(self, entries["groups"])
            self.check_groups()
        tests = self.sequence(entries["tests"], "tests") if "tests" in entries else []
        if not tests and isinstance(entries.get("tests"), SequenceNode):
            self.refuse(entries["tests"], "asserts-nothing", "the suite has no tests", _TEST)
        scenarios = tuple(self.scenario(test) for test in tests)
        warnings = (*_named_twice(scenarios), *self.unused_groups())
        return Suite(name, self.file, scenarios, self.groups.names, warnings)

    def members(self, node: Node, key: str, kind: str) -> Iterator[tuple[Node, bool]]:
        """The items of a list with the groups in it taken apart, which are used by that."""
        groups = self.groups.roles if kind == "roles" else self.groups.endpoints
        items = self.sequence(node, key)
        named = [item.value for item in items if isinstance(item, ScalarNode) and item.value in groups]
        for name in named:
            self.used |= {(kind, inner) for inner in self.groups.contained[kind, name]}
        return members(items, groups)

    def unused_groups(self) -> Iterator[Problem]:
        for (kind, name), place in self.groups.places.items():
            if (kind, name) not in self.used:
                message = f"no test uses the group `{name}`, so nobody looks at what it holds"
                yield place.warning("test-unused-group", message, "name it in a test, or delete it")

    def check_groups(self) -> None:
        """Read what the groups contain, so that a mistake is told in one that no test uses, too."""
        for name, items in self.groups.roles.items():
            for item in items:
                self.text(item, name)
        for name, items in self.groups.endpoints.items():
            for item in items:
                self.assertion(item, name)

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
            self.check_assertions(entries)
        name = self.text(entries["name"], "name") if "name" in entries else ""
        assertions: list[Assertion] = []
        for key in ASSERTION_KEYS:
            if key in entries:
                assertions += self.assertions(entries[key], key)
        return Scenario(
            name=name,
            caller=self.caller(entries),
            assertions=tuple(assertions),
            words=self.words(entries["with"]) if "with" in entries else {},
            unrouted=self.flag(entries["unrouted"], "unrouted") if "unrouted" in entries else False,
            place=self.place(node),
            only_methods=self.methods(entries["methods"]) if "methods" in entries else False,
            exactly=self.place(entries["exactly"]) if "exactly" in entries else None,
            why=self.text(entries["why"], "why") if "why" in entries else "",
        )

    def check_complete(self, node: Node, entries: Mapping[str, Node]) -> None:
        """Refuse a test without a name, a caller or an assertion."""
        self.need(node, entries, ("name",), "a test", "say in a sentence what must stay true")
        if not set(ASSERTION_KEYS) & entries.keys():
            hint = "add `can: [GET /path]` or `cannot: [GET /path]`"
            self.refuse(node, "asserts-nothing", "the test asserts nothing", hint)
        if not {*CALLER_KEYS, "sub", *PROGRAM_KEYS, "with"} & entries.keys():
            hint = (
                "add `role: …`, or `roles:`, `sub:`, `client:`, `scopes:`, `anonymous: true`, `unknown-role: true`, "
                "`only: […]`"
            )
            self.refuse(node, "caller", "the test does not say who the caller is", hint)

    def check_assertions(self, entries: Mapping[str, Node]) -> None:
        """Refuse combinations of what can and cannot be done that mean nothing."""
        for key in ("can", "cannot", "only", "methods"):
            if "exactly" in entries and key in entries:
                hint = "`exactly:` already says what can be done, and that nothing else can"
                self.refuse(entries[key], "misplaced", f"`exactly:` does not go with `{key}:`", hint)
        if "methods" in entries and not {"can", "exactly"} & entries.keys():
            hint = "`methods: only` closes the paths of `can:` to every other method"
            self.refuse(entries["methods"], "misplaced", "`methods:` goes with `can:`", hint)
        if "only" in entries and "cannot" in entries:
            hint = "`only:` already says that all others cannot"
            self.refuse(entries["cannot"], "caller", "`only:` goes with `can:`", hint)

    def caller(self, entries: Mapping[str, Node]) -> ScenarioCaller:
        self.check_caller(entries)
        roles: tuple[Name, ...] | None = None
        if "role" in entries:
            roles = (self.role(entries["role"]),)
        elif "roles" in entries:
            roles = self.names(entries["roles"], "roles")
        each = self.names(entries["roles-each"], "roles-each") if "roles-each" in entries else None
        if each == () and isinstance(entries["roles-each"], SequenceNode) and not entries["roles-each"].value:
            message = "the list of `roles-each:` is empty, and so is the test"
            self.refuse(entries["roles-each"], "asserts-nothing", message, "write roles in it")
        return ScenarioCaller(
            roles=roles,
            each=each,
            sub=self.text(entries["sub"], "sub") if "sub" in entries else None,
            client=self.client(entries["client"]) if "client" in entries else None,
            scopes=self.scopes(entries["scopes"]) if "scopes" in entries else None,
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
            hint = "a caller without a token has no `sub`, and in `only:` a `sub` stands in the list"
            self.refuse(entries["sub"], "caller", "`sub:` goes with `role:` or `roles:`, or alone", hint)

        program = [key for key in PROGRAM_KEYS if key in entries]
        if program and {"anonymous", "unknown-role", "only"} & entries.keys():
            hint = (
                "a program stands alone, or is what somebody with `role:`, `roles:` or `sub:` calls through"
            )
            message = f"`{program[0]}:` does not go with this caller"
            self.refuse(entries[program[0]], "caller", message, hint)

    def client(self, node: Node) -> str:
        """The id of a client, without the `client:` in front that it has in the policy."""
        text = self.text(node, "client")
        return text.removeprefix(CLIENT)

    def scopes(self, node: Node) -> tuple[Name, ...]:
        names = (self.text(item, "scopes") for item in self.sequence(node, "scopes"))
        places = map(self.place, self.sequence(node, "scopes"))
        found: dict[str, Name] = {}
        for name, place in zip(names, places, strict=True):
            scope = name.removeprefix(SCOPE)
            if scope in found:
                told = place.problem(
                    "test-duplicate", f"`{scope}` is listed twice in `scopes:`", "delete one"
                )
                self.problems.append(told)
            found.setdefault(scope, Name(scope, place))
        return tuple(found.values())

    def role(self, node: Node) -> Name:
        name = Name(self.text(node, "role"), self.place(node))
        if name.text in self.groups.roles:
            hint = f"write `roles-each: [{yaml_text(name.text)}]` for the same test for each role of it"
            self.refuse(node, "group", f"`{name.text}` is a group, and `role:` is one role", hint)
        return name

    def names(self, node: Node, key: str) -> tuple[Name, ...]:
        found: dict[str, Name] = {}
        for item, grouped in self.members(node, key, "roles"):
            name = Name(self.text(item, key), self.place(item))
            if name.text in found and not grouped:
                self.refuse(item, "duplicate", f"`{name.text}` is listed twice in `{key}:`", "delete one")
            found.setdefault(name.text, name)
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

    def methods(self, node: Node) -> bool:
        """`methods: only`, the one thing that can be said of them."""
        if self.text(node, "methods") not in {"only", ""}:
            message = f"`methods: {node.value}` means nothing"
            self.refuse(node, "wrong-type", message, "write `methods: only`, or delete the line")
        return True

    def assertions(self, node: Node, key: str) -> list[Assertion]:
        if isinstance(node, SequenceNode) and not node.value:
            self.refuse(node, "asserts-nothing", f"the list of `{key}:` is empty", "write `GET /path` in it")
        found: list[Assertion] = []
        for item, grouped in self.members(node, key, "endpoints"):
            assertion = self.assertion(item, key)
            same = any(
                (assertion.words, assertion.below) == (known.words, known.below)
                for known in found
                if assertion.words
            )
            if same and not grouped:
                self.refuse(item, "duplicate", f"this is listed twice in `{key}:`", "delete one")
            if not same:
                found.append(assertion)
        return found

    def assertion(self, node: Node, key: str) -> Assertion:
        """One item of a list of endpoints, or of a group that stands in it."""
        if not isinstance(node, MappingNode):
            return Assertion(key != "cannot", self.endpoint(node, key), self.place(node))
        words = dict(self.words(node))
        below = BELOW in words
        if below:
            self.check_below(node, key, words[BELOW])
            words["obj"] = words.pop(BELOW).rstrip("/") + "/"
        return Assertion(key != "cannot", words, self.place(node), below)

    def check_below(self, node: Node, key: str, path: str) -> None:
        if key in {"can", "exactly"}:
            hint = f"write `* {path.rstrip('/')}/*` for every method and all that lies below"
            self.refuse(node, "misplaced", f"`below:` goes with `cannot:`, not with `{key}:`", hint)
        elif not path.startswith("/"):
            self.refuse(node, "endpoint", f"`{path}` is not a path", "a path begins with `/`")

    def endpoint(self, node: Node, key: str) -> Mapping[str, str]:
        """``GET /user`` as the words that it fills."""
        text = self.text(node, key)
        act, _, obj = text.partition(" ")
        if text.strip() and not (act and obj.strip()):
            if text.strip() in HTTP_METHODS or "/" in text or "*" in text:
                hint = "write the method, a space and the path: `GET /user`"
                self.refuse(node, "endpoint", f"`{text}` is not a method and a path", hint)
            else:
                unknown_group(self, node, text.strip(), self.groups.endpoints)
        return {"act": act, "obj": obj.strip()}

    def words(self, node: Node) -> Mapping[str, str]:
        """A mapping of the model's words to texts. Which words there are is the model's business."""
        entries = self.mapping(node, None, "this")
        if isinstance(node, MappingNode) and not node.value:
            self.refuse(node, "wrong-type", "this is empty", "write the model's words, as in `{act: GET}`")
        return {key: self.text(value, key, empty=True) for key, value in entries.items()}


def _named_twice(scenarios: Sequence[Scenario]) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for scenario in scenarios:
        name = " ".join(scenario.name.split()).casefold()
        if name in first:
            message = f"`{scenario.name}` is the name of the test on line {first[name].line}, too"
            hint = "say in the name what this one adds, or delete it"
            yield scenario.place.warning("test-duplicate", message, hint)
        elif name:
            first[name] = scenario.place
