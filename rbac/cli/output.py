"""How commands speak: answers to stdout, progress and trouble to stderr, colour on a terminal alone."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from rbac.errors import PolicyError, Problem

Item = TypeVar("Item")

YES: Final = 0
NO: Final = 1
UNABLE: Final = 2

SEVERITY_STYLE: Final = {"error": "bold red", "warning": "yellow"}

# C0, DEL and C1: what a policy or a log file could use to paint over a terminal, and line separators besides.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
    0x202E: "\\u202e",
}


def printable(text: str) -> str:
    """``text`` with control characters spelled out, so that what a file says cannot steer a terminal."""
    return text.translate(_CONTROLS)


def stdout() -> Console:
    """Where answers go. Made for each command, because the width and the stream are those of the moment."""
    return Console(file=sys.stdout, highlight=False, emoji=False, markup=False, soft_wrap=False)


def stderr() -> Console:
    """Where progress and trouble go."""
    return Console(file=sys.stderr, highlight=False, emoji=False, markup=False)


def say(console: Console, *pieces: str | tuple[str, str]) -> None:
    """One line of text, never wrapped or cut: a piece is a string, or a string and its style."""
    line = Text()
    for piece in pieces:
        text, style = piece if isinstance(piece, tuple) else (piece, "")
        line.append(printable(text), style)
    console.print(line, soft_wrap=True)


def emit_json(value: Any) -> None:
    """``value`` as the one JSON document on stdout, indented, in UTF-8 whatever the locale says."""
    emit_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def emit_text(text: str) -> None:
    """``text`` to stdout as it is, in UTF-8."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
    else:
        binary.write(text.encode("utf-8", "backslashreplace"))
        binary.flush()


def counted(number: int, name: str) -> str:
    """``1 rule``, ``2 rules``."""
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def report_trouble(error: BaseException) -> None:
    """Say on stderr why a command could not run: every problem of a refused document, else one sentence."""
    console = stderr()
    problems: Iterable[Problem] = getattr(error, "problems", ()) if not isinstance(error, OSError) else ()
    shown = False
    for problem in problems:
        show_problem(console, problem)
        shown = True
    if isinstance(error, PolicyError):
        say(console, ("rbac: ", "bold"), "the policy was refused; `rbac check` says more")
    elif isinstance(error, OSError):
        name = f"`{error.filename}`: " if error.filename else ""
        say(console, ("rbac: ", "bold"), f"{name}{error.strerror or error}")
    elif not shown:
        say(console, ("rbac: ", "bold"), str(error))


def show_problem(console: Console, problem: Problem, source: str | None = None) -> None:
    """A problem with its place, code and hint, and, given its ``source``, the line with a caret below it."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    style = SEVERITY_STYLE[problem.severity]
    say(
        console,
        (place, "bold"),
        ": ",
        (problem.severity, style),
        f": {problem.message} ",
        (f"[{problem.code}]", "dim"),
    )
    if source is not None and problem.line:
        gutter = f"{problem.line:>6} | "
        shown, caret = _excerpt(source, problem.column, max(console.width - len(gutter), 20))
        say(console, (gutter, "dim"), shown)
        say(console, (" " * (len(gutter) - 2) + "| ", "dim"), (" " * caret + "^", style))
    if problem.hint:
        say(console, ("  = ", "dim"), ("hint: ", "bold"), problem.hint)


def _excerpt(source: str, column: int, width: int) -> tuple[str, int]:
    """At most ``width`` characters of a line around a column that counts from 1, and where the caret goes."""
    before = printable(source[: max(column - 1, 0)])
    line = printable(source.rstrip("\r\n"))
    caret = len(before)
    if len(line) <= width:
        return line, caret
    start = max(0, min(caret - width // 2, len(line) - width))
    piece = line[start : start + width]
    if start:
        piece = "…" + piece[1:]
    if start + width < len(line):
        piece = piece[:-1] + "…"
    return piece, caret - start


def source_lines(path: Path) -> list[str]:
    """The lines of a text file for excerpts, whatever bytes it holds; empty when it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", "backslashreplace").removeprefix("\ufeff").split("\n")
    except OSError:
        return []


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Progress]:
    """A bar on stderr while something takes long; silent when stderr is no terminal.

    ``bar.update(bar.task_ids[0], completed=n)`` moves it; :func:`track` does so for a sequence.
    """
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        bar.add_task(label, total=total)
        yield bar


def track(items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
    """``items`` one by one, with :func:`progress` showing how many are done."""
    with progress(label, total) as bar:
        for item in items:
            yield item
            bar.advance(bar.task_ids[0])
