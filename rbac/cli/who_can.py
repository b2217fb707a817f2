"""``rbac who-can``: every role and named person that reaches an endpoint."""

from typing import Annotated

import typer

from rbac.cli import options
from rbac.cli.can import why, with_words
from rbac.cli.output import emit_json, note_all, say, stdout
from rbac.cli.unknown import note_unknown_endpoint, note_unknown_roles
from rbac.review.access import Accesses
from rbac.review.access import who_can as review_who_can

EXAMPLE = """Example: who reaches the administration?

    rbac who-can GET /admin
    rbac who-can read doc-1 --with dom=acme
    rbac who-can GET /orders --client 1h57kf5cpq17m0eml12EXAMPLE --scope orders/read
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("who-can", epilog=EXAMPLE)(who_can)


def who_can(  # noqa: PLR0913, PLR0917 - each is an option of the command
    act: Annotated[str, typer.Argument(metavar="ACT", help="The method, such as GET, or another action.")],
    obj: Annotated[
        str,
        typer.Argument(
            metavar="OBJ",
            help="The path, such as /admin, a route's template, or another object.",
        ),
    ],
    client: options.ThroughClientOption = None,
    scope: options.ScopesOption = None,
    words: options.WithOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """List every role, and every person the policy names, that reaches an endpoint.

    With --client and its --scope: those who reach it through this program, where both must be allowed, as a service decides
    with SCOPES=required.
    """
    loaded = options.policy_of(model, policy, functions, subjects)
    known = options.known_routes(routes, policy)
    note_unknown_roles(loaded, options.scope_words(scope))
    note_unknown_endpoint(act, obj, known)
    found = review_who_can(
        loaded,
        act,
        obj,
        known,
        through=options.program_of(client, scope),
        given=options.words_besides(words),
    )
    if output == "json":
        emit_json({"revision": loaded.revision, **found.to_json()})
    else:
        _show(found)
    note_all(found.notes, stdout() if output == "text" else None)


def _show(found: Accesses) -> None:
    console = stdout()
    rows = [(reach.caller.name, with_words(reach.besides), reach) for reach in (*found, *found.parts)]
    names = max((len(name) for name, _, _ in rows), default=0)
    besides = max((len(words) for _, words, _ in rows), default=0)
    for name, words, reach in rows:
        path = f"  ({' > '.join(reach.role_path)})" if len(reach.role_path) > 1 else ""
        style = "bold red" if reach.caller.kind == "nobody" else "bold"
        more = f"  {words:<{besides}}" if besides else ""
        part = f"  only {reach.part} and the like" if reach.part is not None else ""
        shut = f"  but not {', '.join(reach.but_not)} and the like" if reach.but_not else ""
        say(
            console,
            (f"{name:<{names}}", style),
            f"{more}  {why(reach.decision)}",
            (path, "dim"),
            (part + shut, "yellow"),
        )
    if found.program is not None:
        state = "may do it, too" if found.program.allowed else "may not do it"
        say(console, (f"the program {state}: {why(found.program)}", "dim"))
    if not rows and found.program is not None:
        say(console, "no person reaches it through this program")
    elif not rows:
        what = "no caller reaches it: no role, no person, and nobody without a token"
        say(console, what if not found.notes else "no caller is known to reach it")
