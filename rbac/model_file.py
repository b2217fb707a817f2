"""A Casbin model file: read by Casbin for its meaning, and here for places and for what Casbin ignores."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from casbin.config.config import Config
from casbin.effect import get_effector
from casbin.model.model import Model

from rbac.errors import Problem

SECTIONS: Mapping[str, str] = MappingProxyType({name: key for key, name in Model.section_name_map.items()})
_REQUIRED = ("r", "p", "e", "m")
_ROLE_DEFINITION = re.compile(r"_\s*,\s*_(?:\s*,\s*_)?(?:\s*,\s*\(\s*_(?:\s*,\s*_)*\s*\))?")
_EFFECTS = (
    "`some(where (p.eft == allow))`, `!some(where (p.eft == deny))`, "
    "`some(where (p.eft == allow)) && !some(where (p.eft == deny))`, "
    "`priority(p.eft) || deny` or `subjectPriority(p.eft) || deny`"
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A parsed model. The keys are Casbin's (``r``, ``r2``, ``p``, ``g2``, ``e``, ``m``); words are in order.

    ``effects`` and ``matchers`` are as Casbin keeps them, ``p.eft`` rewritten to ``p_eft``; ``roles`` maps a
    role definition to the width of its rows, ``domains`` are those whose third column is a domain; ``lines``
    maps each key to the line it is defined on.
    """

    requests: Mapping[str, tuple[str, ...]]
    policies: Mapping[str, tuple[str, ...]]
    effects: Mapping[str, str]
    matchers: Mapping[str, str]
    roles: Mapping[str, int]
    domains: frozenset[str]
    lines: Mapping[str, int]

    @property
    def request_words(self) -> tuple[str, ...]:
        """The words of the request, such as ``("sub", "role", "obj", "act")``."""
        return self.requests["r"]

    @property
    def policy_words(self) -> tuple[str, ...]:
        """The words of a ``p`` rule, such as ``("role", "obj", "act", "eft")``."""
        return self.policies["p"]

    @property
    def effect(self) -> str:
        """The effect expression of ``e``, as Casbin keeps it."""
        return self.effects["e"]

    @property
    def matcher(self) -> str:
        """The matcher expression of ``m``, as Casbin keeps it."""
        return self.matchers["m"]

    def width(self, ptype: str) -> int | None:
        """How many columns a row of this type has, without the type; ``None`` for an undefined type."""
        words = self.policies.get(ptype)
        return self.roles.get(ptype) if words is None else len(words)


@dataclass(frozen=True, slots=True)
class Entry:
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
        self.entries: list[Entry] = []
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
        entry = Entry(section, *_split(whole), tuple(parts))
        parts.clear()
        if not whole.strip():
            return
        line, column = entry.start
        if "=" not in whole:
            self.refuse(
                line,
                column,
                "model-syntax",
                f"`{whole.strip()}` has no `=`",
                "a line of a model reads `key = value`",
            )
            return
        if not section:
            self.refuse(
                line,
                column,
                "model-syntax",
                f"`{entry.key}` stands before the first section",
                "move it under its section",
            )
            return
        self.entries.append(entry)


def _joined(raw: str) -> str:
    line = raw.strip()
    return line[:-1].strip() + " " if line.endswith("\\") else line


def _split(whole: str) -> tuple[str, str]:
    key, _, value = whole.partition("=")
    return key.strip(), value.strip()


def read_model(text: str, name: str) -> tuple[Definition | None, tuple[Entry, ...], list[Problem]]:
    """The definition in ``text``, its entries, and every problem.

    Where there are problems the definition is only good for finding more of them, and there is none where the words of
    requests and rules, or the columns of role links, are not certain.
    """
    file = ModelFile(text, name)
    chosen = _choose(file)
    _check_sections(file, chosen)
    certain = "r" in chosen and "p" in chosen
    for key, entry in chosen.items():
        before = len(file.problems)
        _CHECKS[key[0]](file, entry)
        certain = certain and (key[0] in "em" or len(file.problems) == before)
    entries = tuple(chosen.values())
    if not file.problems and not _agrees(text, chosen):
        file.refuse(
            0,
            0,
            "differs-from-casbin",
            "Casbin reads this model differently",
            "write one `key = value` a line",
        )
    return (_define(chosen) if certain else None), entries, file.problems


def _choose(file: ModelFile) -> dict[str, Entry]:
    """The entries that Casbin uses: of known sections, numbered without a gap. The others are problems."""
    chosen: dict[str, Entry] = {}
    by_section: dict[str, dict[str, Entry]] = {}
    for entry in file.entries:
        if entry.section not in SECTIONS:
            continue
        known = by_section.setdefault(entry.section, {})
        if entry.key in known:
            file.refuse(
                *entry.start,
                "duplicate-key",
                f"`{entry.key}` is defined a second time (first on line {known[entry.key].line})",
                "keep one of the two: Casbin would use the last one alone",
            )
        known.setdefault(entry.key, entry)
    for section, known in by_section.items():
        letter = SECTIONS[section]
        key, number = letter, 1
        while key in known and known[key].value:
            chosen[key] = known.pop(key)
            number += 1
            key = f"{letter}{number}"
        for entry in known.values():
            _refuse_unused(file, entry, key)
    return chosen


