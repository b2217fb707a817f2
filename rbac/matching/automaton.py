"""Casbin's patterns as regular languages: one nondeterministic automaton for many patterns at once.

Casbin's ``keyMatch2`` to ``keyMatch5`` rewrite a pattern into a Python regular expression and call
``re.match``, so what a pattern means is what Python's own parser makes of it. ``docs/space.md`` says why
that gives a complete space.
"""

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rbac.errors import RbacError
from rbac.matching import charset
from rbac.matching.charset import Charset
from rbac.model.functions import FUNCTIONS

# The parser that `re` itself uses: public as `sre_parse` up to Python 3.10, private since, and the one way
# to know what `re` will do with a pattern.
parser: Any = importlib.import_module("re._parser")

_LARGEST_REPEAT: Final = 200
_LETTERS: Final = {"CATEGORY_DIGIT": "d", "CATEGORY_SPACE": "s", "CATEGORY_WORD": "w"}


class NotRegularError(RbacError):
    """A pattern that is no regular language, or none that is understood: a back-reference, a look-around, a
    bad regex."""

    code: ClassVar[str] = "pattern_not_regular"


def expression_of(function: str, pattern: str) -> str:
    """The regular expression that Casbin's ``function`` (``keyMatch2`` to ``keyMatch5``, ``regexMatch``)
    tries at the start of the value. Raises NotRegularError for a ``keyMatch4`` pattern that repeats a
    name."""
    called = FUNCTIONS.get(function)
    if called is None or not called.has_expression:
        raise NotRegularError(f"`{function}` makes no regular expression of a pattern")
    expression = called.expression(pattern)
    # A group stands for each name; whoever brings more of them is refused over some value.
    if called.repeats_a_name(pattern) or (
        called.same_names and expression.count("(") > len(called.names(pattern))
    ):
        raise NotRegularError(f"`{pattern}` compares what its names stand for")
    return expression


# Of valid expressions, those of literals, sets of characters, groups, alternatives and repetitions without a number.
_REGULAR_AT_SIGHT: Final = re.compile(
    r"""(?:[\w/~%@=&;:,. <>"'!#`^$|)\u0080-\U0010ffff-]++
        | \\(?:[^\w]|[dDsSwW])
        | \[\^?+(?:[\w/~%@=&;:,.\ -]|\\(?:[^\w]|[dDsSwW]))++\]
        | \((?:\?:|(?!\?))
        | [*+?](?!\+))*+""",
    re.ASCII | re.VERBOSE,
)


# A run of an automaton: `state * 3 + mode`. FREE: nothing is demanded of what follows. ENDING: a `$` was passed, so at most
# one newline may follow. ENDED: nothing may follow.
FREE, ENDING, ENDED = range(3)


def regular_at_sight(expression: str) -> bool:
    """Whether an expression is certain to be a regular language if it compiles at all; most of a policy's are."""
    return _REGULAR_AT_SIGHT.fullmatch(expression) is not None


class Automaton:
    """States and edges of many patterns side by side.

    ``steps[q]`` are the edges over a set of characters, ``jumps[q]`` those over nothing, each with the
    assertion it needs: ``""``, ``"^"`` (at the start), ``"$"`` (at the end, or before a newline at the end)
    or ``"Z"`` (at the very end). A pattern accepts a value when, reading it, a run stands on ``finals``:
    what follows is then free, but for what a ``$`` or ``Z`` on the way demands.
    """

    def __init__(self) -> None:
        self.steps: list[list[tuple[Charset, int]]] = []
        self.jumps: list[list[tuple[str, int]]] = []
        self.starts: list[int] = []
        self.finals: dict[int, int] = {}
        self.queries: dict[int, int] = {}
        self.sets: set[Charset] = set()
        self._flags = re.NOFLAG

    def add(self, function: str, pattern: str) -> int:
        """Add one pattern and give its number. ``function`` is a Casbin function, or ``==`` for equality.

        Raises NotRegularError, and leaves the automaton as it was.
        """
        called = FUNCTIONS.get(function)
        literal = function == "==" or (called is not None and called.ends_at_star)
        parsed = Parsed(()) if literal else regular_expression(expression_of(function, pattern))
        self._flags = parsed.flags
        mark = len(self.steps)
        start = self._state()
        try:
            end = (
                self._literal(start, *((pattern, False) if called is None else called.start(pattern)))
                if literal
                else self._sequence(parsed.operations, start)
            )
        except NotRegularError:
            del self.steps[mark:], self.jumps[mark:]
            raise
        number = len(self.starts)
        self.starts.append(start)
        self.finals[end] = number
        if called is not None and called.cuts_query:
            # `?` and what follows is cut off before the match: see Automaton.queries in rbac.matching.value_classes.
            self.queries |= dict.fromkeys(range(mark, len(self.steps)), end)
            self.sets.add(charset.single(ord("?")))
        return number

    def closure(self, runs: Iterable[int], *, at_start: bool = False) -> set[int]:
        """The runs that stand where these do, without reading anything."""
        reached = set(runs)
        waiting = list(reached)
        while waiting:
            state, mode = divmod(waiting.pop(), 3)
            for assertion, target in self.jumps[state]:
                if assertion == "^" and not at_start:
                    continue
                demand = {"$": max(mode, ENDING), "Z": ENDED}.get(assertion, mode)
                run = target * 3 + demand
                if run not in reached:
                    reached.add(run)
                    waiting.append(run)
        return reached

    def _state(self) -> int:
        self.steps.append([])
        self.jumps.append([])
        return len(self.steps) - 1

    def _step(self, start: int, characters: Charset) -> int:
        end = self._state()
        self.sets.add(characters)
        self.steps[start].append((characters, end))
        return end

    def _jump(self, start: int, assertion: str = "") -> int:
        end = self._state()
        self.jumps[start].append((assertion, end))
        return end

    def _literal(self, start: int, text: str, goes_on: bool) -> int:
        for character in text:
            start = self._step(start, charset.single(ord(character)))
        return start if goes_on else self._jump(start, "Z")

    def _sequence(self, parsed: Iterable[tuple[Any, Any]], start: int) -> int:
        for operation, argument in parsed:
            start = self._operation(str(operation), argument, start)
        return start

    def _operation(self, operation: str, argument: Any, start: int) -> int:
        match operation:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._step(start, characters(operation, argument, self._flags))
            case "AT":
                return self._jump(start, _assertion(str(argument)))
            case "SUBPATTERN" if not argument[1] and not argument[2]:
                return self._sequence(argument[3], start)
            case "BRANCH":
                end = self._state()
                for branch in argument[1]:
                    self.jumps[self._sequence(branch, self._jump(start))].append(("", end))
                return end
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, body = argument
                return self._repeat(int(least), most, body, start)
        raise NotRegularError(f"{operation.lower()} is not a regular operation")

    def _repeat(self, least: int, most: Any, body: Any, start: int) -> int:
        """``body{least,most}``: the pattern's states are laid out as often as it may be repeated."""
        endless = most == parser.MAXREPEAT
        if least > _LARGEST_REPEAT or (not endless and most > _LARGEST_REPEAT):
            raise NotRegularError(f"a repetition of more than {_LARGEST_REPEAT}")
        for _ in range(least):
            start = self._sequence(body, start)
        if endless:
            loop = self._jump(start)
            self.jumps[self._sequence(body, loop)].append(("", loop))
            return self._jump(loop)
        end = self._state()
        for _ in range(int(most) - least):
            self.jumps[start].append(("", end))
            start = self._sequence(body, start)
        self.jumps[start].append(("", end))
        return end


