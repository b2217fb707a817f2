"""A matrix as JSON, CSV, Markdown, a web page and a picture."""

import csv
import io
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from rich.cells import cell_len

from rbac.review.matrix import Cell, Matrix
from rbac.space.callers import Caller, Endpoint
from rbac.text.markdown import code, plain, sentence, table
from rbac.text.visible import visible

ALLOWED: Final = "yes"
INHERITED: Final = "inherited"
DENIED: Final = ""


def word(cell: Cell) -> str:
    """The cell in one word: ``yes``, ``inherited`` (by another role's rule), or nothing."""
    if not cell.allowed:
        return DENIED
    return INHERITED if cell.inherited else ALLOWED


def to_json(matrix: Matrix) -> dict[str, Any]:
    """``{revision, roles, endpoints, cells}``; ``cells[i][j]`` is about role i and endpoint j.

    ``people`` are those of ``roles`` that are persons, by their ``sub``.
    """
    return {
        "revision": matrix.revision,
        "roles": [caller.label for caller in matrix.callers],
        "people": [caller.label for caller in matrix.callers if caller.kind == "subject"],
        "endpoints": [_endpoint(endpoint) for endpoint in matrix.endpoints],
        "cells": [
            [
                {
                    "allowed": cell.allowed,
                    "rule": cell.rule.line if cell.rule else None,
                    "inherited": cell.inherited,
                }
                for cell in row
            ]
            for row in matrix.cells
        ],
        "complete": not matrix.notes,
        "notes": list(matrix.notes),
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    shape: dict[str, Any] = {"act": endpoint.act, "obj": endpoint.obj}
    optional = {"with": dict(endpoint.besides), "examples": list(endpoint.examples)}
    return shape | {key: value for key, value in optional.items() if value} | endpoint.of_template


def to_csv(matrix: Matrix) -> str:
    """One line an endpoint, one column a role. What a spreadsheet would run as a formula gets a ``'`` in
    front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    besides = list(dict.fromkeys(one for endpoint in matrix.endpoints for one in endpoint.besides))
    divided = any(endpoint.template for endpoint in matrix.endpoints)
    of_template = ["template", "but not"] if divided else []
    writer.writerow(
        ["method", "path", *of_template, *besides, *(_harmless(caller.label) for caller in matrix.callers)]
    )
    for endpoint, cells in zip(matrix.endpoints, _columns(matrix), strict=True):
        of_template = [endpoint.template, " ".join(endpoint.but_not)] if divided else []
        words = (
            endpoint.act,
            endpoint.obj,
            *of_template,
            *(endpoint.besides.get(one, "") for one in besides),
        )
        writer.writerow([*map(_harmless, words), *map(word, cells)])
    for note in matrix.notes:
        writer.writerow(["note", _harmless(note)])
    return text.getvalue()


def to_markdown(matrix: Matrix) -> str:
    """A table for a wiki or a pull request: one row an endpoint, one column a role."""
    head = ["endpoint", *map(_heading, matrix.callers)]
    rows = (
        [code(endpoint.label), *map(_mark, cells)]
        for endpoint, cells in zip(matrix.endpoints, _columns(matrix), strict=True)
    )
    lines = [
        *table(head, rows, centred=True),
        "",
        f"✓ allowed, (✓) by another role's rule. Revision `{matrix.revision}`.",
    ]
    lines += [f"\n> {sentence(note)}" for note in matrix.notes]
    return "\n".join(lines) + "\n"


def _heading(caller: Caller) -> str:
    return code(caller.label) if caller.kind in {"role", "subject"} else plain(caller.label)


def to_html(matrix: Matrix) -> str:
    """One page with nothing to load: a table whose header and first column stay in sight."""
    head = "".join(f"<th scope='col'><span>{_escaped(caller.label)}</span></th>" for caller in matrix.callers)
    rows = "".join(
        f"<tr><th scope='row'><b>{_escaped(endpoint.act)}</b> {_escaped(_rest(endpoint))}</th>"
        f"{''.join(map(_html_cell, cells))}</tr>\n"
        for endpoint, cells in zip(matrix.endpoints, _columns(matrix), strict=True)
    )
    notes = "".join(f"<p class='note'>{_escaped(note)}</p>" for note in matrix.notes)
    return _PAGE.format(
        revision=_escaped(matrix.revision),
        summary=f"{len(matrix.callers)} callers, {len(matrix.endpoints)} endpoints",
        head=head,
        rows=rows,
        notes=notes,
    )


def to_svg(matrix: Matrix) -> str:
    """The matrix as a picture that scales: endpoints down, roles across."""
    side, left = 22, 40 + 7 * max((cell_len(visible(e.label)) for e in matrix.endpoints), default=0)
    top = 30 + 6 * max((cell_len(visible(caller.label)) for caller in matrix.callers), default=0)
    width, height = left + side * len(matrix.callers) + 90, top + side * len(matrix.endpoints) + 40
    parts = [
        f'<text x="{left + side * i + 15}" y="{top - 8}" transform="rotate(-50 {left + side * i + 15} {top - 8})">'
        f"{_escaped(caller.label)}</text>"
        for i, caller in enumerate(matrix.callers)
    ]
    for j, (endpoint, cells) in enumerate(zip(matrix.endpoints, _columns(matrix), strict=True)):
        y = top + side * j
        name = endpoint.label
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{_escaped(name)}</text>')
        for i, cell in enumerate(cells):
            title = f"{matrix.callers[i].label}: {name}: {_title(cell)}"
            parts.append(
                f'<rect class="{_kind(cell)}" x="{left + side * i}" y="{y}" width="20" height="20" rx="4">'
                f"<title>{_escaped(title)}</title></rect>"
            )
    parts += [
        f'<text class="note" x="10" y="{height + 16 * place}">{_escaped(f"note: {note}")}</text>'
        for place, note in enumerate(matrix.notes)
    ]
    caption = f"revision {matrix.revision}; filled: allowed, framed: by another role's rule"
    parts.append(f'<text class="dim" x="10" y="{height - 12}">{_escaped(caption)}</text>')
    return _PICTURE.format(width=width, height=height + 16 * len(matrix.notes), body="\n".join(parts))


def _columns(matrix: Matrix) -> Sequence[tuple[Cell, ...]]:
    """The cells of each endpoint, one for each role."""
    return list(zip(*matrix.cells, strict=True))


def _rest(endpoint: Endpoint) -> str:
    """The endpoint's label behind its action."""
    return endpoint.label.removeprefix(endpoint.act).lstrip(" ")


def _kind(cell: Cell) -> str:
    return word(cell) or ("deny" if cell.rule else "no")


def _mark(cell: Cell) -> str:
    return {ALLOWED: "✓", INHERITED: "(✓)"}.get(word(cell), "")


def _title(cell: Cell) -> str:
    verdict = "allowed" if cell.allowed else "denied"
    return f"{verdict} by line {cell.rule.line}: {cell.rule.text}" if cell.rule else f"{verdict}, no rule"


def _html_cell(cell: Cell) -> str:
    mark = {ALLOWED: "✓", INHERITED: "↳"}.get(word(cell), "✕" if cell.rule else "")
    label = _escaped(_title(cell))
    return f"<td class='{_kind(cell)}' title='{label}' aria-label='{label}'>{mark}</td>"


def _harmless(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else shown


def _escaped(text: str) -> str:
    """``text`` for a page or a picture, also between quotes."""
    return escape(visible(text), quote=True)


_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Access matrix {revision}</title>
<style>
:root {{ color-scheme: light dark; --fg: #1c2733; --bg: #fff; --line: #d8dee6; --yes: #1a7f4b; --deny: #b3261e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --fg: #e4e9ef; --bg: #14191f; --line: #323b46; --yes: #4cc38a; --deny: #ff8b80; }}
}}
body {{ font: 14px/1.4 system-ui, sans-serif; color: var(--fg); background: var(--bg); margin: 2rem; }}
h1 {{ font-size: 1.3rem; margin: 0; }}
p {{ color: color-mix(in srgb, var(--fg) 65%, transparent); margin: .3rem 0 1rem; }}
table {{ border-collapse: separate; border-spacing: 0; }}
thead th {{ position: sticky; top: 0; background: var(--bg); z-index: 2; vertical-align: bottom; padding: .4rem; }}
thead span {{ writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 600; white-space: nowrap; }}
tbody th {{ position: sticky; left: 0; background: var(--bg); text-align: left; font: 13px ui-monospace, monospace;
  padding: .25rem 1rem .25rem 0; white-space: nowrap; z-index: 1; }}
td, tbody th {{ border-top: 1px solid var(--line); }}
td {{ min-width: 2rem; text-align: center; }}
td.yes {{ background: color-mix(in srgb, var(--yes) 28%, var(--bg)); color: var(--yes); font-weight: 700; }}
td.inherited {{ background: color-mix(in srgb, var(--yes) 10%, var(--bg)); color: var(--yes); }}
td.deny {{ color: var(--deny); }}
tbody tr:hover > * {{ border-top-color: var(--fg); }}
</style>
</head>
<body>
<h1>Access matrix</h1>
<p>Revision {revision}. {summary}.
✓ allowed, ↳ allowed by another role's rule, ✕ denied by a rule, empty: no rule.</p>
{notes}
<table>
<thead><tr><th></th>{head}</tr></thead>
<tbody>
{rows}</tbody>
</table>
</body>
</html>
"""

_PICTURE: Final = """<svg xmlns="http://www.w3.org/2000/svg"
  viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>
text {{ font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1c2733; }}
.dim {{ fill: #67737f; }}
rect {{ stroke: #d8dee6; fill: #f4f6f8; }}
rect.yes {{ fill: #1a7f4b; stroke: #1a7f4b; }}
rect.inherited {{ fill: #dcf2e6; stroke: #1a7f4b; }}
rect.deny {{ fill: #fbe4e2; stroke: #b3261e; }}
</style>
<rect x="0" y="0" width="{width}" height="{height}" style="fill: #fff; stroke: none"/>
{body}
</svg>
"""
