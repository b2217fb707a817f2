"""The rows that a Casbin adapter loads, as the lines of a document: none dropped, and none read otherwise than it is."""

import traceback
from collections.abc import Iterable, Sequence
from operator import is_
from typing import Any, Final

from casbin.model.assertion import Assertion
from casbin.model.model import Model
from casbin.persist.adapter import load_policy_line

from rbac.background import paced
from rbac.document.document import check_bytes
from rbac.document.rows import Refusal, split_line
from rbac.errors import FirstProblems, PolicyError, Problem
from rbac.text.source import BOM

Row = tuple[Any, Sequence[Any]]

_MEND: Final = "correct the row where it is stored"


class _Rows(list[Any]):
    """The rows of one type, which are noted among those of all types, too."""

    def __init__(self, ptype: str, noted: list[Row]) -> None:
        super().__init__()
        self._ptype, self._noted = ptype, noted

    def append(self, row: Any) -> None:
        self._noted.append((self._ptype, row))
        super().append(row)

    def extend(self, rows: Iterable[Any]) -> None:
        for row in rows:
            self.append(row)


class _Named(dict[str, Any]):
    """Sections of a model, or the types of one: any that is asked for is there. Casbin drops the rows of others."""

    def __getitem__(self, name: str) -> Any:
        if not super().__contains__(name):
            self[name] = self.made(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def get(self, name: str, _default: Any = None) -> Any:
        return self[name]

    def keys(self) -> Any:
        return _Keys(self)

    def made(self, name: str) -> Any:
        raise NotImplementedError


class _Keys(list[str]):
    """The names that there are, and whichever one asks for."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


class _Types(_Named):
    def __init__(self, noted: list[Row]) -> None:
        super().__init__()
        self._noted = noted

    def made(self, name: str) -> Assertion:
        assertion = Assertion()
        assertion.policy = _Rows(name, self._noted)
        return assertion


class _Sections(_Named):
    def __init__(self, noted: list[Row]) -> None:
        super().__init__()
        self._noted = noted

    def made(self, _name: str) -> _Types:
        return _Types(self._noted)


class AdapterReading:
    """One load: ``model`` is what the adapter loads into, which takes rows of any type and keeps their order."""

    def __init__(self) -> None:
        self._noted: list[Row] = []
        self.model = Model()
        self.model.model = _Sections(self._noted)

    def rows(self) -> list[Row]:
        """Every row with its type, in the order in which they came; last those of a type whose list the adapter changed in
        other ways than by adding to it."""
        noted: dict[str, list[Any]] = {}
        for ptype, row in self._noted:
            noted.setdefault(ptype, []).append(row)
        others: dict[str, list[Any]] = {}
        for types in self.model.model.values():
            for ptype, assertion in types.items():
                known, held = noted.get(ptype, []), list(assertion.policy)
                if len(known) != len(held) or not all(map(is_, known, held)):
                    others[ptype] = held
        kept = [(ptype, row) for ptype, row in self._noted if ptype not in others]
        return [*kept, *((ptype, row) for ptype, rows in others.items() for row in rows)]

    def failed(self, error: Exception, name: str) -> Problem:
        """What to say of an adapter that raised ``error``: of the row, where Casbin could not read one."""
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code is load_policy_line.__code__:
                line = " ".join(frame.f_locals["line"].split())
                message = f"`{line}` cannot be read as a row, and no row behind it was read"
                hint = f"{_MEND}: it needs a type, and a closing bracket needs an opening one"
                return Problem(name, len(self._noted) + 1, 0, "unreadable", "error", message, hint)
        message = f"cannot be read: the adapter failed with {type(error).__name__}"
        return Problem(name, 0, 0, "unreadable", "error", message, "look into the log, which says why")


def as_lines(rows: Sequence[Row], model: bytes, name: str) -> bytes:
    """The rows as lines that are read as just these rows.

    Raises :class:`PolicyError` where there is a row that no line can hold, with all that is wrong with the others.
    """
    lines = []
    problems = FirstProblems(name)
    for number, (ptype, row) in enumerate(paced(rows), 1):
        words = (ptype, *row)
        fault = _fault(words)
        if fault:
            problems.add(Problem(name, number, 0, "unwritable-row", "error", fault, _MEND))
            lines.append("#")
        else:
            lines.append(", ".join(words))
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    told = problems.told()
    if told:
        _, others = check_bytes(model, text, policy_name=name)
        # What the model's own problems are is told once every row can be read; functions of one's own are not known here.
        raise PolicyError([*told, *(problem for problem in others if problem.file == name)])
    return text


def _fault(words: Sequence[Any]) -> str:
    """Why no line is read as these words, "" if one is. What a line would be refused for is left to its reading."""
    for place, word in enumerate(words):
        if not isinstance(word, str):
            return f"column {place} of the row holds {word!r}, which is no text"
        if "\n" in word or "\r" in word:
            return f"column {place} of the row, `{word.splitlines()[0]}`, goes on behind a line break"
    line = ", ".join(words)
    if line.lstrip()[:1] in ("", "#", BOM):
        return f"the type of the row, `{words[0]}`, is one that Casbin passes over without a word"
    try:
        read = [piece.strip() for piece in split_line(line)]
    except Refusal:
        return ""
    # A row that is read as more or as fewer columns differs in the first of them that is cut or joined.
    for place, (word, piece) in enumerate(zip(words, read, strict=False)):
        if word != piece:
            return f"column {place} of the row, `{word}`, would be read as `{piece}`"
    return ""
