"""The lines of a Casbin model file as entries, each with its place: Casbin's own reader keeps no places."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from casbin.model.model import Model

from rbac.errors import Problem

SECTIONS: Mapping[str, str] = MappingProxyType({name: key for key, name in Model.section_name_map.items()})

_KEY_AND_VALUE = "a line of a model reads `key = value`"
_CONTINUED = f"{_KEY_AND_VALUE}; if it goes on from the line before, end that line with `\\`"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One ``key = value`` of a model file and the physical lines that make it up, each with its number."""

    section: str
    key: str
    value: str
    parts: tuple[tuple[int, str], ...]

    @property
    def line(self) -> int:
        return self.parts[0][0]

    @property
    def start(self) -> tuple[int, int]:
        """Line and column of the key."""
        raw = self.parts[0][1]
        return self.line, 1 + len(raw) - len(raw.lstrip())

    def find(self, needle: str, *, last: bool = False) -> tuple[int, int]:
        """Line and column of the first (or last) ``needle`` in the value as it was written, else of the key."""
        before, after = (
            (r"(?<!\w)" if needle[:1].isalnum() else ""),
            (r"(?!\w)" if needle[-1:].isalnum() else ""),
        )
        places = [
            (line, match.start() + 1)
            for line, text in self.parts
            for match in re.finditer(before + re.escape(needle) + after, text)
            if needle and (line != self.line or match.start() > text.find("="))
        ]
        return places[-1 if last else 0] if places else self.start


class ModelFile:
    """The entries of a model file in file order, and every problem found on the way."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.entries: list[ModelEntry] = []
        self.problems: list[Problem] = []
        self.headers: dict[str, int] = {}
        self._read(text)

    def refuse(self, line: int, column: int, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.name, line, column, code, "error", message, hint))

    def _read(self, text: str) -> None:
        section = ""
        parts: list[tuple[int, str]] = []
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                self._close(section, parts)
            elif line[0] == "[" and line[-1] == "]":
                self._close(section, parts)
                section = self._header(line[1:-1], number, raw)
            else:
                parts.append((number, raw))
                if line[-1] != "\\":
                    self._close(section, parts)
        self._close(section, parts)

    def _header(self, section: str, number: int, raw: str) -> str:
        column = raw.index("[") + 1
        if section not in SECTIONS:
            known = ", ".join(f"`[{name}]`" for name in SECTIONS)
            self.refuse(
                number,
                column,
                "unknown-section",
                f"Casbin ignores the section `[{section}]`",
                f"the sections are {known}",
            )
        elif section in self.headers:
            self.refuse(
                number,
                column,
                "duplicate-section",
                f"the section `[{section}]` is opened a second time (first on line {self.headers[section]})",
                "write each section once",
            )
        self.headers.setdefault(section, number)
        return section

    def _close(self, section: str, parts: list[tuple[int, str]]) -> None:
        if not parts:
            return
        whole = "".join(_joined(raw) for _, raw in parts)
        entry = ModelEntry(section, *_split(whole), tuple(parts))
        parts.clear()
        wrong = partial(self.refuse, *entry.start, "model-syntax")
        if not whole.strip():
            wrong("the `\\` continues a line that does not follow", "delete it")
        elif self._continues(entry):
            before = self.entries[-1]
            wrong(
                f"the line goes on with the matcher `{before.key}`, and the line before does not say so",
                f"end the line with `\\`, as line {before.parts[-1][0]} should",
            )
            self.entries[-1] = replace(
                before, value=f"{before.value} {whole.strip()}", parts=before.parts + entry.parts
            )
        elif "=" not in whole:
            goes_on = self.entries and self.entries[-1].section == section
            wrong(f"`{whole.strip()}` has no `=`", _CONTINUED if goes_on else _KEY_AND_VALUE)
        elif not section:
            wrong(f"`{entry.key}` stands before the first section", "move it under its section")
        else:
            self.entries.append(entry)

    def _continues(self, entry: ModelEntry) -> bool:
        """Whether the line is the rest of a matcher whose line before lacks its ``\\``."""
        if entry.section != "matchers" or not self.entries or self.entries[-1].section != "matchers":
            return False
        return not entry.key.isidentifier() or self.entries[-1].value.endswith(_UNFINISHED)


_UNFINISHED = ("&&", "||", "(", ",", "!")


def _joined(raw: str) -> str:
    line = raw.strip()
    return line[:-1].strip() + " " if line.endswith("\\") else line


def _split(whole: str) -> tuple[str, str]:
    key, _, value = whole.partition("=")
    return key.strip(), value.strip()
