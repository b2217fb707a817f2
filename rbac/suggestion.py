"""A policy test that would have noticed: text in the format of ``policy_tests/``."""

import json
import re
from collections.abc import Mapping
from typing import Final

from rbac.callers import Caller, Endpoint
from rbac.routes import KnownRoutes
from rbac.space import Space

# What YAML reads as the same text without quotes, also inside `[…]`.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9/_.~ -]*(?<! )")
_WORDS_OF_YAML: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def suggest(
    caller: Caller,
    endpoint: Endpoint,
    space: Space,
    routes: KnownRoutes,
    *,
    expected: bool,
) -> str:
    """A test of the request on which policy and mutant differ; ``expected`` is what the policy decides
    today."""
    verb = "can" if expected else "cannot"
    axes = space.axes
    obj = endpoint.obj if endpoint.known else endpoint.words.get(axes.obj or "", "")
    name = f"{caller.label} {verb} {endpoint.act} {obj}".strip()
    lines = [f"- name: {_text(name)}", *(f"  {line}" for line in _caller(caller, space))]
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


def _caller(caller: Caller, space: Space) -> list[str]:
    axes = space.axes
    extra = {word: value for word, value in caller.words.items() if word not in axes.caller and value}
    lines = [f"with: {_mapping(extra)}"] if extra else []
    if caller.kind == "nobody":
        return ["anonymous: true", *lines]
    if caller.kind == "token":
        return ["unknown-role: true", *lines]
    role, sub = caller.words.get(axes.role, ""), caller.words.get(axes.sub or "", "")
    if caller.kind == "role" or axes.sub == axes.role:
        return [f"{'role' if caller.kind == 'role' else 'sub'}: {_text(caller.name)}", *lines]
    both = ([f"sub: {_text(sub)}"] if sub else []) + ([f"role: {_text(role)}"] if role else [])
    return [*(both or ["anonymous: true"]), *lines]


def _mapping(words: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{word}: {_text(value)}" for word, value in words.items()) + "}"


def _text(value: str) -> str:
    """``value`` as YAML, in quotes where it would be read as something else."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value, ensure_ascii=False)
