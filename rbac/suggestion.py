"""A policy test that would have noticed: text in the format of ``policy_tests/``."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from rbac.axes import HTTP_METHODS
from rbac.callers import Caller, Endpoint
from rbac.endpoint_classes import EVERY, EndpointClasses
from rbac.policy import Policy
from rbac.routes import KnownRoutes
from rbac.space import Space
from rbac.told_apart import told_apart

# What YAML reads as the same text without quotes, also inside `[…]`.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9/_.~ -]*(?<! )")
_WORDS_OF_YAML: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def askable(policy: Policy, routes: KnownRoutes) -> Callable[[Mapping[str, str]], bool]:
    """Whether policy tests can ask about an endpoint with these words, and so whether a caller can.

    Where objects are paths, no request has one without a ``/`` in front, or one with a query, actions are methods, and
    what looks like a template stands for other paths than itself.
    """
    endpoints = EndpointClasses(policy, routes)
    axes = endpoints.axes
    if not endpoints.asks_for_paths:
        return lambda words: bool(words.get(axes.obj or "", "x") and words.get(axes.act or "", "x"))
    actions = {*HTTP_METHODS} | endpoints.actions - {"", EVERY}

    def ask(words: Mapping[str, str]) -> bool:
        path = words.get(axes.obj or "", "/")
        return endpoints.is_path(path) and words.get(axes.act or "", "GET") in actions

    return ask


def suggest(
    caller: Caller,
    endpoint: Endpoint,
    space: Space,
    routes: KnownRoutes,
    policy: Policy,
    *,
    expected: bool,
) -> str:
    """A test of the request on which ``policy`` and its mutant differ; ``expected`` is what the policy decides
    today. Rules of mutants may be in ``space``, too: what is a role is asked of the policy alone."""
    verb = "can" if expected else "cannot"
    axes = space.axes
    obj = endpoint.obj if endpoint.known else endpoint.words.get(axes.obj or "", "")
    who = "a caller without a token" if caller.kind == "nobody" else caller.label
    name = f"{who} {verb} {endpoint.act} {obj}".strip()
    lines = [f"- name: {_text(name)}", *(f"  {line}" for line in _caller(caller, space, policy))]
    if (
        axes.act is not None
        and axes.obj is not None
        and endpoint.words.keys() <= {axes.act, axes.obj}
        and obj
    ):
        lines.append(f"  {verb}: [{_text(f'{endpoint.act} {obj}')}]")
    else:
        lines.append(f"  {verb}: [{_mapping(endpoint.words)}]")
    if routes and not endpoint.known and not routes.has_path(obj):
        lines.append("  unrouted: true")
    return "\n".join(lines) + "\n"


def _caller(caller: Caller, space: Space, policy: Policy) -> list[str]:
    axes = space.axes
    extra = {word: value for word, value in caller.words.items() if word not in axes.caller and value}
    lines = [f"with: {_mapping(extra)}"] if extra else []
    if caller.kind == "nobody":
        return ["anonymous: true", *lines]
    if caller.kind == "token":
        return ["unknown-role: true", *lines]
    if caller.kind == "role":
        return [f"role: {_text(caller.name)}", *lines]
    who = {word: caller.words[word] for word in axes.caller}
    if axes.sub is not None and who[axes.sub] and not any(who[word] for word in who if word != axes.sub):
        return [f"sub: {_text(who[axes.sub])}", *lines]
    sub, role = who.get(axes.sub or "", ""), who.get(axes.role or "", "")
    if axes.sub != axes.role and sub and role in _roles(policy):
        return [f"sub: {_text(sub)}", f"role: {_text(role)}", *lines]
    # A caller whose words no one has as they come, such as a `sub` that is the name of a role.
    return [f"with: {_mapping({**who, **extra})}"]


def _roles(policy: Policy) -> set[str]:
    """The roles that a token may hold: no person has a rule's own `sub` as a role."""
    return {*told_apart(policy)} - {*policy.names().singled_out}


def _mapping(words: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{word}: {_text(value)}" for word, value in words.items()) + "}"


def _text(value: str) -> str:
    """``value`` as YAML, in quotes where it would be read as something else."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value, ensure_ascii=False)
