"""``rbac can``: every endpoint that a caller reaches."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from rbac.cli import options
from rbac.cli.output import emit_json, note_all, say, stdout
from rbac.cli.unknown import note_role_as_sub, note_unknown_roles
from rbac.decision import Decision
from rbac.review.access import can as review_can
from rbac.space.callers import Endpoint

EXAMPLE = """Examples: what users reach; what one person does, who is an auditor; what nobody needs a token for.

    rbac can --role user
    rbac can --sub 7f3c1e52-0000-0000-0000-000000000000 --role auditor
    rbac can
    rbac can --client 1h57kf5cpq17m0eml12EXAMPLE --scope orders/read
    rbac can --role editor --with dom=acme
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("can", epilog=EXAMPLE)(can)


def can(  # noqa: PLR0913, PLR0917 - each is an option of the command
    sub: options.SubOption = None,
    role: options.RolesOption = None,
    client: options.ClientOption = None,
    scope: options.ScopesOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what is denied, too.")] = False,
    words: options.WithOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """List every endpoint that this caller reaches, and the rule that lets them.

    Without --sub and --role: what is open without a token. A role without --sub is anybody with a valid
    token and that role. A --client with its --scope is a program that calls for itself, and beside a person what they call
    through: then what both may do, as a service decides with SCOPES=required. A word of the model that is not given is
    tried with every value that makes a difference.
    """
    loaded = options.policy_of(model, policy, functions, subjects)
    note_unknown_roles(loaded, (*(role or ()), *options.scope_words(scope)))
    note_role_as_sub(loaded, sub)
    program = options.program_of(client, scope)
    roles = tuple(role or ())
    through = program if roles or sub is not None else None
    if program is not None and through is None:
        sub, roles = program.fitting(loaded.document.definition.shape)
    listed = review_can(
        loaded,
        options.known_routes(routes, policy),
        roles=roles,
        sub=sub,
        through=through,
        given=options.words_besides(words),
    )
    found = [(endpoint, decision) for endpoint, decision in listed if everything or decision.allowed]
    if output == "json":
        shape = {
            "revision": loaded.revision,
            "endpoints": [endpoint.to_json(decision) for endpoint, decision in found],
        }
        emit_json({**shape, "complete": not listed.notes, "notes": list(listed.notes)})
    else:
        _show(found, everything=everything, complete=not listed.notes)
    note_all(listed.notes, stdout() if output == "text" else None)


def _show(found: Sequence[tuple[Endpoint, Decision]], *, everything: bool, complete: bool) -> None:
    console = stdout()
    rows = [(endpoint.act, endpoint.where, with_words(endpoint.besides)) for endpoint, _ in found]
    reasons = [why(decision) + stands_for(endpoint) for endpoint, decision in found]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    begin = "    " if everything else ""
    texts = [
        "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=True) if width)
        for row in rows
    ]
    widest = max((len(begin + text + reason) for text, reason in zip(texts, reasons, strict=True)), default=0)
    below = console.is_terminal and widest > console.width
    for text, reason, (_, decision) in zip(texts, reasons, found, strict=True):
        mark = ("yes ", "green") if decision.allowed else ("no  ", "red")
        marks = (mark,) if everything else ()
        if below:
            say(console, *marks, text.rstrip())
            say(console, begin + "  ", (reason, "dim"))
        else:
            say(console, *marks, text, (reason, "dim"))
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
