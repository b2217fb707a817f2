"""``rbac who-can``: every role and named person that reaches an endpoint."""

from typing import Annotated, Any

import typer

from rbac.cli.can import why, with_words
from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    FunctionsOption,
    ModelOption,
    PolicyOption,
    RoutesOption,
    SubjectsOption,
    WithOption,
    functions_of,
    known_routes,
    subjects_of,
    words_besides,
)
from rbac.cli.output import emit_json, note_all, say, stdout
from rbac.cli.unknown import note_unknown_endpoint
from rbac.policy import Policy
from rbac.review import Reach, Reaches
from rbac.review import who_can as review_who_can

EXAMPLE = """Example: who reaches the administration?

    rbac who-can GET /admin
    rbac who-can read doc-1 --with dom=acme
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("who-can", epilog=EXAMPLE)(who_can)


def who_can(  # noqa: PLR0913, PLR0917 - each is an option of the command
    act: Annotated[str, typer.Argument(metavar="ACT", help="The method, such as GET.")],
    obj: Annotated[
        str, typer.Argument(metavar="OBJ", help="The path, such as /admin, or a route's template.")
    ],
    words: WithOption = None,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    subjects: SubjectsOption = None,
    functions: FunctionsOption = None,
    output: FormatOption = "text",
) -> None:
    """List every role, and every person the policy names, that reaches an endpoint."""
    loaded = Policy.load(model, policy, subjects=subjects_of(subjects), functions=functions_of(functions))
    known = known_routes(routes, policy)
    note_unknown_endpoint(act, obj, known)
    found = review_who_can(
        loaded,
        act,
        obj,
        known,
        given=words_besides(words),
    )
    if output == "json":
        emit_json(_shape(loaded.revision, found))
    else:
        _show(found)
    note_all(found.notes, stdout() if output == "text" else None)


def _shape(revision: str, found: Reaches) -> dict[str, Any]:
    kinds = {reach.caller.kind for reach in found}
    parts = [{**_who(reach), "obj": reach.part, **_entry(reach)} for reach in found.parts]
    return {
        "revision": revision,
        "nobody": "nobody" in kinds,
        "any_valid_token": "token" in kinds,
        "roles": [{**_who(reach), **_entry(reach)} for reach in found if reach.caller.kind == "role"],
        "subjects": [{**_who(reach), **_entry(reach)} for reach in found if reach.caller.kind == "subject"],
        # Only where a template was asked about: who reaches some paths in it and not the others.
        **({"parts": parts} if parts else {}),
        "complete": not found.notes,
        "notes": list(found.notes),
    }


def _who(reach: Reach) -> dict[str, str]:
    key = {"role": "role", "subject": "sub"}.get(reach.caller.kind, "caller")
    return {key: reach.caller.name}


def _entry(reach: Reach) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "rule": reach.decision.rule.line if reach.decision.rule else None,
        "role_path": list(reach.role_path),
    }
    if reach.besides:
        entry["with"] = dict(reach.besides)
    if reach.but_not:
        entry["but_not"] = list(reach.but_not)
    return entry


def _show(found: Reaches) -> None:
    console = stdout()
    rows = [(reach.caller.name, with_words(reach.besides), reach) for reach in (*found, *found.parts)]
    names = max((len(name) for name, _, _ in rows), default=0)
    besides = max((len(words) for _, words, _ in rows), default=0)
    for name, words, reach in rows:
        path = f"  ({' > '.join(reach.role_path)})" if len(reach.role_path) > 1 else ""
        style = "bold red" if reach.caller.kind == "nobody" else "bold"
        more = f"  {words:<{besides}}" if besides else ""
        part = f"  only {reach.part}" if reach.part is not None else ""
        shut = f"  but not {', '.join(reach.but_not)}" if reach.but_not else ""
        say(
            console,
            (f"{name:<{names}}", style),
            f"{more}  {why(reach.decision)}",
            (path, "dim"),
            (part + shut, "yellow"),
        )
    if not rows:
        what = "no caller reaches it: no role, no person, and nobody without a token"
        say(console, what if not found.notes else "no caller is known to reach it")
