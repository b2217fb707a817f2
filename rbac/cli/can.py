"""``rbac can``: every endpoint that a caller reaches."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from rbac.callers import Endpoint
from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    FunctionsOption,
    ModelOption,
    PolicyOption,
    RolesOption,
    RoutesOption,
    SubjectsOption,
    SubOption,
    WithOption,
    functions_of,
    known_routes,
    subjects_of,
    words_besides,
)
from rbac.cli.output import emit_json, note_all, say, stdout
from rbac.cli.unknown import note_role_as_sub, note_unknown_roles
from rbac.decision import Decision
from rbac.policy import Policy
from rbac.review import can as review_can

EXAMPLE = """Examples: what users reach; what one person does, who is an auditor; what nobody needs a token for.

    rbac can --role user
    rbac can --sub 7f3c1e52-0000-0000-0000-000000000000 --role auditor
    rbac can
    rbac can --role editor --with dom=acme
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("can", epilog=EXAMPLE)(can)


def can(  # noqa: PLR0913, PLR0917 - each is an option of the command
    sub: SubOption = None,
    role: RolesOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what is denied, too.")] = False,
    words: WithOption = None,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    routes: RoutesOption = None,
    subjects: SubjectsOption = None,
    functions: FunctionsOption = None,
    output: FormatOption = "text",
) -> None:
    """List every endpoint that this caller reaches, and the rule that lets them.

    Without --sub and --role: what is open without a token. A role without --sub is anybody with a valid
    token and that role. A word of the model that is not given is tried with every value that makes a difference.
    """
    loaded = Policy.load(model, policy, subjects=subjects_of(subjects), functions=functions_of(functions))
    note_unknown_roles(loaded, role or ())
    note_role_as_sub(loaded, sub)
    listed = review_can(
        loaded, known_routes(routes, policy), roles=role or (), sub=sub, given=words_besides(words)
    )
    found = [(endpoint, decision) for endpoint, decision in listed if everything or decision.allowed]
    if output == "json":
        shape = {"revision": loaded.revision, "endpoints": [_shape(*each) for each in found]}
        emit_json({**shape, "complete": not listed.notes, "notes": list(listed.notes)})
    else:
        _show(found, everything=everything, complete=not listed.notes)
    note_all(listed.notes, stdout() if output == "text" else None)


def _shape(endpoint: Endpoint, decision: Decision) -> dict[str, Any]:
    rule = decision.rule.line if decision.rule else None
    shape = {"act": endpoint.act, "obj": endpoint.obj, "allowed": decision.allowed, "rule": rule}
    if endpoint.besides:
        shape["with"] = dict(endpoint.besides)
    if endpoint.examples:
        shape["examples"] = list(endpoint.examples)
    return shape


def _show(found: Sequence[tuple[Endpoint, Decision]], *, everything: bool, complete: bool) -> None:
    console = stdout()
    rows = [(endpoint.act, endpoint.obj, with_words(endpoint.besides)) for endpoint, _ in found]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row, (endpoint, decision) in zip(rows, found, strict=True):
        mark = ("yes ", "green") if decision.allowed else ("no  ", "red")
        marks = (mark,) if everything else ()
        text = "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=True) if width)
        say(console, *marks, text, (why(decision), "dim"), (stands_for(endpoint), "dim"))
    if not found:
        say(console, "this caller reaches nothing" + ("" if complete else " that could be told"))


def with_words(words: Mapping[str, str]) -> str:
    """``dom=acme res=apps``: as ``--with`` takes them."""
    return " ".join(f"{word}={value}" for word, value in words.items())


def stands_for(endpoint: Endpoint) -> str:
    """Which words of an endpoint are an example of all that no rule names."""
    return f" (any other {' and '.join(endpoint.examples)})" if endpoint.examples else ""


def why(decision: Decision) -> str:
    """The rule that decided, with its line, for a column of text."""
    if decision.rule is None:
        return "no rule allows it" if not decision.allowed else "no rule denies it"
    return f"line {decision.rule.line}: {decision.rule.text}"
