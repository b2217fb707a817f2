"""``rbac can``: every endpoint that a caller reaches."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rbac.callers import Endpoint
from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    ModelOption,
    PolicyOption,
    RolesOption,
    RoutesOption,
    SubOption,
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
    sub: SubOption = None,
    role: RolesOption = None,
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
        emit_json({"revision": loaded.revision, "endpoints": [_shape(*each) for each in found]})
    else:
        _show(found, everything=everything)


def _shape(endpoint: Endpoint, decision: Decision) -> dict[str, Any]:
    rule = decision.rule.line if decision.rule else None
    return {"act": endpoint.act, "obj": endpoint.obj, "allowed": decision.allowed, "rule": rule}


def _show(found: Sequence[tuple[Endpoint, Decision]], *, everything: bool) -> None:
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
