"""``rbac unused``: rules and role links that no recorded decision needed."""

from typing import Any

import typer

from rbac.cli import options
from rbac.cli.logs import (
    LogsArgument,
    SinceOption,
    ViaOption,
    counts,
    other_lines,
    reading,
    start_of,
    tell_skipped,
)
from rbac.cli.output import NO, UNABLE, emit_json, say, stdout
from rbac.decision_log.unused import Unused
from rbac.decision_log.unused import unused as review_unused
from rbac.text.wording import counted

EXAMPLE = """Examples: what nobody needed since the new year; what the application itself does not need.

    rbac unused decisions*.jsonl --since 2026-01-01
    rbac unused decisions*.jsonl --via http
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("unused", epilog=EXAMPLE)(unused)


def unused(
    logs: LogsArgument,
    since: SinceOption = "",
    via: ViaOption = None,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    functions: options.FunctionsOption = None,
    output: options.FormatOption = "text",
) -> None:
    """List the rules and role links that no recorded decision needed. Exit code 1 if there are any.

    With --since older decisions say only when a rule was last used. Exit code 2 if the logs hold not one
    decision and something that is no log.
    """
    loaded = options.policy_of(model, policy, functions)
    with reading(logs) as lines:
        found = review_unused(loaded, lines, since=start_of(since), via=via or ())
    if output == "json":
        emit_json(_shape(found))
    else:
        _show(found, since)
    tell_skipped(found.reading)
    if not found.reading.asked and (found.reading.damaged or found.reading.unfit):
        raise typer.Exit(UNABLE)
    if found.rules:
        raise typer.Exit(NO)


def _shape(found: Unused) -> dict[str, Any]:
    return {
        "revision": found.revision,
        "decisions": found.reading.asked,
        **counts(found.reading),
        "links_judged": found.links_judged,
        "rules": [{**one.rule.to_json(), "last_used": one.last_used} for one in found.rules],
    }


def _show(found: Unused, since: str) -> None:
    console = stdout()
    number = len(found.rules)
    when = f" since {since}" if since else ""
    asked = counted(found.reading.asked, "decision")
    say(console, (f"{number or 'none'} of {counted(found.of, 'rule')} unused{when}", "bold"), f" by {asked}")
    others = other_lines(found.reading)
    say(console, (f"policy {found.revision}" + (f"; besides: {others}" if others else ""), "dim"))
    width = max((len(str(one.rule.line)) for one in found.rules), default=0)
    for one in found.rules:
        last = f"  last used {one.last_used[:19]}Z" if one.last_used else ""
        say(console, f"  {one.rule.line:>{width}}  ", (one.rule.text, "bold"), (last, "dim"))
    if not found.links_judged:
        text = "role links are not judged: this model does more with them than to give access"
        say(console, ("note: ", "bold"), text)
