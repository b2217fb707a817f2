"""Warnings about the names of roles: words that only resemble those of the model, several names in one, negations."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import read_columns
from rbac.model.http_words import WordFault
from rbac.text.nearest import ratio

_WORLD = """* ** all any anybody anyone anon anonym anonymous everybody everyone everything nobody open public
    unauthenticated unknown visitor world guest alle jeder jedermann öffentlich tous public todos cualquiera tutti
    wszyscy все 全員 誰でも だれでも みんな すべて 全て 公開 匿名 所有人 任何人 公开 모두 누구나"""
_MAYBE_ROLES = frozenset(
    ("guest", "visitor", "unknown", "open", "auth")
)  # told only where they are hardly used
_KNOWN = """authenticate authentication authentificated authorised authorized auth authed loggedin logged-in
    logged_in login signedin signed-in signed_in registered verified angemeldet authentifié connecté autenticado autenticato
    認証済み 認証 ログイン 已登录 로그인"""
_PARTS = re.compile(r"(?<=\w)[\s_-]+(?=\w)")
_EVERYONE, _AUTHENTICATED = (
    frozenset(_WORLD.split()),
    frozenset(_PARTS.sub("", word) for word in _KNOWN.split()),
)
_ALIKE = 0.88
_USED = 3  # a word that as many rules name is a role of this policy
_NOT = re.compile(
    r"(?:[!~^¬-]+\s*|(?:not|no|non|except|without|nicht|ausser|außer|sauf)[\s_:-]+)(?P<name>.+)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s+(?:and|or|und|oder|et|ou|y|o)\s+|\s*[|;/+&、，・]+\s*|\s+", re.IGNORECASE)
_HARD = re.compile(r"[|;+&、，・]")


def check_role_words(reading: Reading) -> Iterator[Problem]:
    """A problem for each place where such a name stands."""
    words = _RoleWords(reading)
    told: dict[str, tuple[str, WordFault] | None] = {}
    for line, column, name, linked in words.named():
        if linked and name in words.constants:
            yield reading.in_rule(line, column, "special-word-in-link", *words.in_link(name, column))
            continue
        if name not in told:
            told[name] = words.fault(name)
        found = told[name]
        if found is not None:
            yield reading.in_rule(line, column, found[0], *found[1])


class _RoleWords:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._looks = re.compile(reading.subjects, re.DOTALL).fullmatch
        self.constants = frozenset(reading.relations.constants)

    def named(self) -> Iterator[tuple[int, int, str, bool]]:
        """Every name of a role or a subject: line, column, name, and whether in a link."""
        return self._reading.names()

    @cached_property
    def _uses(self) -> Counter[str]:
        return Counter(name for _, _, name, _ in self.named())

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset({*self._uses, *self.constants})

    @cached_property
    def _classes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words of the model for everybody, and for whoever is somebody."""
        column = self._reading.relations.role_column
        if column is None:
            return (), ()
        read = read_columns(self._reading)[column]
        return tuple(read.always), tuple(read.often)

    def in_link(self, word: str, column: int) -> WordFault:
        """What a link with one of the model's own words in it does not do."""
        if column == 0:
            message = f"`{word}` is a word of the model and not a role: a link gives it nothing"
            return WordFault(message, f"write the rules that are meant with `{word}` in the role's place")
        message = f"`{word}` is a word of the model and not a role: nobody gains anything by this link"
        return WordFault(message, f"delete the link: the rules for `{word}` hold without one")

    def fault(self, name: str) -> tuple[str, WordFault] | None:
        if not name or name in self.constants:
            return None
        if self._looks(name):
            fault = self._several(name, certain=True)
            return None if fault is None else ("several-names", fault)
        for code, find in (
            ("resembles-special-word", self._special),
            ("negated-name", self._negated),
            ("several-names", self._several),
        ):
            fault = find(name)
            if fault is not None:
                return code, fault
        return None

    def _special(self, name: str) -> WordFault | None:
        everyone, authenticated = self._classes
        plain = (name if name.isascii() else unicodedata.normalize("NFKC", name)).strip().casefold()
        plain = _PARTS.sub("", plain)
        singular = plain.removesuffix("s") if plain.removesuffix("s") in _MAYBE_ROLES else plain
        if singular in _MAYBE_ROLES and self._uses[name] >= _USED:
            return None
        for words, others, who in (
            (everyone, _EVERYONE, "everybody, also without a token"),
            (authenticated, _AUTHENTICATED, "everybody who has a token"),
        ):
            for word in words:
                if singular in others or _alike(plain, word):
                    message = f"`{name}` is a role like any other here, and no word of the model"
                    return WordFault(message, f"did you mean `{word}`, which is {who}?")
        return self._gone(name) if everyone or authenticated else None

    def _gone(self, name: str) -> WordFault | None:
        """A word of the shipped model in a model that has the other of the two alone."""
        word = f"p.{self._reading.document.definition.policy_words[self._reading.relations.role_column or 0]}"
        compared = {
            "everyone": f'`{word} == "everyone" || …`',
            "authenticated": f'`({word} == "authenticated" && r.sub != "") || …`',
        }.get(name)
        if compared is None or name in self._reading.links:
            return None
        message = f"`{name}` is a role like any other here: the matcher does not know the word"
        return WordFault(message, f"let the matcher compare it, as in {compared}, or write a role")

    def _negated(self, name: str) -> WordFault | None:
        found = _NOT.fullmatch(name)
        if found is None or not (
            name[0] in "!~¬" or found["name"] in self._uses or found["name"] in self.constants
        ):
            return None
        message = f"`{name}` is one name: no role is left out by what stands in front of it"
        return WordFault(message, "write a rule for each role that is meant, or a deny for one that is not")

    def _several(self, name: str, *, certain: bool = False) -> WordFault | None:
        return several(name, self._known, "roles", certain=certain)


def several(
    name: str, known: Collection[str], what: str = "domains", *, certain: bool = True
) -> WordFault | None:
    """What is wrong with a name that is several ``known`` ones; without ``certain`` one known part is enough where a
    sign stands between that no name has."""
    parts = [part for part in _BETWEEN.split(name) if part]
    of_these = [part for part in parts if part in known]
    if len(parts) < 2 or not (
        len(of_these) == len(parts) or (of_these and not certain and _HARD.search(name))
    ):
        return None
    each = " and one for ".join(f"`{part}`" for part in parts)
    return WordFault(f"`{name}` is one name, and not {len(parts)} {what}", f"write a line for {each}")


def _alike(name: str, word: str) -> bool:
    """Whether a name is a slip of the pen of a word. Most differ in their first letters or their length."""
    if name[:2] != word[:2] or abs(len(name) - len(word)) > len(word) // 4:
        return False
    return ratio(name, word, _ALIKE) > 0
