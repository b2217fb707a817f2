"""From a line of a policy test to the requests that it stands for, but for who asks.

What cannot be asked (a path that no route has, a method in small letters) is an error at its place: a `cannot` about
something misspelled would pass for ever.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rbac.model.http_words import path_fault
from rbac.policy import Policy
from rbac.policy_tests.suite import Assertion, Scenario
from rbac.policy_tests.yaml_nodes import Place
from rbac.routes import KnownRoutes
from rbac.space.endpoint_classes import EVERY, EndpointClasses
from rbac.text.nearest import nearest
from rbac.text.wording import quoted

# What other languages write for `{id}`, as a whole part of a path; no path of a request has `<`, `{` or `}`.
_NAME = r"[A-Za-z_][\w-]*"
_FOREIGN = re.compile(
    rf"(?<=/)(?:<(?:[a-z]+:)?(?P<angle>{_NAME})?>|[$%@#]\{{(?P<sigil>{_NAME})\}}|\{{\{{\s*(?P<twice>{_NAME})\s*\}}\}}"
    rf"|\{{(?P<open>{_NAME})|(?P<close>{_NAME})\}}|\{{\}}|\[(?P<square>{_NAME})\])(?=/|$)"
)


def _own(found: re.Match[str]) -> str:
    return f"{{{next((name for name in found.groups() if name), 'id')}}}"


Refuse = Callable[[Place, str, str, str], None]
"""Notes a problem: its place, code, message and hint."""


_COLONS = "in this policy `{name}` stands for any one part of a path, and `:name` for itself"


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """One request of a line: the words that are not the caller's, and the path as it is written if it is a template."""

    words: Mapping[str, str]
    place: Place
    template: str
    expected: bool


