"""What the commands that read decision logs share: the logs, which lines of them, and an account of every line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from rbac.cli.output import Bar, say, stderr
from rbac.decision_log.ask_again import LineCounts
from rbac.decision_log.lines import STDIN, DecisionLines, utc
from rbac.revocations.row import EXAMPLE_TIME
from rbac.text.wording import counted

_NAMED: Final = 10  # lines that are shown one by one
_MIB: Final = 1 << 20


class ViaChoice(StrEnum):
    """How a question reached the service."""

    HTTP = "http"
    AUTHZEN = "authzen"
    FORWARD_AUTH = "forward-auth"


LogsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="LOG...",
        help="Decision logs in order, plain or gzip; - is standard input.",
        show_default=False,
    ),
]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="2026-01-01 (UTC), or a time with its zone: 2026-01-01T09:00:00+09:00.",
        show_default=False,
    ),
]
ViaOption = Annotated[
    list[ViaChoice] | None,
    typer.Option(
        "--via",
        metavar="WAY",
        help="Only questions that came this way: http, authzen or forward-auth; several times for several. "
        "authzen and forward-auth may have been asked of policies of their own (PDP_POLICY, FORWARD_AUTH_POLICY).",
        show_default=False,
    ),
]


def start_of(since: str) -> str:
    """``--since`` as the log writes times, "" when not given; a text that is no time is bad usage."""
    if not since:
        return ""
    try:
        return utc(since)
    except (ValueError, OverflowError):
        message = f"{since!r} is no time; write one like {EXAMPLE_TIME}, or its day alone"
        raise typer.BadParameter(message, param_hint="--since") from None


@contextmanager
def reading(logs: Sequence[str]) -> Iterator[DecisionLines]:
    """The lines of ``logs``, with a bar that counts MiB. Raises ``OSError``, before anything is read, for a log that is
    not there."""
    total: int | None = None
    if STDIN not in logs:
        total = sum(Path(log).stat().st_size for log in logs) // _MIB
    with Bar("MiB of decisions", total) as bar:
        yield DecisionLines(logs, lambda done: bar.update(done // _MIB))


def counts(found: LineCounts) -> dict[str, Any]:
    """The account of the lines, for programs. ``damaged`` counts through all logs, as if they were one file."""
    return {
        "damaged": [damage.number for damage in found.damaged],
        "damaged_lines": [
            {"file": damage.file, "line": damage.line, "why": damage.why} for damage in found.damaged
        ],
        "not_asked": [
            {
                "file": one.file,
                "line": one.line,
                "decision_id": one.decision_id,
                "why": one.why,
                "altered": one.altered,
            }
            for one in found.not_asked
        ],
        "left_out": found.left_out,
        "rejections": found.rejections,
        "lost": found.lost,
    }


def tell_skipped(found: LineCounts) -> None:
    """Say on stderr which lines had no part in the answer, so that none is missing without a word."""
    _tell_places(
        "damaged",
        [(damage.file, damage.line, damage.why) for damage in found.damaged],
        "--format json names all",
    )
    unfit = [(one.file, one.line, f"decision {one.decision_id}: {one.why}") for one in found.unfit]
    _tell_places("that this model cannot be asked", unfit, "of another model? --via tells them apart")
    altered = len(found.not_asked) - len(unfit)
    console = stderr()
    if altered:
        say(console, ("note: ", "bold"), f"{counted(altered, 'decision')} not asked again: recorded altered")
    if not found.asked:
        say(
            console,
            ("warning: ", "yellow"),
            "the logs hold not one decision, so this says nothing of the policy",
        )
    if found.lost:
        say(
            console,
            ("warning: ", "yellow"),
            f"{counted(found.lost, 'record')} missing, as the log itself says",
        )


def _tell_places(what: str, places: Sequence[tuple[str, int, str]], hint: str) -> None:
    if not places:
        return
    console = stderr()
    say(console, ("warning: ", "yellow"), f"{counted(len(places), 'line')} {what} ({hint})")
    for file, line, why in places[:_NAMED]:
        name = "<stdin>" if file == STDIN else file
        say(console, f"  {name}:{line}: {why}")
    if len(places) > _NAMED:
        say(console, f"  and {len(places) - _NAMED} more")


def other_lines(found: LineCounts) -> str:
    """The lines that are no decisions, and those left out, in a few words; "" for none."""
    parts = [
        (found.rejections, counted(found.rejections, "rejection")),
        (found.left_out, f"{counted(found.left_out, 'decision')} left out by --since or --via"),
    ]
    return ", ".join(text for number, text in parts if number)
