"""A diff as a comment for a pull request."""

from collections.abc import Iterable, Sequence

from rbac.diff import sentences, views
from rbac.diff.differences import Change, Diff
from rbac.diff.headline import headline
from rbac.diff.new_endpoints import NewEndpoint
from rbac.diff.overview import Overview
from rbac.space.callers import Caller
from rbac.text.markdown import code, plain, sentence, table

_MOST_ENDPOINTS = 12
_MOST_EXAMPLES = 3
_MOST_REASONS = 3
_MOST_ROWS = 50


def to_markdown(diff: Diff, overview: Overview, opened: Sequence[NewEndpoint] = ()) -> str:
    """The whole comment, the headline first; nothing in it calls anybody or links anywhere."""
    entries = views.entries(diff.cells)
    sections: list[tuple[str, list[str]]] = [
        ("People", _people(overview)),
        (
            "New names",
            [f"- {code(one.name)}: {sentence(sentences.name_sentence(one))}" for one in overview.names],
        ),
        (
            "Lines that change nothing",
            [
                f"- line {one.rule.line} of the {one.document}: {code(one.rule.text)}"
                for one in overview.idle or ()
            ],
        ),
        ("⚠️ Look at these first", _entries(entry for entry in entries if entry.danger)),
        ("Granted", _entries(entry for entry in entries if entry.granted and not entry.danger)),
        ("Revoked", _entries(entry for entry in entries if not entry.granted)),
        (
            "Callers as nobody comes",
            [f"- {plain(sentences.odd_sentence(one))}" for one in overview.odd[:_MOST_ROWS]],
        ),
        ("New endpoints", _opened(opened)),
        (
            "Role links",
            [f"- {sentence(sentences.link_sentence(link))}" for link in views.role_links(diff, overview)],
        ),
    ]
    lines = [
        f"### Access changes: {sentence(headline(diff, overview))}",
        "",
        f"`{diff.old}` → `{diff.new}`",
    ]
    for title, section in sections:
        if section:
            lines += ["", f"#### {title}", "", *section]
    if diff.unsent:
        lines += ["", f"> Not shown: {len(diff.unsent)} changes to requests that nobody sends, such as "]
        lines[-1] += code(diff.unsent[0].endpoint.label)
    notes = (*diff.asides, *diff.notes)
    lines += [f"\n> {sentence(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _people(overview: Overview) -> list[str]:
    people = list(sentences.of_people(overview))
    if not people:
        return []
    shown = []
    for row, said, gains in people[:_MOST_ROWS]:
        endpoints = "" if row.nothing_left else _endpoints((*row.gained, *row.lost))
        shown.append(["➕" if gains else "➖", code(row.person), sentence(said), endpoints])
    return [*table(["", "who", "what", "endpoints"], shown), *_rest(len(people))]


def _rest(number: int) -> list[str]:
    return ["", f"and {number - _MOST_ROWS} more"] if number > _MOST_ROWS else []


def _entries(entries: Iterable[views.ListedChange]) -> list[str]:
    rows = [
        [
            "➕" if entry.granted else "➖",
            _callers(
                (change.caller for change in entry.changes), max(change.also for change in entry.changes)
            ),
            _endpoints(entry.endpoints),
            f"{_why(entry.changes)}{f' **{plain(entry.danger)}**' if entry.danger else ''}",
        ]
        for entry in entries
    ]
    return table(["", "who", "endpoints", "why"], rows) if rows else []


def _callers(callers: Iterable[Caller], also: int = 0) -> str:
    names = dict.fromkeys(
        code(caller.label) if caller.kind in {"role", "subject"} else sentences.called(caller)
        for caller in callers
    )
    return sentences.shortened([*names, *([f"up to {also} callers more"] if also else [])])


def _endpoints(changes: Sequence[Change]) -> str:
    known = [
        code(change.endpoint.label) for change in changes if not change.witness and change.literal is None
    ]
    cells = [sentences.shortened(known, _MOST_ENDPOINTS)] if known else []
    for examples, said in sentences.examples(changes):
        names = sentences.shortened([code(name) for name in examples], _MOST_EXAMPLES)
        cells.append(f"{names} ({sentence(said)})")
    return "<br>".join(cells)


def _why(changes: Iterable[Change]) -> str:
    """The rules that decide, each as code behind its line."""
    found = dict.fromkeys(
        "; ".join(
            f"{plain(one.said)}: {code(one.text)}" if one.text else plain(one.said)
            for one in sentences.deciding(change)
        )
        for change in changes
    )
    shown = list(found)[:_MOST_REASONS]
    more = len(found) - len(shown)
    return "<br>".join([*shown, *([f"and by {more} more line{'' if more == 1 else 's'}"] if more else [])])


def _opened(opened: Sequence[NewEndpoint]) -> list[str]:
    rows = []
    for one in opened:
        shown = code(one.endpoint.label)
        for rule, callers in one.by_rule():
            by = f"line {rule.line}: {code(rule.text)}" if rule is not None else "no rule denies it"
            rows.append([shown, _callers(callers), by])
        if not one.reached:
            rows.append([shown, "nobody", "no rule allows it"])
    return table(["endpoint", "who", "by"], rows) if rows else []
