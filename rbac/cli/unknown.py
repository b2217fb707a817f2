"""Notes about what the policy or the application does not know: a question with a slip of the pen has an answer, too."""

from collections.abc import Iterable, Sequence

from rbac.cli.output import say, stderr
from rbac.policy import Policy
from rbac.routes import Route
from rbac.text.nearest import nearest


def note_unknown_roles(policy: Policy, roles: Iterable[str]) -> None:
    """Say on stderr which of ``roles`` the policy does not know; the answer holds for them all the same."""
    names = policy.names()
    for role in roles:
        if role in names.roles:
            continue
        if role in policy.relations.constants:
            _note(f"`{role}` is a word of the model that no caller has as a role")
        elif role in names.subjects:
            _note(f"`{role}` is a person and no role; write `--sub {role}`")
        else:
            _note(f"the policy knows no role `{role}`" + _guess(role, names.roles))


def note_role_as_sub(policy: Policy, sub: str | None) -> None:
    """Say on stderr that a person is named like a role, and what Casbin means by it."""
    if sub is not None and sub in policy.roles_by_sub:
        _note(
            f"`{sub}` is a role, and to Casbin whoever is called so has it: the service refuses a token with this `sub`"
        )


def note_unknown_endpoint(act: str, obj: str, routes: Sequence[Route]) -> None:
    """Say on stderr that none of the known ``routes`` answers; nothing where no routes are known."""
    acts = sorted({route.act for route in routes if route.obj == obj or route.matches(obj)})
    if not routes or act in acts:
        return
    if acts:
        _note(
            f"no known endpoint under `{obj}` answers `{act}`; the methods known there are {', '.join(acts)}"
        )
    else:
        _note(f"no known endpoint has the path `{obj}`" + _guess(obj, [route.obj for route in routes]))


def _guess(text: str, known: Sequence[str]) -> str:
    close = nearest(text, known)
    return f"; did you mean `{close}`?" if close else ""


def _note(sentence: str) -> None:
    say(stderr(), ("note: ", "bold yellow"), sentence)
