"""Callers as requests: who somebody with a role is, in the words of a model."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Self

from rbac.background import paced
from rbac.decider import Decider
from rbac.decision import Decision, Explanation
from rbac.document.names import CLIENT, SCOPE, stranger
from rbac.engine.enforcer import IndexedEnforcer
from rbac.errors import EvaluationError, RequestError
from rbac.model.request_shape import RequestShape

NOBODY: Final = "nobody"
ANY_TOKEN: Final = "any valid token"  # noqa: S105 a label, no password

CallerKind = Literal["nobody", "token", "role", "subject"]

_NO_ROLE: Final = "the model's request has no word for a role"


def document_names(policy: Decider) -> frozenset[str]:
    """Every name that the document could mean a caller by."""
    rows, relations = policy.document.rows, policy.relations
    column = relations.role_column
    ruled = {row[column] for row in rows["p"]} if column is not None else set()
    linked = {name for kind, links in rows.items() if kind.startswith("g") for row in links for name in row}
    spelled = {text for _, text in relations.spelled}
    return frozenset(ruled | linked | set(relations.constants) | spelled)


def token_words(shape: RequestShape, names: Collection[str]) -> dict[str, str]:
    """The words of a caller with a valid token and a ``sub`` not among ``names``; none where a model has no such."""
    if shape.sub is None or shape.sub == shape.role:
        return {}
    return {shape.sub: stranger(shape.sub, names)}


def caller_words(
    shape: RequestShape, names: Collection[str], roles: Sequence[str] | None = None, sub: str | None = None
) -> dict[str, str]:
    """The words by which a caller asks. Several roles are to be put in the role's word one by one, and are not in it.

    Roles, also none of them, without ``sub`` are somebody with a valid token whom ``names`` do not name; with neither it
    is nobody. Raises RequestError for what the model cannot be asked.
    """
    if roles and shape.role is None:
        raise RequestError(_NO_ROLE)
    if sub is not None and shape.sub is None:
        raise RequestError("the model's request has no word for a person")
    if sub is not None and roles and shape.sub == shape.role:
        raise RequestError(f"the model asks with `{shape.role}` alone: a person or a role, not both")
    words = dict.fromkeys(shape.caller, "")
    if shape.sub is not None and sub is not None:
        words[shape.sub] = sub
    elif roles is not None:
        words |= token_words(shape, names)
    if shape.role is not None and roles and len(roles) == 1:
        words[shape.role] = roles[0]
    return words


def everybody(
    shape: RequestShape, token: Mapping[str, str], roles: Iterable[str], people: Iterable[str]
) -> Iterator[tuple[CallerKind, str, dict[str, str]]]:
    """Everybody whom a document can tell apart, with a name and the words that say who it is.

    Nobody; somebody with a valid token, whose words are ``token``; the same with each of ``roles``; and each of ``people``,
    with no role but those that links give them.
    """
    yield "nobody", NOBODY, {}
    yield "token", ANY_TOKEN, dict(token)
    for name in roles:
        yield "role", name, {**token, **({} if shape.role is None else {shape.role: name})}
    for name in people:
        yield "subject", name, {} if shape.person is None else {shape.person: name}


class CallingProgram(NamedTuple):
    """A program as a caller: ``sub`` is ``client:<id>``, ``None`` for one that nothing names; ``roles`` are its words."""

    sub: str | None
    roles: tuple[str, ...]

    @classmethod
    def of(cls, client: str | None, scopes: Sequence[str]) -> Self:
        """What the access token of ``client``, which has these ``scopes``, brings."""
        words = tuple(f"{SCOPE}{scope.removeprefix(SCOPE)}" for scope in scopes)
        if client is None:
            return cls(None, words)
        name = f"{CLIENT}{client.removeprefix(CLIENT)}"
        return cls(name, (name, *words))

    def fitting(self, shape: RequestShape) -> "CallingProgram":
        """The same, where a request has one word for both as its words alone."""
        return self._replace(sub=None) if shape.sub == shape.role and self.roles else self

    def words(self, shape: RequestShape, names: Collection[str]) -> dict[str, str]:
        """The words by which it asks, as :func:`caller_words` has them."""
        asking = self.fitting(shape)
        return caller_words(shape, names, asking.roles, asking.sub)


def bounded(person: Decision, program: Decision) -> Decision:
    """What is decided about a person who calls through a program: only both allow."""
    return program if person.allowed and not program.allowed else person


def answer(
    policy: Decider, request: Sequence[str], roles: Sequence[str] = (), place: int | None = None
) -> Decision:
    """What ``policy`` decides about ``request``; see :func:`decided`."""
    return decided(policy, request, roles, place)[0]


def decided(
    policy: Decider, request: Sequence[str], roles: Sequence[str] = (), place: int | None = None
) -> tuple[Decision, tuple[str, ...]]:
    """What ``policy`` decides about ``request``, taken once for each of ``roles`` where there are several; and the
    request, with one role, that decided.

    They stand at ``place``, or where the model has a word for a role. A request that the matcher fails over is denied, as
    the service denies it. Raises RequestError for several roles under a priority effect.
    """
    words = tuple(request)
    try:
        if len(roles) < 2:
            return policy.decide_request(words), words
        return policy.decide_each(words, _role_place(policy) if place is None else place, roles)
    except EvaluationError:
        return policy.denied, words


def _role_place(policy: Decider) -> int:
    role = policy.document.definition.shape.role
    if role is None:
        raise RequestError(_NO_ROLE)
    return policy.words.index(role)


def roles_by_sub(policy: Decider) -> frozenset[str]:
    """The roles that a caller has whose ``sub`` is spelled like one of them.

    Casbin's ``g(x, x)`` is true, so where the matcher looks a ``sub`` up among the roles, somebody called ``admin`` is an
    admin. A role here is what a link leads to, and what a rule names where roles have a word of their own; but no
    name that looks like a person's, because a rule may be about one person.
    """
    shape = policy.document.definition.shape
    relations, words = policy.relations, policy.words
    column = relations.role_column
    if shape.sub is None or column is None:
        return frozenset()
    if not any(words[pair.word] == shape.sub and pair.column == column for pair in relations.pairs):
        return frozenset()
    rows = policy.document.rows
    named = {row[1] for row in paced(rows.get("g", ()))}
    if shape.sub != shape.role:
        named |= {row[column] for row in paced(rows["p"])}
    return frozenset(named - set(relations.constants) - set(policy.names().singled_out))


class ModelWords:
    """Whom a model's own words such as ``authenticated`` mean.

    A rule about ``authenticated`` is about every valid token because the matcher says so. That is asked of the model: of
    a policy of one rule, for that word and the request at hand, and no links.
    """

    def __init__(self, policy: Decider) -> None:
        self._relations = policy.relations
        columns = policy.document.definition.policy_words
        self._row = ["allow" if column == "eft" else "" for column in columns]
        self._rule: list[str] = []
        self._enforcer = IndexedEnforcer(policy.document.casbin_model())

    def mean(self, name: str, request: Sequence[str]) -> bool:
        """Whether ``name`` means the caller of ``request``."""
        row = self._row.copy()
        for relation in self._relations.pairs:
            row[relation.column] = request[relation.word]
        if self._relations.role_column is not None:
            row[self._relations.role_column] = name
        if row != self._rule:  # most callers differ in what no rule is made of
            self._rule = row
            self._enforcer.clear_policy()
            self._enforcer.model.add_policy("p", "p", row)
        return bool(self._enforcer.enforce(*request))


def ask_about(
    policy: Decider, role: str | Sequence[str] | None, act: str, obj: str, words: Mapping[str, str]
) -> Explanation:
    """What ``policy`` decides when a caller with this role (or these, or ``None`` for nobody) does ``act`` to ``obj``.

    ``words`` are other words of the request; ``sub`` among them says who it is. Raises RequestError for a word that
    is given twice.
    """
    shape = policy.document.definition.shape
    roles = () if role is None else (role,) if isinstance(role, str) else tuple(role)
    request = dict(words)
    who = [
        request.pop(word)
        for word in dict.fromkeys(("sub", shape.sub))
        if word is not None and word in request
    ]
    placed = {shape.act, shape.obj, shape.role} if roles else {shape.act, shape.obj}
    twice = [word for word in request if word in placed]
    if len(who) > 1 or twice:
        raise RequestError(f"`{twice[0] if twice else shape.sub}` was given twice")
    request |= {word: value for word, value in ((shape.act, act), (shape.obj, obj)) if word is not None}
    return ask_as(policy, roles, who[0] if who else None, request)


def ask_as(policy: Decider, roles: Sequence[str], sub: str | None, words: Mapping[str, str]) -> Explanation:
    """What ``policy`` decides for this caller, and why. ``words`` are the words of the request but for the caller's.

    Who asks is as in :func:`caller_words`, nobody without roles and ``sub``; a request that the matcher fails over is
    denied. Raises RequestError for what the model cannot be asked.
    """
    shape = policy.document.definition.shape
    request = {**caller_words(shape, document_names(policy), roles or None, sub), **words}
    if len(roles) > 1:
        request.pop(shape.role or "", None)
    try:
        return policy.explain(roles=roles if len(roles) > 1 else None, **request)
    except EvaluationError:
        return Explanation(policy.denied, (), ())