@dataclass(frozen=True, slots=True)
class Parsed:
    """What Python's parser makes of an expression: its operations, and the flags it sets."""

    operations: Iterable[tuple[Any, Any]]
    flags: re.RegexFlag = re.NOFLAG

    @property
    def prefix(self) -> str:
        """The flags as an expression begins with them."""
        letters = {re.IGNORECASE: "i", re.DOTALL: "s"}
        found = "".join(letter for flag, letter in letters.items() if self.flags & flag)
        return f"(?{found})" if found else ""


def parse_expression(expression: str) -> Parsed:
    """Read an expression by Python's own parser. Raises NotRegularError for one that does not compile."""
    try:
        re.compile(expression)
        parsed: Any = parser.parse(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise NotRegularError(f"`{expression}` is no regular expression: {error}") from error
    return Parsed(parsed, re.RegexFlag(parsed.state.flags) & ~re.UNICODE)


def regular_expression(expression: str) -> Parsed:
    """The same for one whose flags say no more than which characters are alike; NotRegularError for another."""
    parsed = parse_expression(expression)
    if parsed.flags & ~(re.IGNORECASE | re.DOTALL | re.VERBOSE):
        raise NotRegularError(f"`{expression}` sets flags")
    return parsed


def _assertion(name: str) -> str:
    match name:
        case "AT_BEGINNING" | "AT_BEGINNING_STRING":
            return "^"
        case "AT_END":
            return "$"
        case "AT_END_STRING":
            return "Z"
    raise NotRegularError(f"{name.lower()} looks around")


def characters(operation: str, argument: Any, flags: re.RegexFlag = re.NOFLAG) -> Charset:
    """The characters that one operation of the parser takes: a ``LITERAL``, ``ANY``, ``IN`` and their like."""
    if operation == "ANY":
        return charset.EVERY if flags & re.DOTALL else charset.complement(charset.NEWLINE)
    if flags & re.IGNORECASE:
        return charset.taken_by(f"(?i:{written(operation, argument)})")
    return _members(operation, argument)


def _members(operation: str, argument: Any) -> Charset:
    match operation:
        case "LITERAL":
            return charset.single(argument)
        case "NOT_LITERAL":
            return charset.complement(charset.single(argument))
        case "RANGE":
            return (argument,)
        case "CATEGORY":
            return charset.taken_by(_member(operation, argument))
    items = [(str(kind), value) for kind, value in argument]
    members = charset.union(*(_members(*item) for item in items if item[0] != "NEGATE"))
    return charset.complement(members) if items[0][0] == "NEGATE" else members


def written(operation: str, argument: Any) -> str:
    """How the characters of one operation are written in an expression."""
    match operation:
        case "LITERAL":
            return re.escape(chr(argument))
        case "NOT_LITERAL":
            return f"[^{re.escape(chr(argument))}]"
        case "ANY":
            return "."
    return f"[{''.join(_member(str(kind), value) for kind, value in argument)}]"


def _member(kind: str, value: Any) -> str:
    match kind:
        case "NEGATE":
            return "^"
        case "LITERAL":
            return re.escape(chr(value))
        case "RANGE":
            return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    name = str(value)
    letter = _LETTERS[name.replace("_NOT_", "_")]
    return "\\" + (letter.upper() if "_NOT_" in name else letter)