def _refuse_unused(file: ModelFile, entry: Entry, expected: str) -> None:
    line, column = entry.start
    if not entry.value:
        file.refuse(
            line,
            column,
            "model-syntax",
            f"`{entry.key}` has no value",
            f"write what `{entry.key}` is behind the `=`",
        )
        return
    file.refuse(
        line,
        column,
        "unknown-key",
        f"Casbin ignores `{entry.key}` in the section `[{entry.section}]`",
        f"the next name that Casbin reads here is `{expected}`",
    )


def _check_sections(file: ModelFile, chosen: Mapping[str, Entry]) -> None:
    seen = {(entry.section, entry.key) for entry in file.entries}
    for section, letter in SECTIONS.items():
        if letter in chosen or (section, letter) in seen:
            continue
        if letter in _REQUIRED or section in file.headers:
            line = file.headers.get(section, 0)
            file.refuse(
                line,
                1 if line else 0,
                "missing-definition",
                f"the model does not define `{letter}` in the section `[{section}]`",
                f"add the section `[{section}]` with a line `{letter} = …`"
                if not line
                else f"add a line `{letter} = …` below",
            )


def _check_words(file: ModelFile, entry: Entry) -> None:
    seen: set[str] = set()
    for word in (piece.strip() for piece in entry.value.split(",")):
        line, column = entry.find(word, last=word in seen)
        if not word.isidentifier():
            hint = (
                "a comment needs a line of its own"
                if "#" in entry.value or ";" in entry.value
                else "words are separated by one comma"
            )
            file.refuse(
                line,
                column,
                "invalid-word",
                f"`{word}` is no word for a {'request' if entry.key[0] == 'r' else 'rule'}",
                hint,
            )
        elif word in seen:
            file.refuse(
                line,
                column,
                "invalid-word",
                f"the word `{word}` is named twice",
                "give each column its own name",
            )
        seen.add(word)


def _check_roles(file: ModelFile, entry: Entry) -> None:
    if not _ROLE_DEFINITION.fullmatch(entry.value):
        file.refuse(
            *entry.find(entry.value.split()[0]),
            "invalid-role-definition",
            f"`{entry.value}` does not say how many columns a role link has",
            "write `_, _`, or `_, _, _` for roles in domains",
        )


def _check_effect(file: ModelFile, entry: Entry) -> None:
    try:
        get_effector(_kept("e", entry))
    except RuntimeError:
        file.refuse(
            *entry.find(entry.value.split()[0]),
            "unsupported-effect",
            f"Casbin does not know the effect `{entry.value}`",
            f"write {_EFFECTS}",
        )


def _check_comment(file: ModelFile, entry: Entry) -> None:
    """Casbin joins a matcher's lines, then cuts it at its first ``#``: what follows is lost."""
    for line, text in entry.parts[:-1]:
        if "#" in text:
            file.refuse(
                line,
                text.index("#") + 1,
                "comment-cuts-matcher",
                f"the `#` cuts off the rest of the matcher `{entry.key}`, its next lines included",
                "put the comment on a line of its own above the matcher",
            )
            return


_CHECKS = {"r": _check_words, "p": _check_words, "g": _check_roles, "e": _check_effect, "m": _check_comment}


def _kept(letter: str, entry: Entry) -> str:
    """The value of an effect or a matcher as Casbin keeps it: dots rewritten, comment removed."""
    model = Model()
    model.add_def(letter, entry.key, entry.value)
    kept: str = model[letter][entry.key].value
    return kept


def _agrees(text: str, chosen: Mapping[str, Entry]) -> bool:
    """Whether Casbin's own parser finds just these entries, with just these values."""
    model = Model()
    try:
        model.load_model_from_text(text)
        parsed = Config.new_config_from_text(text)
    except RuntimeError:
        return False
    found = {
        key: parsed.get(f"{Model.section_name_map[key[0]]}::{key}")
        for _, known in model.items()
        for key in known
    }
    return bool(found == {key: entry.value for key, entry in chosen.items()})


def _define(chosen: Mapping[str, Entry]) -> Definition:
    return Definition(
        requests=_words(chosen, "r"),
        policies=_words(chosen, "p"),
        effects=MappingProxyType({key: _kept("e", entry) for key, entry in _of(chosen, "e")}),
        matchers=MappingProxyType({key: _kept("m", entry) for key, entry in _of(chosen, "m")}),
        roles=MappingProxyType({key: entry.value.count("_") for key, entry in _of(chosen, "g")}),
        domains=frozenset(
            key for key, entry in _of(chosen, "g") if entry.value.partition("(")[0].count("_") > 2
        ),
        lines=MappingProxyType({key: entry.line for key, entry in chosen.items()}),
    )


def _of(chosen: Mapping[str, Entry], letter: str) -> Iterable[tuple[str, Entry]]:
    return ((key, entry) for key, entry in chosen.items() if key[0] == letter)


def _words(chosen: Mapping[str, Entry], letter: str) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType(
        {key: tuple(word.strip() for word in entry.value.split(",")) for key, entry in _of(chosen, letter)}
    )
