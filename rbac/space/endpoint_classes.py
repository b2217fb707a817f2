"""What a line of a policy test stands for: each of its methods, on one path of every class that lies in it.

``GET /orders/{id}`` is about every order. A rule may single one out (``/orders/7``, ``/orders/{id}`` by another
pattern): a test that asked about one order alone would not notice. So one path is asked about of every class of paths
that the policy can tell apart and that lies in the template.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from rbac.matching.languages import beginning
from rbac.model.conditions import NoFormulaError, conditions_of
from rbac.model.functions import FUNCTIONS, MATCHING
from rbac.model.http_words import WordFault, are_paths, means_every_method, method_fault, path_fault
from rbac.model.request_shape import HTTP_METHODS
from rbac.policy import Policy
from rbac.routes import KnownRoutes, Route
from rbac.space.rule_masks import RuleMasks
from rbac.space.word_values import Pattern, Vocabulary

EVERY: Final = "*"
"""In a method's place: every method."""

_PATH: Final = re.compile(r"/[^?#]*", re.DOTALL)
_METHODS: Final = frozenset(
    (
        *HTTP_METHODS,
        # IANA's registry of HTTP methods, those of WebDAV and its relatives; HEAD is decided as GET.
        *("ACL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY"),
        *("MKCALENDAR", "MKCOL", "MOVE", "ORDERPATCH", "PRI", "PROPFIND", "PROPPATCH", "QUERY", "REBIND"),
        *("REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE"),
    )
)
_COLON: Final = re.compile(r"(?<=/):([^/]+)")


