"""Documentation as it can be run: the console blocks of a page, the edits between them, and what they show.

A page holds, in the order in which its reader follows them:

- ```` ```console ```` blocks: `$ command` and what it shows. ``exit=1`` behind ``console`` is the code with which every
  command of the block ends, else 0. One line `…` stands for lines left out.
- ```` ```sh ```` blocks: commands, one a line, that end with 0; what they show is not written down.
- ```` ```diff ```` blocks below ``<!-- edit: FILE -->``: lines of the file that are taken away (`-`), stay (` `) and
  come (`+`).
- a block of any language below ``<!-- append: FILE -->`` or ``<!-- file: FILE -->``: the end of a file, or all of it.

``python -m tests.support.transcript PAGE…`` runs pages in a clone and writes into them what the commands show today.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.clone import cloned
from tests.support.service import clean_environment

ELLIPSIS: Final = "…"
_BLOCK: Final = re.compile(
    r"(?:<!-- (?P<kind>edit|append|file): (?P<file>\S+) -->\n+)?"
    r"^```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SECONDS: Final = 120


class TranscriptError(Exception):
    """A page that cannot be followed as it is written."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page, what the page shows below it, and the code with which it should end.

    ``shown`` is ``None`` where the page does not say.
    """

    line: int
    text: str
    shown: tuple[str, ...] | None
    code: int


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to a file that the page asks its reader to make."""

    line: int
    kind: str  # edit, append or file
    file: str
    body: str

    def apply(self, directory: Path) -> None:
        """Makes the change below ``directory``; raises :class:`TranscriptError` if there is nothing to change."""
        path = directory / self.file
        if self.kind == "edit":
            content, (old, new) = path.read_text(encoding="utf-8"), _sides(self.body)
            if content.count(old) != 1:
                raise TranscriptError(
                    f"line {self.line}: {self.file} holds this {content.count(old)} times:\n{old}"
                )
            path.write_text(content.replace(old, new), encoding="utf-8")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if self.kind == "append" else "x", encoding="utf-8") as file:
            file.write(self.body)


@dataclass(frozen=True, slots=True)
class Ending:
    """What a command showed, as a terminal of 80 columns would, and the code with which it ended."""

    shown: tuple[str, ...]
    code: int


def steps(page: str) -> Iterator[Command | Edit]:
    """What a page has its reader do, in order."""
    for block in _BLOCK.finditer(page):
        line = page.count("\n", 0, block.start("language")) + 1
        if block["kind"]:
            yield Edit(line, block["kind"], block["file"], block["body"])
        elif block["language"] == "sh":
            for number, text in enumerate(block["body"].splitlines(), start=line + 1):
                yield Command(number, text, None, 0)
        elif block["language"] == "console":
            yield from _commands(block["body"], line, _code(block["info"], line))


def run(command: Command, directory: Path) -> Ending:
    """Runs one command in ``directory`` with the clone's tools on the path."""
    environment = clean_environment(COLUMNS="80", NO_COLOR="1", PAGER="cat", LC_ALL="C.UTF-8")
    environment["PATH"] = f"{directory / '.venv/bin'}{os.pathsep}{environment['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", command.text],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    lines = tuple(line.rstrip() for line in ended.stdout.rstrip().split("\n"))
    return Ending(() if lines == ("",) else lines, ended.returncode)


def shows(written: Sequence[str], shown: Sequence[str]) -> bool:
    """Whether a page says what a command showed: all of it, or both ends of what it leaves out."""
    return tuple(written) == _shortened(shown, written)


def rewritten(page: str, directory: Path, run: Callable[[Command, Path], Ending] = run) -> str:
    """``page`` with what its commands show today, run in ``directory``; raises TranscriptError for another code."""
    lines, moved = page.split("\n"), 0
    for step in steps(page):
        if isinstance(step, Edit):
            step.apply(directory)
            continue
        ending = run(step, directory)
        if ending.code != step.code:
            raise TranscriptError(
                f"line {step.line}: {step.text}: ended with {ending.code}\n" + "\n".join(ending.shown)
            )
        if step.shown is None:
            continue
        now = _shortened(ending.shown, step.shown)
        start = step.line + moved
        lines[start : start + len(step.shown)] = now
        moved += len(now) - len(step.shown)
    return "\n".join(lines)


def _commands(body: str, line: int, code: int) -> Iterator[Command]:
    text, shown, at = "", [], line
    for number, written in enumerate(body.splitlines(), start=line + 1):
        if not written.startswith("$ "):
            shown.append(written)
            continue
        if text:
            yield Command(at, text, _trimmed(shown), code)
        text, shown, at = written.removeprefix("$ "), [], number
    if not text:
        raise TranscriptError(f"line {line}: a console block without a command")
    yield Command(at, text, _trimmed(shown), code)


def _trimmed(shown: Sequence[str]) -> tuple[str, ...]:
    """Without the empty lines that part one command from the next."""
    return tuple("\n".join(shown).rstrip("\n").split("\n")) if any(shown) else ()


def _code(info: str, line: int) -> int:
    if not info.strip():
        return 0
    if not (found := re.fullmatch(r" exit=(\d+)", info)):
        raise TranscriptError(f"line {line}: `{info.strip()}` says nothing about a console block")
    return int(found[1])


def _sides(body: str) -> tuple[str, str]:
    lines = body.splitlines(keepends=True)
    return "".join(line[1:] for line in lines if line[0] in " -"), "".join(
        line[1:] for line in lines if line[0] in " +"
    )


def _shortened(shown: Sequence[str], like: Sequence[str]) -> tuple[str, ...]:
    """``shown`` with as many lines at its ends as ``like`` has on either side of its `…`."""
    if ELLIPSIS not in like:
        return tuple(shown)
    head = list(like).index(ELLIPSIS)
    tail = len(like) - head - 1
    if len(shown) <= head + tail:
        return tuple(shown)
    return (*shown[:head], ELLIPSIS, *shown[len(shown) - tail :])


def main(pages: Sequence[str]) -> None:
    """Writes into each page what its commands show today."""
    for name in pages:
        path = Path(name)
        with tempfile.TemporaryDirectory() as directory:
            page = rewritten(path.read_text(encoding="utf-8"), cloned(Path(directory)))
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
