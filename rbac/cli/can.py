"""``rbac can``: every endpoint that a caller reaches."""

from typing import Annotated

import typer

from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    ModelOption,
    PolicyOption,
    RoutesOption,
    known_routes,
)
from rbac.cli.output import emit_json, say, stdout
from rbac.cli.unknown import note_unknown_roles
from rbac.decision import Decision
from rbac.policy import Policy
from rbac.review import can as review_can

EXAMPLE = """Examples: what users reach; what one person does, who is an auditor; what nobody needs a token for.

    rbac can --role user
    rbac can --sub 7f3c1e52-0000-0000-0000-000000000000 --role auditor
    rbac can
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("can", epilog=EXAMPLE)(can)


def can(
    sub: Annotated[
        str | None,
        typer.Option("--sub", metavar="NAME", help="The person: the token's `sub`.", show_default=False),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", metavar="ROLE", help="Their role; several times for several.", show_default=False
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what is denied, too.")] = False,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    output: FormatOption = "text",
) -> None:
    """List every endpoint that this caller reaches, and the rule that lets them.

    Without --sub and --role: what is open without a token. A role without --sub is anybody with a valid
    token and that role.
    """
    loaded = Policy.load(model, policy)
    note_unknown_roles(loaded, role or ())
    found = [
        (endpoint, decision)
        for endpoint, decision in review_can(loaded, known_routes(routes, policy), roles=role or (), sub=sub)
        if everything or decision.allowed
    ]
    if output == "json":
        entries = [
            {
                "act": endpoint.act,
                "obj": endpoint.obj,
                "allowed": decision.allowed,
                "rule": decision.rule.line if decision.rule else None,
            }
            for endpoint, decision in found
        ]
        emit_json({"revision": loaded.revision, "endpoints": entries})
        return
    console = stdout()
    acts = max((len(endpoint.act) for endpoint, _ in found), default=0)
    objs = max((len(endpoint.obj) for endpoint, _ in found), default=0)
    for endpoint, decision in found:
        mark = ("yes ", "green") if decision.allowed else ("no  ", "red")
        marks = (mark,) if everything else ()
        say(console, *marks, f"{endpoint.act:<{acts}}  {endpoint.obj:<{objs}}  ", (why(decision), "dim"))
    if not found:
        say(console, "this caller reaches nothing")


def why(decision: Decision) -> str:
    """The rule that decided, with its line, for a column of text."""
    if decision.rule is None:
        return "no rule allows it" if not decision.allowed else "no rule denies it"
    return f"line {decision.rule.line}: {decision.rule.text}"
