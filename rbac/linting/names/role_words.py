"""Warnings about the names of roles: words that only resemble those of the model, several names in one, negations."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property

from rbac.document.names import SCOPE
from rbac.errors import Problem
from rbac.linting.names.persons import fault_of
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import read_columns
from rbac.model.http_words import WordFault
from rbac.text.nearest import Nearest, is_slip, ratio

_WORLD = """* ** all any anybody anyone anon anonym anonymous everybody everyone everything nobody open public
    unauthenticated unknown visitor world guest alle jeder jedermann öffentlich tous public todos cualquiera tutti
    wszyscy все every1 全員 誰でも だれでも みんな すべて 全て 公開 匿名 所有人 任何人 公开 모두 누구나"""
_MAYBE_ROLES = frozenset(
    ("guest", "visitor", "unknown", "open", "auth")
)  # told only where they are hardly used
_KNOWN = """authenticate authentication authentificated authorised authorized auth authed loggedin logged-in
    logged_in login signedin signed-in signed_in registered verified angemeldet authentifié connecté autenticado autenticato
    認証済み 認証 ログイン ログイン済み 已登录 로그인"""
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
_BUT = re.compile(
    r"(?P<who>\S+)\s+(?:but|except|without|besides|minus|ausser|außer|ohne|sauf|menos|以外)\s+(?:for\s+)?(?P<name>.+)",
    re.IGNORECASE,
)
# What stands between two roles in a word, and is part of many a name as well: told where both sides are known roles.
_JOINED = re.compile(r"\s*(?:[-=]?>|[.:\\,])\s*")
_IN_BRACKETS = re.compile(r"[(\[{](?P<inner>.+)[)\]}]", re.DOTALL)
_PATTERN = re.compile(r"\*|\.\+|\[[^\]]+\]\+|\\[dw]")
_LIKE_A_KIND = re.compile(
    r"(?P<kind>scope|client)(?:s|[_ -]?ids?)?\s*[:=]\s*(?P<name>.*)", re.IGNORECASE | re.DOTALL
)
_LONG = 6  # letters; a shorter word is alike by chance
_BETWEEN = re.compile(r"\s+(?:and|or|und|oder|et|ou|y|o)\s+|\s*[|;/+&,、，・]+\s*|\s+", re.IGNORECASE)
_HARD = re.compile(r"[|;+&,、，・]")


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
        if self._looks(name) and not _IN_BRACKETS.fullmatch(name):
            fault = self._several(name, certain=True)
            found = None if fault is None else ("several-names", fault)
            return found or self._kind(name)
        for code, find in (
            ("several-names", self._of_scopes),
            ("resembles-special-word", self._special),
            ("negated-name", self._negated),
            ("several-names", self._several),
            ("several-names", self._pattern),
        ):
            fault = find(name)
            if fault is not None:
                return code, fault
        return self._kind(name)

    def _kind(self, name: str) -> tuple[str, WordFault] | None:
        """What was meant as a scope or a program, and is none as it is written."""
        found = _LIKE_A_KIND.fullmatch(name) if self._apart else None
        if found is None:
            return None
        meant, kind = found["name"].strip(), found["kind"].lower()
        if name == f"{kind}:{meant}" and meant and not re.search(r"\s", meant):
            return None
        message = f"`{name}` is no {kind} that a token brings"
        what = (
            f"`{kind}:{meant}`" if meant and not re.search(r"\s", meant) else f"`{kind}:` and its whole name"
        )
        return "resembles-special-word", WordFault(
            message, f"write {what}, in these letters and without a space"
        )

    def _of_scopes(self, name: str) -> WordFault | None:
        """Several scopes in one name, as a token has them."""
        first, *others = re.split(r"\s+", name)
        if not first.startswith(SCOPE) or len(first) == len(SCOPE) or not others or not self._apart:
            return None
        parts = [SCOPE + part.removeprefix(SCOPE) for part in (first, *others)]
        each = " and one for ".join(f"`{part}`" for part in parts)
        return WordFault(f"`{name}` is one name, and not {len(parts)} scopes", f"write a line for {each}")

    @cached_property
    def _apart(self) -> bool:
        """Whether a request has a word for the person and one for their role, as a request of a service does."""
        shape = self._reading.document.definition.shape
        return shape.sub is not None and shape.sub != shape.role

    def _pattern(self, name: str) -> WordFault | None:
        """A pattern in the place of a role, where names are compared letter by letter."""
        column = self._reading.relations.role_column
        compared = {pair.how for pair in self._reading.relations.pairs if pair.column == column}
        if (
            not self._apart
            or not _PATTERN.search(name)
            or not compared <= {"equal", "role"}
            or name[0] == "/"
        ):
            return None
        if self._roles.but_for_signs(name) or fault_of(name, self._reading):
            return None  # it is told with the role that is meant, or as a person
        message = f"`{name}` is one name, and no pattern: names are compared letter by letter"
        return WordFault(message, "write a line for each role that is meant")

    @cached_property
    def _roles(self) -> Nearest:
        return Nearest(self._known)

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
                if singular in others or _alike(plain, word) or _slip_of(plain, others):
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
        but = _BUT.fullmatch(name)
        if but is not None and (but["name"] in self._known or but["who"].casefold() in _EVERYONE):
            message = f"`{name}` is one name: no role is left out by what stands behind it"
            return WordFault(
                message, "write a rule for each role that is meant, or a deny for one that is not"
            )
        found = _NOT.fullmatch(name)
        if found is None or not (
            name[0] in "!~¬" or found["name"] in self._uses or found["name"] in self.constants
        ):
            return None
        message = f"`{name}` is one name: no role is left out by what stands in front of it"
        return WordFault(message, "write a rule for each role that is meant, or a deny for one that is not")

    def _several(self, name: str, *, certain: bool = False) -> WordFault | None:
        inner = _IN_BRACKETS.fullmatch(name)
        if inner is not None:
            found = several(inner["inner"], self._known, "roles", certain=certain)
            return (
                None
                if found is None
                else found._replace(message=f"`{name}` is one name, and not several roles")
            )
        joined = [part for part in _JOINED.split(name) if part]
        if len(joined) > 1 and {*joined} <= self._known and len({*joined}) == len(joined):
            each = " and one for ".join(f"`{part}`" for part in joined)
            return WordFault(f"`{name}` is one name, and not {len(joined)} roles", f"write a line for {each}")
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


def _slip_of(name: str, words: Collection[str]) -> bool:
    """Whether a name is one slip of the pen away from one of these words."""
    return len(name) >= _LONG and any(
        len(word) >= _LONG and word[0] == name[0] and is_slip(name, word) for word in words
    )


def _alike(name: str, word: str) -> bool:
    """Whether a name is a slip of the pen of a word. Most differ in their first letters or their length."""
    if name[:2] != word[:2] or abs(len(name) - len(word)) > len(word) // 4:
        return False
    return ratio(name, word, _ALIKE) > 0
