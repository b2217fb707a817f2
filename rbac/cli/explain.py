"""``rbac explain``: why a request is allowed or denied."""

from typing import Annotated, Any

import typer

from rbac.asking import ask_as, bounded
from rbac.cli import options
from rbac.cli.can import why, with_words
from rbac.cli.output import NO, emit_json, note_all, say, stdout
from rbac.cli.unknown import note_role_as_sub, note_unknown_roles
from rbac.decision import Decision, Explanation
from rbac.review.access import Listing
from rbac.review.access import explain as review_explain
from rbac.space.callers import NamedWords
from rbac.text.wording import listed

EXAMPLE = """Examples: a role; one person; a model that asks with other words.

    rbac explain --role user --act GET --obj /admin
    rbac explain --sub 7f3c1e52-0000-0000-0000-000000000000 --act GET --obj /profile
    rbac explain --role user --client 1h57kf5cpq17m0eml12EXAMPLE --scope orders/read --act GET --obj /orders
    rbac explain --role editor --act read --obj doc-1 --with dom=acme
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", epilog=EXAMPLE)(explain)


ActOption = Annotated[
    str,
    typer.Option(
        "--act", metavar="ACT", help="The method, or another action of the model.", show_default=False
    ),
]
ObjOption = Annotated[
    str,
    typer.Option(
        "--obj", metavar="OBJ", help="The path, or another object of the model.", show_default=False
    ),
]


def explain(  # noqa: PLR0913, PLR0917 - each is an option of the command
    act: ActOption = "",
    obj: ObjOption = "",
    sub: options.SubOption = None,
    role: options.RolesOption = None,
    client: options.ClientOption = None,
    scope: options.ScopesOption = None,
    words: options.WithOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """Say why a request is allowed or denied: the rule, the way to its role, or the rules that were nearly met.

    Without --sub, a role is anybody with a valid token and that role; with neither, it is nobody. A --client with its
    --scope is a program that calls for itself, and beside a person what they call through: then both halves are shown,
    and both must be allowed, as with SCOPES=required. Exit code 1 for a denied request.
    """
    loaded = options.policy_of(model, policy, functions, subjects)
    note_unknown_roles(loaded, (*(role or ()), *options.scope_words(scope)))
    note_role_as_sub(loaded, sub)
    shape = loaded.document.definition.shape
    asked = options.words_besides(words)
    for option, word, value in (("--act", shape.act, act), ("--obj", shape.obj, obj)):
        if value and word is None:
            known = listed(loaded.words)
            raise typer.BadParameter(f"the model asks with {known} alone", param_hint=option)
        asked |= {word: value} if value and word else {}
    program = options.program_of(client, scope)
    through = None if program is None else program.fitting(shape)
    if through is not None and not role and sub is None:
        role, sub, through = list(through.roles), through.sub, None
    explanation, besides, every = review_explain(loaded, role or [], sub, asked)
    other = None if through is None else ask_as(loaded, through.roles, through.sub, {**asked, **besides})
    decision = explanation.decision if other is None else bounded(explanation.decision, other.decision)
    if output == "json":
        decisive = explanation if other is None or decision is explanation.decision else other
        emit_json({**decisive.to_json(), **_halves(explanation, other), **_others(besides, every)})
    else:
        _show_all(explanation, other, loaded.document.policy_name)
        _show_others(besides, every)
    note_all(every.notes, stdout() if output == "text" else None)
    if not decision.allowed:
        raise typer.Exit(NO)


def _halves(person: Explanation, program: Explanation | None) -> dict[str, Any]:
    """What was decided about a person and about the program that they call through."""
    return {} if program is None else {"halves": {"person": person.to_json(), "client": program.to_json()}}


def _show_all(person: Explanation, program: Explanation | None, policy_name: str) -> None:
    if program is None:
        _show(person, policy_name)
        return
    console = stdout()
    allowed = bounded(person.decision, program.decision).allowed
    verdict = ("allowed", "bold green") if allowed else ("denied", "bold red")
    say(console, verdict, ": the person is, and so is the program" if allowed else ": both must be allowed")
    for half, explanation in (("the person", person), ("the program", program)):
        say(console, (half, "bold"))
        _show(explanation, policy_name)


def _others(besides: NamedWords, every: Listing[tuple[NamedWords, Decision]]) -> dict[str, Any]:
    """The words besides that were tried, and what comes of each other value."""
    if not besides:
        return {}
    others = [
        {
            "with": dict(words),
            "allowed": decision.allowed,
            "rule": decision.line,
        }
        for words, decision in every
        if words != besides
    ]
    tried = {"with": dict(besides), "others": others}
    return {**tried, "complete": not every.notes, "notes": list(every.notes)}


def _show_others(besides: NamedWords, every: Listing[tuple[NamedWords, Decision]]) -> None:
    """Which words besides this is about, where none were given, and with which it comes out otherwise."""
    if not besides:
        return
    console = stdout()
    say(console, f"asked with {with_words(besides)}, as nothing else was given with --with")
    own = next(decision for words, decision in every if words == besides)
    for words, decision in every:
        if words != besides and decision[:3] != own[:3]:
            verdict = "allowed" if decision.allowed else "denied"
            say(console, f"  with {with_words(words)}: {verdict}, {why(decision)}")


def _show(explanation: Explanation, policy_name: str) -> None:
    console = stdout()
    decision = explanation.decision
    verdict = ("allowed", "bold green") if decision.allowed else ("denied", "bold red")
    reasons = {
        "allowed_by_rule": " by this rule",
        "denied_by_rule": " by this rule",
        "denied_by_default": ": no rule allows it",
        "allowed_by_default": ": no rule denies it",
    }
    say(console, verdict, reasons[decision.reason])
    if decision.rule is not None:
        say(console, f"  {policy_name}:{decision.rule.line}: ", (decision.rule.text, "bold"))
    if len(explanation.role_path) > 1:
        say(console, f"  the way to its role: {' > '.join(explanation.role_path)}")
    if explanation.nearest:
        say(console, "nearly met:")
    for near in explanation.nearest:
        say(console, f"  {policy_name}:{near.rule.line}: {near.rule.text}")
        say(console, ("      it would need ", "dim"), near.missing)
    say(console, (f"revision {decision.revision}", "dim"))
