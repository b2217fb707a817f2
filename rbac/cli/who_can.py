"""``rbac who-can``: every role and named person that reaches an endpoint."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rbac.cli.can import why
from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    ModelOption,
    PolicyOption,
    RoutesOption,
    SubjectsOption,
    known_routes,
    subject_pattern,
)
from rbac.cli.output import emit_json, say, stdout
from rbac.cli.unknown import note_unknown_endpoint
from rbac.names import SUBJECT
from rbac.policy import Policy
from rbac.review import Reach
from rbac.review import who_can as review_who_can

EXAMPLE = """Example: who reaches the administration?

    rbac who-can GET /admin
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("who-can", epilog=EXAMPLE)(who_can)


def who_can(
    act: Annotated[str, typer.Argument(metavar="ACT", help="The method, such as GET.")],
    obj: Annotated[
        str, typer.Argument(metavar="OBJ", help="The path, such as /admin, or a route's template.")
    ],
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    subjects: SubjectsOption = None,
    output: FormatOption = "text",
) -> None:
    """List every role, and every person the policy names, that reaches an endpoint."""
    pattern = subject_pattern(subjects)
    loaded = Policy.load(model, policy)
    known = known_routes(routes, policy)
    note_unknown_endpoint(act, obj, known)
    found = review_who_can(loaded, act, obj, known, subjects=pattern.pattern if pattern else SUBJECT)
    if output == "json":
        emit_json(_shape(loaded.revision, found))
    else:
        _show(found)


def _shape(revision: str, found: Sequence[Reach]) -> dict[str, Any]:
    def entries(kind: str, key: str) -> list[dict[str, Any]]:
        return [
            {
                key: reach.caller.label,
                "rule": reach.decision.rule.line if reach.decision.rule else None,
                "role_path": list(reach.role_path),
            }
            for reach in found
            if reach.caller.kind == kind
        ]

    kinds = {reach.caller.kind for reach in found}
    return {
        "revision": revision,
        "nobody": "nobody" in kinds,
        "any_valid_token": "token" in kinds,
        "roles": entries("role", "role"),
        "subjects": entries("subject", "sub"),
    }


def _show(found: Sequence[Reach]) -> None:
    console = stdout()
    width = max((len(reach.caller.label) for reach in found), default=0)
    for reach in found:
        path = f"  ({' > '.join(reach.role_path)})" if len(reach.role_path) > 1 else ""
        style = "bold red" if reach.caller.kind == "nobody" else "bold"
        say(console, (f"{reach.caller.label:<{width}}", style), f"  {why(reach.decision)}", (path, "dim"))
    if not found:
        say(console, "no caller reaches it: no role, no person, and nobody without a token")
