"""A diff on a terminal: people and names first, then what each rule changes."""

from collections.abc import Iterable, Sequence

from rich.console import Console

from rbac.cli.output import say
from rbac.diff import sentences, views
from rbac.diff.differences import Change, Diff
from rbac.diff.headline import headline
from rbac.diff.new_endpoints import NewEndpoint
from rbac.diff.overview import Overview

_MOST_ENDPOINTS = 12
_MOST_EXAMPLES = 3
_MOST_REASONS = 3
_MOST_ROWS = 20
_PLUS = ("+ ", "green")
_MINUS = ("- ", "red")


def show(console: Console, found: Diff, overview: Overview, opened: Sequence[NewEndpoint] = ()) -> None:
    """All of a diff, the headline first."""
    say(
        console,
        (headline(found, overview), "bold"),
        (f"  {found.old} -> {found.new}", "dim"),
    )
    _show_people(console, overview)
    _show_lines(console, "New names", [(one.name, sentences.name_sentence(one)) for one in overview.names])
    _show_lines(
        console,
        "Lines that change nothing",
        [("", sentences.idle_sentence(one)) for one in overview.idle or ()],
    )
    entries = views.entries(found.cells)
    _section(console, "Look at these first", [entry for entry in entries if entry.danger])
    _section(console, "Granted", [entry for entry in entries if entry.granted and not entry.danger])
    _section(console, "Revoked", [entry for entry in entries if not entry.granted])
    _show_lines(
        console, "Callers as nobody comes", [("", sentences.odd_sentence(one)) for one in overview.odd]
    )
    _show_opened(console, opened)
    links = views.role_links(found, overview)
    _show_lines(console, "Role links", [("", sentences.link_sentence(link)) for link in links])
    if found.unsent:
        number = len(found.unsent)
        first = found.unsent[0].endpoint.label
        say(
            console,
            ("note: ", "bold yellow"),
            f"not shown: {number} change{'' if number == 1 else 's'} to requests that nobody sends,"
            f" such as `{first}`",
        )
    for note in (*found.asides, *found.notes):
        say(console, ("note: ", "bold yellow"), note)


def _heading(console: Console, title: str) -> None:
    say(console, "")
    say(console, (title, "bold"))


def _show_lines(console: Console, title: str, lines: Sequence[tuple[str, str]]) -> None:
    if not lines:
        return
    _heading(console, title)
    for name, sentence in lines[:_MOST_ROWS]:
        named: list[str | tuple[str, str]] = [(name, "bold"), "  "] if name else []
        say(console, "  ", *named, sentence, hang=6)
    _show_rest(console, len(lines))


def _show_rest(console: Console, number: int) -> None:
    if number > _MOST_ROWS:
        say(console, f"  and {number - _MOST_ROWS} more; `--format json` has them all")


def _show_people(console: Console, overview: Overview) -> None:
    """One row a person: the roles they gain or lose, and what they can do then."""
    people = list(sentences.of_people(overview))
    if not people:
        return
    _heading(console, "People")
    for row, said, gains in people[:_MOST_ROWS]:
        say(console, "  ", _PLUS if gains else _MINUS, (row.person, "bold"), " ", said, hang=6)
        for changes in (row.gained, row.lost):
            _show_changes(console, changes, whole=row.nothing_left)
    _show_rest(console, len(people))


def _show_changes(console: Console, changes: Sequence[Change], *, whole: bool) -> None:
    """The endpoints of one person, and the rules that decide; a lock-out needs no list."""
    if not changes:
        return
    if not whole:
        _show_endpoints(console, changes)
        reasons = dict.fromkeys(map(sentences.reason, changes))
    else:
        denied = (
            f"denied by line {change.denied_by}: {change.new.rule.text}"
            for change in changes
            if change.new.rule
        )
        reasons = dict.fromkeys(denied)
    _show_reasons(console, tuple(reasons))


def _show_reasons(console: Console, reasons: Sequence[str]) -> None:
    for reason in reasons[:_MOST_REASONS]:
        say(console, "      ", (reason, "dim"))
    if len(reasons) > _MOST_REASONS:
        more = len(reasons) - _MOST_REASONS
        say(console, "      ", (f"and by {more} more line{'' if more == 1 else 's'}", "dim"))


def _show_endpoints(console: Console, changes: Sequence[Change]) -> None:
    known = [change for change in changes if not change.witness and change.literal is None]
    if known:
        names = [change.endpoint.label for change in known]
        shown = [f"{name}," for name in names[:_MOST_ENDPOINTS]]
        shown[-1] = shown[-1][:-1]
        more = len(names) - len(shown)
        for line in _packed([*shown, *([f"and {more} more"] if more > 0 else [])], console):
            say(console, f"      {line}")
    for examples, said in sentences.examples(changes):
        such = sentences.shortened(examples, _MOST_EXAMPLES)
        say(console, "      ", such, (f"  ({said})", "dim"), hang=6)


def _packed(pieces: Sequence[str], console: Console) -> list[str]:
    """The pieces on lines that a terminal has room for, none of them cut in two; on one line in a pipe."""
    room = console.width - 6 if console.is_terminal else sum(map(len, pieces)) + len(pieces)
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) > room:
            lines.append(piece)
        else:
            lines[-1] += f" {piece}"
    return lines


def _section(console: Console, title: str, entries: Iterable[views.ListedChange]) -> None:
    shown = list(entries)
    if not shown:
        return
    _heading(console, title)
    for entry in shown:
        danger = (f"  {entry.danger}", "bold red") if entry.danger else ""
        sign = _PLUS if entry.granted else _MINUS
        say(console, "  ", sign, (sentences.shortened(entry.callers), "bold"), danger, hang=6)
        _show_endpoints(console, entry.endpoints)
        _show_reasons(console, entry.why)


def _show_opened(console: Console, opened: Sequence[NewEndpoint]) -> None:
    if not opened:
        return
    _heading(console, "New endpoints")
    for one in opened:
        say(console, "  ", _PLUS, (one.endpoint.label, "bold"), hang=6)
        if not one.reached:
            say(console, "      nobody reaches it")
        for rule, callers in one.by_rule():
            names = [sentences.called(caller) for caller in callers]
            say(console, f"      {sentences.shortened(names)}")
            if rule is not None:
                say(console, "      ", (f"by line {rule.line}: {rule.text}", "dim"))
