"""``rbac replay``: which recorded decisions would come out differently."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

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
from rbac.cli.output import NO, UNABLE, emit_text, say, stdout
from rbac.decision_log.replay import Flip, Replay
from rbac.decision_log.replay import replay as review_replay
from rbac.text.wording import counted

EXAMPLE = """Examples: what callers would notice of an edit; a log in several files, without its damaged lines.

    rbac replay decisions.jsonl --policy new.csv
    rbac replay decisions*.jsonl --policy new.csv --skip-damaged
"""
_IDS = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay", epilog=EXAMPLE)(replay)


def replay(  # noqa: PLR0913, PLR0917 - each is an option of the command
    logs: LogsArgument,
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    functions: options.FunctionsOption = None,
    since: SinceOption = "",
    via: ViaOption = None,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Be content without the lines that are damaged, or that the model cannot be asked.",
        ),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Groups shown as text; 0 shows all.", metavar="N")
    ] = 20,
    output: options.FormatOption = "text",
) -> None:
    """Ask a policy every recorded decision again. Exit code 1 if any comes out differently.

    Exit code 2 if a line is damaged, or the model cannot be asked what it holds; the other lines are replayed all
    the same.
    """
    loaded = options.policy_of(model, policy, functions)
    with reading(logs) as lines:
        found = review_replay(loaded, lines, since=start_of(since), via=via or ())
    if output == "json":
        emit_text(orjson.dumps(_shape(found), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _show(found, limit)
    tell_skipped(found.reading)
    if not skip_damaged and (found.reading.damaged or found.reading.unfit):
        raise typer.Exit(UNABLE)
    if found.flips:
        raise typer.Exit(NO)


def _shape(found: Replay) -> dict[str, Any]:
    return {
        "revision": found.revision,
        "replayed": found.reading.asked,
        **counts(found.reading),
        "recorded": [
            {"policy_revision": by.revision, "via": by.via, "decisions": number}
            for by, number in found.recorded.most_common()
        ],
        "flipped": [flip.to_json() for flip in found.flips],
    }


@dataclass(slots=True)
class _Group:
    """Flips that look the same to a reader."""

    first: Flip
    ids: list[str] = field(default_factory=list)
    number: int = 0


def _show(found: Replay, limit: int) -> None:
    console = stdout()
    asked = counted(found.reading.asked, "decision")
    differ = len(found.flips)
    verb = "comes" if differ == 1 else "come"
    say(console, (f"{asked} replayed, {differ or 'none'} {verb} out differently", "bold"))
    others = other_lines(found.reading)
    say(console, (f"policy {found.revision}" + (f"; besides: {others}" if others else ""), "dim"))
    groups = _grouped(found.flips)
    shown = groups[:limit] if limit else groups
    for title, now in (("Allowed now, denied then", True), ("Denied now, allowed then", False)):
        _section(console, title, [group for group in shown if group.first.now is now])
    if len(groups) > len(shown):
        say(console, "")
        say(console, f"and {counted(len(groups) - len(shown), 'more group')}: --limit 0 shows all")
    if found.impossible:
        say(console, "")
        text = f"{found.impossible} of these were recorded under this very policy: the log is not what was written"
        say(console, ("warning: ", "bold yellow"), text)


def _grouped(flips: Iterable[Flip]) -> list[_Group]:
    """What is allowed now first, the largest groups first."""
    groups: dict[tuple[Any, ...], _Group] = {}
    for flip in flips:
        key = (flip.roles, flip.act, flip.obj, flip.now, flip.rule)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Group(flip)
        group.number += 1
        if len(group.ids) < _IDS:
            group.ids.append(flip.decision_id)
    return sorted(groups.values(), key=lambda group: (not group.first.now, -group.number))


def _section(console: Console, title: str, groups: Sequence[_Group]) -> None:
    if not groups:
        return
    say(console, "")
    say(console, (title, "bold"))
    width = max(len(str(group.number)) for group in groups)
    for group in groups:
        flip = group.first
        sign = ("+ ", "green") if flip.now else ("- ", "red")
        who = ", ".join(flip.roles) or "no role"
        say(
            console, "  ", sign, f"{group.number:>{width}} x ", (f"{flip.act} {flip.obj}", "bold"), f"  {who}"
        )
        indent = " " * (width + 7)
        say(console, indent, (_why(flip), "dim"), hang=len(indent))
        more = f" and {group.number - len(group.ids)} more" if group.number > len(group.ids) else ""
        say(console, indent, (f"{', '.join(group.ids)}{more}", "dim"), hang=len(indent))


def _why(flip: Flip) -> str:
    if flip.rule is not None:
        return f"line {flip.rule.line}: {flip.rule.text}"
    if flip.now:
        return "no rule denies it"
    was = f", as line {flip.rule_was} of policy {flip.revision_was} did" if flip.rule_was else ""
    return f"no rule allows it{was}"
