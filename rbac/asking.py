"""Callers as requests: who somebody with a role is, in the words of a model."""

from collections.abc import Collection, Mapping, Sequence

from rbac.axes import Axes
from rbac.decision import Explanation
from rbac.enforcer import IndexedEnforcer
from rbac.errors import RequestError
from rbac.policy import Policy
from rbac.vocabulary import stranger


def document_names(policy: Policy) -> frozenset[str]:
    """Every name that the document could mean a caller by."""
    rows, relations = policy.document.rows, policy.relations
    column = relations.role_column
    ruled = {row[column] for row in rows["p"]} if column is not None else set()
    linked = {name for kind, links in rows.items() if kind.startswith("g") for row in links for name in row}
    return frozenset(ruled | linked | set(relations.constants))


def token_words(axes: Axes, names: Collection[str]) -> dict[str, str]:
    """The words of a caller with a valid token and a ``sub`` not among ``names``; none where a model has no such."""
    if axes.sub is None or axes.sub == axes.role:
        return {}
    return {axes.sub: stranger(axes.sub, names)}


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


def ask_as(policy: Policy, roles: Sequence[str], sub: str | None, words: Mapping[str, str]) -> Explanation:
    """What ``policy`` decides for this caller, and why. ``words`` are the words of the request but for the caller's.

    Roles without ``sub`` are somebody with a valid token whom the document does not name; with neither it is
    nobody. Raises RequestError for what the model cannot be asked.
    """
    axes = Axes.of(policy.document.definition)
    request = dict(words)
    if sub is not None and axes.sub is None:
        raise RequestError("the model's request has no word for a person")
    if sub is not None and roles and axes.sub == axes.role:
        raise RequestError(f"the model asks with `{axes.role}` alone: a person or a role, not both")
    if axes.sub is not None and sub is not None:
        request[axes.sub] = sub
    elif roles:
        request |= token_words(axes, document_names(policy))
    if len(roles) > 1:
        return policy.explain(roles=roles, **request)
    if roles:
        request[axes.role] = roles[0]
    return policy.explain(**request)
