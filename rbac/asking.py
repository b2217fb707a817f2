"""Callers as requests: who somebody with a role is, in the words of a model."""

from collections.abc import Collection, Mapping, Sequence

from rbac.axes import Axes
from rbac.decision import Decision, Explanation
from rbac.enforcer import IndexedEnforcer
from rbac.errors import EvaluationError, RequestError
from rbac.policy import Policy
from rbac.vocabulary import stranger


def document_names(policy: Policy) -> frozenset[str]:
    """Every name that the document could mean a caller by."""
    rows, relations = policy.document.rows, policy.relations
    column = relations.role_column
    ruled = {row[column] for row in rows["p"]} if column is not None else set()
    linked = {name for kind, links in rows.items() if kind.startswith("g") for row in links for name in row}
    spelled = {text for _, text in relations.spelled}
    return frozenset(ruled | linked | set(relations.constants) | spelled)


def token_words(axes: Axes, names: Collection[str]) -> dict[str, str]:
    """The words of a caller with a valid token and a ``sub`` not among ``names``; none where a model has no such."""
    if axes.sub is None or axes.sub == axes.role:
        return {}
    return {axes.sub: stranger(axes.sub, names)}


def caller_words(
    axes: Axes, names: Collection[str], roles: Sequence[str] | None = None, sub: str | None = None
) -> dict[str, str]:
    """The words by which a caller asks. Several roles are to be put in the role's word one by one, and are not in it.

    Roles, also none of them, without ``sub`` are somebody with a valid token whom ``names`` do not name; with neither it
    is nobody. Raises RequestError for what the model cannot be asked.
    """
    if roles and axes.role is None:
        raise RequestError("the model's request has no word for a role")
    if sub is not None and axes.sub is None:
        raise RequestError("the model's request has no word for a person")
    if sub is not None and roles and axes.sub == axes.role:
        raise RequestError(f"the model asks with `{axes.role}` alone: a person or a role, not both")
    words = dict.fromkeys(axes.caller, "")
    if axes.sub is not None and sub is not None:
        words[axes.sub] = sub
    elif roles is not None:
        words |= token_words(axes, names)
    if axes.role is not None and roles and len(roles) == 1:
        words[axes.role] = roles[0]
    return words


def answer(
    policy: Policy, request: Sequence[str], roles: Sequence[str] = (), place: int | None = None
) -> Decision:
    """What ``policy`` decides about ``request``, taken once for each of ``roles`` where there are several.

    They stand at ``place``, or where the model has a word for a role.

    A request that the matcher fails over is denied, as the service denies it. Raises RequestError for several roles
    under a priority effect.
    """
    words = tuple(request)
    try:
        if len(roles) < 2:
            return policy.decide_request(words)
        return policy.decide_roles(words, _role_place(policy) if place is None else place, roles)
    except EvaluationError:
        return Decision(allowed=False, rule=None, reason="denied_by_default", revision=policy.revision)


def _role_place(policy: Policy) -> int:
    role = Axes.of(policy.document.definition).role
    if role is None:
        raise RequestError("the model's request has no word for a role")
    return policy.words.index(role)


def roles_by_sub(policy: Policy) -> frozenset[str]:
    """The roles that a caller has whose ``sub`` is spelled like one of them.

    Casbin's ``g(x, x)`` is true, so where the matcher looks a ``sub`` up among the roles, somebody called ``admin`` is an
    admin. A role here is what a link leads to, and what a rule names where roles have a word of their own; but no
    name that looks like a person's, because a rule may be about one person.
    """
    axes = Axes.of(policy.document.definition)
    relations, words = policy.relations, policy.words
    column = relations.role_column
    if axes.sub is None or column is None:
        return frozenset()
    if not any(words[pair.word] == axes.sub and pair.column == column for pair in relations.pairs):
        return frozenset()
    rows = policy.document.rows
    named = {row[1] for row in rows.get("g", ())}
    if axes.sub != axes.role:
        named |= {row[column] for row in rows["p"]}
    return frozenset(named - set(relations.constants) - set(policy.names().singled_out))


def stands_for(policy: Policy, name: str, request: Sequence[str]) -> bool:
    """Whether ``name``, a word of the model such as ``authenticated``, means the caller of ``request``.

    A rule about ``authenticated`` is about every valid token because the matcher says so. Whom such a word means is
    asked of the model: a policy of one rule, for that word and the request at hand, and no links.
    """
    relations = policy.relations
    row = ["allow" if column == "eft" else "" for column in policy.document.definition.policy_words]
    for relation in relations.pairs:
        row[relation.column] = request[relation.word]
    if relations.role_column is not None:
        row[relations.role_column] = name
    model = policy.document.casbin_model()
    model.add_policy("p", "p", row)
    return bool(IndexedEnforcer(model).enforce(*request))


def ask_about(
    policy: Policy, role: str | Sequence[str] | None, act: str, obj: str, words: Mapping[str, str]
) -> Explanation:
    """What ``policy`` decides when a caller with this role (or these, or ``None`` for nobody) does ``act`` to ``obj``.

    ``words`` are other words of the request; ``sub`` among them says who it is. Raises RequestError for a word that
    is given twice.
    """
    axes = Axes.of(policy.document.definition)
    roles = () if role is None else (role,) if isinstance(role, str) else tuple(role)
    request = dict(words)
    who = [
        request.pop(word) for word in dict.fromkeys(("sub", axes.sub)) if word is not None and word in request
    ]
    placed = {axes.act, axes.obj, axes.role} if roles else {axes.act, axes.obj}
    twice = [word for word in request if word in placed]
    if len(who) > 1 or twice:
        raise RequestError(f"`{twice[0] if twice else axes.sub}` was given twice")
    request |= {word: value for word, value in ((axes.act, act), (axes.obj, obj)) if word is not None}
    return ask_as(policy, roles, who[0] if who else None, request)


def ask_as(policy: Policy, roles: Sequence[str], sub: str | None, words: Mapping[str, str]) -> Explanation:
    """What ``policy`` decides for this caller, and why. ``words`` are the words of the request but for the caller's.

    Who asks is as in :func:`caller_words`, nobody without roles and ``sub``; a request that the matcher fails over is
    denied. Raises RequestError for what the model cannot be asked.
    """
    axes = Axes.of(policy.document.definition)
    request = {**caller_words(axes, document_names(policy), roles or None, sub), **words}
    if len(roles) > 1:
        request.pop(axes.role or "", None)
    try:
        return policy.explain(roles=roles if len(roles) > 1 else None, **request)
    except EvaluationError:
        denied = Decision(allowed=False, rule=None, reason="denied_by_default", revision=policy.revision)
        return Explanation(denied, (), ())
