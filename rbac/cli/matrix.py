"""``rbac matrix``: roles against endpoints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rbac.cli import options
from rbac.cli.output import emit_json, emit_text, mark, note_all, say, stdout
from rbac.cli.unknown import note_unknown_roles
from rbac.review import matrix_views
from rbac.review.matrix import Cell, Matrix
from rbac.review.matrix import matrix as review_matrix
from rbac.text.visible import visible

EXAMPLE = """Examples: on the terminal; as a page for the auditors; through a program with one scope.

    rbac matrix
    rbac matrix --format html > access.html
    rbac matrix --scope orders/read
"""

Format = Literal["text", "json", "csv", "markdown", "html", "svg"]
_WRITERS: Final[Mapping[str, Callable[[Matrix], str]]] = {
    "csv": matrix_views.to_csv,
    "markdown": matrix_views.to_markdown,
    "html": matrix_views.to_html,
    "svg": matrix_views.to_svg,
}
_YES: Final = ("✓", "+")
_INHERITED: Final = ("↳", ">")
_DENIED: Final = ("✕", "x")
_NO_RULE: Final = ("·", ".")
_NARROWEST_ENDPOINT: Final = 24


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("matrix", epilog=EXAMPLE)(matrix)


def matrix(  # noqa: PLR0913, PLR0917 - each is an option of the command
    model: options.ModelOption = options.MODEL,
    policy: options.PolicyOption = options.POLICY,
    routes: options.RoutesOption = None,
    subjects: options.SubjectsOption = None,
    functions: options.FunctionsOption = None,
    client: options.ThroughClientOption = None,
    scope: options.ScopesOption = None,
    words: options.WithOption = None,
    output: Annotated[Format, typer.Option("--format", help="How to show it.")] = "text",
) -> None:
    """Show what each role may do, endpoint by endpoint, and each person whom the policy names.

    The first columns are nobody, who has no token, and any valid token. With --client and its --scope: what they may do
    through this program, where both must be allowed, as a service decides with SCOPES=required.
    """
    loaded = options.policy_of(model, policy, functions, subjects)
    note_unknown_roles(loaded, options.scope_words(scope))
    through = options.program_of(client, scope)
    made = review_matrix(
        loaded, options.known_routes(routes, policy), through=through, given=options.words_besides(words)
    )
    if output == "json":
        emit_json(matrix_views.to_json(made))
    elif output == "text":
        _show(made)
    else:
        emit_text(_WRITERS[output](made))
    note_all(made.notes, stdout() if output == "text" else None)


def _show(made: Matrix) -> None:
    console = stdout()
    columns = [max(len(caller.label), 1) for caller in made.callers]
    endpoint = max((len(endpoint.label) for endpoint in made.endpoints), default=0)
    if max(endpoint, _NARROWEST_ENDPOINT) + sum(width + 2 for width in columns) <= console.width:
        _show_table(console, made)
    else:
        _show_list(console, made)
    yes, inherited, denied = (mark(console, *signs) for signs in (_YES, _INHERITED, _DENIED))
    legend = f"{yes} allowed, {inherited} allowed by another role's rule, {denied} denied by a rule"
    say(console, (legend, "dim"))


def _show_table(console: Console, made: Matrix) -> None:
    """One row an endpoint, one column a role."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("endpoint", no_wrap=True)
    for caller in made.callers:
        table.add_column(visible(caller.label), justify="center", no_wrap=True)
    for endpoint, cells in zip(made.endpoints, zip(*made.cells, strict=True), strict=True):
        marks = (_mark(console, cell) for cell in cells)
        table.add_row(Text(visible(endpoint.label)), *marks)
    console.print(table)


def _show_list(console: Console, made: Matrix) -> None:
    """Where the columns would not fit: under each endpoint the roles that reach it.

    People who reach nothing at all are named once, at the end.
    """
    out = [
        caller
        for caller, row in zip(made.callers, made.cells, strict=True)
        if caller.kind == "subject" and not any(cell.allowed for cell in row)
    ]
    for endpoint, cells in zip(made.endpoints, zip(*made.cells, strict=True), strict=True):
        say(console, (endpoint.label, "bold"))
        shown = [
            _mark(console, cell).append(f" {visible(caller.label)}")
            for caller, cell in zip(made.callers, cells, strict=True)
            if (cell.allowed or cell.rule) and caller not in out
        ]
        for line in _lines(shown or [Text("nobody", style="dim")], console.width):
            console.print(line, soft_wrap=True)
    if out and made.endpoints:
        say(console, ("People who reach nothing", "bold"))
        for caller in out:
            say(console, f"    {caller.label}")


def _lines(entries: Sequence[Text], width: int) -> Iterator[Text]:
    """The entries side by side, indented, on lines of at most this width; none is cut in two."""
    line = Text("   ")
    for entry in entries:
        if line.cell_len > 3 and line.cell_len + 2 + entry.cell_len > width:
            yield line
            line = Text("   ")
        line.append(" " if line.cell_len == 3 else "  ").append_text(entry)
    yield line


def _mark(console: Console, cell: Cell) -> Text:
    if cell.allowed:
        signs, style = (_INHERITED, "green") if cell.inherited else (_YES, "bold green")
    else:
        signs, style = (_DENIED, "red") if cell.rule else (_NO_RULE, "dim")
    return Text(mark(console, *signs), style=style)