class AskedEndpoints:
    """What the lines of tests ask of one policy. What cannot be asked goes to ``refuse``."""

    def __init__(self, policy: Policy, routes: KnownRoutes, refuse: Refuse) -> None:
        self.routes = routes
        self.shape = policy.document.definition.shape
        self.endpoints = EndpointClasses(policy, routes)
        self._rows = policy.document.rows
        self._refuse = refuse

    def _words(self, scenario: Scenario, assertion: Assertion, *, quiet: bool = False) -> Mapping[str, str]:
        """The words of the request that scenario and assertion fill, by the model's names for them."""
        aliases = {"act": self.shape.act, "obj": self.shape.obj}
        words: dict[str, str] = {}
        for word, value in (*scenario.words.items(), *assertion.words.items()):
            name = word if word in self.shape.words else aliases.get(word)
            if name is None:
                known = quoted(self.shape.words)
                self._refuse(
                    assertion.place, "test-unknown-word", f"the model's request has no word `{word}`", known
                )
            else:
                if name in words and not quiet:
                    message = f"`{name}` is said by `with:`, and by the line as well"
                    self._refuse(assertion.place, "test-duplicate", message, "delete one of the two")
                words[name] = value
        if not quiet:
            self._check_only_below(assertion, words)
            self._check_all_said(assertion, words)
            self._check_action(assertion, words)
            self._check_path(scenario, assertion, words)
        return words

    def asks(
        self, scenario: Scenario, assertion: Assertion, *, quiet: bool = False
    ) -> Iterator[AskedRequest]:
        """The requests that a line stands for: each of its methods, on a path of each class that lies in it."""
        words = self._words(scenario, assertion, quiet=quiet)
        act, obj = (words.get(word or "") for word in (self.shape.act, self.shape.obj))
        if assertion.below:
            act, obj = EVERY, f"{obj}*"
        for method in self.endpoints.methods if act == EVERY else (act,):
            for path in (None,) if obj is None else self.endpoints.paths(obj, method or EVERY):
                template = obj if obj is not None and path != obj else ""
                asked = {self.shape.act: method, self.shape.obj: path}
                filled = {word: value for word, value in asked.items() if word and value is not None}
                yield AskedRequest({**words, **filled}, assertion.place, template or "", assertion.expected)

    def closed(self, scenario: Scenario, asked: Sequence[AskedRequest]) -> Iterator[AskedRequest]:
        """What `methods: only` and `exactly:` close besides: nobody of the test may do that."""
        act, obj = self.shape.act or "", self.shape.obj or ""
        opened = {(ask.words.get(act, ""), ask.words.get(obj, "")) for ask in asked if ask.expected}
        if scenario.exactly is not None:
            written = [ask.template or ask.words.get(obj, "") for ask in asked]
            lines = dict.fromkeys(zip((ask.words.get(act, "") for ask in asked), written, strict=True))
            for method, path in self.endpoints.everything(written):
                if not any(
                    method == listed and self.endpoints.lies_in(method, path, template)
                    for listed, template in lines
                ):
                    words = {**asked[0].words, act: method, obj: path}
                    words = {word: value for word, value in words.items() if word in self.shape.words}
                    yield AskedRequest(words, scenario.exactly, "", expected=False)
        elif scenario.only_methods:
            for ask in asked:
                for method in self.endpoints.methods if ask.expected else ():
                    key = (method, ask.words.get(obj, ""))
                    if act and key not in opened:
                        opened.add(key)
                        yield AskedRequest(
                            {**ask.words, act: method}, ask.place, ask.template, expected=False
                        )

    def _check_only_below(self, assertion: Assertion, words: Mapping[str, str]) -> None:
        """`below:` is about every method: one beside it would not be looked at."""
        act = words.get(self.shape.act or "")
        if assertion.below and act is not None:
            hint = "write `below:` alone, for every method, or a line with the method and a path that ends with `/*`"
            said = f"`below:` is about every method, and not about `{act}` alone"
            self._refuse(assertion.place, "test-misplaced", said, hint)

    def _check_all_said(self, assertion: Assertion, words: Mapping[str, str]) -> None:
        """A test that leaves a word out would ask with "" for it, as nobody does, and a `cannot` would hold for ever."""
        said = {*words, *self.shape.caller, *({self.shape.act} if assertion.below else ())}
        missing = [word for word in self.shape.words if word not in said]
        if missing:
            named = " and ".join(f"`{word}`" for word in missing)
            example = ", ".join(f"{word}: …" for word in missing)
            hint = f'say it, as in `with: {{{example}}}`; `""` is for a request without it'
            self._refuse(assertion.place, "test-missing-word", f"the test does not say {named}", hint)

    def _check_action(self, assertion: Assertion, words: Mapping[str, str]) -> None:
        act = words.get(self.shape.act or "")
        fault = None if act is None else self.endpoints.action_fault(act)
        if fault is not None:
            self._refuse(assertion.place, "test-unknown-action", *fault)

    def _check_path(self, scenario: Scenario, assertion: Assertion, words: Mapping[str, str]) -> None:
        path = words.get(self.shape.obj or "")
        if path is None or not self.endpoints.asks_for_paths:
            return
        if assertion.below:
            self._check_below(scenario, assertion, path)
        elif "*" in path.removesuffix("/*"):
            hint = "`*` stands at the end, behind a `/`, for all that lies below; `{name}` is any one part"
            self._refuse(assertion.place, "test-unknown-path", f"nobody asks for the path `{path}`", hint)
        elif self.endpoints.is_colon_template(path):
            self._refuse(assertion.place, "test-unknown-path", f"nobody asks for the path `{path}`", _COLONS)
        elif self._is_foreign(path):
            hint = f"write `{_FOREIGN.sub(_own, path)}`: `{{name}}` stands for any one part of a path"
            self._refuse(assertion.place, "test-unknown-path", f"nobody asks for the path `{path}`", hint)
        elif not self.routes.has_path(path) and (fault := path_fault(path.replace("/*", "/"))):
            self._refuse(assertion.place, "test-unknown-path", *fault)
        elif self.routes and not scenario.unrouted and not self._has_path(path):
            close = nearest(path, (route.obj for route in self.routes))
            hint = f"did you mean `{close}`? " if close else ""
            hint += "if a path without a route is meant, add `unrouted: true` to the test"
            self._refuse(assertion.place, "test-unknown-path", f"no route has the path `{path}`", hint)

    def _is_foreign(self, path: str) -> bool:
        """Whether a part is another language's placeholder: no route is written so, and no rule has such a part."""
        part = _FOREIGN.search(path)
        return (
            part is not None
            and not any(route.obj == path for route in self.routes)
            and not any(
                part[0] in word.split("/") for rows in self._rows.values() for row in rows for word in row
            )
        )

    def _has_path(self, path: str) -> bool:
        """Whether some route answers the path, or for a template one of its paths."""
        template = self.endpoints.template(path)
        return self.routes.has_path(path) or (
            template is not None and any(template.matches(route.sample()) for route in self.routes)
        )

    def _check_below(self, scenario: Scenario, assertion: Assertion, path: str) -> None:
        """A misspelled beginning would stay closed for ever."""
        unasked = f"nobody asks for a path below `{path}`"
        if "*" in path:
            meant = path.partition("*")[0].rpartition("/")[0] + "/"
            self._refuse(assertion.place, "test-unknown-path", unasked, f"write `below: {meant}`")
        elif self.endpoints.is_colon_template(path):
            self._refuse(assertion.place, "test-unknown-path", unasked, _COLONS)
        elif not self.endpoints.template(path) and (fault := path_fault(path)) is not None:
            self._refuse(assertion.place, "test-unknown-path", unasked, fault.hint)
        elif self.routes and not scenario.unrouted and not self._has_path(f"{path}*"):
            hint = "if paths without a route are meant, add `unrouted: true` to the test"
            self._refuse(assertion.place, "test-unknown-path", f"no route lies below `{path}`", hint)
