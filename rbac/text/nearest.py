"""The known name that somebody meant who wrote another one: the one place that knows when two words are alike."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from os.path import commonprefix

from rbac.background import in_order, take_apart

_ALIKE = 0.7
_MOST_NAMES = 20_000  # of a policy that somebody writes by hand
_ALL_COMPARED = 20_000_000
_SHORT = 4  # letters; shorter names are alike by chance
# What people write around a name of a role: `@manager`, `[manager]`, `role:manager`, `ROLE_MANAGER`, `manager*`.
_SIGNS = " @#$%&*!?~^=+.,:;|<>()[]{}\"'`"
_AROUND = re.compile(
    r"(?:the|all|any|every|each|only|just|our|alle|jeder|nur)\s+(?P<behind>\S.*)|(?P<before>.*\S)\s+(?:only|roles?)",
    re.IGNORECASE,
)
_ROLE = re.compile(r"(?:role|group)[s]?[:_./-]+(?=.)")

# Letters of other alphabets that are drawn like a Latin one (Unicode's confusables.txt, the everyday ones).
_TWINS = str.maketrans(
    "аеорсухіјѕԁһӏвкмнтгԛԝүзАВЕКМНОРСТУХІЈЅԌΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανιρκτυχγωı",
    "aeopcyxijsdhlbkmhtrqwyzABEKMHOPCTYXIJSGABEZHIKMNOPTYXoavipktuxywi",
)
# Unicode's spaces but the ordinary one, its format characters, and what is drawn as nothing at all.
INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u202a-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def nearest(name: str, known: Iterable[str], least: float = 0.6) -> str:
    """The one of ``known`` that ``name`` was meant to be, ``""`` if none is like it.

    That is the one that is the same but for case and signs around it, else one that is a slip of the pen away, else
    the one that is most alike, if that is at least ``least`` (from 0 to 1).
    """
    return Nearest(set(known) - {name}).meant(name, least)


def most_alike(name: str, known: Iterable[str], least: float) -> str:
    """The one of ``known`` that is most like ``name``, if any is at least ``least`` (from 0 to 1) like it."""
    # Of most names the letters alone say that they are not: every process that starts saves the import of the library.
    likely = [word for word in sorted(known) if _at_most_alike(name, word) >= least]
    return next(iter(ranked(name, likely, 1, least)), "") if likely else ""


def _at_most_alike(one: str, other: str) -> float:
    """How much two words are alike if the letters that they have in common are in the same order: never less than they
    are."""
    letters = len(one) + len(other)
    if not letters:
        return 1.0
    most = 2 * min(len(one), len(other)) / letters
    return most if most < _ALIKE else 2 * (Counter(one) & Counter(other)).total() / letters


def ranked(name: str, known: Collection[str], most: int, least: float = 0.0) -> list[str]:
    """At most so many of ``known``, those first that are most like ``name``, if they are at least ``least`` like it."""
    from rapidfuzz import fuzz, process

    found = process.extract(name, known, scorer=fuzz.ratio, limit=most, score_cutoff=100 * least)
    return [word for word, _, _ in found]


def ratio(one: str, other: str, least: float = 0.0) -> float:
    """How much two words are alike, from 0 to 1, by the letters that they have in common in their order; 0 for what is
    below ``least``."""
    from rapidfuzz import fuzz

    return fuzz.ratio(one, other, score_cutoff=100 * least) / 100


def _bare(name: str) -> str:
    around = _AROUND.fullmatch(name) if " " in name else None
    if around is not None:
        name = around["before"] or around["behind"].removesuffix("s")
    return _ROLE.sub("", skeleton(name).strip(_SIGNS)).strip(_SIGNS)


@dataclass(slots=True)
class Allowance:
    """How many names may be compared letter by letter, so that a document with very many wrong names takes some
    seconds at the most. Counted, not timed: what is told does not depend on the machine."""

    left: int = field(default_factory=lambda: _ALL_COMPARED)


class Nearest:
    """Known names, asked which of them another one was meant to be."""

    def __init__(self, known: Collection[str], allowance: Allowance | None = None) -> None:
        self._known = known
        self._allowance = allowance or Allowance()

    @cached_property
    def _sorted(self) -> list[str]:
        return in_order(self._known)

    @cached_property
    def _without_one(self) -> dict[str, list[str]]:
        """The known names by themselves and by what is left of them without one letter."""
        found: dict[str, list[str]] = {}
        for name in self._sorted if len(self._sorted) <= _MOST_NAMES else ():
            if len(name) >= _SHORT:
                for text in _shortened(name):
                    found.setdefault(text, []).append(name)
        return found

    @cached_property
    def _bare(self) -> dict[str, list[str]]:
        """The known names by what is left of them without case and the signs around them."""
        found: dict[str, list[str]] = {}
        for name in self._sorted:
            found.setdefault(_bare(name), []).append(name)
        return found

    def take_apart(self) -> None:
        """Frees bit by bit what the names are found by, for whoever needs it last."""
        for made in ("_sorted", "_without_one", "_bare"):
            take_apart(vars(self).get(made, {}))

    def meant(self, name: str, least: float = 0.6) -> str:
        """As :func:`nearest`, for a ``name`` that is none of them."""
        return (
            self.but_for_signs(name)
            or self.slip(name)
            or next(iter(ranked(name, self._sorted, 1, least)), "")
        )

    def but_for_signs(self, name: str) -> str:
        """The known name that another one is but for case and what people write around it: ``@manager``."""
        bare = _bare(name)
        return next((other for other in self._bare.get(bare, ()) if bare and other != name), "")

    def slip(self, name: str) -> str:
        """The known name that is one slip of the pen away (a letter too many, too few, wrong or out of place)."""
        if len(name) < _SHORT:
            return ""
        candidates = (other for text in _shortened(name) for other in self._without_one.get(text, ()))
        return next((other for other in candidates if is_slip(name, other)), "")

    def of(self, name: str) -> str:
        """The known name that is most like another, if any is."""
        slip = self.slip(name)
        if self._allowance.left <= 0:
            return slip
        self._allowance.left -= len(self._known)
        near = (word for word in ranked(name, self._sorted, 2, _ALIKE) if word != name)
        return self.but_for_signs(name) or slip or next(near, "")


def is_slip(one: str, other: str) -> bool:
    """Whether two names differ by one slip that is no other name: not in a digit, not in the first letter, and not
    in what only looks alike."""
    if one == other or one[0] != other[0]:
        return False
    start = len(commonprefix((one, other)))  # noqa: RUF071 - of letters: these are no paths
    mine, theirs = one[start:], other[start:]
    changed = mine[:1] + theirs[:1]
    if any(character.isdigit() for character in changed):
        return False
    swapped = mine[:2] == theirs[1::-1] and mine[2:] == theirs[2:]
    slip = swapped or mine[1:] == theirs or mine == theirs[1:] or mine[1:] == theirs[1:]
    return slip and skeleton(one) != skeleton(other)


def _shortened(name: str) -> list[str]:
    """A name, and what is left of it without one letter that may be a slip: a thousand numbered roles are no slips."""
    without = (name[:at] + name[at + 1 :] for at, letter in enumerate(name) if not letter.isdigit())
    return [name, *without]


def skeleton(name: str) -> str:
    """What a name looks like to a hurried reader: without case, accents of width, spaces and foreign twins."""
    plain = unicodedata.normalize("NFKC", INVISIBLE.sub("", name)).translate(_TWINS).casefold()
    return "".join(plain.split())


def foreign_letters(name: str) -> str:
    """The letters of a name that are not Latin, told by their Unicode names."""
    twins = [character for character in name if character.isalpha() and ord(character) in _TWINS]
    told = ", ".join(f"{unicodedata.name(character, '?').title()}" for character in dict.fromkeys(twins))
    return f" (with {told})" if told else ""
