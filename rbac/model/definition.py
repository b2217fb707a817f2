"""A Casbin model file: read by Casbin for its meaning, and here for places and for what Casbin ignores."""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from casbin.config.config import Config
from casbin.effect import get_effector
from casbin.model.model import Model

from rbac.errors import Problem
from rbac.model.comparisons import Relations, read_relations
from rbac.model.conditions import Formula, NoFormulaError, formula_of
from rbac.model.entries import SECTIONS, ModelEntry, ModelFile
from rbac.model.expression import evaluated, parse_matcher
from rbac.model.request_shape import RequestShape

_REQUIRED = ("r", "p", "e", "m")
_ROLE_DEFINITION = re.compile(r"_\s*,\s*_(?:\s*,\s*_)?(?:\s*,\s*\(\s*_(?:\s*,\s*_)*\s*\))?")
_EFFECTS = (
    "`some(where (p.eft == allow))`, `!some(where (p.eft == deny))`, "
    "`some(where (p.eft == allow)) && !some(where (p.eft == deny))`, "
    "`priority(p.eft) || deny` or `subjectPriority(p.eft) || deny`"
)


@dataclass(frozen=True)
class Definition:
    """A parsed model, and what its matcher says, read once.

    The keys are Casbin's (``r``, ``r2``, ``p``, ``g2``, ``e``, ``m``); words are in order.

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

    @cached_property
    def tree(self) -> ast.expr:
        """The matcher ``m``, with what ``eval()`` reads from a rule taken as true."""
        return parse_matcher(self.matcher)

    @cached_property
    def shape(self) -> RequestShape:
        """Which word of the request is who, what and how."""
        return RequestShape.of(self.request_words)

    @cached_property
    def relations(self) -> Relations:
        """What the matcher compares with what."""
        return read_relations(self.tree, self.request_words, self.policy_words)

    @cached_property
    def formula(self) -> Formula:
        """The matcher as a Boolean formula. Raises NoFormulaError, which says what stands in the way."""
        if evaluated(self.matcher):
            raise NoFormulaError("nothing is known of `eval`")
        return formula_of(self.tree, self.request_words, self.policy_words, self.roles)

    def width(self, ptype: str) -> int | None:
        """How many columns a row of this type has, without the type; ``None`` for an undefined type."""
        words = self.policies.get(ptype)
        return self.roles.get(ptype) if words is None else len(words)

    @property
    def widths(self) -> dict[str, int]:
        """How many columns a row of each type has, without the type."""
        return {**{ptype: len(words) for ptype, words in self.policies.items()}, **self.roles}


def read_model(text: str, name: str) -> tuple[Definition | None, tuple[ModelEntry, ...], list[Problem]]:
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
    if not file.problems:
        _check_agreement(file, text, chosen)
    return (_define(chosen) if certain else None), entries, file.problems


def _choose(file: ModelFile) -> dict[str, ModelEntry]:
    """The entries that Casbin uses: of known sections, numbered without a gap. The others are problems."""
    chosen: dict[str, ModelEntry] = {}
    by_section: dict[str, dict[str, ModelEntry]] = {}
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


def _refuse_unused(file: ModelFile, entry: ModelEntry, expected: str) -> None:
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


def _check_sections(file: ModelFile, chosen: Mapping[str, ModelEntry]) -> None:
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


def _check_words(file: ModelFile, entry: ModelEntry) -> None:
    if _refuse_comment(file, entry):
        return
    seen: set[str] = set()
    for word in (piece.strip() for piece in entry.value.split(",")):
        line, column = entry.find(word, last=word in seen)
        if not word.isidentifier():
            file.refuse(
                line,
                column,
                "invalid-word",
                f"`{word}` is no word for a {'request' if entry.key[0] == 'r' else 'rule'}",
                "words are separated by one comma",
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


def _refuse_comment(file: ModelFile, entry: ModelEntry) -> bool:
    """Whether a comment behind the value is what is wrong with it; Casbin takes it for part of the value."""
    mark = re.search(r"[#;]", entry.value)
    if mark is None:
        return False
    file.refuse(
        *entry.find(mark.group()),
        _COMMENT_CODES[entry.key[0]],
        f"the comment behind `{entry.key}` is read as part of its value",
        "put the comment on a line of its own",
    )
    return True


_COMMENT_CODES = {
    "r": "invalid-word",
    "p": "invalid-word",
    "g": "invalid-role-definition",
    "e": "unsupported-effect",
}


def _check_roles(file: ModelFile, entry: ModelEntry) -> None:
    if not _ROLE_DEFINITION.fullmatch(entry.value) and not _refuse_comment(file, entry):
        file.refuse(
            *entry.find(entry.value.split()[0]),
            "invalid-role-definition",
            f"`{entry.value}` does not say how many columns a role link has",
            "write `_, _`, or `_, _, _` for roles in domains",
        )


def _check_effect(file: ModelFile, entry: ModelEntry) -> None:
    try:
        get_effector(_kept("e", entry))
    except RuntimeError:
        if _refuse_comment(file, entry):
            return
        file.refuse(
            *entry.find(entry.value.split()[0]),
            "unsupported-effect",
            f"Casbin does not know the effect `{entry.value}`",
            f"write {_EFFECTS}",
        )


def _check_comment(file: ModelFile, entry: ModelEntry) -> None:
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


def _kept(letter: str, entry: ModelEntry) -> str:
    """The value of an effect or a matcher as Casbin keeps it: dots rewritten, comment removed."""
    model = Model()
    model.add_def(letter, entry.key, entry.value)
    kept: str = model[letter][entry.key].value
    return kept


def _check_agreement(file: ModelFile, text: str, chosen: Mapping[str, ModelEntry]) -> None:
    """Casbin's own parser must find just these entries, with just these values.

    No text is known for which it does not: this is here so that a mistake of ours, or another Casbin, opens no door.
    """
    model = Model()
    try:
        model.load_model_from_text(text)
        parsed = Config.new_config_from_text(text)
    except RuntimeError as error:
        _refuse_difference(file, (0, 0), f"Casbin cannot read this model: {error}")
        return
    found = {
        key: parsed.get(f"{Model.section_name_map[key[0]]}::{key}")
        for _, known in model.items()
        for key in known
    }
    for key in sorted(found.keys() | chosen.keys()):
        entry = chosen.get(key)
        if entry is None:
            _refuse_difference(file, (0, 0), f"Casbin finds a definition of `{key}` here")
        elif found.get(key) != entry.value:
            _refuse_difference(file, entry.start, f"Casbin reads `{key}` differently")


def _refuse_difference(file: ModelFile, place: tuple[int, int], message: str) -> None:
    file.refuse(*place, "differs-from-casbin", message, "write one `key = value` a line, without `\\`")


def _define(chosen: Mapping[str, ModelEntry]) -> Definition:
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


def _of(chosen: Mapping[str, ModelEntry], letter: str) -> Iterable[tuple[str, ModelEntry]]:
    return ((key, entry) for key, entry in chosen.items() if key[0] == letter)


def _words(chosen: Mapping[str, ModelEntry], letter: str) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType(
        {key: tuple(word.strip() for word in entry.value.split(",")) for key, entry in _of(chosen, letter)}
    )