class EndpointClasses:
    """The methods and paths that one policy tells apart, as far as a line of a test is about them."""

    def __init__(self, policy: Policy, routes: KnownRoutes) -> None:
        self.policy = policy
        self.routes = routes
        self.shape = policy.document.definition.shape
        self._known: dict[str, tuple[str, ...]] = {}

    @cached_property
    def asks_for_paths(self) -> bool:
        """Whether objects are URL paths: there are routes, or most rules with an object have a path."""
        return bool(self.routes) or are_paths(self._columns(self.shape.obj) - {"", "*"})

    def action_fault(self, act: str) -> WordFault | None:
        """Why no request asks with the action ``act``, what a rule names as such included; ``None`` if one may."""
        if not self.asks_for_paths or act == EVERY or act in {route.act for route in self.routes}:
            return None
        return None if act in self._actions else method_fault(act, EVERY)

    @cached_property
    def _actions(self) -> frozenset[str]:
        """The actions that a request may have: registered methods, or else what rules name."""
        if self._asks_with_methods:
            return _METHODS
        names, patterns = self._named(self.shape.act)
        plain = {pattern for function, pattern in patterns if MATCHING[function].plain.fullmatch(pattern)}
        return frozenset(names | plain) - {""}

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Every action that can be asked with, one of each kind.

        Where actions are methods, these are HTTP's and the routes'; else what rules name, and one that none does.
        """
        if self.shape.act is None:
            return ("",)
        if self._asks_with_methods:
            return tuple(dict.fromkeys((*HTTP_METHODS, *sorted({route.act for route in self.routes}))))
        names, patterns = self._named(self.shape.act)
        values = Vocabulary(self.shape.act, names=names, patterns=patterns, is_path=False).values
        return tuple(value for value in values if value not in {"", EVERY})

    @cached_property
    def _asks_with_methods(self) -> bool:
        """Whether actions are HTTP's methods: for paths, there are routes, or the rules name one or none."""
        names, patterns = self._named(self.shape.act)
        words = (*(names - {"", EVERY}), *(pattern for _, pattern in patterns))
        spelled = " ".join(word for word in words if not means_every_method(word))
        return self.asks_for_paths and (
            bool(self.routes) or not spelled or not _METHODS.isdisjoint(re.findall(r"[A-Z]+", spelled))
        )

    def can_be_sent(self, act: str, path: str) -> bool:
        """Whether an HTTP request can ask this, where the policy is about such: a method that is registered or that a
        route has, and a path with a ``/`` in front, without query and fragment."""
        if self.shape.obj is not None and self.asks_for_paths and not _PATH.fullmatch(path):
            return False
        if self.shape.act is None or not self._asks_with_methods:
            return True
        return act in _METHODS or any(route.act == act for route in self.routes)

    def template(self, path: str) -> Route | None:
        """``path`` as a template, or ``None`` if it is one path: ``/orders/{id}``, ``/orders/*``, and where the model
        matches by ``keyMatch2`` also ``/orders/:id``."""
        if not self.asks_for_paths:
            return None
        if self._knows_colons:
            path = _COLON.sub(r"{\1}", path)
        route = Route("", path)
        return None if route.literal else route

    def is_colon_template(self, path: str) -> bool:
        """Whether ``path`` is written as a template that this model reads as one path, such as ``/orders/:id``."""
        return self.asks_for_paths and not self._knows_colons and _COLON.search(path) is not None

    def is_path(self, path: str) -> bool:
        """Whether a test that says ``path`` is about this one path, and a request can be for it."""
        return (
            not {"?", "*"} & set(path)
            and path_fault(path) is None
            and self.template(path) is None
            and not self.is_colon_template(path)
        )

    def everything(self, listed: Iterable[str]) -> Iterator[tuple[str, str]]:
        """A method and a path of every class there is, told apart by rules, routes, and the ``listed`` paths."""
        listed = tuple(listed)
        names, patterns = self._named(self.shape.obj)
        templates = {route.obj: route for route in self.routes}
        templates |= {path: found for path in listed if (found := self.template(path)) is not None}
        vocabulary = Vocabulary(
            self.shape.obj or "",
            names=names | {path for path in listed if path not in templates},
            patterns=patterns,
            routes=tuple(templates.values()),
            is_path=self.asks_for_paths,
        )
        for path in vocabulary.values if self.shape.obj is not None else ("",):
            if not self.asks_for_paths or (path.startswith("/") and "?" not in path):
                yield from ((act, path) for act in self.methods)

    def lies_in(self, act: str, path: str, written: str) -> bool:
        """Whether a line with this method and the path ``written`` is about ``path``."""
        template = self.template(written)
        if template is None:
            return path == written
        return template.matches(path) and not self._answered_by_another(template, written, act, path)

    def paths(self, written: str, act: str = EVERY) -> tuple[str, ...]:
        """The paths to ask about for a path as a test has it, the most ordinary one first.

        Paths of a known template for which the application has a route of its own are not among them.
        """
        template = self.template(written)
        if template is None:
            return (written,)
        found = tuple(
            path
            for path in self._classes(written)
            if not self._answered_by_another(template, written, act, path)
        )
        return found or self._classes(written)[:1]

    def _classes(self, written: str) -> tuple[str, ...]:
        if written not in self._known:
            self._known[written] = self._read_classes(written)
        return self._known[written]

    def _read_classes(self, written: str) -> tuple[str, ...]:
        template = self.template(written)
        if template is None:
            return (written,)
        names, patterns = self._named(self.shape.obj)
        start = beginning("keyMatch3", template.obj)
        near = {pattern for pattern in patterns if _meets(beginning(*pattern), start)}
        inside = {name for name in names if template.matches(name)}
        texts = (*inside, *(pattern for _, pattern in near))
        sample = template.sample({part for text in texts for part in text.split("/")})
        vocabulary = Vocabulary(self.shape.obj or "", names=inside, patterns=near, routes=(template,))
        found = dict.fromkeys((sample, *filter(template.matches, vocabulary.values)))
        return tuple(path for path in found if path.startswith("/") and "?" not in path)

    def _answered_by_another(self, template: Route, written: str, act: str, path: str) -> bool:
        """Whether the application has a finer route for this path of one of its templates."""
        if not any(route.obj == written for route in self.routes):
            return False
        return any(
            route.obj != written
            and act in {EVERY, route.act}
            and route.matches(path)
            and template.matches(route.sample())
            and not route.matches(template.sample())
            for route in self.routes
        )

    def _columns(self, word: str | None) -> set[str]:
        """The values of the rules' columns that the model compares ``word`` with."""
        if word is None:
            return set()
        relations = self.policy.relations.of_word(self.shape.words.index(word))
        return {row[relation.column] for relation in relations for row in self.policy.document.rows["p"]}

    @cached_property
    def _knows_colons(self) -> bool:
        return any(FUNCTIONS[function].dialect == ":id" for function, _ in self._named(self.shape.obj)[1])

    def _named(self, word: str | None) -> tuple[set[str], set[Pattern]]:
        """What rules and matcher compare ``word`` with: names, and patterns with their function."""
        return self._compared.get(word or "", (set(), set()))

    @cached_property
    def _compared(self) -> Mapping[str, tuple[set[str], set[Pattern]]]:
        found: dict[str, tuple[set[str], set[Pattern]]] = {word: (set(), set()) for word in self.shape.words}
        try:
            table = RuleMasks(self.policy)
        except NoFormulaError:
            # Nothing is known of the matcher: what rules hold is a name, and the beginning of others.
            for word, (names, patterns) in found.items():
                values = self._columns(word)
                names.update(values)
                patterns.update(("keyMatch", value) for value in values)
            return found
        roles = self.policy.document.definition.roles
        for condition in conditions_of(table.formula):
            others = set[str]().union(*(table.values(operand) for operand in condition.operands[:2]))
            for place, operand in enumerate(condition.operands[:2]):
                if operand.kind == "request" and condition.function == "==":
                    found[operand.name][0].update(others)
                elif operand.kind == "request" and place == 0 and condition.function not in roles:
                    found[operand.name][1].update((condition.function, value) for value in others)
        return found


def _meets(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
