"""``rbac explain``: why a request is allowed or denied."""

from typing import Annotated, Any

import typer

from rbac.axes import Axes
from rbac.cli.can import why, with_words
from rbac.cli.options import (
    MODEL,
    POLICY,
    FormatOption,
    FunctionsOption,
    ModelOption,
    PolicyOption,
    RolesOption,
    SubOption,
    WithOption,
    functions_of,
    words_besides,
)
from rbac.cli.output import NO, emit_json, note_all, say, stdout
from rbac.cli.unknown import note_role_as_sub, note_unknown_roles
from rbac.decision import Decision, Explanation
from rbac.policy import Policy
from rbac.review import Listing, Words
from rbac.review import explain as review_explain

EXAMPLE = """Examples: a role; one person; a model that asks with other words.

    rbac explain --role user --act GET --obj /admin
    rbac explain --sub 7f3c1e52-0000-0000-0000-000000000000 --act GET --obj /profile
    rbac explain --role editor --act read --obj doc-1 --with dom=acme
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", epilog=EXAMPLE)(explain)


def explain(  # noqa: PLR0913, PLR0917 - each is an option of the command
    act: Annotated[str, typer.Option("--act", metavar="METHOD", help="The method.", show_default=False)] = "",
    obj: Annotated[str, typer.Option("--obj", metavar="PATH", help="The path.", show_default=False)] = "",
    sub: SubOption = None,
    role: RolesOption = None,
    words: WithOption = None,
    model: ModelOption = MODEL,
    policy: PolicyOption = POLICY,
    functions: FunctionsOption = None,
    output: FormatOption = "text",
) -> None:
    """Say why a request is allowed or denied: the rule, the way to its role, or the rules that were nearly met.

    Without --sub, a role is anybody with a valid token and that role; with neither, it is nobody. Exit code 1 for
    a denied request.
    """
    loaded = Policy.load(model, policy, functions=functions_of(functions))
    note_unknown_roles(loaded, role or ())
    note_role_as_sub(loaded, sub)
    axes = Axes.of(loaded.document.definition)
    asked = words_besides(words)
    asked |= {axes.act: act} if act and axes.act else {}
    asked |= {axes.obj: obj} if obj and axes.obj else {}
    explanation, besides, every = review_explain(loaded, role or [], sub, asked)
    if output == "json":
        shape = _shape(explanation)
        emit_json({**shape, **_others(besides, every)})
    else:
        _show(explanation, loaded.document.policy_name)
        _show_others(besides, every)
    note_all(every.notes, stdout() if output == "text" else None)
    if not explanation.decision.allowed:
        raise typer.Exit(NO)


def _others(besides: Words, every: Listing[tuple[Words, Decision]]) -> dict[str, Any]:
    """The words besides that were tried, and what comes of each other value."""
    if not besides:
        return {}
    others = [
        {
            "with": dict(words),
            "allowed": decision.allowed,
            "rule": decision.rule.line if decision.rule else None,
        }
        for words, decision in every
        if words != besides
    ]
    tried = {"with": dict(besides), "others": others}
    return {**tried, "complete": not every.notes, "notes": list(every.notes)}


def _show_others(besides: Words, every: Listing[tuple[Words, Decision]]) -> None:
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


def _shape(explanation: Explanation) -> dict[str, Any]:
    decision = explanation.decision
    rule = decision.rule
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule": None if rule is None else {"line": rule.line, "text": rule.text},
        "role_path": list(explanation.role_path),
        "nearest": [
            {"line": near.rule.line, "text": near.rule.text, "missing": near.missing}
            for near in explanation.nearest
        ],
        "revision": decision.revision,
    }


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
