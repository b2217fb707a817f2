"""How commands speak: answers to stdout, progress and trouble to stderr, colour on a terminal alone."""

import io
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from rich.console import Console
from rich.text import Text

from rbac.errors import PolicyError, Problem
from rbac.revocations.reading import RevocationsError
from rbac.text.visible import visible_json, visible_lines

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

NO: Final = 1
UNABLE: Final = 2

_PATIENCE_S: Final = 1.0
# Where a command looks that is told nothing else.
DEFAULTS: Final = ("model.conf", "policy.csv")
_REVOCATIONS: Final = "revocations.csv"
SEVERITY_STYLE: Final = {"error": "bold red", "warning": "yellow"}


def stdout() -> Console:
    """Where answers go. Made for each command, because the width and the stream are those of the moment."""
    return Console(file=sys.stdout, highlight=False, emoji=False, markup=False, soft_wrap=False)


def stderr() -> Console:
    """Where progress and trouble go."""
    return Console(file=sys.stderr, highlight=False, emoji=False, markup=False)


_names = {"hidden": ""}
"""What stands before the names of files that were laid out for a command: whoever asked knows them without it."""


def name_from(directory: str) -> None:
    """Have files below ``directory`` named from there, in whatever is said from now on."""
    _names["hidden"] = f"{directory}{os.sep}"


def _named(text: str) -> str:
    return text.replace(_names["hidden"], "") if _names["hidden"] else text


def say(
    console: Console, *pieces: str | tuple[str, str], hang: int | None = None, whole: bool = False
) -> None:
    """One line of text: a piece is a string, or a string and its style.

    It is never cut. A terminal gets it wrapped, further lines indented by ``hang``, or by two more than the first; what
    is there to be pasted is left ``whole``. A pipe gets one line.
    """
    line = Text()
    for piece in pieces:
        text, style = piece if isinstance(piece, tuple) else (piece, "")
        line.append(visible_lines(_named(text)), style)
    if whole or not console.is_terminal or line.cell_len <= console.width:
        console.print(line, soft_wrap=True)
    else:
        _print_hanging(console, line, _indent(line) + 2 if hang is None else hang)


def _print_hanging(console: Console, line: Text, hang: int) -> None:
    first = line.wrap(console, console.width)[0]
    console.print(first, soft_wrap=True)
    remaining = line[len(first) :]
    for piece in remaining[_indent(remaining) :].wrap(console, max(console.width - hang, 20)):
        console.print(Text(" " * hang).append_text(piece), soft_wrap=True)


def _indent(line: Text) -> int:
    return len(line) - len(line.plain.lstrip(" "))


def note_all(notes: Iterable[str], console: Console | None = None) -> None:
    """Say what an answer does not hold: beside it on stderr, or in it, where ``console`` is where it went."""
    for note in notes:
        say(console or stderr(), ("note: ", "bold yellow"), note)


def mark(console: Console, sign: str, plain: str) -> str:
    """``sign``, or ``plain`` where the terminal cannot show it."""
    try:
        sign.encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return plain
    return sign


def speak_any_encoding() -> None:
    """Let stdout and stderr spell out what the terminal's encoding has not, instead of failing over it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit_json(value: Any) -> None:
    """``value`` as the one JSON document on stdout, indented, in UTF-8 whatever the locale says."""
    emit_text(visible_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def emit_text(text: str) -> None:
    """``text`` to stdout as it is, in UTF-8."""
    text = _named(text)
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
    else:
        binary.write(text.encode("utf-8", "backslashreplace"))
        binary.flush()


def nearby(file: str) -> str:
    """A file's name from the working directory where it lies below it, else as it is."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def report_trouble(error: BaseException) -> None:
    """Say on stderr why a command could not run: every problem of a refused document, else one sentence."""
    console = stderr()
    problems: Iterable[Problem] = getattr(error, "problems", ()) if not isinstance(error, OSError) else ()
    shown = False
    for problem in problems:
        show_problem(console, problem)
        shown = True
    if isinstance(error, RevocationsError):
        say(console, ("rbac: ", "bold"), "the revocations were refused, and nothing was changed")
    elif isinstance(error, PolicyError):
        say(console, ("rbac: ", "bold"), "the policy was refused; `rbac check` says more")
    elif isinstance(error, OSError):
        name = f"`{error.filename}`: " if error.filename else ""
        say(console, ("rbac: ", "bold"), f"{name}{error.strerror or error}")
        if isinstance(error, FileNotFoundError) and error.filename in DEFAULTS:
            say(
                console,
                "In a folder without a policy, `rbac init` begins one; --model and --policy name one elsewhere.",
            )
        elif isinstance(error, FileNotFoundError) and str(error.filename).endswith(_REVOCATIONS):
            say(
                console,
                "--revocations names the file that the service reads; where it has none yet, an empty one begins it.",
            )
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
        hang=4,
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
    before = visible_lines(source[: max(column - 1, 0)])
    line = visible_lines(source.rstrip("\r\n"))
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


class Bar:
    """A progress bar on stderr, which shows itself when something has taken a second, and on a terminal alone."""

    def __init__(self, label: str, total: int | None) -> None:
        self._console = stderr()
        self._label = label
        self._total = total
        self._done = 0
        self._shown: Progress | None = None
        self._due = time.monotonic() + _PATIENCE_S if self._console.is_terminal else float("inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._shown.stop()

    def advance(self, steps: int = 1) -> None:
        """Say that so many more steps are done."""
        self.update(self._done + steps)

    def update(self, done: int, total: int | None = None) -> None:
        """Say how many steps are done, and of how many, if that has become clear."""
        self._done = done
        self._total = self._total if total is None else total
        if self._shown is None and time.monotonic() >= self._due:
            self._shown = _progress(self._console)
            self._shown.add_task(self._label, total=self._total)
            self._shown.start()
        if self._shown is not None:
            self._shown.update(self._shown.task_ids[0], completed=self._done, total=self._total)


def _progress(console: Console) -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def track(items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
    """``items`` one by one, with a :class:`Bar` that counts them."""
    with Bar(label, total) as bar:
        for item in items:
            yield item
            bar.advance()
