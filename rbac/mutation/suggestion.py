"""A policy test that would have noticed: text in the format of ``policy_tests/``."""

from collections.abc import Callable, Mapping

from rbac.document.names import CLIENT, SCOPE
from rbac.model.request_shape import RequestShape
from rbac.policy import Policy
from rbac.routes import KnownRoutes
from rbac.space.alike import told_apart
from rbac.space.callers import Caller, Endpoint
from rbac.space.endpoint_classes import EVERY, EndpointClasses
from rbac.space.space import Space
from rbac.text.yaml_text import yaml_text


def askable(policy: Policy, routes: KnownRoutes) -> Callable[[Mapping[str, str]], bool]:
    """Whether policy tests can ask about an endpoint with these words, and so whether a caller can.

    Where objects are paths, no request has one without a ``/`` in front, or one with a query, actions are methods, and
    what looks like a template stands for other paths than itself.
    """
    endpoints = EndpointClasses(policy, routes)
    shape = endpoints.shape
    if not endpoints.asks_for_paths:
        return lambda words: bool(words.get(shape.obj or "", "x") and words.get(shape.act or "", "x"))

    def ask(words: Mapping[str, str]) -> bool:
        act, path = words.get(shape.act or "", "GET"), words.get(shape.obj or "", "/")
        return act not in {"", EVERY} and endpoints.action_fault(act) is None and endpoints.is_path(path)

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
    shape = space.shape
    obj = endpoint.obj if endpoint.known else endpoint.words.get(shape.obj or "", "")
    name = _name(caller, endpoint, f"{verb} {endpoint.act} {obj}".strip(), shape)
    lines = [f"- name: {yaml_text(name)}", *(f"  {line}" for line in _caller(caller, space, policy))]
    if (
        shape.act is not None
        and shape.obj is not None
        and endpoint.words.keys() <= {shape.act, shape.obj}
        and obj
    ):
        lines.append(f"  {verb}: [{yaml_text(f'{endpoint.act} {obj}')}]")
    else:
        lines.append(f"  {verb}: [{_mapping(endpoint.words)}]")
    if routes and not endpoint.known and not routes.has_path(obj):
        lines.append("  unrouted: true")
    return "\n".join(lines) + "\n"


def _name(caller: Caller, endpoint: Endpoint, does: str, shape: RequestShape) -> str:
    """A name as a person would write it: ``editor cannot write report, with dom acme``."""
    who = "a caller without a token" if caller.kind == "nobody" else caller.name
    asked = {*shape.caller, shape.act, shape.obj}
    words = {**caller.words, **endpoint.words}.items()
    besides = [f"{word} {value}" for word, value in words if word not in asked and value]
    return f"{who} {does}" + (f", with {' and '.join(besides)}" if besides else "")


def _caller(caller: Caller, space: Space, policy: Policy) -> list[str]:
    shape = space.shape
    extra = {word: value for word, value in caller.words.items() if word not in shape.caller and value}
    lines = [f"with: {_mapping(extra)}"] if extra else []
    if caller.kind == "nobody":
        return ["anonymous: true", *lines]
    if caller.kind == "token":
        return ["unknown-role: true", *lines]
    program = _program(caller, shape)
    if program or (caller.kind == "role" and caller.name not in policy.subjects):
        return [program or f"role: {yaml_text(caller.name)}", *lines]
    who = {word: caller.words[word] for word in shape.caller}
    if shape.sub is not None and who[shape.sub] and not any(who[word] for word in who if word != shape.sub):
        return [f"sub: {yaml_text(who[shape.sub])}", *lines]
    sub, role = who.get(shape.sub or "", ""), who.get(shape.role or "", "")
    if shape.sub != shape.role and sub and role in _roles(policy):
        return [f"sub: {yaml_text(sub)}", f"role: {yaml_text(role)}", *lines]
    # A caller whose words no one has as they come, such as a `sub` that is the name of a role, or a role that is a person's.
    return [f"with: {_mapping({**who, **extra})}"]


def _program(caller: Caller, shape: RequestShape) -> str:
    """The line for a caller who is a program, as far as a word of its access token alone says who it is; else ""."""
    if caller.kind == "role" and caller.name.startswith(SCOPE):
        return f"scopes: [{yaml_text(caller.name.removeprefix(SCOPE))}]"
    is_client = caller.name.startswith(CLIENT) and shape.sub != shape.role
    if is_client and shape.sub is not None and caller.words[shape.sub] == caller.name:
        return f"client: {yaml_text(caller.name.removeprefix(CLIENT))}"
    return ""


def _roles(policy: Policy) -> set[str]:
    """The roles that a token may hold: none is a person's name."""
    return {*told_apart(policy)} - {*policy.names().singled_out, *policy.subjects}


def _mapping(words: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{word}: {yaml_text(value)}" for word, value in words.items()) + "}"
